"""How long a hub's loop is held up while a large policy file is read again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from traitlets.config import Config

from envspawner.hub.reload import Watch, without_collector
from envspawner.hub.spawner import EnvSpawner
from envspawner.hub.store import policy_of

from .measure import Row

_TICK = 0.001  # seconds between two looks at the clock
GOAL = 50.0  # milliseconds, for a ConfigMap's 1 MiB


async def reload(sizes: list[int], rounds: int, say: Callable[[str], None]) -> list[Row]:
    """sizes: of the files, in KiB. The longest block of `rounds` reloads each, and the median time of one."""
    rows = []
    for size in sizes:
        say(f"reload of a policy of {size} KiB")
        longest, took = await _reloads(size * 1024, rounds)
        goal = GOAL if size <= 1024 else None
        rows.append(Row("reload, longest block", f"{size} KiB", "ms", None, longest, None, goal))
        rows.append(Row("reload, until in force", f"{size} KiB", "ms", None, took, None))
    return rows


async def _reloads(size: int, rounds: int) -> tuple[float, float]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "policy.yaml"
        watch = _watch(file, size)
        times = []
        with _longest() as longest:
            for number in range(rounds):
                file.write_text(text(size, f"round {number}"))
                started = perf_counter()
                await watch.look()
                times.append((perf_counter() - started) * 1000)
                await asyncio.sleep(0.2)  # what the collector does afterwards counts too
        return max(longest), sorted(times)[len(times) // 2]


def _watch(file: Path, size: int) -> Watch:
    file.write_text(text(size, "start"))
    config, names = Config(), EnvSpawner.section_names()
    config.EnvSpawner.policy_file = str(file)
    with without_collector():
        loaded = policy_of(config, names)
    assert loaded is not None
    assert loaded.file is not None
    digest = loaded.file.digest
    return Watch(config, names, EnvSpawner, str(file), digest, logging.getLogger(__name__), 5, quiet=0)


@contextmanager
def _longest() -> Iterator[list[float]]:
    """Milliseconds for which the loop did not come back to a task that only wants to look at the clock."""
    found = [0.0]

    async def look() -> None:
        last = perf_counter()
        while True:
            await asyncio.sleep(_TICK)
            now = perf_counter()
            found[0] = max(found[0], (now - last - _TICK) * 1000)
            last = perf_counter()

    task = asyncio.get_running_loop().create_task(look())
    try:
        yield found
    finally:
        task.cancel()


def text(size: int, note: str) -> str:
    """A policy of about `size` bytes: rules of groups, and five times as many of users."""
    group = (
        "  group{0}:\n    extraEnv: {{COURSE: course{0}}}\n    memory: {{limit: 2G}}\n    note: a course\n"
    )
    user = "  user{0}:\n    memory: {{limit: 6G}}\n    note: ticket {0}\n"
    count = size // (len(group) + 5 * len(user)) + 1
    groups = "".join(group.format(number) for number in range(count))
    users = "".join(user.format(number) for number in range(5 * count))
    return f"defaults: {{memory: {{guarantee: 1G}}, note: {note}}}\ngroups:\n{groups}users:\n{users}"
