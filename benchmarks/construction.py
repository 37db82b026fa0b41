"""What it takes to make a spawner object, and what one keeps in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import thread_time

from kubespawner import KubeSpawner

from envspawner.hub.spawner import EnvSpawner

from .hubs import as_kubespawner, as_policy
from .measure import Once, Row, compare, kib, since
from .spawners import making


def construction(sizes: list[int], users: int, rounds: int, say: Callable[[str], None]) -> Iterator[Row]:
    """Two rows for each number of profiles, and two for a policy with rules for many users."""
    for profiles, with_users in [*((size, 0) for size in sizes), (0, users)]:
        size = f"{with_users} user rules" if with_users else f"{profiles} profiles"
        say(f"construction with {size}")
        for name, unit, task, often in (
            ("construction", "µs", _times, rounds),
            ("memory per spawner", "KiB", _memory, 1),
        ):
            host = partial(task, KubeSpawner, profiles, with_users)
            ours = partial(task, EnvSpawner, profiles, with_users)
            yield compare(name, size, unit, (host, ours), often, 1.0)


@contextmanager
def _makes(spawner_class: type[KubeSpawner], profiles: int, users: int) -> Iterator[Callable[[], object]]:
    ours = issubclass(spawner_class, EnvSpawner)
    config = as_policy(profiles, users=users) if ours else as_kubespawner(profiles)
    with making(spawner_class, config) as make:
        yield make


@contextmanager
def _times(spawner_class: type[KubeSpawner], profiles: int, users: int) -> Iterator[Once]:
    with _makes(spawner_class, profiles, users) as make:

        async def once() -> float:
            start = thread_time()
            make()
            return since(start)

        yield once


@contextmanager
def _memory(spawner_class: type[KubeSpawner], profiles: int, users: int) -> Iterator[Once]:
    with _makes(spawner_class, profiles, users) as make:

        async def once() -> float:
            return kib(make, 10)

        yield once
