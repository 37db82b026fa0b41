"""The life of one pod: its claims and volumes, init containers, containers, and its end."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .claims import Claims
from .containers import RETRY, Container, Surroundings
from .events import Events
from .places import Places
from .processes import Rooms
from .statuses import NODE, now, phase_of, status_of
from .store import Store
from .volumes import CannotMount, claims_of, kind_of, make_volumes
from .wire import ApiError

Json = Mapping[str, Any]
KIND = "pods"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Machine:
    """What the pods of a node share."""

    store: Store
    places: Places
    rooms: Rooms
    claims: Claims
    events: Events
    starter_files: Path | None
    backoff: float = 10.0  # seconds, as the kubelet's


class Pod:
    """A pod from its creation until it is gone from the store."""

    def __init__(self, machine: Machine, manifest: Json) -> None:
        self._machine = machine
        self._pod = manifest
        spec, metadata = manifest["spec"], manifest["metadata"]
        self.namespace: str = metadata["namespace"]
        self.name: str = metadata["name"]
        self._first = [Container(one, init=True) for one in spec.get("initContainers") or []]
        self._containers = [Container(one) for one in spec["containers"]]
        self._started = now()
        self._phase = "Pending"
        self._leaving = asyncio.Event()
        self._grace = 0.0
        self._around: Surroundings | None = None

    def leave(self, grace: float) -> None:
        """Asks it to end; a later call may only shorten the time that it has."""
        self._grace = min(self._grace, grace) if self._leaving.is_set() else grace
        if grace <= 0:
            self.kill()
        self._leaving.set()

    def kill(self) -> None:
        for container in (*self._first, *self._containers):
            if container.running is not None:
                container.running.kill()

    def container(self, name: str) -> Container:
        """Raises KeyError."""
        return {one.spec["name"]: one for one in self._containers}[name]

    async def run(self) -> None:
        """Until it is gone."""
        living = asyncio.ensure_future(self._live())
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            await asyncio.wait({living, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if living.done() and living.exception() is not None:
                LOG.error("the pod %s ended by a mistake of the demo", self.name, exc_info=living.exception())
                self._publish("Failed")
            await leaving
            living.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await living
            await self._stop()
        finally:
            self.kill()
            leaving.cancel()
            living.cancel()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            with suppress(ApiError):
                self._machine.store.remove(KIND, self.namespace, self.name)

    # --- what others see ------------------------------------------------------------------------------------------

    @property
    def _folder(self) -> Path:
        return self._machine.places.pods / str(self._pod["metadata"]["uid"])

    def _tell(self, reason: str, message: str, warning: bool = False) -> None:
        self._machine.events.tell(self._pod, reason, message, warning)

    def _publish(self, phase: str) -> None:
        self._phase = phase
        first, containers = ([c.state for c in group] for group in (self._first, self._containers))
        status = status_of(phase, self._started, first, containers)
        with suppress(ApiError):  # it may have been removed by force
            self._machine.store.set_status(KIND, self.namespace, self.name, status)

    def _changed(self) -> None:
        self._publish(self._phase)

    def _containers_changed(self) -> None:
        self._publish(phase_of([one.state for one in self._containers], self._policy))

    @property
    def _policy(self) -> str:
        return str(self._pod["spec"].get("restartPolicy") or "Always")

    def _secret(self, name: str) -> Json | None:
        try:
            return self._machine.store.get("secrets", self.namespace, name)
        except ApiError:
            return None

    # --- its life -------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        with suppress(ApiError):
            self._machine.store.bind(self.namespace, self.name, NODE)
        self._publish("Pending")
        volumes = await self._volumes()
        self._tell("Scheduled", f"Successfully assigned {self.namespace}/{self.name} to {NODE}")
        await self._run_first(volumes)
        if any(one.state.exit_code for one in self._first):
            self._publish("Failed")
            return
        self._around = around = self._surroundings(volumes, first=False)
        await asyncio.gather(*(one.keep(around, self._policy) for one in self._containers))

    async def _run_first(self, volumes: Mapping[str, Path]) -> None:
        self._around = around = self._surroundings(volumes, first=True)
        policy = "Never" if self._policy == "Never" else "OnFailure"
        for one in self._first:
            if await one.keep(around, policy) != 0:
                return

    def _surroundings(self, volumes: Mapping[str, Path], first: bool) -> Surroundings:
        machine = self._machine
        return Surroundings(
            pod=self._pod,
            rooms=machine.rooms,
            volumes=volumes,
            starter_files=machine.starter_files,
            secrets=self._secret,
            folder=self._folder,
            logs=machine.places.logs,
            backoff=machine.backoff,
            tell=self._tell,
            changed=self._changed if first else self._containers_changed,
        )

    async def _volumes(self) -> Mapping[str, Path]:
        """A folder for each volume, as soon as each can be had."""
        told = ""
        while True:
            try:
                for volume in self._pod["spec"].get("volumes") or []:
                    kind_of(volume)
                homes = {name: await self._home(name) for name in claims_of(self._pod)}
                return make_volumes(self._pod, self._folder / "volumes", homes, self._secret)
            except CannotMount as error:
                if str(error) != told:
                    told = str(error)
                    self._tell("FailedMount", f"MountVolume.SetUp failed: {told}", warning=True)
                await asyncio.sleep(RETRY)

    async def _home(self, claim: str) -> Path:
        if not self._machine.claims.known(claim):
            self._tell("FailedScheduling", f'persistentvolumeclaim "{claim}" not found', warning=True)
        try:
            return await self._machine.claims.home(claim)
        except OSError as error:
            raise CannotMount(f'the folder of persistentvolumeclaim "{claim}": {error.strerror}') from None

    async def _stop(self) -> None:
        if self._around is not None:
            around = self._around
            await asyncio.gather(
                *(one.stop(around, self._grace) for one in (*self._first, *self._containers))
            )
            self._publish(self._phase)
