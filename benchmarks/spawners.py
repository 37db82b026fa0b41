"""Spawners as a running hub makes them, one after the other, without a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from kubespawner import KubeSpawner
from traitlets.config import Config

from envspawner.hub.offline import offline_spawner
from envspawner.resolve.request import Person, Start

USER = "ada.lovelace@example.edu"
NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
Making = Callable[[], Any]


@contextmanager
def making(spawner_class: type[KubeSpawner], config: Config, user: str = USER) -> Iterator[Making]:
    """Calls of what this gives make new spawners of one user's server, as JupyterHub makes one for each start."""
    start = Start(Person(user, frozenset(), False), "", {}, NOW, "hub")
    with offline_spawner(config, start, spawner_class) as first:

        def make() -> Any:
            return first.user._new_spawner("", spawner_class=spawner_class)

        yield make
