"""For whom a command asks: a user, their groups, a server, a choice, a moment."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone

from ..policy.problems import Fault
from ..policy.values import moment
from ..resolve.request import Person, Start
from .errors import CannotRun

POLICY_HELP = "a YAML policy, a chart's config.yaml, or a jupyterhub_config.py"


def add_selectors(parser: argparse.ArgumentParser, *, need_user: bool = True) -> None:
    """Adds the selectors to a command."""
    parser.add_argument("--user", required=need_user, metavar="NAME", help="the owner of the server")
    parser.add_argument(
        "--group", action="append", default=[], metavar="G", help="a group of theirs (repeatable)"
    )
    parser.add_argument("--admin", action="store_true", help="they are a hub admin")
    parser.add_argument(
        "--server", default="", metavar="NAME", help="a named server (default: the unnamed one)"
    )
    parser.add_argument("--profile", metavar="SLUG", help="the profile they pick (default: their default)")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        type=_pair,
        metavar="KEY=VALUE",
        help="a choice within the profile (repeatable)",
    )
    parser.add_argument(
        "--at", type=moment_given, metavar="DATETIME", help="when (default: now); UTC unless it says so"
    )


def selectors(arguments: argparse.Namespace) -> Start:
    """What the command line selects."""
    options = dict(arguments.option)
    for text in (arguments.user, arguments.server, *arguments.group, *options, *options.values()):
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise CannotRun(f"{text!r} is not UTF-8")
    if arguments.profile is not None:
        options["profile"] = arguments.profile
    at = arguments.at or datetime.now(timezone.utc)
    person = Person(arguments.user, frozenset(arguments.group), arguments.admin)
    return Start(person, arguments.server, options, at, getattr(arguments, "namespace", "default"))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def moment_given(text: str) -> datetime:
    try:
        return moment(text)
    except Fault as fault:
        raise argparse.ArgumentTypeError(f"{fault.message} ({fault.hint})") from None
