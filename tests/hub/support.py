"""Starts of the real EnvSpawner in tests, without a cluster; every manifest is checked against Kubernetes' schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import kubernetes_validate
from kubespawner import KubeSpawner
from traitlets.config import Config

from envspawner.hub.offline import OfflineSpawner, manifests, offline_spawner
from envspawner.resolve.request import Person, Start

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
NEWEST = kubernetes_validate.latest_version()


@dataclass(frozen=True)
class Made:
    """What one start would send. claim: None where no claim is made."""

    pod: dict[str, Any]
    claim: dict[str, Any] | None

    @property
    def notebook(self) -> dict[str, Any]:
        return dict(self.pod["spec"]["containers"][0])

    @property
    def env(self) -> dict[str, Any]:
        return {one["name"]: one.get("value", one.get("valueFrom")) for one in self.notebook["env"]}

    @property
    def mounts(self) -> dict[str, Any]:
        return {one["mountPath"]: one for one in self.notebook["volumeMounts"]}

    @property
    def volumes(self) -> dict[str, Any]:
        return {one["name"]: one for one in self.pod["spec"]["volumes"]}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


async def made_by(spawner: Any) -> Made:
    """The manifests of a spawner whose options are loaded, checked against Kubernetes' schemas."""
    found = await manifests(spawner)
    for document in found:
        kubernetes_validate.validate(without_nulls(document), NEWEST, strict=True)
    return _made(found)


def _made(found: Any) -> Made:
    return Made(found[-1], found[0] if len(found) > 1 else None)


async def made(config: Config, user: str, groups: Iterable[str] = (), **how: Any) -> Made:
    """What a start would send, unchecked."""
    with spawner_for(config, user, groups, **how) as spawner:
        await spawner.load_user_options()
        return _made(await manifests(spawner))


def config_of(tmp_path: Path, policy: str | None, configure: Callable[[Any], None] | None = None) -> Config:
    """A hub's configuration with a policy in YAML, and what `configure` sets on it."""
    config = Config()
    if policy is not None:
        (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
        config.EnvSpawner.policy_file = str(tmp_path / "policy.yaml")
    if configure is not None:
        configure(config)
    return config


@contextmanager
def spawner_for(
    config: Config,
    user: str = "ada",
    groups: Iterable[str] = (),
    *,
    admin: bool = False,
    server: str = "",
    options: Any = None,
    at: datetime = NOW,
    spawner_class: type[KubeSpawner] = OfflineSpawner,
) -> Iterator[Any]:
    """The spawner of one server of one user."""
    start = Start(
        Person(user, frozenset(groups), admin), server, {} if options is None else options, at, "hub"
    )
    with offline_spawner(config, start, spawner_class) as spawner:
        yield spawner


async def make(config: Config, user: str = "ada", groups: Iterable[str] = (), **how: Any) -> Made:
    """What a start would send."""
    with spawner_for(config, user, groups, **how) as spawner:
        await spawner.load_user_options()
        return await made_by(spawner)
