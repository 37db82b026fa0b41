"""A node with its store, for tests: pods are made, awaited and looked into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from envspawner.demo.node import Node
from envspawner.demo.places import Places
from envspawner.demo.processes import Rooms
from envspawner.demo.store import Store
from envspawner.demo.wire import ApiError

NAMESPACE = "demo"
Json = dict[str, Any]


def container(script: str, name: str = "notebook", **more: Any) -> Json:
    """A container that runs a shell script."""
    return {"name": name, "image": "image:1", "command": ["/bin/sh", "-c", script], **more}


def pod(*containers: Json, name: str = "pod", **spec: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": list(containers), "restartPolicy": "Never", **spec},
    }


def claim(name: str, size: str = "1Gi") -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }


class Cluster:
    """A store, a node, and the folder that they live in."""

    def __init__(self, store: Store, node: Node, places: Places) -> None:
        self.store, self.node, self.places = store, node, places

    def create(self, kind: str, body: Json) -> Json:
        return self.store.create(kind, NAMESPACE, body)

    def pod(self, name: str = "pod") -> Json:
        return self.store.get("pods", NAMESPACE, name)

    def log(self, container: str = "notebook", pod: str = "pod") -> str:
        return (self.places.logs / f"{pod}-{container}.log").read_text()

    def events(self, reason: str) -> list[str]:
        events, _ = self.store.list("events", NAMESPACE)
        return [event["message"] for event in events if event["reason"] == reason]

    async def until(self, kind: str, name: str, **wanted: Any) -> Json:
        """The object, as soon as its status is as wanted."""

        async def seen() -> Json:
            async for change, thing in self.store.watch(kind, NAMESPACE, None):
                status = thing.get("status", {})
                if (
                    change != "DELETED"
                    and thing["metadata"]["name"] == name
                    and all(status.get(k) == v for k, v in wanted.items())
                ):
                    return thing
            raise AssertionError("a watch does not end")

        return await asyncio.wait_for(seen(), 20)

    async def event(self, reason: str) -> str:
        """The message of the first event with a reason, as soon as there is one."""

        async def seen() -> str:
            async for _, event in self.store.watch("events", NAMESPACE, None):
                if event["reason"] == reason:
                    return str(event["message"])
            raise AssertionError("a watch does not end")

        return await asyncio.wait_for(seen(), 20)

    async def gone(self, name: str = "pod") -> None:
        async def seen() -> None:
            _, version = self.store.list("pods", NAMESPACE)
            try:
                self.pod(name)
            except ApiError:
                return
            async for change, thing in self.store.watch("pods", NAMESPACE, version):
                if change == "DELETED" and thing["metadata"]["name"] == name:
                    return

        await asyncio.wait_for(seen(), 20)

    async def ended(self, *containers: Json, name: str = "pod", **spec: Any) -> Json:
        """Runs a pod to its end, and returns it."""
        self.create("pods", pod(*containers, name=name, **spec))

        async def seen() -> Json:
            async for _, thing in self.store.watch("pods", NAMESPACE, None):
                if thing["metadata"]["name"] == name and thing["status"]["phase"] in ("Succeeded", "Failed"):
                    return thing
            raise AssertionError("a watch does not end")

        return await asyncio.wait_for(seen(), 20)

    async def running(self, *containers: Json, name: str = "pod", **spec: Any) -> Json:
        """Starts a pod, and returns it when all of it is ready."""
        self.create("pods", pod(*containers, name=name, **spec))

        async def seen() -> Json:
            async for _, thing in self.store.watch("pods", NAMESPACE, None):
                states = thing["status"].get("containerStatuses", [])
                if thing["metadata"]["name"] == name and states and all(s["ready"] for s in states):
                    return thing
            raise AssertionError("a watch does not end")

        return await asyncio.wait_for(seen(), 20)


@asynccontextmanager
async def cluster_in(folder: Path, rooms: Rooms, starter_files: Path | None = None) -> AsyncIterator[Cluster]:
    places = Places(folder)
    places.make()
    store = Store([NAMESPACE])
    node = Node(store, places, rooms, starter_files, backoff=0.1)
    node.start()
    try:
        yield Cluster(store, node, places)
    finally:
        await node.close(grace=0)
