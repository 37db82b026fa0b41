"""The node: takes the pods and claims of the store, and makes processes and folders of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from .claims import KIND as CLAIMS
from .claims import Claims
from .events import Events
from .places import Places
from .pods import KIND as PODS
from .pods import Machine, Pod
from .processes import Rooms
from .store import Store

Json = Mapping[str, Any]
AT_THE_END = 3.0  # seconds that pods have when the demo ends


class Node:
    """`start()`, then pods run as processes of this machine; `close()` ends them."""

    def __init__(
        self,
        store: Store,
        places: Places,
        rooms: Rooms,
        starter_files: Path | None = None,
        backoff: float = 10.0,
    ) -> None:
        self._store = store
        self._claims = Claims(store, places)
        self._machine = Machine(store, places, rooms, self._claims, Events(store), starter_files, backoff)
        self._pods: dict[str, Pod] = {}
        self._lives: set[asyncio.Task[None]] = set()
        self._watches: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._claims.restore()
        self._watches = [
            asyncio.ensure_future(self._follow(CLAIMS, self._claims.seen)),
            asyncio.ensure_future(self._follow(PODS, self._pod_seen)),
        ]

    async def close(self, grace: float = AT_THE_END) -> None:
        """Ends every pod; nothing of them runs afterwards."""
        for watch in self._watches:
            watch.cancel()
        for pod in self._pods.values():
            pod.leave(grace)
        await asyncio.gather(*self._watches, *self._lives, return_exceptions=True)

    async def exec(self, namespace: str, pod: str, container: str, argv: tuple[str, ...]) -> tuple[int, str]:
        """What a command in a running container ends with, and prints. Raises KeyError."""
        (found,) = [p for p in self._pods.values() if (p.namespace, p.name) == (namespace, pod)]
        running = found.container(container).running
        if running is None:
            raise KeyError(container)
        log = self._machine.places.logs / f"exec-{id(argv)}.log"
        try:
            code = await (await self._machine.rooms.join(running, argv, log)).wait()
            return code, log.read_text(errors="replace")
        finally:
            log.unlink(missing_ok=True)

    def command_pid(self, namespace: str, pod: str, container: str) -> int:
        """The process of a running container, as this machine numbers it. Raises KeyError."""
        (found,) = [p for p in self._pods.values() if (p.namespace, p.name) == (namespace, pod)]
        running = found.container(container).running
        if running is None:
            raise KeyError(container)
        return running.pid

    async def _follow(self, kind: str, seen: Callable[[str, Json], Awaitable[None]]) -> None:
        """Calls `seen` with each object that there is, and with each change."""
        known: dict[str, Json] = {}
        while True:
            objects, version = self._store.list(kind, None)
            here = {one["metadata"]["uid"]: one for one in objects}
            for uid in known.keys() - here.keys():
                await seen("DELETED", known.pop(uid))
            for one in objects:
                await seen("MODIFIED" if one["metadata"]["uid"] in known else "ADDED", one)
            known |= here
            async for change, one in self._store.watch(kind, None, version):
                if change == "ERROR":
                    break  # too much has happened since: look at all of it again
                await seen(change, one)
                if change == "DELETED":
                    known.pop(one["metadata"]["uid"], None)
                else:
                    known[one["metadata"]["uid"]] = one

    async def _pod_seen(self, change: str, manifest: Json) -> None:
        metadata = manifest["metadata"]
        pod = self._pods.get(metadata["uid"])
        if pod is None:
            if change != "DELETED":
                self._begin(metadata["uid"], manifest)
        elif change == "DELETED":
            pod.leave(0)
        elif "deletionTimestamp" in metadata:
            pod.leave(float(metadata.get("deletionGracePeriodSeconds") or 0))

    def _begin(self, uid: str, manifest: Json) -> None:
        pod = self._pods[uid] = Pod(self._machine, manifest)
        life = asyncio.ensure_future(pod.run())
        self._lives.add(life)

        def over(life: asyncio.Task[None]) -> None:
            self._lives.discard(life)
            del self._pods[uid]

        life.add_done_callback(over)
