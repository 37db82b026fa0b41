"""Events of pods, which JupyterHub shows on the page of a starting server."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .statuses import NODE, now
from .store import Store
from .wire import ApiError

KEPT = 1000


class Events:
    """Writes events to the store, and forgets the oldest."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._run = secrets.token_hex(4)
        self._count = itertools.count(1)
        self._kept: deque[tuple[str, str]] = deque()

    def tell(self, pod: Mapping[str, Any], reason: str, message: str, warning: bool = False) -> None:
        """Tells about a pod. `reason` is one of the kubelet's where it has one."""
        metadata, time = pod["metadata"], now()
        namespace = metadata["namespace"]
        name = f"{metadata['name'][:200]}.{self._run}{next(self._count):06x}"
        about = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "namespace": namespace}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {**about, "uid": metadata["uid"]},
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": "envspawner-demo", "host": NODE},
            "reportingComponent": "envspawner-demo",
            "reportingInstance": NODE,
            "eventTime": None,
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        }
        self._store.create("events", namespace, event)
        self._kept.append((namespace, name))
        while len(self._kept) > KEPT:
            with suppress(ApiError):
                self._store.remove("events", *self._kept.popleft())
