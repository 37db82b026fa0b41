"""`envspawner check`: every problem of a policy at once, each with its place and what to do."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from typing import Any

from ..policy.lint import ended
from ..policy.problems import PolicyError, Problem
from .errors import CannotRun
from .selectors import POLICY_HELP
from .sources import Subject, read


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="every problem of a policy at once",
        description="Prints FILE:LINE:COLUMN: PATH: what is wrong (what to do). Warnings do not fail.",
    )
    parser.add_argument("policy", nargs="+", metavar="POLICY", help=POLICY_HELP)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    code = 0
    for name in arguments.policy:
        code = max(code, _check(name))
    return code


def _check(name: str) -> int:
    try:
        subject = read(name)
    except PolicyError as error:
        _print(list(error.problems))
        count = sum(not problem.warning for problem in error.problems)
        print(f"{name}: {count} problem{'s' if count > 1 else ''}", file=sys.stderr)
        return 1
    except CannotRun as error:
        print(f"envspawner check: {error}", file=sys.stderr)
        return 2
    warnings = list(subject.warnings)
    if subject.policy is not None:
        warnings += ended(subject.policy, datetime.now(timezone.utc))
    _print(warnings)
    print(f"{name}: fine ({_words(subject)})", file=sys.stderr)
    return 0


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
