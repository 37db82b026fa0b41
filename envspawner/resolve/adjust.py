"""Makes amounts fit together: guarantees below limits, floors and caps, shares of limits."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

from ..policy.fields import FIELDS
from .amounts import resource_number
from .bounds import LIMITS, Bound, Bounds
from .match import BOUNDS
from .merge import Entries, Entry, push

_EXTENDED: Final = "extraResource.limits"
_EXTENDED_GUARANTEES: Final = "extraResource.guarantees"


def adjust(entries: Entries, least: Bounds, most: Bounds) -> None:
    """Applies bounds and the rule that a guarantee never exceeds its limit; changes `entries`."""
    for word in ("memory", "cpu"):
        _weaker_yields(entries, f"{word}.guarantee", f"{word}.limit")
    guarantees = [e.key for e in entries.values() if e.field.path == _EXTENDED_GUARANTEES]
    for name in guarantees:
        _weaker_yields(entries, f"{_EXTENDED_GUARANTEES}.{name}", f"{_EXTENDED}.{name}")
    for name, bound in least.items():
        _raise(entries, name, bound, most.get(name))
    for name, bound in most.items():
        _lower(entries, name, bound)
    for word in ("memory", "cpu"):
        _share(entries, word)
        _below_limit(entries, f"{word}.guarantee", f"{word}.limit")
    for name in guarantees:
        _below_limit(entries, f"{_EXTENDED_GUARANTEES}.{name}", f"{_EXTENDED}.{name}")


def _slot(name: str) -> str:
    return LIMITS.get(name, f"{_EXTENDED}.{name}")


def _is_amount(entry: Entry | None) -> bool:
    return entry is not None and entry.value is not None and not isinstance(entry.value, Fraction)


def _weaker_yields(entries: Entries, guarantee_slot: str, limit_slot: str) -> None:
    """Of a guarantee above a limit, the one from the weaker layer becomes the other."""
    guarantee, limit = entries.get(guarantee_slot), entries.get(limit_slot)
    if guarantee is None or limit is None or not _is_amount(guarantee) or not _is_amount(limit):
        return
    if resource_number("", guarantee.value) <= resource_number("", limit.value):
        return
    if guarantee.layer > limit.layer:
        push(entries, limit_slot, guarantee.value, guarantee.layer, guarantee.source, guarantee.place)
    else:
        push(entries, guarantee_slot, limit.value, limit.layer, limit.source, limit.place)


def _below_limit(entries: Entries, guarantee_slot: str, limit_slot: str) -> None:
    guarantee, limit = entries.get(guarantee_slot), entries.get(limit_slot)
    if guarantee is None or limit is None or not _is_amount(guarantee) or not _is_amount(limit):
        return
    larger = resource_number("", guarantee.value) > resource_number("", limit.value)
    extended = guarantee.field.path == _EXTENDED_GUARANTEES and "/" in str(guarantee.key)
    if larger or (extended and guarantee.value != limit.value):
        push(entries, guarantee_slot, limit.value, limit.layer, limit.source, limit.place)


def _share(entries: Entries, word: str) -> None:
    """A share becomes bytes or cores of the final limit; without a limit there is nothing to share."""
    entry, limit = entries.get(f"{word}.guarantee"), entries.get(f"{word}.limit")
    if entry is None or not isinstance(entry.value, Fraction):
        return
    amount: Any = None
    if limit is not None and limit.value is not None:
        exact = entry.value * Fraction(limit.value)
        amount = math.floor(exact) if word == "memory" else float(round(exact, 3))
    push(entries, f"{word}.guarantee", amount, entry.layer, entry.source, entry.place)


def _raise(entries: Entries, name: str, bound: Bound, most: Bound | None) -> None:
    slot = _slot(name)
    entry = entries.get(slot)
    amount = bound.amount
    if amount is None:
        return
    if most is not None and most.amount is not None:
        amount = min(amount, most.amount, key=lambda value: resource_number(name, value))
    if not _is_amount(entry):
        # No limit at all is above any floor; no extended resource is below it.
        if slot.startswith(_EXTENDED):
            _set(entries, slot, name, amount, bound)
        return
    assert entry is not None
    if resource_number(name, entry.value) < resource_number(name, amount):
        push(entries, slot, amount, BOUNDS, bound.source, bound.place)


def _lower(entries: Entries, name: str, bound: Bound) -> None:
    slot = _slot(name)
    entry = entries.get(slot)
    if bound.amount is None:
        return
    if not _is_amount(entry):
        # No limit is lowered too; no capacity is KubeSpawner's to judge, no extended resource is none.
        if name in ("memory", "cpu"):
            _set(entries, slot, None, bound.amount, bound)
        return
    assert entry is not None
    if resource_number(name, entry.value) > resource_number(name, bound.amount):
        push(entries, slot, bound.amount, BOUNDS, bound.source, bound.place)


def _set(entries: Entries, slot: str, key: str | None, amount: Any, bound: Bound) -> None:
    field = FIELDS[_EXTENDED] if slot.startswith(_EXTENDED) else FIELDS[slot]
    entries[slot] = Entry(field, key, amount, BOUNDS, bound.source, bound.place, entries.get(slot))


