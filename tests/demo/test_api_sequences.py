"""What several requests lead to: each holds for the embedded API and for the real API server alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.demo.asks import CLAIMS, JSON_PATCH, MERGE
from tests.demo.conformance import ABSENT, SIDES, Api, Json, next_event, reach

NOWHERE = "no-such-node"
"""Pods of this node are scheduled, and nothing ever happens to them."""


@pytest.fixture(params=SIDES)
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async with reach(request.param) as api:
        yield api


def labelled(api: Api, suffix: str, **labels: str) -> Json:
    """A pod that a node has, so that nobody but the test changes it."""
    pod = api.pod(suffix, nodeName=NOWHERE)
    return {**pod, "metadata": {**pod["metadata"], "labels": {"test": api.mark, **labels}}}


async def until_deleted(events: AsyncIterator[Json]) -> list[Json]:
    """A cluster may tell of a pod's last seconds in one MODIFIED more."""
    told = [await next_event(events)]
    while told[-1]["type"] != "DELETED":
        told.append(await next_event(events))
    return told


async def test_a_created_pod_is_what_is_read_back(api: Api) -> None:
    created = await api.create("pods", labelled(api, ""))
    found = await api.send("GET", api.path("pods", api.mark))
    assert found.code == 200
    for path in ("metadata", "spec", "kind", "apiVersion"):
        assert found.at(path) == created.at(path)
    assert all(isinstance(created.at(f"metadata.{path}"), str) for path in ("uid", "creationTimestamp"))
    assert created.at("metadata.namespace") == api.namespace


