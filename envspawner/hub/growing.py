"""Lets the claim of a home grow to the capacity of the policy, where it may; a start never fails by it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final

from kubernetes_asyncio.client.rest import ApiException

from ..pod.growth import grown
from ..resolve.result import ResolvedEnvironment

_NO_RIGHT: Final = re.compile(r" cannot (get|patch) resource ")
_KEPT: Final = "Your home could not be made larger; it stays as it is."


async def grow_home(spawner: Any, environment: ResolvedEnvironment) -> str | None:
    """Asks for a larger claim if a rule says `expand: grow`; returns what the user should know, if anything.

    The API server refuses for want of rights (403, "cannot patch resource": the hub's Role needs `patch` on
    claims) or because the storage class does not allow it (403 or 422, in its own words).
    """
    claim = environment.home.claim
    if environment.get("storage.expand") != "grow" or environment.home.kind != "dynamic" or claim is None:
        return None
    try:
        return await asyncio.wait_for(_grow(spawner, environment, claim), spawner.k8s_api_request_timeout)
    except ApiException as error:
        why = _reason(error)
    except asyncio.TimeoutError:
        why = "the API server did not answer in time"
    spawner.log.warning("%s: the claim %s could not be grown: %s", spawner._log_name, claim, why)
    return _KEPT


async def _grow(spawner: Any, environment: ResolvedEnvironment, claim: str) -> str | None:
    try:
        found = await spawner.api.read_namespaced_persistent_volume_claim(claim, spawner.namespace)
    except ApiException as error:
        if error.status == 404:  # a new one is made, with the capacity of today
            return None
        raise
    claimed = ((found.spec.resources and found.spec.resources.requests) or {}).get("storage")
    size = grown(environment, claimed)
    if size is None:
        return None
    body = {"spec": {"resources": {"requests": {"storage": size}}}}
    await spawner.api.patch_namespaced_persistent_volume_claim(claim, spawner.namespace, body)
    spawner.log.info("%s: the claim %s grows from %s to %s", spawner._log_name, claim, claimed, size)
    return f"Your home grows from {claimed} to {size}."


def _reason(error: ApiException) -> str:
    try:
        message = str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
    missing = _NO_RIGHT.search(message)
    if missing is not None:
        return f"the hub may not {missing[1]} claims (give its Role the verb {missing[1]}): {message}"
    return f"the storage class or the volume does not allow it: {message}"
