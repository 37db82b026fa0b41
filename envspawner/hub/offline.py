"""Makes the claim and the pod of one start without a cluster: the real User, the real spawner, a database in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Final
from unittest.mock import Mock

import kubespawner.spawner
from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import User
from jupyterhub.utils import url_escape_path, url_path_join
from kubernetes_asyncio.client import ApiClient
from kubespawner import KubeSpawner
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from traitlets.config import Config

from ..policy.rules import Policy, Rule, Setting
from ..resolve.merge import MASK
from ..resolve.request import Person, SpawnRequest, Start
from ..resolve.resolver import without_policy
from ..resolve.result import ResolvedEnvironment
from .configuration import Configuration
from .expansion import fill
from .own import own_layer
from .profile_start import held_beneath, policy_now
from .spawner import EnvSpawner

SECRET_ENV: Final = frozenset({"JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"})


class Offline:
    """What makes a spawner one at a given time, for somebody whose auth state nobody knows."""

    asked: Start

    def _now(self) -> datetime:
        return self.asked.at

    async def _auth_state(self) -> None:
        return None

    async def _grow_home(self, environment: ResolvedEnvironment) -> None:
        return None


class OfflineSpawner(Offline, EnvSpawner):
    """EnvSpawner itself, offline."""


def render(configuration: Configuration, start: Start) -> list[dict[str, Any]]:
    """The claim (if one would be made) and the pod, as they would be sent; the hub's secrets masked.

    Raises what a start raises when it is refused.
    """
    return asyncio.run(_render(configuration, start))


def resolve(configuration: Configuration, start: Start) -> ResolvedEnvironment:
    """What a start would resolve to. Raises Refusal and Unusable."""
    return asyncio.run(_resolve(configuration, start))


async def _render(configuration: Configuration, start: Start) -> list[dict[str, Any]]:
    with offline_spawner(configuration.config, start, _class(configuration)) as spawner:
        await spawner.load_user_options()
        found = await manifests(spawner)
    spec = found[-1]["spec"]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        for variable in container.get("env", ()):
            if variable["name"] in SECRET_ENV:
                variable["value"] = MASK
    return found


async def _resolve_request(
    configuration: Configuration, start: Start, request: SpawnRequest
) -> ResolvedEnvironment:
    with offline_spawner(configuration.config, start, _class(configuration)) as spawner:
        now = await policy_now(spawner, configuration.loaded)
        assert now is not None  # there is a policy
        selection = now.resolver.select(request, start.options)
        return now.resolver.resolve_selection(*await now.settled(spawner, request, selection))


async def _resolve(configuration: Configuration, start: Start) -> ResolvedEnvironment:
    with offline_spawner(configuration.config, start, _class(configuration)) as spawner:
        request = await spawner.request()
        now = await policy_now(spawner, configuration.loaded)
        if now is None:
            return without_policy(request)
        selection = now.resolver.select(request, start.options)
        return now.resolver.resolve_selection(*await now.settled(spawner, request, selection))


def resolve_request(configuration: Configuration, start: Start, request: SpawnRequest) -> ResolvedEnvironment:
    """What a known request resolves to, with the profiles that a start would find. Raises Refusal and Unusable."""
    return asyncio.run(_resolve_request(configuration, start, request))


def own_rule(configuration: Configuration) -> Rule | None:
    """What KubeSpawner's traits hold beneath a policy, whoever starts."""
    start = Start(Person("x"), "", {}, datetime.now(timezone.utc))
    return asyncio.run(_request(configuration, start)).own.rule


def listed_beneath(configuration: Configuration) -> list[Setting] | None:
    """What KubeSpawner holds beneath the mappings of its `profile_list`; None where only a start knows that list."""
    start, loaded = Start(Person("x"), "", {}, datetime.now(timezone.utc)), configuration.loaded
    configured = loaded.profile_list if loaded is not None else None
    with offline_spawner(configuration.config, start, _class(configuration)) as spawner:
        if (spawner.profile_list or None) != (configured or None):
            return None  # the class has one of its own
        if not configured:
            return []
        listed = loaded.listed if loaded is not None else None
        if listed is None or any(override.calls for override in listed.overrides.values()):
            return None
        return held_beneath(spawner, Policy("", profiles=listed.profiles).rules())


