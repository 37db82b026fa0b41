"""Which object a deletion means, and how long that has left, as `metadata` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from .wire import Json, bad_request, conflict

_ENDED: Final = frozenset({"Succeeded", "Failed"})


def check_preconditions(kind: str, thing: Json, options: Mapping[str, Any]) -> None:
    """Raises `ApiError` 409 where DeleteOptions mean another object of that name, or another version of it."""
    wanted, metadata = options.get("preconditions") or {}, thing["metadata"]
    if not isinstance(wanted, Mapping):
        raise bad_request("preconditions are no object")
    for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        if wanted.get(field) not in (None, metadata[field]):
            why = f"the {word} in the precondition is {str(wanted[field])[:60]}, in the object {metadata[field]}"
            raise conflict(kind, metadata["name"], f"Precondition failed: {why}")


def grace_of(kind: str, thing: Json, options: Mapping[str, Any]) -> int:
    """Seconds until the object must be gone; 0 is at once. Only a pod that a node runs gets any.

    options: DeleteOptions; without `gracePeriodSeconds` the pod's own terminationGracePeriodSeconds counts.
    """
    asked = options.get("gracePeriodSeconds")
    if asked is not None and (not isinstance(asked, int) or isinstance(asked, bool)):
        raise bad_request(f"gracePeriodSeconds is no whole number: {str(asked)[:40]!r}")
    if kind != "pods" or "nodeName" not in thing["spec"] or thing["status"].get("phase") in _ENDED:
        return 0
    grace: int = thing["spec"]["terminationGracePeriodSeconds"] if asked is None else asked
    return max(grace, 0)


def shorten(thing: Json, grace: int, until: str) -> Json:
    """The object on its way out until a time; a deletion that is under way is never made longer."""
    left = thing["metadata"].get("deletionGracePeriodSeconds")
    if left is not None and left <= grace:
        return deepcopy(thing)
    metadata = {**thing["metadata"], "deletionTimestamp": until, "deletionGracePeriodSeconds": grace}
    return deepcopy({**thing, "metadata": metadata})
