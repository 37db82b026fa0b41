"""The hub's process: started, awaited, ended."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from .commands import Command
from .places import Places
from .processes import Rooms, Running

STOPPING = 15.0  # seconds that the hub has to stop its servers


class Broken(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True)
class Service:
    """One of them. `ended` is done when it is no longer there."""

    name: str
    log: Path
    running: Running
    ended: asyncio.Task[int]

    def why(self) -> str:
        """The words for an end that nobody asked for."""
        lines = self.log.read_text(errors="replace").strip().splitlines()[-15:]
        return "\n".join(
            [f"the {self.name} ended ({self.ended.result()}); its log {self.log} ends with", *lines]
        )


@asynccontextmanager
async def service(
    name: str, argv: tuple[str, ...], environment: Mapping[str, str], places: Places, stopping: float
) -> AsyncIterator[Service]:
    """Runs one; afterwards it is gone, with all that it started."""
    log = places.logs / f"{name}.log"
    log.write_text("")
    command = Command(argv, environment, str(places.hub), (), os.getuid(), os.getgid(), "")
    running = await Rooms(False).start(command, places.pods / name, log)
    ended = asyncio.ensure_future(running.wait())
    try:
        yield Service(name, log, running, ended)
    finally:
        running.terminate()
        await asyncio.wait({ended}, timeout=stopping)
        running.kill()
        await ended


@asynccontextmanager
async def hub(places: Places, proxy_token: str, kubeconfig: Path) -> AsyncIterator[Service]:
    """The real JupyterHub; its configuration is written already."""
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(Path.home()),
        "LANG": "C.UTF-8",
        "KUBECONFIG": str(kubeconfig),
        "CONFIGPROXY_AUTH_TOKEN": proxy_token,
    }
    argv = (sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py")
    async with service("hub", argv, environment, places, STOPPING) as running:
        yield running


async def answers(urls: Sequence[str], server: Service) -> None:
    """Returns when one page after the other is there; raises `Broken` when what should serve them has ended."""
    async with aiohttp.ClientSession() as session:
        for url in urls:
            while not await _is_there(session, url):
                if server.ended.done():
                    raise Broken(server.why())
                await asyncio.sleep(0.1)


async def _is_there(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, allow_redirects=False) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
