"""The cluster of `envspawner demo`, on any machine: what the tests do to a real one, they do to this one."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from envspawner.demo.cluster import NAMESPACE, cluster
from envspawner.demo.places import Places
from envspawner.demo.processes import find_rooms
from envspawner.demo.proxy import proxy
from envspawner.demo.wire import ApiError
from tests.cluster.kube import Cluster, ClusterError, Json, given_claim

T = TypeVar("T")
STARTER_FILES = {
    "README.md": "# hello from the image\n",
    ".dotfile": "hidden\n",
    "nested/deeper/run.py": 'print("nested")\n',
}
OWN_PORTS = """
from envspawner.demo.ports import own_port
c.Spawner.pre_spawn_hook = own_port
"""


class EmbeddedCluster(Cluster):
    """Runs in a thread of its own until it is closed."""

    image = "rig/singleuser:1"
    namespace = NAMESPACE
    hub_ip = "127.0.0.1"
    hub_config = OWN_PORTS

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._stack = AsyncExitStack()
        places = Places(folder / "demo")
        places.make()
        for name, text in STARTER_FILES.items():
            (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "files" / name).write_text(text)
        rooms, _ = self._do(find_rooms())
        self._cluster = self._enter(cluster(places, rooms, folder / "files"))
        self.hub_kubeconfig = str(self._cluster.kubeconfig)

    def close(self) -> None:
        self._do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _enter(self, context: AbstractAsyncContextManager[T]) -> T:
        return self._do(self._stack.enter_async_context(context))

    def _ask(self, question: Callable[[], T]) -> T:
        """The store is used on the loop only."""

        async def asked() -> T:
            return question()

        return self._do(asked())

    @contextmanager
    def proxy(self, token: str, port: int) -> Iterator[str]:
        stack = AsyncExitStack()
        try:
            yield self._do(stack.enter_async_context(proxy(token, port)))
        finally:
            self._do(stack.aclose())

    def find(self, kind: str, name: str) -> Json | None:
        try:
            return self._ask(lambda: self._cluster.store.get(f"{kind}s", NAMESPACE, name))
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def all(self, kind: str) -> list[Json]:
        return self._ask(lambda: self._cluster.store.list(f"{kind}s", NAMESPACE)[0])

    def create_secret(self, name: str, key: str, value: str) -> None:
        data = {key: base64.b64encode(value.encode()).decode()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        self._ask(lambda: self._cluster.store.create("secrets", NAMESPACE, secret))

    def create_claim(self, name: str) -> None:
        self._ask(lambda: self._cluster.store.create("persistentvolumeclaims", NAMESPACE, given_claim(name)))

    def delete(self, kind: str, name: str) -> None:
        if self.find(kind, name) is not None:
            options = {"gracePeriodSeconds": 1}
            self._ask(lambda: self._cluster.store.delete(f"{kind}s", NAMESPACE, name, options))

    def exec(self, pod: str, *argv: str) -> str:
        code, printed = self._do(self._cluster.node.exec(NAMESPACE, pod, "notebook", argv))
        if code:
            raise ClusterError(f"{' '.join(argv)}: {printed.strip() or code}")
        return printed

    def environ(self, pod: str) -> str:
        pid = self._ask(lambda: self._cluster.node.command_pid(NAMESPACE, pod, "notebook"))
        return Path(f"/proc/{pid}/environ").read_text()