async def test_a_name_is_taken_once(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    again = await api.send("POST", api.path("pods"), labelled(api, ""))
    assert (again.code, again.at("reason")) == (409, "AlreadyExists")
    assert (again.at("details.name"), again.at("details.kind")) == (api.mark, "pods")


async def test_kinds_share_no_names(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    await api.create(CLAIMS, api.claim())
    assert (await api.list("pods")).names == (await api.list(CLAIMS)).names == [api.mark]


async def test_a_dry_run_stores_nothing(api: Api) -> None:
    path, dry = api.path("pods", api.mark), {"dryRun": "All"}
    tried = await api.send("POST", api.path("pods"), labelled(api, ""), dry)
    assert (tried.code, tried.at("metadata.name")) == (201, api.mark)
    assert (await api.send("GET", path)).code == 404
    await api.create("pods", labelled(api, ""))
    assert (await api.send("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, dry, MERGE)).code == 200
    assert (await api.send("DELETE", path, query=dry)).code == 200
    found = await api.send("GET", path)
    assert found.at("metadata.labels") == {"test": api.mark}
    assert found.at("metadata.deletionTimestamp") is ABSENT


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ("", "abc"),
        ("team=blue", "a"),
        ("team==blue", "a"),
        ("team!=blue", "bc"),
        ("team", "ab"),
        ("!team", "c"),
        ("team in (blue, red)", "ab"),
        ("team notin (blue)", "bc"),
        ("team=blue,size", ""),
        ("team=", ""),
        ("size>3", "bc"),
        ("size<5", "b"),
        (" team = red , size > 1 ", "b"),
        ("team in (blue,red),size", "b"),
        ("team in ()", ""),
    ],
)
async def test_labels_select(api: Api, labels: str, selected: str) -> None:
    for suffix, own in (("a", {"team": "blue"}), ("b", {"team": "red", "size": "4"}), ("c", {"size": "10"})):
        await api.create("pods", labelled(api, suffix, **own))
    found = await api.list("pods", labels)
    assert found.names == [api.mark + suffix for suffix in selected]


@pytest.mark.parametrize(
    ("fields", "selected"),
    [
        ("metadata.name={mark}a", "a"),
        ("metadata.name!={mark}a", "bc"),
        ("spec.nodeName=no-such-node", "ab"),
        ("spec.nodeName==", "c"),
        ("status.phase=Pending", "abc"),
        ("status.phase!=Pending", ""),
        ("status.phase=Pending,metadata.name={mark}b", "b"),
        ("metadata.namespace={namespace}", "abc"),
    ],
)
async def test_fields_select(api: Api, fields: str, selected: str) -> None:
    for pod in (labelled(api, "a"), labelled(api, "b"), api.pod("c")):
        await api.create("pods", pod)
    found = await api.list("pods", fields=fields.format(mark=api.mark, namespace=api.namespace))
    assert found.names == [api.mark + suffix for suffix in selected]


async def test_all_namespaces_are_listed_together(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    found = await api.send("GET", "/api/v1/pods", query={"labelSelector": f"test={api.mark}"})
    assert (found.code, found.names) == (200, [api.mark])


async def test_events_are_selected_by_what_they_are_about(api: Api) -> None:
    for kind in ("Pod", "Node"):
        about = {"kind": kind, "name": api.mark, "namespace": api.namespace}
        metadata = {"name": f"{api.mark}.{kind.lower()}", "labels": {"test": api.mark}}
        source = {"component": f"of-{kind.lower()}"}
        await api.create("events", {"metadata": metadata, "involvedObject": about, "source": source})
    for fields in ("involvedObject.kind=Pod", f"involvedObject.kind!=Node,involvedObject.name={api.mark}"):
        assert (await api.list("events", fields=fields)).names == [f"{api.mark}.pod"]
    assert (await api.list("events", fields="source=of-node")).names == [f"{api.mark}.node"]


async def test_every_change_has_a_version_of_its_own(api: Api) -> None:
    first = await api.create("pods", labelled(api, ""))
    path = api.path("pods", api.mark)
    labels = {"metadata": {"labels": {"team": "blue"}}}
    second = await api.send("PATCH", path, labels, content_type=MERGE)
    same = await api.send("PATCH", path, labels, content_type=MERGE)
    assert first.version != second.version == same.version
    assert first.at("metadata.uid") == second.at("metadata.uid")


async def test_an_object_is_replaced_in_the_version_that_was_read(api: Api) -> None:
    thing = (await api.create("pods", labelled(api, ""))).body
    path = api.path("pods", api.mark)
    newer = {**thing, "metadata": {**thing["metadata"], "labels": {"test": api.mark, "team": "blue"}}}
    replaced = await api.send("PUT", path, newer)
    assert (replaced.code, replaced.at("metadata.labels.team")) == (200, "blue")
    late = await api.send("PUT", path, newer)
    assert (late.code, late.at("reason"), late.at("details.kind")) == (409, "Conflict", "pods")
    foreign = {**thing, "metadata": {**thing["metadata"], "name": "other"}}
    assert (await api.send("PUT", path, foreign)).code == 400
    missing = {**api.pod(), "metadata": {"name": "other"}}
    assert (await api.send("PUT", api.path("pods", "other"), missing)).code == 404


async def test_an_operation_of_a_json_patch_that_fails_undoes_all(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    steps = [
        {"op": "add", "path": "/metadata/labels/team", "value": "blue"},
        {"op": "test", "path": "/metadata/labels/test", "value": "other"},
    ]
    path = api.path("pods", api.mark)
    assert (await api.send("PATCH", path, steps, content_type=JSON_PATCH)).code == 422
    assert (await api.send("GET", path)).at("metadata.labels") == {"test": api.mark}


async def test_a_claim_that_is_not_bound_does_not_grow(api: Api) -> None:
    await api.create(CLAIMS, api.claim())
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    refused = await api.send("PATCH", api.path(CLAIMS, api.mark), larger, content_type=MERGE)
    assert (refused.code, refused.at("reason")) == (422, "Invalid")


async def test_a_pod_of_a_node_is_given_time_to_end(api: Api) -> None:
    created = await api.create("pods", labelled(api, ""))
    path = api.path("pods", api.mark)
    deleted = await api.send("DELETE", path, {"gracePeriodSeconds": 20}, {"gracePeriodSeconds": "5"})
    assert (deleted.code, deleted.at("metadata.uid")) == (200, created.at("metadata.uid"))
    assert deleted.at("metadata.deletionGracePeriodSeconds") == 20
    found = await api.send("GET", path)
    assert found.at("metadata.deletionTimestamp") == deleted.at("metadata.deletionTimestamp")


async def test_a_deletion_is_made_shorter_but_never_longer(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    path = api.path("pods", api.mark)
    left = []
    for grace in ("20", "25", "10"):
        await api.send("DELETE", path, query={"gracePeriodSeconds": grace})
        left.append((await api.send("GET", path)).at("metadata.deletionGracePeriodSeconds"))
    assert left == [20, 20, 10]


async def test_without_a_grace_the_pods_own_counts(api: Api) -> None:
    await api.create("pods", api.pod(nodeName=NOWHERE, terminationGracePeriodSeconds=7))
    deleted = await api.send("DELETE", api.path("pods", api.mark))
    assert deleted.at("metadata.deletionGracePeriodSeconds") == 7


async def test_a_pod_without_grace_is_gone_at_once_and_only_once(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    path, now = api.path("pods", api.mark), {"gracePeriodSeconds": 0}
    assert [(await api.send("DELETE", path, now)).code for _ in range(2)] == [200, 404]
    assert (await api.send("GET", path)).code == 404
    assert (await api.create("pods", labelled(api, ""))).code == 201


async def test_only_the_pod_that_was_meant_is_deleted(api: Api) -> None:
    created = await api.create("pods", labelled(api, ""))
    path = api.path("pods", api.mark)
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        refused = await api.send("DELETE", path, {"preconditions": wrong})
        assert (refused.code, refused.at("reason")) == (409, "Conflict")
    meant = {"uid": created.at("metadata.uid")}
    assert (await api.send("DELETE", path, {"preconditions": meant})).code == 200


async def test_a_watch_tells_what_happens_after_a_list(api: Api) -> None:
    await api.create("pods", labelled(api, "-old"))
    listed = await api.list("pods")
    async with api.watch("pods", listed.version) as events:
        path = api.path("pods", api.mark)
        await api.create("pods", labelled(api, ""))
        await api.send("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
        await api.send("DELETE", path, query={"gracePeriodSeconds": "0"})
        told = await until_deleted(events)
    assert sorted({event["type"] for event in told}) == ["ADDED", "DELETED", "MODIFIED"]
    assert told[0]["type"] == "ADDED"
    assert {event["object"]["metadata"]["name"] for event in told} == {api.mark}
    versions = [event["object"]["metadata"]["resourceVersion"] for event in told]
    assert len(set(versions)) == len(told)
    async with api.watch("pods", versions[0]) as events:
        assert await until_deleted(events) == told[1:]


@pytest.mark.parametrize(("word", "watched"), [("1", True), ("True", True), ("0", False), ("false", False)])
async def test_a_watch_is_asked_for_in_several_words(api: Api, word: str, watched: bool) -> None:
    await api.create("pods", labelled(api, ""))
    query = {"watch": word, "timeoutSeconds": "1", "labelSelector": f"test={api.mark}"}
    answer = await api.send("GET", api.path("pods"), query=query)
    assert answer.at("type" if watched else "kind") == ("ADDED" if watched else "PodList")


@pytest.mark.parametrize("since", [None, "0"])
async def test_a_watch_from_nowhere_begins_with_what_is_there(api: Api, since: str | None) -> None:
    await api.create("pods", labelled(api, ""))
    async with api.watch("pods", since) as events:
        first = await next_event(events)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", api.mark)


async def test_what_comes_into_a_selection_and_leaves_it_is_told(api: Api) -> None:
    await api.create("pods", labelled(api, ""))
    version = (await api.list("pods")).version
    path = api.path("pods", api.mark)
    async with api.watch("pods", version, f"test={api.mark},team=blue") as events:
        for team in ("blue", "red"):
            await api.send("PATCH", path, {"metadata": {"labels": {"team": team}}}, content_type=MERGE)
        told = [await next_event(events) for _ in range(2)]
    assert [event["type"] for event in told] == ["ADDED", "DELETED"]


async def test_a_watch_ends_after_its_time(api: Api) -> None:
    version = (await api.list("pods")).version
    async with api.watch("pods", version, seconds=1) as events:
        assert [event async for event in events] == []


async def test_a_watch_from_a_forgotten_version_says_so(api: Api) -> None:
    async with api.watch("pods", "1") as events:
        error = await next_event(events)
        with pytest.raises(StopAsyncIteration):
            await next_event(events)
    assert error["type"] == "ERROR"
    status = error["object"]
    assert [status[key] for key in ("kind", "status", "reason", "code")] == [
        "Status",
        "Failure",
        "Expired",
        410,
    ]


async def test_a_watch_that_cannot_be_read_is_refused(api: Api) -> None:
    query = {"watch": "true", "labelSelector": "a b"}
    refused = await api.send("GET", api.path("pods"), query=query)
    assert (refused.code, refused.at("reason")) == (400, "BadRequest")


async def test_watches_of_other_kinds_hear_nothing(api: Api) -> None:
    version = (await api.list("pods")).version
    async with api.watch("secrets", version, seconds=2) as events:
        await api.create("pods", labelled(api, ""))
        assert [event async for event in events] == []