def request_of(configuration: Configuration, start: Start) -> SpawnRequest:
    """What a hub would know of a start."""
    return asyncio.run(_request(configuration, start))


def with_names(
    configuration: Configuration, start: Start, names: Mapping[str, str]
) -> tuple[SpawnRequest, str]:
    """The same with other values of some placeholders, and the slug scheme of the configuration."""
    return asyncio.run(_with_names(configuration, start, names))


async def _with_names(
    configuration: Configuration, start: Start, names: Mapping[str, str]
) -> tuple[SpawnRequest, str]:
    with offline_spawner(configuration.config, start, _class(configuration)) as spawner:
        request = await spawner.request()
        known = {**request.names, **names}
        known["pod_name"] = fill(spawner.pod_name_template, known)

        def expand(template: str) -> str:
            try:
                return fill(template, known)
            except KeyError:  # such as {pvc_name}
                return str(spawner._expand_user_properties(template))

        own = own_layer(spawner, expand, spawner.own_places)
        return request._replace(names=known, own=own), str(spawner.slug_scheme)


async def _request(configuration: Configuration, start: Start) -> SpawnRequest:
    with offline_spawner(configuration.config, start, _class(configuration)) as spawner:
        found: SpawnRequest = await spawner.request()
    return found


def _class(configuration: Configuration) -> type[KubeSpawner]:
    """The configuration's spawner class, offline, and knowing where its settings stand."""
    base = configuration.spawner_class
    return type(base.__name__, (Offline, base), {"own_places": configuration.places})


async def manifests(spawner: KubeSpawner) -> list[dict[str, Any]]:
    """The claim (if one would be made) and the pod, as the API client would write them."""
    documents = [spawner.get_pvc_manifest()] if spawner.storage_pvc_ensure else []
    documents.append(await spawner.get_pod_manifest())
    async with ApiClient() as api:
        return [api.sanitize_for_serialization(document) for document in documents]


@contextmanager
def offline_spawner(
    config: Config, start: Start, spawner_class: type[KubeSpawner] = OfflineSpawner
) -> Iterator[Any]:
    """A spawner as JupyterHub makes one (`User._new_spawner`), with nothing behind it."""
    engine = create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    session = sessionmaker(bind=engine)()
    try:
        with _without_cluster():
            yield _spawner(config, start, spawner_class, session)
    finally:
        session.close()
        engine.dispose()


def _spawner(config: Config, start: Start, spawner_class: type[KubeSpawner], session: Any) -> Any:
    person = orm.User(name=start.person.name, admin=start.person.admin)
    person.groups = [orm.Group(name=name) for name in sorted(start.person.groups)]
    server = orm.Server()
    person._orm_spawners.append(orm.Spawner(name=start.server))
    session.add_all([person, server])
    session.commit()
    hub = Hub(ip="", port=8081, base_url="/hub/", connect_ip="hub", public_host="")
    settings = {"hub": hub, "config": config, "base_url": "/", "cookie_options": {}}
    user = User(person, settings, session)
    server.base_url = url_path_join(user.base_url, url_escape_path(start.server), "/")
    spawner = user._new_spawner(start.server, spawner_class=spawner_class)
    spawner.asked = start
    spawner.namespace = start.namespace
    spawner.server = Server(orm_server=server)
    spawner.user_options = start.options
    return spawner


@contextmanager
def _without_cluster() -> Iterator[None]:
    """KubeSpawner's constructor loads a kube config and makes a client; nothing of them is used here."""
    load_config, shared_client = kubespawner.spawner.load_config, kubespawner.spawner.shared_client
    kubespawner.spawner.load_config = lambda **_: None
    kubespawner.spawner.shared_client = lambda *_, **__: Mock()
    try:
        yield
    finally:
        kubespawner.spawner.load_config, kubespawner.spawner.shared_client = load_config, shared_client
