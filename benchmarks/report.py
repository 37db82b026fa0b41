"""The figures as a table or as JSON."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from .measure import Row

_PACKAGES = ("envspawner", "jupyterhub", "jupyterhub-kubespawner", "traitlets")
_HEADINGS = ("what", "size", "unit", "KubeSpawner", "EnvSpawner", "ratio", "goal")


def about() -> dict[str, str]:
    """What was measured."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def as_json(rows: Iterable[Row]) -> str:
    """One object: `about` and `rows`."""
    found: dict[str, Any] = {"about": about(), "rows": [asdict(row) for row in rows]}
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_table(rows: Iterable[Row]) -> str:
    """A table in Markdown. Ratios are medians over pairs measured one right after the other."""
    lines = [_HEADINGS, tuple("-" * len(heading) for heading in _HEADINGS), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    packages = ", ".join(f"{name} {number}" for name, number in about().items())
    return "\n".join([packages, "", *text])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else _number(row.ratio)
    goal = "" if row.goal is None else f"≤ {_number(row.goal)}"
    host = "" if row.kubespawner is None else _number(row.kubespawner)
    return row.name, row.size, row.unit, host, _number(row.envspawner), ratio, goal


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
