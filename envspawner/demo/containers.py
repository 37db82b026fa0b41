"""The life of one container: its command, its hooks, its restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .commands import command_of, container_mounts
from .environment import CannotConfigure, Secrets
from .processes import CannotStart, Rooms, Running
from .statuses import ContainerState
from .volumes import CannotMount

Json = Mapping[str, Any]
Tell = Callable[..., None]
RESET = 600.0  # seconds after which an earlier failure no longer counts
RETRY = 2.0  # seconds until what is not there yet is looked for again


@dataclass(frozen=True)
class Surroundings:
    """What a pod's containers live in. `tell` and `changed` report to the outside."""

    pod: Json
    rooms: Rooms
    volumes: Mapping[str, Path]
    starter_files: Path | None
    secrets: Secrets
    folder: Path
    logs: Path
    backoff: float
    tell: Tell
    changed: Callable[[], None]

    @property
    def grace(self) -> float:
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))


class Container:
    """A container of a pod. `state` is what the pod's status says of it."""

    def __init__(self, spec: Json, init: bool = False) -> None:
        self.spec = spec
        self.state = ContainerState(spec["name"], spec["image"], init=init)
        self.state.wait_for("PodInitializing" if not init else "ContainerCreating")
        self.running: Running | None = None

    async def keep(self, around: Surroundings, policy: str) -> int:
        """Runs it until it need not run again; its last exit status. Restarts wait as the kubelet's do."""
        delay = 0.0
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._once(around)
            if policy == "Never" or (code == 0 and policy != "Always"):
                return code
            if asyncio.get_running_loop().time() - began > RESET:
                delay = 0.0
            await self._back_off(around, code, delay)
            delay = min(max(delay * 2, around.backoff), 30 * around.backoff)

    async def _back_off(self, around: Surroundings, code: int, delay: float) -> None:
        name = self.spec["name"]
        self.state.last, self.state.restarts = self.state.state, self.state.restarts + 1
        message = f"back-off {delay:.0f}s restarting failed container={name}"
        self.state.wait_for("CrashLoopBackOff", message)
        around.changed()
        words = f"Back-off restarting failed container {name} (exit status {code}{self._last_words(around)})"
        around.tell("BackOff", words, warning=True)
        await asyncio.sleep(delay)

    def _last_words(self, around: Surroundings) -> str:
        lines = self._log(around).read_text(errors="replace").strip().splitlines()[-1:]
        return "".join(f": {line[:300]}" for line in lines)

    def _log(self, around: Surroundings) -> Path:
        return around.logs / f"{around.pod['metadata']['name']}-{self.spec['name']}.log"

    # --- one run --------------------------------------------------------------------------------------------------

    async def _once(self, around: Surroundings) -> int:
        self._log(around).write_text("")
        try:
            self.running = running = await self._start(around)
        except CannotStart as error:
            self.state.end(128, "StartError")
            around.changed()
            around.tell("Failed", f"Error: {error}", warning=True)
            return 128
        around.tell("Started", f"Started container {self.spec['name']}")
        await self._after_start(around, running)
        code = await running.wait()
        self.ended(code)
        around.changed()
        return code

    def ended(self, code: int) -> None:
        self.running = None
        self.state.end(code)

    async def _start(self, around: Surroundings) -> Running:
        """As soon as all it asks for is there. Raises `CannotStart`."""
        image, name = self.spec["image"], self.spec["name"]
        folder = around.folder / name
        told = ""
        while True:
            try:
                mounts = container_mounts(self.spec, around.volumes, around.starter_files, folder / "home")
                command = command_of(self.spec, around.pod, around.secrets, mounts)
                break
            except (CannotConfigure, CannotMount) as error:
                if str(error) != told:
                    told = str(error)
                    self.state.wait_for("CreateContainerConfigError", told)
                    around.changed()
                    around.tell("Failed", f"Error: {told}", warning=True)
                await asyncio.sleep(RETRY)
        around.tell("Pulled", f'The image "{image}" is not pulled: the local Python stands in for it')
        around.tell("Created", f"Created container {name}")
        return await around.rooms.start(command, folder, self._log(around))

    async def _after_start(self, around: Surroundings, running: Running) -> None:
        """The container counts as started when its hook has succeeded; a failing hook ends it."""
        hook = (self.spec.get("lifecycle") or {}).get("postStart")
        failure = "" if not hook else await self._hook(around, running, hook)
        if failure:
            around.tell("FailedPostStartHook", f"PostStartHook failed: {failure}", warning=True)
            await _end(running, around.grace)
        else:
            self.state.run()
            around.changed()

    async def _hook(self, around: Surroundings, running: Running, hook: Json) -> str:
        """Why a hook failed; "" if it did not. A hook does not outlive its container."""
        if not hook.get("exec"):
            return "this demo knows no other hooks than exec"
        try:
            process = await around.rooms.join(running, tuple(hook["exec"]["command"]), self._log(around))
        except CannotStart as error:
            return str(error)
        hooked = asyncio.ensure_future(process.wait())
        ended = asyncio.ensure_future(running.wait())
        try:
            await asyncio.wait({hooked, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not hooked.done():
                return "the container ended before its hook"
            code = hooked.result()
            return f"command exited with {code}{self._last_words(around)}" if code else ""
        finally:
            process.kill()
            ended.cancel()
            await hooked

    # --- its end --------------------------------------------------------------------------------------------------

    async def stop(self, around: Surroundings, grace: float) -> None:
        """Its `preStop` hook, SIGTERM, and SIGKILL when the time is over."""
        running = self.running
        if running is None:
            return
        around.tell("Killing", f"Stopping container {self.spec['name']}")
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        began = asyncio.get_running_loop().time()
        if hook and grace > 0:
            try:
                failure = await asyncio.wait_for(self._hook(around, running, hook), grace)
            except asyncio.TimeoutError:
                failure = "not done in time"
            if failure:
                around.tell("FailedPreStopHook", f"PreStopHook failed: {failure}", warning=True)
        await _end(running, max(0.0, grace - (asyncio.get_running_loop().time() - began)))
        self.ended(await running.wait())


async def _end(running: Running, grace: float) -> None:
    if grace > 0:
        running.terminate()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(running.wait(), grace)
    running.kill()
    await running.wait()
