"""What no server could ever have, though each value of a block alone is fine."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from . import quantities
from .environment import Environment
from .problems import Step
from .sections import Rule

Found = tuple[tuple[Step, ...], str, str]
"""Where in the block, what is wrong, and what to do."""


def contradictions_in(block: Environment) -> Iterator[Found]:
    """What is wrong between the values of one block."""
    for word in ("memory", "cpu"):
        yield from _guarantee_and_limit(word, getattr(block, word))
    if block.extra_resource is not None:
        yield from _extended(block.extra_resource.guarantees or {}, block.extra_resource.limits or {})
    yield from _copies(block)
    if isinstance(block, Rule):
        yield from _bounds(block.at_least or {}, block.at_most or {})


def _guarantee_and_limit(word: str, part: Any) -> Iterator[Found]:
    if part is None or part.guarantee is None:
        return
    at = (word, "guarantee")
    if isinstance(part.guarantee, Fraction):
        if part.limit is None and "limit" in part.model_fields_set:
            yield at, "a share of no limit", f"set {word}.limit, or write an amount"
    elif part.limit is not None and part.guarantee > part.limit:
        yield at, "the guarantee is above the limit", "lower it, or raise the limit"


def _extended(guarantees: dict[str, Any], limits: dict[str, Any]) -> Iterator[Found]:
    for name, amount in guarantees.items():
        limit = limits.get(name)
        at = ("extraResource", "guarantees", name)
        if amount is None or limit is None:
            continue
        if "/" in name and amount != limit:
            yield at, "differs from the limit", "Kubernetes wants them equal; the limit alone is enough"
        elif quantities.amount_number(amount) > quantities.amount_number(limit):
            yield at, "the guarantee is above the limit", "lower it, or raise the limit"


def _copies(block: Environment) -> Iterator[Found]:
    seen: set[tuple[str | None, str]] = set()
    for index, entry in enumerate(block.copy_once or ()):
        key = (entry.to, entry.marker or ".copied")
        if key in seen:
            hint = "give each entry a marker of its own, so that each is done once"
            yield ("copyOnce", index), "another entry has this marker too", hint
        seen.add(key)
    hook = block.lifecycle_hooks.post_start if block.lifecycle_hooks else None
    if block.copy_once and hook is not None and "exec" not in hook:
        yield ("lifecycleHooks", "postStart"), "cannot be joined with copyOnce", "make it an exec hook"


def _bounds(least: dict[str, Any], most: dict[str, Any]) -> Iterator[Found]:
    for name, amount in least.items():
        bound = most.get(name)
        if amount is not None and bound is not None and number(amount) > number(bound):
            yield ("atLeast", name), "above atMost of the same rule", "lower it, or raise atMost"


def number(amount: float | str) -> float:
    """Bytes, cores or a count, to be compared."""
    return quantities.capacity_bytes(amount) if isinstance(amount, str) else amount
