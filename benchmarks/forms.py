"""What it takes to make the form of the spawn page, on a new spawner for each visit, as in a hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import thread_time

from kubespawner import KubeSpawner

from envspawner.hub.spawner import EnvSpawner

from .hubs import as_kubespawner, as_policy
from .measure import Once, Row, compare, since
from .spawners import making

NAME = "form of the spawn page"
MOST = 2000.0
"""Microseconds that the form of ten profiles may take."""


def forms(sizes: list[int], rounds: int, say: Callable[[str], None]) -> Iterator[Row]:
    """A row for each number of profiles; of ten also one that is held to an amount of time."""
    for profiles in sizes:
        size = f"{profiles} profiles"
        say(f"the form of {size}")
        host, ours = partial(_forms, KubeSpawner, profiles), partial(_forms, EnvSpawner, profiles)
        row = compare(NAME, size, "µs", (host, ours), rounds, 0.5 if profiles else 2.0)
        yield row
        if profiles == 10:
            yield Row(f"{NAME}, alone", size, row.unit, None, row.envspawner, None, MOST)


@contextmanager
def _forms(spawner_class: type[KubeSpawner], profiles: int) -> Iterator[Once]:
    ours = issubclass(spawner_class, EnvSpawner)
    config = as_policy(profiles) if ours else as_kubespawner(profiles)
    with making(spawner_class, config) as make:

        async def once() -> float:
            spawner = make()
            start = thread_time()
            form = await spawner.get_options_form()
            took = since(start)
            assert form.count('type="radio"') == profiles
            return took

        yield once
