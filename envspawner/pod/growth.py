"""Whether a claim that is there already has to grow."""

from __future__ import annotations

from ..policy.problems import Fault
from ..policy.quantities import exact_capacity
from ..resolve.result import ResolvedEnvironment


def grown(environment: ResolvedEnvironment, claimed: str | None) -> str | None:
    """The capacity that a home's claim should be patched to; None if it stays as it is.

    claimed: what the claim asks for now (`spec.resources.requests.storage`). Only a rule with `expand: grow` makes
    a claim grow, and none makes it shrink. A size that nobody can read is left alone.
    """
    wanted = environment.get("storage.capacity")
    if environment.get("storage.expand") != "grow" or wanted is None or claimed is None:
        return None
    if environment.home.kind != "dynamic":
        return None
    try:
        return str(wanted) if exact_capacity(wanted) > exact_capacity(claimed) else None
    except Fault:
        return None
