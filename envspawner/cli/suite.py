"""`envspawner test`: cases of who gets what, so that a change of the policy cannot undo what was meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from typing import Any

from ..policy.problems import Place, PolicyError
from ..resolve.access import Refusal
from ..resolve.home import Unusable
from .cases import Case, read_suite
from .errors import CannotRun
from .expectations import words
from .lookup import Answer
from .sources import Subject, read


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "test",
        help="policy cases: what somebody must get, or be refused",
        description="Prints a line for each value that is not what a case expects; a suite without cases fails.",
    )
    parser.add_argument(
        "suite", nargs="+", metavar="SUITE", help="a YAML file with a policy's path and cases"
    )
    parser.add_argument(
        "--run", dest="only", type=_pattern, metavar="REGEX", help="only cases in whose name this is found"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    return max(_test(name, arguments.only) for name in arguments.suite)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None


def _test(name: str, only: re.Pattern[str] | None) -> int:
    try:
        suite = read_suite(name)
        cases = [case for case in suite.cases if only is None or only.search(case.name)]
        subject = read(suite.policy)
    except PolicyError as error:
        for problem in error.problems:
            print(problem)
        print(f"{name}: not run", file=sys.stderr)
        return 1
    except (CannotRun, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None)
        print(
            f"envspawner test: {name}: {reason}" if reason else f"envspawner test: {error}", file=sys.stderr
        )
        return 2
    failed = 0
    for case in cases:
        lines = list(failures(subject, case))
        failed += bool(lines)
        for line in lines:
            print(line)
    if not cases:
        print(f"{name}: no case has a name like that")
    plural = "" if len(cases) == 1 else "s"
    print(f"{name}: {len(cases)} case{plural}, {failed} failed", file=sys.stderr)
    return 1 if failed or not cases else 0


def failures(subject: Subject, case: Case) -> Iterator[str]:
    """A line for everything that is not as expected: `FILE:LINE: CASE: PATH: got A, want B (set by RULE)`."""
    try:
        environment = subject.explain(case.start)
        got = ""
    except Refusal as refusal:
        got = str(refusal)
    except Unusable as error:
        got = f"policy-unusable: {error}"
    if case.refused is not None:
        if got.partition(":")[0] != case.refused:
            yield _line(case.place, case, "refused", got or "a server", case.refused)
    elif got:
        yield _line(case.place, case, "refused", got, "a server")
    else:
        answer = Answer(environment)
        for one in case.expected:
            found = answer.find(one.path)
            if not one.fits(found.value):
                yield _line(one.place, case, one.path, _words(found.value), one.wanted, found.origin)


def _line(place: Place, case: Case, path: str, got: str, wanted: str, origin: str = "") -> str:
    origin = f" (set by {origin})" if origin else ""
    return f"{place}: {words(case.name)}: {path}: got {got}, want {wanted}{origin}"


def _words(value: Any) -> str:
    return "nothing" if value is None else words(value)
