"""The real clients against the embedded API: kubernetes_asyncio, and the reflectors of KubeSpawner."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from kubernetes_asyncio import client
from kubernetes_asyncio.client import ApiException
from kubespawner.objects import make_pod, make_pvc
from kubespawner.reflector import ResourceReflector
from kubespawner.spawner import EventReflector, PodReflector
from traitlets import validate

from envspawner.demo.api import app
from envspawner.demo.store import Store
from tests.demo.conformance import TOKEN, Json

CLAIMS = "persistentvolumeclaims"
OURS = {"component": "singleuser-server"}


class Forgetful(Store):
    """Says once that a list is so old that nobody knows what happened since."""

    lists = 0

    def list(self, *args: Any, **more: Any) -> tuple[list[Json], str]:
        self.lists += 1
        items, version = super().list(*args, **more)
        return items, "1" if self.lists == 2 else version  # the second is the one that is watched from


class Telling(dict[str, Json]):
    """A reflector's objects; `changed` is set by every change of them."""

    changed: asyncio.Event

    def __setitem__(self, key: str, value: Json) -> None:
        super().__setitem__(key, value)
        self.changed.set()

    def pop(self, *args: Any) -> Any:
        self.changed.set()
        return super().pop(*args)


def telling(reflector_class: type[ResourceReflector], **traits: Any) -> tuple[Any, asyncio.Event]:
    """A reflector of KubeSpawner's, and an event that is set by every change that it sees."""
    changed = asyncio.Event()

    class Told(reflector_class):  # type: ignore[misc]
        @validate("resources")
        def _told(self, proposal: Any) -> Telling:
            objects = Telling(proposal.value)
            objects.changed = changed
            changed.set()
            return objects

    return Told(namespace="default", **traits), changed


async def until(changed: asyncio.Event, condition: Callable[[], bool]) -> None:
    while not condition():
        changed.clear()
        await asyncio.wait_for(changed.wait(), 20)


@contextlib.asynccontextmanager
async def serving(store: Store) -> AsyncIterator[client.CoreV1Api]:
    """Serves a store to kubernetes_asyncio, as a hub's configuration would name it."""
    before = client.Configuration.get_default_copy()
    async with TestServer(app(store, TOKEN)) as server:
        known = client.Configuration(host=str(server.make_url("")).rstrip("/"))
        known.api_key["BearerToken"] = f"Bearer {TOKEN}"
        client.Configuration.set_default(known)
        try:
            async with client.ApiClient() as connection:
                yield client.CoreV1Api(connection)
        finally:
            client.Configuration.set_default(before)


def pod(name: str = "jupyter-ada") -> Any:
    """As KubeSpawner makes it, with nulls and all."""
    return make_pod(
        name=name,
        cmd=["jupyterhub-singleuser"],
        port=8888,
        image="example.org/a:1",
        image_pull_policy="IfNotPresent",
        labels=OURS,
    )


async def refused(call: Any) -> int:
    with pytest.raises(ApiException) as error:
        await call
    code: int = error.value.status
    return code


async def test_the_calls_of_a_spawner_do_what_it_expects() -> None:
    async with serving(Store()) as api:
        claim = make_pvc("claim-ada", None, ["ReadWriteOnce"], None, "1Gi", {}, {})
        made = await api.create_namespaced_persistent_volume_claim("default", claim)
        assert made.status.phase == "Pending"
        assert await refused(api.create_namespaced_persistent_volume_claim("default", claim)) == 409
        assert (await api.create_namespaced_pod("default", pod())).metadata.labels == OURS
        assert await refused(api.create_namespaced_pod("default", pod())) == 409
        options = client.V1DeleteOptions(grace_period_seconds=1)
        gone = await api.delete_namespaced_pod("jupyter-ada", "default", body=options, grace_period_seconds=1)
        assert gone.metadata.name == "jupyter-ada"
        assert await refused(api.delete_namespaced_pod("jupyter-ada", "default", body=options)) == 404
        assert await refused(api.read_namespaced_pod("jupyter-ada", "default")) == 404
        await api.delete_namespaced_persistent_volume_claim("claim-ada", "default")
        assert await refused(api.read_namespaced_persistent_volume_claim("claim-ada", "default")) == 404


async def test_secrets_and_services_are_made_and_deleted_as_for_internal_tls() -> None:
    async with serving(Store()) as api:
        metadata = client.V1ObjectMeta(name="jupyter-ada")
        await api.create_namespaced_secret("default", client.V1Secret(metadata=metadata, data={"a": "MQ=="}))
        spec = client.V1ServiceSpec(ports=[client.V1ServicePort(port=8888)], selector=OURS)
        await api.create_namespaced_service("default", client.V1Service(metadata=metadata, spec=spec))
        await api.delete_namespaced_secret("jupyter-ada", "default")
        await api.delete_namespaced_service("jupyter-ada", "default")
        assert await refused(api.read_namespaced_secret("jupyter-ada", "default")) == 404
        assert await refused(api.read_namespaced_service("jupyter-ada", "default")) == 404


