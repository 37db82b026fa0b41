"""A real JupyterHub process for a browser, in front of the demo's Kubernetes API: pods are made and never run."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from envspawner.demo.api import app
from envspawner.demo.store import Store

TOKEN = "a-token-of-the-tests"
NAMESPACE = "hub"
RUNNING = "JupyterHub is now running"
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: tests
clusters: [{{name: tests, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: tests, user: {{token: {token}}}}}]
contexts: [{{name: tests, context: {{cluster: tests, user: tests}}}}]
"""
CONFIG = """
from jupyterhub.proxy import Proxy


class NoProxy(Proxy):  # the browser comes to the hub itself
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {{}}


c = get_config()
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.bind_url = "http://127.0.0.1:{proxy}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret = b"0" * 32
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "envspawner"
c.DummyAuthenticator.allow_all = True
c.KubeSpawner.namespace = "{namespace}"
c.KubeSpawner.http_timeout = 1
c.JupyterHub.cleanup_servers = False
c.EnvSpawner.policy_file = "{policy}"
c.JupyterHub.load_groups = {groups!r}
"""


@dataclass(frozen=True)
class Hub:
    """Where a hub is, what it has made, and where its log is written."""

    url: str
    store: Store
    log: Path

    async def pod_of(self, user: str) -> dict[str, Any]:
        """The pod of somebody's server, as soon as there is one."""
        name = f"jupyter-{user}"
        pods, version = self.store.list("pods", NAMESPACE)
        for pod in pods:
            if pod["metadata"]["name"] == name:
                return pod
        async for kind, pod in self.store.watch("pods", NAMESPACE, version):
            if kind == "ADDED" and pod["metadata"]["name"] == name:
                return pod
        raise AssertionError("the cluster has gone")

    async def fails(self, user: str) -> None:
        """Makes somebody's pod run, in which nothing answers: JupyterHub gives up on such a server soon."""
        pod = await self.pod_of(user)
        ready = {"name": "notebook", "ready": True, "state": {"running": {}}}
        status = {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [ready]}
        self.store.set_status("pods", NAMESPACE, pod["metadata"]["name"], status)


@asynccontextmanager
async def running_hub(
    folder: Path, policy: str, groups: dict[str, list[str]], more: str = ""
) -> AsyncIterator[Hub]:
    """A hub with this policy. more: lines at the end of its configuration."""
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    proxy, hub = _free_ports(2)
    config = CONFIG.format(
        proxy=proxy,
        hub=hub,
        namespace=NAMESPACE,
        policy=folder / "policy.yaml",
        groups={name: {"users": users} for name, users in groups.items()},
    )
    (folder / "jupyterhub_config.py").write_text(config + more, encoding="utf-8")
    store = Store((NAMESPACE,))
    async with _cluster(store) as port:
        (folder / "kubeconfig").write_text(KUBECONFIG.format(port=port, token=TOKEN))
        async with _process(folder) as log:
            yield Hub(f"http://127.0.0.1:{hub}", store, log)


@asynccontextmanager
async def _cluster(store: Store) -> AsyncIterator[int]:
    runner = web.AppRunner(app(store, TOKEN), handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _process(folder: Path) -> AsyncIterator[Path]:
    """The hub's process, running; what it says goes to a file."""
    log = folder / "hub.log"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jupyterhub",
        cwd=folder,
        env={**os.environ, "KUBECONFIG": str(folder / "kubeconfig")},
        stdout=PIPE,
        stderr=STDOUT,
    )
    runs = asyncio.Event()
    following = asyncio.create_task(_follow(process, log, runs))
    try:
        await asyncio.wait_for(runs.wait(), 60)
        assert process.returncode is None, log.read_text()
        yield log
    finally:
        if process.returncode is None:
            process.terminate()
        await following
        await process.wait()


async def _follow(process: Process, log: Path, runs: asyncio.Event) -> None:
    assert process.stdout is not None
    with log.open("wb", buffering=0) as written:
        async for line in process.stdout:
            written.write(line)
            if RUNNING.encode() in line:
                runs.set()
    await process.wait()
    runs.set()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
