"""Tells whether a running server would be another one after a restart, from what the hub already has in memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..pod.traits import VALUES_ANNOTATION
from ..resolve.access import Refusal
from ..resolve.home import Unusable
from ..resolve.recorded import NoRecord, compare, read
from ..resolve.request import Person
from . import homes


def is_stale(spawner: Any, at: datetime) -> bool:
    """Whether a restart of `spawner`'s server, which runs, would change what it was given.

    False where that is not known: without a record on the pod, and where only a start knows the profiles.
    """
    loaded = spawner._loaded
    text = _written(spawner) if spawner.ready and loaded is not None else None
    if text is None or callable(spawner.profile_list):
        return False
    if loaded.listed is not None and any(one.calls for one in loaded.listed.overrides.values()):
        return False
    user = spawner.user
    person = Person(user.name, frozenset(group.name for group in user.groups), bool(user.admin))
    try:
        record = read(text)
        request = record.request(
            person,
            at,
            server=spawner.name,
            namespace=spawner.namespace,
            pod=spawner.pod_name,
            userid=str(user.id),
            homes=homes.claims(spawner._homes),
            shared_homes=homes.claims(homes.shared_by(spawner._sibling_homes())),
        )
        return bool(compare(record, loaded.resolver.resolve(request, spawner.user_options)))
    except Refusal:
        return True  # a restart begins with something else than what runs
    except (NoRecord, Unusable):
        return False


def _written(spawner: Any) -> str | None:
    """What the pod says of its start, as the hub's watch of pods has it."""
    reflector = spawner.pod_reflector
    pod = reflector.pods.get(f"{spawner.namespace}/{spawner.pod_name}") if reflector is not None else None
    found = pod["metadata"].get("annotations", {}).get(VALUES_ANNOTATION) if pod else None
    return found if isinstance(found, str) else None
