"""Times things side by side, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from time import perf_counter, thread_time
from typing import Any, Final

BURST: Final = 0.05
"""Seconds for which one of two things is done before it is the other's turn."""
AT_LEAST: Final = 3
Once = Callable[[], Awaitable[float]]
"""Does something once and returns what it took."""
Task = Callable[[], AbstractContextManager[Once]]
"""Makes ready for it."""


@dataclass(frozen=True)
class Row:
    """One figure. kubespawner, ratio: None where KubeSpawner has nothing like it. goal: the largest good ratio,
    or without a ratio the largest good value."""

    name: str
    size: str
    unit: str
    kubespawner: float | None
    envspawner: float
    ratio: float | None
    goal: float | None = None


def compare(name: str, size: str, unit: str, tasks: tuple[Task, Task], rounds: int, goal: float) -> Row:
    """KubeSpawner's task and EnvSpawner's, in turn, in short bursts: both medians, and the median of the ratios.

    Each runs in a process of its own, as it would in a hub: what one does to the memory (copies of a thousand
    profiles, say) is no fault of the other.
    """
    with _worker(tasks[0]) as host, _worker(tasks[1]) as ours:
        pairs = [(_ask(host), _ask(ours)) for _ in range(rounds)]
    medians = [median(values) for values in zip(*pairs, strict=True)]
    return Row(name, size, unit, medians[0], medians[1], median(b / a for a, b in pairs), goal)


def since(start: float) -> float:
    """Microseconds of this thread's own work since `thread_time()` said `start`: others may use the machine too."""
    return (thread_time() - start) * 1e6


def kib(make: Callable[[], Any], count: int) -> float:
    """KiB that one of the things made keeps, at the mean of `count`."""
    make()  # what is kept once for all
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [make() for _ in range(count)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) == count
    return (after - before) / count / 1024


@contextmanager
def without_garbage() -> Iterator[Callable[[], object]]:
    """Inside of it garbage is collected only when one asks, and without a look at what was there before."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()


@contextmanager
def _worker(task: Task) -> Iterator[Connection]:
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, task), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        with suppress(OSError):  # it failed, and is gone
            here.send(False)
        here.close()
        process.join()


def _ask(worker: Connection) -> float:
    worker.send(True)
    return float(worker.recv())


def _work(asked: Connection, task: Task) -> None:
    asyncio.run(_answer(asked, task))


async def _answer(asked: Connection, task: Task) -> None:
    with task() as once, without_garbage() as collect:
        while asked.recv():
            asked.send(await _burst(once, collect))


async def _burst(once: Once, collect: Callable[[], object]) -> float:
    """The median of what can be done in a moment, but for its first tenth.

    After a pause the processor's caches hold what others did; a hub that is busy has its own in them.
    """
    collect()
    found: list[float] = []
    end = perf_counter() + BURST
    while len(found) < AT_LEAST or perf_counter() < end:
        found.append(await once())
    return median(found[len(found) // 10 or 1 :])
