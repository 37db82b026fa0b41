"""The objects of one cluster, in memory: made, changed, deleted and watched as in the real API server's store.

Everything happens on one event loop. What goes in is copied, and so is what comes out.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from .admission import admit_change, admit_new
from .deleting import check_preconditions, grace_of, shorten
from .patches import apply_patch
from .selectors import Test, selector
from .wire import KINDS, ApiError, Json, already_exists, expired, no_such_path, not_found

Jsons = list[Json]
WatchEvent = tuple[str, Json]

_FIRST: Final = 1000
"""The version of an empty store: lower ones are from somewhere else, and too old to be watched from."""


@dataclass(frozen=True)
class _Change:
    version: int
    kind: str
    before: Json | None
    after: Json | None


class Store:
    """Objects of one cluster, in memory. Kinds are plurals (`pods`), as in `wire.KINDS`.

    Every method raises `ApiError` with what the API server would answer.
    """

    def __init__(
        self,
        namespaces: Iterable[str] = ("default",),
        *,
        history: int = 1000,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        """namespaces: those that exist. history: how many changes are kept for watches that start later."""
        self._namespaces = frozenset(namespaces)
        self._now = now
        self._objects: dict[str, dict[tuple[str, str], Json]] = {kind: {} for kind in KINDS}
        self._version = _FIRST
        self._history: deque[_Change] = deque(maxlen=history)
        self._changed = asyncio.Event()

    def create(self, kind: str, namespace: str, body: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Adds an object. Raises 404 (no such namespace), 409 AlreadyExists, 400 and 422 for a wrong body."""
        objects = self._of(kind)
        if namespace not in self._namespaces:
            raise not_found("namespaces", namespace)
        thing = admit_new(KINDS[kind], namespace, body)
        name = thing["metadata"]["name"]
        if (namespace, name) in objects:
            raise already_exists(kind, name)
        thing["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": _timestamp(self._now())}
        return thing if dry_run else self._put(kind, None, thing)

    def get(self, kind: str, namespace: str, name: str) -> Json:
        """The object. Raises 404."""
        return deepcopy(self._one(kind, namespace, name))

    def list(self, kind: str, namespace: str | None, labels: str = "", fields: str = "") -> tuple[Jsons, str]:
        """The selected objects of a namespace (None: of all), by name, and the version to watch from."""
        selected = selector(kind, labels, fields)
        found = [
            thing
            for (where, _), thing in sorted(self._of(kind).items())
            if namespace in (None, where) and selected(thing)
        ]
        return deepcopy(found), str(self._version)

    def patch(
        self, kind: str, namespace: str, name: str, patch: Any, content_type: str, *, dry_run: bool = False
    ) -> Json:
        """Changes an object by a patch of one of the types in `patches.PATCH_TYPES`. Raises 404, 409, 415, 422."""
        old = self._one(kind, namespace, name)
        return self._change(kind, old, apply_patch(old, patch, content_type), dry_run)

    def replace(
        self, kind: str, namespace: str, name: str, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Json:
        """Changes an object to `body`. Raises 404, 409 Conflict (`resourceVersion` is not the last), 422."""
        return self._change(kind, self._one(kind, namespace, name), body, dry_run)

    def delete(
        self, kind: str, namespace: str, name: str, options: Mapping[str, Any], *, dry_run: bool = False
    ) -> Json:
        """Ends an object, and returns its last state.

        A pod that a node has (`bind`) and that has not ended gets a deletionTimestamp, and is the node's to
        `remove`; everything else, and a pod with no grace left, is gone at once. options: DeleteOptions.
        Raises 404, 409 Conflict (preconditions).
        """
        old = self._one(kind, namespace, name)
        check_preconditions(kind, old, options)
        grace = grace_of(kind, old, options)
        new = shorten(old, grace, _timestamp(self._now() + timedelta(seconds=grace)))
        if dry_run:
            return new
        return self._put(kind, old, new) if grace else self._drop(kind, new)

    def bind(self, namespace: str, name: str, node: str) -> Json:
        """The scheduler's: the pod runs on `node` from now on, so its deletion waits for that node."""
        old = self._one("pods", namespace, name)
        return self._put("pods", old, {**old, "spec": {**old["spec"], "nodeName": node}})

    def set_status(self, kind: str, namespace: str, name: str, status: Mapping[str, Any]) -> Json:
        """The node's: what an object's status is now, as a whole. Nothing happens where it is so already."""
        old = self._one(kind, namespace, name)
        return self._put(kind, old, {**old, "status": deepcopy(dict(status))})

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """The node's: the object is really gone now. Raises 404."""
        self._drop(kind, self._one(kind, namespace, name))

    def watch(
        self, kind: str, namespace: str | None, since: str | None, labels: str = "", fields: str = ""
    ) -> AsyncGenerator[WatchEvent, None]:
        """ADDED, MODIFIED and DELETED objects, from the version `since` on; it never ends by itself.

        Without `since`, or with "0", what is there now comes first. An object that is no longer selected comes
        as DELETED. Where the changes after `since` are forgotten, an ERROR with a Status (410 Expired) comes,
        and it ends. Raises 400 for selectors that cannot be read, here and not at the first event.
        """
        selected = selector(kind, labels, fields)
        self._of(kind)
        there: Jsons = []
        if since in (None, "", "0"):
            there, since = self.list(kind, namespace, labels, fields)
        assert since is not None
        if not since.isascii() or not since.isdecimal() or len(since) > 20:
            raise ApiError(400, "BadRequest", f"invalid resource version {since[:40]!r}")

        def concerns(thing: Json) -> bool:
            return namespace in (None, thing["metadata"]["namespace"]) and selected(thing)

        return self._follow(kind, there, int(since), concerns)

    async def _follow(
        self, kind: str, there: Jsons, since: int, concerns: Test
    ) -> AsyncGenerator[WatchEvent, None]:
        for thing in there:
            yield "ADDED", thing
        while True:
            changed = self._changed
            oldest = self._history[0].version - 1 if self._history else self._version
            if since < oldest:
                yield "ERROR", expired(since, oldest).status
                return
            for change in [change for change in self._history if change.version > since]:
                since = change.version
                event = _event(change, concerns) if change.kind == kind else None
                if event:
                    yield event
            await changed.wait()

    def _of(self, kind: str) -> dict[tuple[str, str], Json]:
        if kind not in self._objects:
            raise no_such_path()
        return self._objects[kind]

    def _one(self, kind: str, namespace: str, name: str) -> Json:
        found = self._of(kind).get((namespace, name))
        if found is None:
            raise not_found(kind, name)
        return found

    def _change(self, kind: str, old: Json, body: Mapping[str, Any], dry_run: bool) -> Json:
        new = admit_change(KINDS[kind], old, body)
        return new if dry_run else self._put(kind, old, new)

    def _put(self, kind: str, old: Json | None, new: Json) -> Json:
        """Stored objects are never changed, only replaced, so that the history may hold them."""
        if new == old:
            return deepcopy(new)
        new = deepcopy(new)
        metadata = new["metadata"]
        metadata["resourceVersion"] = self._announce(kind, old, new)
        self._objects[kind][metadata["namespace"], metadata["name"]] = new
        return deepcopy(new)

    def _drop(self, kind: str, old: Json) -> Json:
        del self._objects[kind][old["metadata"]["namespace"], old["metadata"]["name"]]
        self._announce(kind, old, None)
        return deepcopy(old)

    def _announce(self, kind: str, before: Json | None, after: Json | None) -> str:
        self._version += 1
        self._history.append(_Change(self._version, kind, before, after))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return str(self._version)


def _event(change: _Change, concerns: Test) -> WatchEvent | None:
    """What a watch says of a change: an object may also come into, or leave, what is selected."""
    was = change.before is not None and concerns(change.before)
    if change.after is not None and concerns(change.after):
        return ("MODIFIED" if was else "ADDED"), deepcopy(change.after)
    if not was:
        return None
    last = deepcopy(change.before) or {}
    last["metadata"]["resourceVersion"] = str(change.version)
    return "DELETED", last


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
