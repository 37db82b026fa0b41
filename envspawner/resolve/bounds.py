"""Caps and floors: which of them hold for a person, and what they do to what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..policy.problems import Place
from ..policy.rules import Rule
from .amounts import resource_number
from .match import GROUPS, Applied


@dataclass(frozen=True, slots=True)
class Bound:
    """An amount, or None for "no bound", and the rule that says so."""

    amount: Any
    source: str
    place: Place


Bounds = Mapping[str, Bound]
LIMITS: Final = {"memory": "memory.limit", "cpu": "cpu.limit", "storage": "storage.capacity"}


def bounds_for(applied: Iterable[Applied]) -> tuple[Bounds, Bounds]:
    """(atLeast, atMost) by resource: the most specific rule that names it; among groups the largest."""
    least: dict[str, Bound] = {}
    most: dict[str, Bound] = {}
    from_groups: dict[str, set[str]] = {"atLeast": set(), "atMost": set()}
    for one in applied:
        for word, found, amounts in (
            ("atLeast", least, one.rule.at_least),
            ("atMost", most, one.rule.at_most),
        ):
            for name, amount in amounts.items():
                if one.layer == GROUPS and name in from_groups[word]:
                    if not _larger(word, name, amount, found[name].amount):
                        continue
                elif one.layer == GROUPS:
                    from_groups[word].add(name)
                place = one.rule.bound_places.get(f"{word}.{name}", one.rule.place)
                found[name] = Bound(amount, f"{one.rule.source}.{word}", place)
    return least, most


def _larger(word: str, name: str, new: Any, old: Any) -> bool:
    """Whether another group's bound is more generous; no atMost is the most, no atLeast the least generous."""
    if new is None or old is None:
        return (new is None) == (word == "atMost") and new is not old
    return resource_number(name, new) > resource_number(name, old)


def resource_of(path: str, key: str | None) -> str | None:
    """The resource that a field asks for, if any."""
    for word in ("memory", "cpu"):
        if path in (f"{word}.limit", f"{word}.guarantee"):
            return word
    if path == "storage.capacity":
        return "storage"
    return key if path in ("extraResource.limits", "extraResource.guarantees") else None


def over_bound(rule: Rule, most: Bounds) -> str | None:
    """The resource of which a profile or choice asks for more than a person may have, or None."""
    if not most:
        return None
    for setting in rule.settings:
        name = resource_of(setting.field.path, setting.key if isinstance(setting.key, str) else None)
        bound = most.get(name) if name else None
        if name is None or bound is None or bound.amount is None:
            continue
        if not isinstance(setting.value, int | float | str):
            continue  # a share of the limit, or nothing: lowered with the limit
        if resource_number(name, setting.value) > resource_number(name, bound.amount):
            return name
    return None
