"""Makes amounts fit together: guarantees below limits, floors and caps, shares of limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from ..policy.fields import FIELDS
from .amounts import NUMBERS, number
from .bounds import LIMITS, Bound, Bounds
from .match import GROUPS, Applied
from .merge import Entries, Entry

_LIMITS: Final = "extraResource.limits"
_GUARANTEES: Final = "extraResource.guarantees"
_OVERCOMMITTED: Final = "ephemeral-storage"
"""Of what `extraResource` may name, Kubernetes lets only this have a request other than its limit."""


class _Pair(NamedTuple):
    """The slots of a guarantee and its limit. equal: Kubernetes takes no other guarantee than the limit."""

    guarantee: str
    limit: str
    equal: bool = False

    def fits(self, guarantee: float, limit: float) -> bool:
        return guarantee == limit if self.equal else guarantee <= limit


_MEMORY: Final = _Pair("memory.guarantee", "memory.limit")
_CPU: Final = _Pair("cpu.guarantee", "cpu.limit")


def adjust(entries: Entries, applied: Sequence[Applied], least: Bounds, most: Bounds) -> None:
    """Applies bounds and the rule that a guarantee never exceeds its limit; changes `entries`.

    applied: the rules that made the entries, weakest first.
    """
    pairs = [_MEMORY, _CPU]
    for entry in entries.values():
        if entry.field.path == _GUARANTEES:
            name = entry.key
            pairs.append(_Pair(f"{_GUARANTEES}.{name}", f"{_LIMITS}.{name}", name != _OVERCOMMITTED))
    for pair in pairs:
        _weaker_yields(entries, pair, applied)
    for bound in (*least.values(), *most.values()):
        _hold(entries, bound)
    for pair in pairs:
        _follow(entries, pair)


def _amount(entry: Entry | None) -> float | None:
    """The number of an amount; None for a share, a removed value and none at all."""
    value = None if entry is None else entry.value
    if isinstance(value, NUMBERS):
        return value
    return None if value is None or isinstance(value, Fraction) else number(value)


def _weaker_yields(entries: Entries, pair: _Pair, applied: Sequence[Applied]) -> None:
    """Of a guarantee and a limit that do not fit, the one from the weaker layer becomes the other."""
    guarantee = entries.get(pair.guarantee)
    asked = _amount(guarantee)
    if guarantee is None or asked is None:
        return
    limit = entries.get(pair.limit)
    allowed = _amount(limit)
    if (not pair.equal) if allowed is None else pair.fits(asked, allowed):
        return
    if limit is None:
        entries[pair.limit] = guarantee._replace(field=FIELDS[_LIMITS], beat=None)
    elif _is_stronger(guarantee, limit, applied):
        entries[pair.limit] = _like(limit, guarantee)
    else:
        entries[pair.guarantee] = _like(guarantee, limit)


def _is_stronger(guarantee: Entry, limit: Entry, applied: Sequence[Applied]) -> bool:
    """Whether a guarantee is from a stronger rule than its limit; among groups, whether it is larger."""
    if guarantee.layer == limit.layer == GROUPS:
        return (_amount(guarantee) or 0) > (_amount(limit) or 0)
    order = [one for one in applied if one is guarantee.by or one is limit.by]
    return order[-1] is not limit.by


def _like(entry: Entry, other: Entry) -> Entry:
    """An entry that yields to another: it takes its value, and the rule that says so."""
    return other._replace(field=entry.field, beat=entry)


def _follow(entries: Entries, pair: _Pair) -> None:
    """After bounds have moved the limit, a share of it is known, and a guarantee above it is lowered."""
    guarantee = entries.get(pair.guarantee)
    if guarantee is None or guarantee.value is None:
        return
    limit = entries.get(pair.limit)
    asked, allowed = _amount(guarantee), _amount(limit)
    if asked is None:
        amount = None if allowed is None else _part(guarantee.value, allowed, pair)
        guarantee = guarantee._replace(value=amount, beat=guarantee)
        entries[pair.guarantee] = guarantee
    if limit is not None and allowed is not None and not pair.fits(_amount(guarantee) or 0, allowed):
        entries[pair.guarantee] = _like(guarantee, limit)


def _part(share: Fraction, limit: float, pair: _Pair) -> float:
    """A share of a limit, in whole bytes or in thousandths of a core."""
    exact = share * Fraction(limit)
    return math.floor(exact) if pair is _MEMORY else float(round(exact, 3))


def _hold(entries: Entries, bound: Bound) -> None:
    """Moves what is outside of a bound to it."""
    path = LIMITS.get(bound.resource, _LIMITS)
    key = bound.resource if path == _LIMITS else None
    slot = path if key is None else f"{path}.{key}"
    old = entries.get(slot)
    if bound.amount is not None and _is_outside(_amount(old), bound):
        entries[slot] = Entry(FIELDS[path], key, bound.amount, bound, bound.place, old)


def _is_outside(amount: float | None, bound: Bound) -> bool:
    if bound.word == "atMost":
        # No limit at all is too much, and KubeSpawner takes 0 for none. Without a capacity no claim can be
        # made anyway, and no GPU is none.
        return amount > number(bound.amount) if amount else bound.resource in ("memory", "cpu")
    # No limit at all is above any floor, but no GPU is below it.
    return bound.resource not in LIMITS if amount is None else amount < number(bound.amount)
