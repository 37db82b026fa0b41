"""The figures can be made at any time: one command, complete output; how large they are is not tested here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measure import Once, compare

ROOT = Path(__file__).parent.parent


def figures(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--quick", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)


def test_json_holds_every_figure_beside_kubespawners() -> None:
    ran = figures("--json")
    found = json.loads(ran.stdout)
    assert set(found["about"]) == {
        "python",
        "envspawner",
        "jupyterhub",
        "jupyterhub-kubespawner",
        "traitlets",
    }
    rows: list[dict[str, Any]] = found["rows"]
    for row in rows:
        assert set(row) == {"name", "size", "unit", "kubespawner", "envspawner", "ratio", "goal"}
        assert row["envspawner"] > 0
        assert (row["kubespawner"] is None) == (row["ratio"] is None)
    made = {(row["name"], row["size"], row["unit"]) for row in rows if row["ratio"] is not None}
    start = "load_user_options + pod + claim"
    assert made == {
        *((start, size, "µs") for size in ("0 profiles", "10 profiles", "0 profiles, 9 variables, 2 labels")),
        (start, "0 profiles, Zero to JupyterHub", "µs"),
        *(("form of the spawn page", size, "µs") for size in ("0 profiles", "10 profiles")),
        *(
            (name, size, unit)
            for name, unit in (("construction", "µs"), ("memory per spawner", "KiB"))
            for size in ("0 profiles", "10 profiles", "100 user rules")
        ),
        *(
            (f"starter files, {what}, refresh {refresh}", "200 files, cp -R", "µs")
            for what, refresh in (
                ("first copy", "never"),
                ("first copy", "unmodified"),
                ("nothing new", "new-files"),
                ("nothing new", "unmodified"),
            )
        ),
    }
    assert [row["name"] for row in rows if row["ratio"] is None] == [
        "form of the spawn page, alone",
        "compilation of the policy",
        "resolution, few rules match",
        "resolution, user with a rule",
        "resolution, 20 groups",
        "resolution, user with a rule, 20 groups",
        "reload, longest block",
        "reload, until in force",
        "diff",
        "diff, profile_list",
    ]
    assert "a start with 10 profiles" in ran.stderr


def test_the_table_has_a_line_for_each_figure() -> None:
    lines = figures().stdout.splitlines()
    assert lines[0].startswith("python ")
    assert lines[2].split("|")[1].strip() == "what"
    assert len(lines) == 4 + 26


@contextmanager
def takes(microseconds: float) -> Iterator[Once]:
    async def once() -> float:
        if microseconds < 0:
            raise ValueError("this cannot be done")
        return microseconds

    yield once


FAILS = """
from functools import partial
from benchmarks.measure import compare
from tests.test_benchmarks import takes

compare("one", "", "µs", (partial(takes, {}), partial(takes, {})), 2, 1.0)
"""


@pytest.mark.parametrize("pair", [(1.0, -1.0), (-1.0, 1.0)])
def test_what_fails_in_a_comparison_ends_it(pair: tuple[float, float]) -> None:
    command = [sys.executable, "-c", FAILS.format(*pair)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert "ValueError: this cannot be done" in ran.stderr


def test_a_comparison_is_told_as_a_ratio() -> None:
    row = compare("one", "", "µs", (partial(takes, 4.0), partial(takes, 1.0)), 2, 1.0)
    assert (row.kubespawner, row.envspawner, row.ratio) == (4.0, 1.0, 0.25)
