"""`envspawner check`: every problem of a policy at once, each with its place and what to do."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from typing import Any

from ..policy.known import unknown_names
from ..policy.lint import ended
from ..policy.problems import PolicyError, Problem
from ..resolve.reachable import unpinned
from .errors import CannotRun
from .hub_db import Known, read_database
from .images import images_of
from .selectors import POLICY_HELP
from .sources import Subject, read


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="every problem of a policy at once",
        description="Prints FILE:LINE:COLUMN: PATH: what is wrong (what to do). Warnings do not fail.",
    )
    parser.add_argument("policy", nargs="+", metavar="POLICY", help=POLICY_HELP)
    parser.add_argument(
        "--pinned", action="store_true", help="refuse images without a tag or digest, and the tag latest"
    )
    parser.add_argument(
        "--hub-db", metavar="URL", help="warn of users and groups that are not in this JupyterHub database"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    known = None if arguments.hub_db is None else read_database(arguments.hub_db)
    code = 0
    for name in arguments.policy:
        code = max(code, _check(name, arguments.pinned, known))
    return code


def _check(name: str, pinned: bool, known: Known | None) -> int:
    try:
        subject = read(name)
    except PolicyError as error:
        _print(list(error.problems))
        return _fails(name, sum(not problem.warning for problem in error.problems))
    except CannotRun as error:
        print(f"envspawner check: {error}", file=sys.stderr)
        return 2
    found = list(unpinned(images_of(subject)[0])) if pinned else []
    places = {problem.place for problem in found}
    warnings = [one for one in subject.warnings if not (one.path.endswith(".image") and one.place in places)]
    if subject.policy is not None:
        warnings += ended(subject.policy, datetime.now(timezone.utc))
        if known is not None:
            names = (person.name for person in known.people)
            warnings += unknown_names(subject.policy, names, known.groups)
    _print([*found, *warnings])
    if found:
        return _fails(name, len(found))
    print(f"{name}: fine ({_words(subject)})", file=sys.stderr)
    return 0


def _fails(name: str, count: int) -> int:
    print(f"{name}: {count} problem{'s' if count > 1 else ''}", file=sys.stderr)
    return 1


def _words(subject: Subject) -> str:
    beneath = f"; beneath: {subject.beneath}" if subject.beneath else ""
    policy = subject.policy
    if policy is None:
        return f"no policy{beneath}"
    counts = ((policy.groups, "group"), (policy.users, "user"), (policy.profiles, "profile"))
    words = ", ".join(f"{len(what)} {word}{'' if len(what) == 1 else 's'}" for what, word in counts)
    return f"{words}; policy {policy.digest}{beneath}"


def _print(problems: list[Problem]) -> None:
    for problem in sorted(problems, key=lambda one: one.order):
        print(problem)
