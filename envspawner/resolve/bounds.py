"""Caps and floors: which of them hold for a person, and which amounts they speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from ..policy.problems import Place
from ..policy.quantities import format_cpu, format_memory
from ..policy.rules import Rule
from .amounts import number
from .match import BOUNDS, GROUPS, Applied

LIMITS: Final = {"memory": "memory.limit", "cpu": "cpu.limit", "storage": "storage.capacity"}
"""The field that a bound on a resource holds; an extended resource has an entry of `extraResource.limits`."""
_RESOURCES: Final = {
    "memory.guarantee": "memory",
    "memory.limit": "memory",
    "cpu.guarantee": "cpu",
    "cpu.limit": "cpu",
    "storage.capacity": "storage",
}
_EXTENDED: Final = ("extraResource.guarantees", "extraResource.limits")
_WRITTEN: Final[Mapping[str, Callable[[Any], str]]] = {"memory": format_memory, "cpu": format_cpu}

Word = Literal["atLeast", "atMost"]


class Bound(NamedTuple):
    """An amount, or None for "no bound", and the rule that says so."""

    word: Word
    resource: str
    amount: Any
    by: Applied

    @property
    def layer(self) -> int:
        """The layer of what this bound makes of a value."""
        return BOUNDS

    @property
    def source(self) -> str:
        return f"{self.by.source}.{self.word}"

    @property
    def place(self) -> Place:
        return self.by.rule.bound_places.get(f"{self.word}.{self.resource}", self.by.rule.place)

    def __str__(self) -> str:
        write = _WRITTEN.get(self.resource, str)
        return f"the {write(self.amount)} of {self.source} ({self.place})"


Bounds = Mapping[str, Bound]


def bounds_for(applied: Iterable[Applied]) -> tuple[Bounds, Bounds]:
    """(atLeast, atMost) by resource: the most specific rule that names it; among groups the largest."""
    applied = list(applied)
    least: dict[str, Bound] = {}
    for one in applied:
        if one.rule.at_least:
            _hold(least, "atLeast", one.rule.at_least, one)
    return least, most_for(applied)


def most_for(applied: Iterable[Applied]) -> Bounds:
    """The second of these alone, which is asked for whenever something is picked."""
    most: dict[str, Bound] = {}
    for one in applied:
        if one.rule.at_most:
            _hold(most, "atMost", one.rule.at_most, one)
    return most


def _hold(found: dict[str, Bound], word: Word, amounts: Mapping[str, Any], one: Applied) -> None:
    for name, amount in amounts.items():
        old = found.get(name)
        among_groups = old is not None and one.layer == GROUPS == old.by.layer
        if old is None or not among_groups or _is_larger(word, amount, old.amount):
            found[name] = Bound(word, name, amount, one)


def _is_larger(word: Word, new: Any, old: Any) -> bool:
    """Whether another group's bound is larger; no atMost is the largest of all, no atLeast the smallest."""
    if new is None or old is None:
        return new is not old and (new if word == "atMost" else old) is None
    return number(new) > number(old)


def asks(rule: Rule) -> tuple[tuple[str, float], ...]:
    """(resource, number) of every amount in a rule; shares and nulls are lowered with the limit."""
    found: list[tuple[str, float]] = []
    for setting in rule.settings:
        path, key = setting.field.path, setting.key
        resource = key if path in _EXTENDED else _RESOURCES.get(path)
        if isinstance(resource, str) and isinstance(setting.value, int | float | str):
            found.append((resource, number(setting.value)))
    return tuple(found)


def over_bound(asked: Iterable[tuple[str, float]], most: Bounds) -> Bound | None:
    """The bound that does not allow what is asked for, or None."""
    for resource, amount in asked:
        bound = most.get(resource)
        if bound is not None and bound.amount is not None and amount > number(bound.amount):
            return bound
    return None
