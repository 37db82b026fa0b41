"""Whose a claim is, by what it and the hub's database say; and what KubeSpawner 6 called it, which no state says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kubernetes_asyncio.client.rest import ApiException
from sqlalchemy import Text, column, select, table

OWNER: Final = "hub.jupyter.org/username"
"""The annotation with the user's name that every KubeSpawner gives to its claims."""
VERSION: Final = "kubespawner_version"
"""What KubeSpawner writes into its state since version 7."""


def is_legacy(state: Mapping[str, Any] | None) -> bool:
    """Whether a saved state is one of KubeSpawner 6, or older, and does not name its claim."""
    return bool(state and "pod_name" in state and not {VERSION, "pvc_name"} & set(state))


async def read_claim(spawner: Any, name: str) -> Any | None:
    """The claim of that name, or None where there is none. Raises ApiException and TimeoutError."""
    reading = spawner.api.read_namespaced_persistent_volume_claim(name, spawner.namespace)
    try:
        return await asyncio.wait_for(reading, spawner.k8s_api_request_timeout)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def owner_of(claim: Any) -> str | None:
    """The name of the user that a claim was made for, if it says so."""
    owner = (claim.metadata.annotations or {}).get(OWNER)
    return None if owner is None else str(owner)


def legacy_names(spawner: Any, templates: Iterable[str], now: str) -> list[str]:
    """What the claims of these templates were called by either slug scheme, but for today's name."""
    schemes = (None, "escape")
    names = [spawner._expand_user_properties(one, scheme) for one in templates for scheme in schemes]
    return [name for name in dict.fromkeys(names) if name != now]


_USERS: Final = table("users", column("id"), column("name"))
_SPAWNERS: Final = table("spawners", column("user_id"), column("state", Text))


def states_that_name(db: Any, claim: str, but_of: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(user, state) of the servers of other users in whose state this name stands. db: JupyterHub's session."""
    named = _SPAWNERS.c.state.contains(f'"{claim}"', autoescape=True)
    query = select(_USERS.c.name, _SPAWNERS.c.state).where(
        _USERS.c.id == _SPAWNERS.c.user_id, _USERS.c.id != but_of, named
    )
    for user, state in db.execute(query):
        found = json.loads(state)
        if isinstance(found, dict):
            yield str(user), found
