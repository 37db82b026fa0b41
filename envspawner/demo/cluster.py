"""A cluster of one: the store, its API on a loopback port, the node, and a kubeconfig that leads there."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from .api import app
from .node import Node
from .places import Places
from .processes import Rooms
from .store import Store

NAMESPACE = "demo"


@dataclass(frozen=True)
class Cluster:
    """What is needed to use it."""

    kubeconfig: Path
    store: Store
    node: Node


@asynccontextmanager
async def cluster(places: Places, rooms: Rooms, starter_files: Path | None) -> AsyncIterator[Cluster]:
    """Runs a cluster; afterwards no pod of it is left. starter_files: the image's folder of that name."""
    store, token = Store([NAMESPACE]), secrets.token_urlsafe(32)
    node = Node(store, places, rooms, starter_files)
    runner = web.AppRunner(
        app(store, token), handler_cancellation=True, access_log=None, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        kubeconfig = places.hub / "kubeconfig"
        write_private(kubeconfig, _kubeconfig(f"http://127.0.0.1:{runner.addresses[0][1]}", token))
        node.start()
        try:
            yield Cluster(kubeconfig, store, node)
        finally:
            await node.close()
    finally:
        await runner.cleanup()


def _kubeconfig(server: str, token: str) -> str:
    """In JSON, which is YAML too."""
    context = {"cluster": "demo", "user": "hub", "namespace": NAMESPACE}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": {"server": server}}],
        "users": [{"name": "hub", "user": {"token": token}}],
        "contexts": [{"name": "demo", "context": context}],
        "current-context": "demo",
    }
    return json.dumps(config, indent=1)


def write_private(file: Path, text: str) -> None:
    """Writes a file that nobody else may read, at no moment."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
