"""A KubeSpawner that looks for references among the variables of a pod once, not in each of them."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache, partial
from typing import Any, Final

import kubespawner.spawner
from kubernetes_asyncio.client import Configuration, V1EnvVar
from kubespawner import KubeSpawner

_REFERENCE: Final = "$("


class _Simple(dict[str, str]):
    """Variables of which none refers to another.

    It passes for an empty one, so that KubeSpawner, which asks that of the variables that it is given and of nothing
    else, makes a pod without them. Whoever looks into it sees them, and what is added to it is there.
    """

    def __bool__(self) -> bool:
        return False


_asked: Final[ContextVar[tuple[Any, list[_Simple]] | None]] = ContextVar("asked", default=None)
"""The spawner whose pod is made, and what was given to who asked first for its variables meanwhile."""


class VariablesSpawner(KubeSpawner):  # type: ignore[misc]
    """Its pods are KubeSpawner's; variables that need no order but that of their names are put in afterwards."""

    def get_env(self) -> dict[str, Any]:
        env: dict[str, Any] = super().get_env()
        spawner, given = _asked.get() or (None, [])
        if spawner is not self or given or not _is_simple(env):
            return env  # of two that were asked for, nobody knows which one is in the pod
        given.append(_Simple(env))
        return given[0]

    async def get_pod_manifest(self) -> Any:
        known = type(self).get_env is VariablesSpawner.get_env and _is_put_in_alike()
        given: list[_Simple] = []
        token = _asked.set((self, given) if known and "env" not in self.extra_container_config else None)
        try:
            pod = await super().get_pod_manifest()
        finally:
            _asked.reset(token)
        if given and not pod.spec.containers[0].env:
            pod.spec.containers[0].env = _as_list(given[0])
        return pod


def _is_simple(env: dict[str, Any]) -> bool:
    """Whether all variables are text in which no reference stands: then their names alone give the order."""
    try:
        return _REFERENCE not in "\0".join(env.values())
    except TypeError:  # some come from a secret, say
        return False


def _as_list(env: dict[str, str]) -> list[V1EnvVar]:
    configuration = Configuration.get_default()
    return [V1EnvVar(name, env[name], local_vars_configuration=configuration) for name in sorted(env)]


@cache
def _is_put_in_alike() -> bool:
    """Whether this version of KubeSpawner makes of variables what is made here."""
    env = {"b": "1", "C": "$", "a_": "", "A": "(x)", "b.": "Zoë"}
    make = partial(kubespawner.spawner.make_pod, name="a", image="a", cmd=None, port=1)
    try:
        theirs, bare = make(env=env.copy()), make(env=_Simple(env))
    except TypeError:  # it asks for more than it did
        return False
    found: list[Any] = theirs.spec.containers[0].env
    theirs.spec.containers[0].env = []
    return found == _as_list(env) and bare == theirs
