"""Compares amounts of a field or a resource, whatever their units."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..policy import quantities
from ..policy.fields import Field, Largest


def number(value: Any) -> float:
    """A comparable number of an amount: bytes, cores, a count, or the text of a quantity."""
    if isinstance(value, int | float):
        return value
    return quantities.amount_number(value)


def storage_number(value: str) -> float:
    """Bytes of a storage capacity."""
    return quantities.capacity_bytes(value)


def field_number(path: str, value: Any) -> float:
    return storage_number(value) if path == "storage.capacity" else number(value)


def at_least_as_large(field: Field, old: Any, new: Any) -> bool:
    """Among several groups: whether the earlier group's amount stays.

    A share and an amount cannot be compared; then the group written later wins.
    """
    if old is None or new is None:
        null_wins = field.largest is Largest.NULL_IS_LARGEST
        return (old is None) if null_wins else (new is None)
    if isinstance(old, Fraction) != isinstance(new, Fraction):
        return False
    if isinstance(old, Fraction):
        return bool(old >= new)
    return field_number(field.path, old) >= field_number(field.path, new)


def resource_number(name: str, amount: Any) -> float:
    """A comparable number of a bound on `memory`, `cpu`, `storage` or an extended resource."""
    return storage_number(amount) if name == "storage" else number(amount)
