"""For whom a command asks: a user, their groups, a server, a choice, a moment."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime, timezone

from ..policy.problems import Fault
from ..policy.values import moment
from ..resolve.request import OwnLayer, Person, SpawnRequest
from ..resolve.slugs import user_names

POLICY_HELP = "a YAML policy, a chart's config.yaml, or a jupyterhub_config.py"


@dataclass(frozen=True)
class Selectors:
    """One user, one server, one choice, one moment."""

    person: Person
    server: str
    options: dict[str, str]
    at: datetime
    namespace: str = "default"

    def request(self) -> SpawnRequest:
        """The request that a hub with KubeSpawner's default templates would make."""
        names = user_names(self.person.name, self.server, "safe")
        words = names | {
            "userid": "1",
            "hubnamespace": "user" if self.namespace == "default" else self.namespace,
            "namespace": self.namespace,
            "pod_name": f"jupyter-{names['user_server']}",
        }
        own = OwnLayer(claim=f"claim-{names['user_server']}")
        return SpawnRequest(self.person, self.at, words, own)


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """Adds the selectors to a command."""
    parser.add_argument("--user", required=True, metavar="NAME", help="the owner of the server")
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
        "--at", type=_moment, metavar="DATETIME", help="when (default: now); UTC unless it says so"
    )


def selectors(arguments: argparse.Namespace) -> Selectors:
    """What the command line selects."""
    options = dict(arguments.option)
    if arguments.profile is not None:
        options["profile"] = arguments.profile
    at = arguments.at or datetime.now(timezone.utc)
    person = Person(arguments.user, frozenset(arguments.group), arguments.admin)
    return Selectors(person, arguments.server, options, at, getattr(arguments, "namespace", "default"))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except Fault as fault:
        raise argparse.ArgumentTypeError(f"{fault.message} ({fault.hint})") from None
