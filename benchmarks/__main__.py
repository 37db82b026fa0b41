"""`python -m benchmarks`: progress on stderr, a table (or `--json`) on stdout."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Iterator

from .construction import construction
from .copying import copying
from .differences import differences
from .forms import forms
from .measure import Row
from .reload import reload
from .report import as_json, as_table
from .resolution import resolution
from .spawns import spawns, spawns_are_equal


def main() -> None:
    """Measures everything and prints it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: does it run at all?")
    parser.add_argument("--rounds", type=int, help="how often it is each one's turn (default: 20)")
    asked = parser.parse_args()
    # What is logged costs the same for both and depends on where it goes.
    logging.disable(logging.INFO)
    rows = list(_measure(asked.quick, asked.rounds or (1 if asked.quick else 20)))
    print(as_json(rows) if asked.json else as_table(rows))


def _measure(quick: bool, rounds: int) -> Iterator[Row]:
    sizes = [0, 10] if quick else [0, 10, 100, 1000]
    users, groups, profiles = (100, 50, 10) if quick else (100_000, 10_000, 1_000)
    asyncio.run(spawns_are_equal(10, "ordinary"))
    asyncio.run(spawns_are_equal(0, "chart"))
    yield from spawns(sizes, rounds, _say)
    yield from construction(sizes, users, rounds, _say)
    yield from forms(sizes, rounds, _say)
    yield from asyncio.run(resolution(users, groups, profiles, rounds, _say))
    yield from asyncio.run(reload([64] if quick else [1024, 10240], min(rounds, 3), _say))
    yield from differences(*((50, 3, 10) if quick else (10_000, 20, 100)), min(rounds, 3), _say)
    yield from copying(200 if quick else 20_000, rounds, _say)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
