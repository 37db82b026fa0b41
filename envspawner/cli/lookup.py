"""Finds what somebody gets by its path: a value that `explain` shows, a part of one, or all of a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..policy.fields import FIELDS, Combine
from ..resolve.result import ResolvedEnvironment
from .explain import as_json


class Found(NamedTuple):
    """A value (None: nothing there), and the rule and place that say so ("" where none does)."""

    value: Any
    origin: str = ""


class Answer:
    """What one person gets, by path."""

    def __init__(self, environment: ResolvedEnvironment) -> None:
        facts = as_json(environment)
        self._values = {
            one["path"]: Found(one["value"], f"{one['source']} {one['location']}") for one in facts["values"]
        }
        parts = (self._values.get(f"image.{part}", Found(None)) for part in ("name", "tag", "digest"))
        origins = dict.fromkeys(part.origin for part in parts if part.value is not None)
        self._values["image"] = Found(environment.image(), ", ".join(origins))
        self._values["profile"] = Found(facts["profile"])
        for group in ("home", "options"):
            self._values |= {f"{group}.{key}": Found(value) for key, value in facts[group].items()}

    def find(self, path: str) -> Found:
        """The value at a path, such as `memory.limit`, `extraEnv` or `extraTolerations[0].key`."""
        if path in self._values:
            return self._values[path]
        field = FIELDS.get(path)
        if field is not None and field.combine is not Combine.REPLACE:
            return Found(self._all(path, field.combine))
        above = max((known for known in self._values if _rest(known, path)), key=len, default="")
        found = self._values.get(above, Found(None))
        return Found(_part(found.value, path[len(above) :]), found.origin)

    def _all(self, path: str, combine: Combine) -> Any:
        """All values of a field of several; None where there is none."""
        start = f"{path}[" if combine is Combine.APPEND else f"{path}."
        values = {
            known.removeprefix(start): found.value
            for known, found in self._values.items()
            if known.startswith(start) and found.value is not None
        }
        return (list(values.values()) if combine is Combine.APPEND else values) or None


def _rest(above: str, path: str) -> str:
    """What of a path lies below another, "" for nothing."""
    rest = path[len(above) :]
    return rest if path.startswith(above) and rest[:1] in (".", "[") else ""


def _part(value: Any, rest: str) -> Any:
    """The part of plain data that `.key[0].other.key` leads to; keys may have dots. None where there is none."""
    if not rest:
        return value
    if isinstance(value, list):
        steps: Mapping[str, Any] = {f"[{index}]": item for index, item in enumerate(value)}
    elif isinstance(value, Mapping):
        steps = {f".{key}": item for key, item in value.items()}
    else:
        return None
    for step in sorted(steps, key=len, reverse=True):
        if rest == step or _rest(step, rest):
            return _part(steps[step], rest[len(step) :])
    return None
