"""Watches the policy file of a running hub: a file that changed is in force whole, or not at all.

Everything slow happens in a thread. The hub's loop is held up only while that thread does not let go of the
interpreter: the garbage collector would be the longest such time by far, so it does not run meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from traitlets.config import Config

from ..policy.problems import PolicyError
from . import measures
from .profile_start import forget
from .settings import PolicySettings
from .store import Loaded, configured, digest_of, load_configured, policy_of, read_policy, use_policy

_DEFAULT: Final = PolicySettings.policy_reload_seconds.default_value
QUIET: Final = 1.0
"""Seconds for which a file must not have changed before it is read: it may be half written."""
_UNSURE: Final = 2.0  # seconds; two changes within that may look like one, by the clocks of file systems
_MANY: Final = 50_000  # objects; to look through more would hold up the hub

State = tuple[int, ...]
"""What tells one state of a file from another without reading it."""


@dataclass
class Watch:
    """One hub's policy file. seconds: how often it is looked at. quiet: see QUIET.

    judged: the content last found good or bad, or why there was none. seen: the state in which that was found.
    """

    config: Config
    section_names: Sequence[str]
    spawner_class: type[Any]
    path: str
    judged: str
    log: Any
    seconds: float
    quiet: float = QUIET
    seen: State | None = field(default=None, init=False)

    async def run(self) -> None:
        """Looks at the file for as long as the hub runs."""
        while True:
            await asyncio.sleep(self.seconds)
            try:
                await self.look()
            except Exception:
                self.log.exception("Could not look at the policy file %s", self.path)

    async def look(self) -> None:
        """Puts the file in force if it has changed, or tells what is wrong with it."""
        state = await asyncio.to_thread(state_of, self.path)
        if state == self.seen:
            return
        if self.quiet:
            await asyncio.sleep(self.quiet)
        read = await asyncio.to_thread(self._read, state)
        if read is None:
            return  # it is being written; the next look will tell
        if read.judged != self.judged:
            await self._judge(read)
            self.judged = read.judged
        self.seen = state if read.sure else None

    def _read(self, state: State) -> _Read | None:
        """What the file holds, if it is in this state before and after."""
        if state_of(self.path) != state:
            return None
        try:
            content = read_policy(self.path)
            read = _Read(digest_of(content), content, None, _is_old(self.path))
        except PolicyError as error:
            read = _Read(str(error), b"", error, _is_old(self.path))
        return read if state_of(self.path) == state else None

    async def _judge(self, read: _Read) -> None:
        try:
            if read.error is not None:
                raise read.error
            with without_collector():
                loaded = await asyncio.to_thread(self._load, read.content)
                self._use(loaded)
        except PolicyError as error:
            measures.not_reloaded()
            now = self._in_force()
            self.log.error(
                "The policy of EnvSpawner cannot be used as it is now; policy %s stays in force:\n%s",
                now,
                error,
            )

    def _load(self, content: bytes) -> Loaded | None:
        return load_configured(
            self.config, self.section_names, spawner_class=self.spawner_class, content=content
        )

    def _use(self, loaded: Loaded | None) -> None:
        assert loaded is not None  # there is a file
        before = self._in_force()
        use_policy(self.config, loaded)
        forget()
        measures.reloaded(loaded.policy.digest)
        for warning in loaded.warnings:
            self.log.warning("%s", warning)
        self.log.info("%s, instead of %s", described(loaded), before)

    def _in_force(self) -> str:
        loaded = policy_of(self.config, self.section_names, spawner_class=self.spawner_class)
        return "none" if loaded is None else loaded.policy.digest


@dataclass(frozen=True)
class _Read:
    """judged: as `Watch` has it. error: why there is no content. sure: whether a later change is sure to show."""

    judged: str
    content: bytes
    error: PolicyError | None
    sure: bool


def state_of(path: str) -> State:
    """The state of a file, symbolic links followed; of one that is not there, the number of the error."""
    try:
        found = os.stat(path)
    except OSError as error:
        return (error.errno or 0,)
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_old(path: str) -> bool:
    """Whether the last change of a file is so long ago that another could not look like it."""
    try:
        return time.time() - os.stat(path).st_ctime > _UNSURE
    except OSError:
        return True


def described(loaded: Loaded) -> str:
    """What is in force, for the log."""
    count = len(loaded.policy.rules())
    return f"EnvSpawner uses policy {loaded.policy.digest} with {count} rules and profiles"


_watching: set[asyncio.Task[None]] = set()  # a loop itself would not keep them


def watch(app: Any, spawner_class: type[Any], loaded: Loaded) -> None:
    """From now on a hub's policy file is looked at. app: the JupyterHub. loaded: the policy in force."""
    names = spawner_class.section_names()
    seconds = float(configured(app.config, names).get("policy_reload_seconds", _DEFAULT))
    if loaded.file is None or not seconds:
        return
    quiet = min(QUIET, seconds)
    file = loaded.file
    one = Watch(app.config, names, spawner_class, file.path, file.digest, app.log, seconds, quiet)
    task = asyncio.get_running_loop().create_task(one.run())
    _watching.add(task)
    task.add_done_callback(_watching.discard)


@contextmanager
def without_collector() -> Iterator[None]:
    """A time in which no garbage is collected, and after which what was made in it is left alone.

    The collector would look through a large policy again and again, though none of it is garbage: with every
    thousand new objects at once, and later with every full collection. So what is there is frozen, unless it is little:
    whatever else is frozen is freed as soon as nothing refers to it, but not where it refers to itself.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > _MANY:
            gc.freeze()
        if was_on:
            gc.enable()
