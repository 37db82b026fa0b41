"""Claims are folders: made and bound at once, found again by the next demo, set aside when deleted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .places import Places
from .store import Store
from .wire import ApiError

KIND = "persistentvolumeclaims"


class Claims:
    """The claims of a store and their folders."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places
        self._changed = asyncio.Condition()
        self._homes: dict[str, Path] = {}
        self._without: dict[str, Mapping[str, Any]] = {}  # claims whose folder could not be made yet

    def restore(self) -> None:
        """Puts the claims of earlier demos into the store."""
        for file in sorted(self._places.claims.glob("*.json")):
            claim = json.loads(file.read_text())
            with suppress(ApiError):
                self._store.create(KIND, claim["metadata"]["namespace"], claim)

    async def seen(self, change: str, claim: Mapping[str, Any]) -> None:
        """A change that the store told of."""
        name = claim["metadata"]["name"]
        if change == "DELETED":
            self._set_aside(name)
        elif name not in self._homes:
            try:
                self._bind(claim)
            except OSError:  # a full disk, say; who wants the folder is told
                self._without[name] = claim
        async with self._changed:
            self._changed.notify_all()

    async def home(self, name: str) -> Path:
        """The folder of a claim, as soon as there is such a claim. Raises OSError where it cannot be made."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.known(name))
        if name in self._without:
            self._bind(self._without[name])
        return self._homes[name]

    def known(self, name: str) -> bool:
        return name in self._homes or name in self._without

    def _bind(self, claim: Mapping[str, Any]) -> None:
        metadata, spec = claim["metadata"], claim["spec"]
        name, namespace = metadata["name"], metadata["namespace"]
        home = self._places.homes / name
        home.mkdir(mode=0o700, exist_ok=True)
        kept = {
            key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata
        }
        saved = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": kept, "spec": spec}
        file = self._places.claims / f"{name}.json"
        new = file.with_name(f"{name}.new")  # a file that is half written would stop the next demo
        new.write_text(json.dumps(saved, indent=1))
        new.replace(file)
        self._homes[name] = home
        self._without.pop(name, None)
        asked = (spec.get("resources") or {}).get("requests") or {}
        status = {"phase": "Bound", "accessModes": spec.get("accessModes"), "capacity": asked}
        with suppress(ApiError):
            self._store.set_status(KIND, namespace, name, status)

    def _set_aside(self, name: str) -> None:
        home = self._homes.pop(name, None)
        self._without.pop(name, None)
        (self._places.claims / f"{name}.json").unlink(missing_ok=True)
        if home is not None and home.exists():
            home.rename(self._places.deleted / f"{name}-{time.time_ns()}")
