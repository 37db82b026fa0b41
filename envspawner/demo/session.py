"""One run of the demo: cluster, proxy and hub, from the first line it prints to the last process it ends."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cluster import cluster, write_private
from .hubconfig import Addresses, hub_config
from .people import Person
from .places import Places
from .ports import free_port
from .processes import Rooms, find_rooms
from .proxy import proxy
from .services import Broken, Service, answers, hub

STARTING = 90.0  # seconds after which a hub that does not answer is given up


@dataclass(frozen=True)
class Settings:
    """What a run is made of. starter_files: what stands for the images' /srv/app/src."""

    policy: Path
    people: Sequence[Person]
    places: Places
    port: int
    starter_files: Path
    began: float  # when the command was given: time.time()
    namespaces: bool | None = None  # None: whatever works


class Told:
    """What the demo prints: words, and how long things took since the command was given."""

    def __init__(self, began: float) -> None:
        self._began = began

    def say(self, text: str) -> None:
        print(text, flush=True)

    def step(self, text: str) -> None:
        self.say(f"{time.time() - self._began:6.1f} s  {text}")


async def run(settings: Settings, parent_gone: Awaitable[None]) -> None:
    """Until it is asked to end. Raises `Broken` when something ends that should not."""
    told = Told(settings.began)
    asked = _asked_to_end(parent_gone)
    rooms = await _rooms(settings, told)
    try:
        async with _serving(settings, rooms, told) as (server, addresses, link):
            pages = (f"{addresses.hub}/hub/health", link)
            waiting = asyncio.ensure_future(asyncio.wait_for(answers(pages, server), STARTING))
            await asyncio.wait({waiting, asked}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                _raise(waiting)
                _welcome(told, settings, link)
                await _until_the_end(asked, server)
            waiting.cancel()
            told.step("ending the hub and its servers")
    finally:
        asked.cancel()
    told.step("ended; homes are kept")


@asynccontextmanager
async def _serving(
    settings: Settings, rooms: Rooms, told: Told
) -> AsyncIterator[tuple[Service, Addresses, str]]:
    """Cluster, proxy and hub, and the link to log in with."""
    token, proxy_token = secrets.token_urlsafe(24), secrets.token_hex(32)
    async with (
        cluster(settings.places, rooms, settings.starter_files) as embedded,
        _proxy(proxy_token, settings.port) as proxy_url,
    ):
        told.step("the Kubernetes API and the proxy are ready")
        url, hub_url = f"http://127.0.0.1:{settings.port}", f"http://127.0.0.1:{free_port()}"
        addresses = Addresses(url, hub_url, proxy_url)
        config = hub_config(settings.policy, settings.people, token, addresses)
        write_private(settings.places.hub / "jupyterhub_config.py", config)
        told.step("JupyterHub is starting, which takes a few seconds")
        async with hub(settings.places, proxy_token, embedded.kubeconfig) as server:
            yield server, addresses, f"{url}/hub/login?token={token}"


@asynccontextmanager
async def _proxy(token: str, port: int) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(proxy(token, port))
        except OSError as error:
            raise Broken(f"port {port}: {error.strerror}") from None
        yield url


def _raise(waiting: asyncio.Task[None]) -> None:
    try:
        waiting.result()
    except asyncio.TimeoutError:
        raise Broken(f"the hub did not answer within {STARTING:.0f} seconds") from None


async def _rooms(settings: Settings, told: Told) -> Rooms:
    rooms, why = (
        await find_rooms() if settings.namespaces is None else (Rooms(settings.namespaces), "asked for")
    )
    if rooms.namespaces:
        told.say("  paths   each server sees its volumes where its pod mounts them (mount namespaces)")
    else:
        told.say(f"  paths   the pods' mount paths are rewritten as folders of this machine ({why})")
    return rooms


def _welcome(told: Told, settings: Settings, link: str) -> None:
    told.step("the login page is ready")
    told.say(f"\nOpen  {link}\n")
    for person in settings.people:
        told.say(f"  {person.name:10} {person.words}")
    told.say("\nCtrl-C ends it, and everything that it started.")


def _asked_to_end(parent_gone: Awaitable[None]) -> asyncio.Future[None]:
    """Done at SIGTERM, or when the process that watches over this one is gone."""
    asked = asyncio.ensure_future(parent_gone)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.cancel)
    return asked


async def _until_the_end(asked: asyncio.Future[None], server: Service) -> None:
    either: set[asyncio.Future[Any]] = {asked, server.ended}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if server.ended.done():
        raise Broken(server.why())
