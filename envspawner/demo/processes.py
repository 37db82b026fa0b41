"""Containers' processes on this machine: started through the launcher, signalled, awaited."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from . import launcher
from .commands import Command
from .image import AS_ROOT, GID, UID, account_files
from .launcher import Bind, Order
from .rewriting import link_nested, rewritten


class CannotStart(Exception):
    """The command of a container could not be started; the message says why."""


@dataclass(frozen=True)
class Running:
    """A process of a container. `pid` is the command's own, seen from this machine."""

    pid: int
    command: Command
    _launcher: asyncio.subprocess.Process

    async def wait(self) -> int:
        """Its exit status; 128 and the number if a signal ended it."""
        code = await self._launcher.wait()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        if self._launcher.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and all that it started."""
        if self._launcher.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Rooms:
    """How containers see their paths here: with mount namespaces, or by rewriting."""

    namespaces: bool

    async def start(self, command: Command, folder: Path, log: Path) -> Running:
        """Starts a container's command; `folder` is its own. Raises `CannotStart`."""
        root = folder / "root"
        root.mkdir(parents=True, exist_ok=True)
        return await self._launch(command, self._order(command, root, None, folder), log)

    async def join(self, container: Running, argv: tuple[str, ...], log: Path) -> Running:
        """Starts another command in a running container, as its hooks do. Raises `CannotStart`."""
        command = replace(container.command, argv=argv)
        return await self._launch(command, self._order(command, Path("/"), container.pid, None), log)

    def _order(self, command: Command, root: Path, join: int | None, folder: Path | None) -> Order:
        if not self.namespaces:
            link_nested(command.mounts)
            command = rewritten(command)
            if os.geteuid() == 0:
                command = replace(command, environment={**command.environment, **AS_ROOT})
        binds = [Bind(source=str(m.source), target=m.target, readOnly=m.read_only) for m in command.mounts]
        if folder is not None and self.namespaces:
            accounts = account_files(folder, command.uid, command.gid).items()
            binds = [Bind(source=str(s), target=t, readOnly=True) for t, s in accounts] + binds
        return Order(
            argv=list(command.argv),
            env=dict(command.environment),
            cwd=command.cwd,
            namespaces=self.namespaces,
            uid=command.uid,
            gid=command.gid,
            hostname=command.hostname,
            root=str(root),
            binds=binds,
            join=join,
        )

    async def _launch(self, command: Command, order: Order, log: Path) -> Running:
        mine, theirs = os.pipe()
        try:
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", launcher.__file__, str(theirs)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    pass_fds=[theirs],
                    env={},
                    start_new_session=True,
                )
        finally:
            os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(json.dumps(order).encode())
        process.stdin.close()
        try:
            told = await asyncio.to_thread(_read_all, mine)
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        lines = dict(line.split(" ", 1) for line in told.splitlines())
        if "error" in lines or "pid" not in lines:
            await process.wait()
            raise CannotStart(lines.get("error", "the launcher ended early"))
        return Running(int(lines["pid"]), command, process)


def _read_all(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8", errors="replace") as stream:
        return stream.read()


async def find_rooms() -> tuple[Rooms, str]:
    """The better way that works on this machine, and why it is not the best; "" if it is."""
    if sys.platform != "linux":
        return Rooms(False), "mount namespaces are Linux's"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = Command(("true",), {"PATH": os.defpath}, "/", (), UID, GID, "probe")
        try:
            running = await Rooms(True).start(command, folder, folder / "log")
        except CannotStart as error:
            return Rooms(False), str(error)
        code = await running.wait()
    return (Rooms(True), "") if code == 0 else (Rooms(False), f"a first try ended with {code}")
