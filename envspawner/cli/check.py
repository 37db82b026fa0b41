"""`envspawner check`: every problem of a policy at once, each with its place and what to do."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from typing import Any

from ..policy.lint import ended
from ..policy.problems import PolicyError, Problem
from .errors import CannotRun
from .sources import read_policy


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="every problem of a policy at once",
        description="Prints FILE:LINE:COLUMN: PATH: what is wrong (what to do). Warnings do not fail.",
    )
    parser.add_argument("policy", nargs="+", metavar="POLICY", help="a YAML policy")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    code = 0
    for name in arguments.policy:
        code = max(code, _check(name))
    return code


def _check(name: str) -> int:
    try:
        policy, warnings = read_policy(name)
    except PolicyError as error:
        _print(list(error.problems))
        count = sum(not problem.warning for problem in error.problems)
        print(f"{name}: {count} problem{'s' if count > 1 else ''}", file=sys.stderr)
        return 1
    except CannotRun as error:
        print(f"envspawner check: {error}", file=sys.stderr)
        return 2
    warnings += ended(policy, datetime.now(timezone.utc))
    _print(warnings)
    words = f"{len(policy.groups)} groups, {len(policy.users)} users, {len(policy.profiles)} profiles"
    print(f"{name}: fine ({words}; policy {policy.digest})", file=sys.stderr)
    return 0


def _print(problems: list[Problem]) -> None:
    for problem in sorted(problems, key=lambda one: one.order):
        print(problem)
