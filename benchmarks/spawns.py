"""What a start does itself: options, pod and claim, on a new spawner for each start, as in a hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import thread_time
from typing import Any, Final

from kubernetes_asyncio.client import ApiClient
from kubespawner import KubeSpawner

from envspawner.hub.spawner import EnvSpawner

from .hubs import LABELS, VARIABLES, Kind, as_kubespawner, as_policy, picked
from .measure import Once, Row, compare, since
from .spawners import Making, making

NAME: Final = "load_user_options + pod + claim"
HOME: Final = "home"
MORE: Final[dict[Kind, str]] = {
    "home": "",
    "ordinary": f", {len(VARIABLES)} variables, {len(LABELS)} labels",
    "chart": ", Zero to JupyterHub",
}
TURNS: Final = 3
"""For each round; a start is short, and its goal is near."""
ADDED: Final = "hub.jupyter.org/envspawner-"
"""Annotations that EnvSpawner adds."""


async def spawns_are_equal(profiles: int, kind: Kind) -> None:
    """Both spawners make the same, else there is nothing to compare. Raises AssertionError."""
    host = await _made(KubeSpawner, profiles, kind)
    ours = await _made(EnvSpawner, profiles, kind)
    assert host == ours, (host, ours)


def spawns(sizes: list[int], rounds: int, say: Callable[[str], None]) -> Iterator[Row]:
    """A row for each number of profiles, all with a home and nothing else; and one of each other kind of hub."""
    hubs: list[tuple[int, Kind]] = [*((size, HOME) for size in sizes), (0, "ordinary"), (0, "chart")]
    for profiles, kind in hubs:
        size = f"{profiles} profiles{MORE[kind]}"
        say(f"a start with {size}")
        goal = 1 / 80 if profiles == 1000 else 1.0 if profiles or kind == "chart" else 0.6
        host = partial(_starts, KubeSpawner, profiles, kind)
        ours = partial(_starts, EnvSpawner, profiles, kind)
        yield compare(NAME, size, "µs", (host, ours), TURNS * rounds, goal)


@contextmanager
def _starts(spawner_class: type[KubeSpawner], profiles: int, kind: Kind) -> Iterator[Once]:
    with _making(spawner_class, profiles, kind) as make:

        async def once() -> float:
            spawner = _ready(make, profiles)
            start = thread_time()
            await spawner.load_user_options()
            await spawner.get_pod_manifest()
            spawner.get_pvc_manifest()
            return since(start)

        yield once


@contextmanager
def _making(spawner_class: type[KubeSpawner], profiles: int, kind: Kind) -> Iterator[Making]:
    configure = as_policy if issubclass(spawner_class, EnvSpawner) else as_kubespawner
    with making(spawner_class, configure(profiles, kind=kind)) as make:
        yield make


def _ready(make: Making, profiles: int) -> Any:
    spawner = make()
    spawner.namespace = "hub"
    spawner.user_options = picked(profiles)
    return spawner


async def _made(spawner_class: type[KubeSpawner], profiles: int, kind: Kind) -> tuple[Any, Any]:
    """The pod and the claim of one start, in an order of their own, without what EnvSpawner adds."""
    with _making(spawner_class, profiles, kind) as make:
        spawner = _ready(make, profiles)
        await spawner.load_user_options()
        documents = [await spawner.get_pod_manifest(), spawner.get_pvc_manifest()]
    async with ApiClient() as api:
        pod, claim = api.sanitize_for_serialization(documents)
    annotations = pod["metadata"]["annotations"]
    pod["metadata"]["annotations"] = {k: v for k, v in annotations.items() if not k.startswith(ADDED)}
    pod["spec"]["containers"][0]["env"].sort(key=lambda variable: variable["name"])
    return pod, claim
