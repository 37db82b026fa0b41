"""What the node sees of the store, and what the store keeps to itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envspawner.demo.patches import apply_patch
from envspawner.demo.store import Store
from envspawner.demo.wire import KINDS, ApiError, Json

MERGE = "application/merge-patch+json"
POD: Json = {
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "notebook", "image": "example.org/a:1"}]},
}
CLAIM: Json = {
    "metadata": {"name": "home"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def store() -> Store:
    return Store(now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc))


async def told(events: AsyncIterator[tuple[str, Json]]) -> tuple[str, Json]:
    return await asyncio.wait_for(events.__anext__(), 10)


def test_other_kinds_are_not_there(store: Store) -> None:
    with pytest.raises(ApiError, match="could not find the requested resource"):
        store.list("nodes", None)


def test_what_comes_out_is_a_copy(store: Store) -> None:
    body = deepcopy(POD)
    made = store.create("pods", "default", body)
    assert body == POD
    for copy in (made, store.get("pods", "default", "web"), store.list("pods", None)[0][0]):
        copy["spec"]["containers"].clear()
        copy["metadata"]["labels"] = {"a": "b"}
    assert len(store.get("pods", "default", "web")["spec"]["containers"]) == 1
    assert "labels" not in store.get("pods", "default", "web")["metadata"]


def test_what_goes_in_is_a_copy(store: Store) -> None:
    store.create("pods", "default", POD)
    status: Json = {"phase": "Running", "conditions": []}
    store.set_status("pods", "default", "web", status)
    status["conditions"].append("late")
    assert store.get("pods", "default", "web")["status"]["conditions"] == []


async def test_a_watch_tells_copies_too(store: Store) -> None:
    store.create("pods", "default", POD)
    (_, first), (_, second) = [await told(store.watch("pods", None, "1000")) for _ in range(2)]
    first["spec"].clear()
    assert second["spec"] == store.get("pods", "default", "web")["spec"]


def test_a_status_that_is_set_is_kept_through_patches(store: Store) -> None:
    store.create("pods", "default", POD)
    store.set_status("pods", "default", "web", {"phase": "Running"})
    store.patch("pods", "default", "web", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    found = store.get("pods", "default", "web")
    assert (found["status"], found["metadata"]["labels"]) == ({"phase": "Running"}, {"a": "b"})


def test_the_same_status_again_is_no_change(store: Store) -> None:
    store.create("pods", "default", POD)
    versions = {
        store.set_status("pods", "default", "web", {"phase": "Running"})["metadata"]["resourceVersion"]
        for _ in range(3)
    }
    assert len(versions) == 1


def test_a_pod_that_no_node_has_is_gone_at_once(store: Store) -> None:
    store.create("pods", "default", POD)
    store.delete("pods", "default", "web", {"gracePeriodSeconds": 20})
    assert store.list("pods", None)[0] == []


def test_a_pod_that_a_node_has_stays_until_the_node_removes_it(store: Store) -> None:
    store.create("pods", "default", POD)
    store.bind("default", "web", "node")
    store.delete("pods", "default", "web", {"gracePeriodSeconds": 20})
    assert store.get("pods", "default", "web")["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:25Z"
    store.set_status("pods", "default", "web", {"phase": "Succeeded"})
    store.remove("pods", "default", "web")
    with pytest.raises(ApiError, match="not found"):
        store.remove("pods", "default", "web")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_gone_at_once(store: Store, phase: str) -> None:
    store.create("pods", "default", POD)
    store.bind("default", "web", "node")
    store.set_status("pods", "default", "web", {"phase": phase})
    store.delete("pods", "default", "web", {})
    assert store.list("pods", None)[0] == []


def test_a_bound_claim_grows_but_never_shrinks(store: Store) -> None:
    store.create("persistentvolumeclaims", "default", CLAIM)
    store.set_status("persistentvolumeclaims", "default", "home", {"phase": "Bound"})

    def ask(size: str) -> Json:
        patch = {"spec": {"resources": {"requests": {"storage": size}}}}
        return store.patch("persistentvolumeclaims", "default", "home", patch, MERGE)

    assert ask("2Gi")["spec"]["resources"]["requests"]["storage"] == "2Gi"
    with pytest.raises(ApiError, match="can not be less than previous value") as refused:
        ask("2G")
    assert refused.value.code == 422
    assert ask("3G")["metadata"]["name"] == "home"


def test_a_pods_image_may_change_and_nothing_else_of_it(store: Store) -> None:
    store.create("pods", "default", POD)
    for key, value, taken in (("image", "example.org/b:2", True), ("workingDir", "/srv", False)):
        patch = [{"op": "add", "path": f"/spec/containers/0/{key}", "value": value}]
        if taken:
            store.patch("pods", "default", "web", patch, "application/json-patch+json")
        else:
            with pytest.raises(ApiError, match="may not change"):
                store.patch("pods", "default", "web", patch, "application/json-patch+json")
    assert store.get("pods", "default", "web")["spec"]["containers"][0]["image"] == "example.org/b:2"


async def test_a_watch_that_was_left_behind_is_told_to_list_again() -> None:
    store = Store(history=3)
    store.create("pods", "default", POD)
    version = store.list("pods", None)[1]
    watch = store.watch("pods", None, version)
    for phase in ("1", "2", "3"):
        store.set_status("pods", "default", "web", {"phase": phase})
    assert [(await told(watch))[1]["status"]["phase"] for _ in range(3)] == ["1", "2", "3"]
    for phase in ("4", "5", "6", "7"):
        store.set_status("pods", "default", "web", {"phase": phase})
    kind, status = await told(watch)
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    with pytest.raises(StopAsyncIteration):
        await told(watch)


async def test_a_watch_hears_of_one_namespace_only() -> None:
    store = Store(["here", "there"])
    watch = store.watch("pods", "here", store.list("pods", None)[1])
    store.create("pods", "there", POD)
    store.create("pods", "here", POD)
    assert (await told(watch))[1]["metadata"]["namespace"] == "here"


async def test_a_waiting_watch_hears_of_a_change_at_once(store: Store) -> None:
    waiting = asyncio.ensure_future(told(store.watch("pods", None, store.list("pods", None)[1])))
    await asyncio.sleep(0)
    store.create("pods", "default", POD)
    assert (await waiting)[0] == "ADDED"


def test_a_strategic_patch_with_directives_is_refused() -> None:
    patch = {"spec": {"containers": [{"$patch": "delete", "name": "notebook"}]}}
    with pytest.raises(ApiError, match=r"\$patch .* send a merge patch"):
        apply_patch(POD, patch, "application/strategic-merge-patch+json")


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ([{"op": "add", "path": "/a/-", "value": 3}], {"a": [1, 2, 3], "b": {"c": 1}}),
        ([{"op": "add", "path": "/a/0", "value": 3}], {"a": [3, 1, 2], "b": {"c": 1}}),
        ([{"op": "replace", "path": "/a/1", "value": 3}], {"a": [1, 3], "b": {"c": 1}}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2], "b": {"c": 1}}),
        ([{"op": "move", "from": "/b/c", "path": "/d"}], {"a": [1, 2], "b": {}, "d": 1}),
        ([{"op": "copy", "from": "/b", "path": "/d"}], {"a": [1, 2], "b": {"c": 1}, "d": {"c": 1}}),
        ([{"op": "replace", "path": "", "value": {"z": 1}}], {"z": 1}),
        ([{"op": "test", "path": "/a", "value": [1, 2]}], {"a": [1, 2], "b": {"c": 1}}),
        ([{"op": "add", "path": "/b/~0x~1y", "value": 1}], {"a": [1, 2], "b": {"c": 1, "~x/y": 1}}),
        ([{"op": "add", "path": "/a/3", "value": 3}], None),
        ([{"op": "add", "path": "/a/01", "value": 3}], None),
        ([{"op": "replace", "path": "/n", "value": 3}], None),
        ([{"op": "remove", "path": "/a/2"}], None),
        ([{"op": "move", "from": "/b", "path": "/b/c/d"}], None),
        ([{"op": "add", "path": "a", "value": 3}], None),
        ([{"op": "add", "path": "/a/0/x", "value": 3}], None),
        ([{"op": "test", "path": "/a", "value": [1]}], None),
        ([{"op": "replace", "path": "", "value": 3}], None),
        ([{"op": "add", "path": "/x"}], None),
        ([{"op": "move", "path": "/x"}], None),
        ([{"op": "grow", "path": "/x", "value": 1}], None),
        ([{"op": "remove"}], None),
        ([1], None),
    ],
    ids=str,
)
def test_a_json_patch_does_what_the_rfc_says(steps: list[Json], result: Json | None) -> None:
    thing: Json = {"a": [1, 2], "b": {"c": 1}}
    before = deepcopy(thing)
    if result is None:
        with pytest.raises(ApiError):
            apply_patch(thing, steps, "application/json-patch+json")
    else:
        assert apply_patch(thing, steps, "application/json-patch+json") == result
    assert thing == before


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_JSON = st.recursive(
    _LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=4)
)
_METADATA: Json = {"name": "a", "namespace": "default", "labels": {"b": "c"}, "annotations": {"d": "e"}}
_WHOLE: dict[str, Json] = {
    "pods": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**_METADATA, "generateName": "a", "uid": "x", "resourceVersion": "1"},
        "spec": {
            "initContainers": [{"name": "a", "image": "b"}],
            "containers": [
                {
                    "name": "notebook",
                    "image": "example.org/a:1",
                    "command": ["a"],
                    "env": [{"name": "A", "value": "b"}, {"name": "B"}],
                    "volumeMounts": [{"name": "home", "mountPath": "/home"}],
                    "resources": {"limits": {"memory": "1G"}, "requests": {"memory": "1G"}},
                }
            ],
            "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}],
        },
    },
    "persistentvolumeclaims": CLAIM,
    "events": {
        "metadata": _METADATA,
        "involvedObject": {"namespace": "default"},
        "source": {"component": "a"},
    },
    "secrets": {"metadata": _METADATA, "data": {"a": "MQ=="}, "stringData": {"b": "c"}},
    "services": {"metadata": _METADATA, "spec": {"ports": [{"port": 1}], "type": "ClusterIP"}},
}


@st.composite
def _spoilt(draw: st.DrawFn) -> tuple[str, Any]:
    """A kind, and an object of it that has any JSON in some place."""
    kind = draw(st.sampled_from(sorted(KINDS)))

    def spoil(thing: Any) -> Any:
        here = (
            list(thing)
            if isinstance(thing, dict)
            else list(range(len(thing)))
            if isinstance(thing, list)
            else []
        )
        if not here or draw(st.integers(0, 4)) == 0:
            return draw(_JSON)
        place = draw(st.sampled_from(here))
        copy = dict(thing) if isinstance(thing, dict) else list(thing)
        copy[place] = spoil(thing[place])
        return copy

    return kind, spoil(_WHOLE[kind])


@contextmanager
def refusals_in_words() -> Iterator[list[ApiError]]:
    """Lets no error through but those that a client can read."""
    refusals: list[ApiError] = []
    try:
        yield refusals
    except ApiError as error:
        refusals.append(error)
    assert all(error.code in (400, 409, 422) and error.message for error in refusals)


def test_the_whole_objects_are_right() -> None:
    for kind, thing in _WHOLE.items():
        assert Store().create(kind, "default", thing)["metadata"]["namespace"] == "default"


@given(_spoilt())
def test_any_body_is_stored_or_refused_in_words(spoilt: tuple[str, Any]) -> None:
    kind, body = spoilt
    store = Store()
    with refusals_in_words() as refusals:
        store.create(kind, "default", body)
    assert len(store.list(kind, None)[0]) == 1 - len(refusals)


@given(_spoilt())
def test_any_change_is_made_or_refused_in_words(spoilt: tuple[str, Any]) -> None:
    kind, body = spoilt
    store = Store()
    before = store.create(kind, "default", _WHOLE[kind])
    with refusals_in_words() as refusals:
        store.replace(kind, "default", before["metadata"]["name"], body)
    if refusals:
        assert store.list(kind, None)[0] == [before]


@given(patch=_JSON, content_type=st.sampled_from(["merge-patch", "json-patch", "strategic-merge-patch"]))
def test_any_patch_is_applied_or_refused_in_words(patch: object, content_type: str) -> None:
    store = Store()
    before = store.create("persistentvolumeclaims", "default", CLAIM)
    with refusals_in_words() as refusals:
        store.patch("persistentvolumeclaims", "default", "home", patch, f"application/{content_type}+json")
    if refusals:
        assert store.list("persistentvolumeclaims", None)[0] == [before]


@given(labels=st.text(max_size=30), fields=st.text(max_size=30))
def test_any_selector_is_read_or_refused_in_words(labels: str, fields: str) -> None:
    with refusals_in_words():
        Store().list("pods", None, labels, fields)