@pytest.mark.parametrize("as_operations", [False, True])
async def test_the_client_grows_a_claim_with_either_patch_that_it_sends(as_operations: bool) -> None:
    store = Store()
    async with serving(store) as api:
        claim = make_pvc("claim-ada", None, ["ReadWriteOnce"], None, "1Gi", {}, {})
        await api.create_namespaced_persistent_volume_claim("default", claim)
        store.set_status(CLAIMS, "default", "claim-ada", {"phase": "Bound"})
        larger: Any = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        if as_operations:
            larger = [{"op": "replace", "path": "/spec/resources/requests/storage", "value": "2Gi"}]
        grown = await api.patch_namespaced_persistent_volume_claim("claim-ada", "default", larger)
        assert grown.spec.resources.requests == {"storage": "2Gi"}


async def test_a_pod_reflector_follows_a_pod_from_its_start_to_its_end() -> None:
    store = Store()
    async with serving(store) as api:
        reflector, changed = telling(PodReflector, labels=OURS)
        await reflector.start()
        try:
            await api.create_namespaced_pod("default", pod())
            await until(changed, lambda: "default/jupyter-ada" in reflector.pods)
            store.set_status("pods", "default", "jupyter-ada", {"phase": "Running"})
            await until(
                changed, lambda: reflector.pods["default/jupyter-ada"]["status"]["phase"] == "Running"
            )
            store.bind("default", "jupyter-ada", "node")
            await api.delete_namespaced_pod("jupyter-ada", "default")
            await until(
                changed, lambda: "deletionTimestamp" in reflector.pods["default/jupyter-ada"]["metadata"]
            )
            store.remove("pods", "default", "jupyter-ada")
            await until(changed, lambda: reflector.pods == {})
        finally:
            await reflector.stop()


async def test_a_pod_reflector_sees_what_was_there_before_and_nothing_of_others() -> None:
    store = Store()
    async with serving(store) as api:
        await api.create_namespaced_pod("default", pod("jupyter-ada"))
        foreign = pod("proxy")
        foreign.metadata.labels = {"component": "proxy"}
        await api.create_namespaced_pod("default", foreign)
        reflector, changed = telling(PodReflector, labels=OURS)
        await reflector.start()
        try:
            assert list(reflector.pods) == ["default/jupyter-ada"]
            foreign.metadata.name = "proxy-2"
            await api.create_namespaced_pod("default", foreign)
            await api.create_namespaced_pod("default", pod("jupyter-bob"))
            await until(changed, lambda: "default/jupyter-bob" in reflector.pods)
            assert sorted(reflector.pods) == ["default/jupyter-ada", "default/jupyter-bob"]
        finally:
            await reflector.stop()


async def test_a_reflector_lists_again_when_its_version_is_forgotten() -> None:
    store = Forgetful()
    async with serving(store) as api:
        reflector, changed = telling(PodReflector, labels=OURS)
        await reflector.start()
        try:
            await until(changed, lambda: store.lists >= 3)
            await api.create_namespaced_pod("default", pod())
            await until(changed, lambda: "default/jupyter-ada" in reflector.pods)
        finally:
            await reflector.stop()


async def test_a_reflector_whose_watch_ends_begins_another() -> None:
    async with serving(Store()) as api:
        reflector, changed = telling(PodReflector, labels=OURS, timeout_seconds=1)
        await reflector.start()
        try:
            for _ in range(3):  # the list at the start, and of two watches
                changed.clear()
                await asyncio.wait_for(changed.wait(), 20)
            await api.create_namespaced_pod("default", pod())
            await until(changed, lambda: "default/jupyter-ada" in reflector.pods)
        finally:
            await reflector.stop()


async def test_an_event_reflector_tells_the_events_of_pods_by_time() -> None:
    store = Store()
    async with serving(store):
        reflector, changed = telling(EventReflector, fields={"involvedObject.kind": "Pod"})
        await reflector.start()
        try:
            for name, kind, at in (
                ("b", "Pod", "2026-01-02T00:00:00Z"),
                ("n", "Node", None),
                ("a", "Pod", "2026-01-01T00:00:00Z"),
            ):
                about = {"kind": kind, "name": "jupyter-ada", "namespace": "default"}
                event = {"metadata": {"name": name}, "involvedObject": about, "message": name}
                store.create("events", "default", event | ({"lastTimestamp": at} if at else {}))
            await until(changed, lambda: len(reflector.resources) == 2)
            assert [event["message"] for event in reflector.events] == ["a", "b"]
        finally:
            await reflector.stop()
