"""The demo's Kubernetes API and node, in a thread of the tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from envspawner.demo.api import app
from envspawner.demo.node import Node
from envspawner.demo.places import Places
from envspawner.demo.processes import Rooms
from envspawner.demo.store import Store

TOKEN = "token-of-the-embedded-api"
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
users: [{{name: hub, user: {{token: "{token}"}}}}]
contexts: [{{name: here, context: {{cluster: here, user: hub, namespace: default}}}}]
"""


@dataclass
class Embedded:
    """A cluster of one node. Its store is read from the tests' thread, which only looks."""

    store: Store
    kubeconfig: str
    loop: asyncio.AbstractEventLoop
    homes: Path
    """Where the claims' folders are."""

    def do(self, change: Callable[[], Any]) -> None:
        """Changes the store, on its own loop. Raises what the store raises."""

        async def done() -> None:
            change()

        asyncio.run_coroutine_threadsafe(done(), self.loop).result(30)

    def names(self, kind: str) -> list[str]:
        objects, _ = self.store.list(kind, None)
        return [one["metadata"]["name"] for one in objects]


@contextmanager
def cluster(folder: Path) -> Iterator[Embedded]:
    """A cluster whose pods run as processes of this machine, in `folder`."""
    places = Places(folder)
    places.make()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    started: dict[str, Any] = {}

    async def start() -> str:
        store = started["store"] = Store()
        node = started["node"] = Node(store, places, Rooms(namespaces=False))
        node.start()
        runner = started["runner"] = web.AppRunner(
            app(store, TOKEN), shutdown_timeout=1, handler_cancellation=True
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def end() -> None:
        await started["node"].close()
        await started["runner"].cleanup()

    url = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield Embedded(started["store"], KUBECONFIG.format(url=url, token=TOKEN), loop, places.homes)
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
