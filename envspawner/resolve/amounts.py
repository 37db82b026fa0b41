"""Compares amounts of a field or a resource, whatever their units."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from ..policy import quantities
from ..policy.fields import Field, Largest
from ..policy.problems import Fault

NUMBERS: Final = (int, float)


def number(value: Any) -> float:
    """Bytes, cores or a count, to be compared. What nobody can read counts as more than anything.

    A policy's own amounts can be read; those of KubeSpawner's traits were never checked.
    """
    return value if isinstance(value, NUMBERS) else _quantity(str(value))


@lru_cache(maxsize=1024)
def _quantity(text: str) -> float:
    try:
        return quantities.capacity_bytes(text)
    except Fault:
        return math.inf


def at_least_as_large(field: Field, old: Any, new: Any) -> bool:
    """Among several groups: whether the earlier group's amount stays.

    A share and an amount cannot be compared; then the group written later wins.
    """
    if old is None or new is None:
        null_wins = field.largest is Largest.NULL_IS_LARGEST
        return (old is None) if null_wins else (new is None)
    if isinstance(old, NUMBERS) and isinstance(new, NUMBERS):
        return old >= new
    if isinstance(old, Fraction) != isinstance(new, Fraction):
        return False
    return bool(old >= new) if isinstance(old, Fraction) else number(old) >= number(new)
