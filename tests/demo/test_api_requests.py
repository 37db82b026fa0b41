"""One request, one answer: each row holds for the embedded API and for the real API server alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.demo.asks import (
    CLAIMS,
    JSON_PATCH,
    STRATEGIC,
    THERE,
    Ask,
    changed,
    claim,
    container,
    event,
    failure,
    limited,
    made,
    metadata,
    patched,
    plain,
    pod,
    refused,
    same,
    unpatched,
)
from tests.demo.conformance import ABSENT, SIDES, Api, reach

IMAGE = {"name": "notebook", "image": "example.org/image:1"}

CREATED = [
    made("a new pod is pending", pod(), kind="pods", apiVersion="v1", status__phase="Pending"),
    made("a pod restarts its containers", pod(), spec__restartPolicy="Always"),
    made("a pod gets 30 seconds to end", pod(), spec__terminationGracePeriodSeconds=30),
    made(
        "kind and version may be left out", plain(spec={"ports": [{"port": 1}]}), "services", apiVersion="v1"
    ),
    made("nulls in a body are nothing", pod(hostname=None, volumes=None), spec__hostname=ABSENT),
    made(
        "a limit is the request too",
        container(resources={"limits": {"memory": "1Gi"}}),
        spec__containers__0__resources__requests__memory="1Gi",
    ),
    made("a name is generated", metadata(name=None, generateName="made-"), metadata__generateName="made-"),
    made("a new claim is pending", claim(), CLAIMS, status__phase="Pending", spec__volumeMode="Filesystem"),
    made("a secret is stored in base64", plain(stringData={"a": "1"}), "secrets", data={"a": "MQ=="}),
    made("a secret's plain data is not told", plain(stringData={"a": "1"}), "secrets", stringData=ABSENT),
    made("a secret without a type is opaque", plain(data={"a": "MQ=="}), "secrets", type="Opaque"),
    made(
        "a new service has a status",
        plain(spec={"ports": [{"port": 1}]}),
        "services",
        status__loadBalancer={},
    ),
    made("an event has times that are null", event(), "events", lastTimestamp=None, eventTime=None),
    made("an event has a source that is empty", event(), "events", source={}),
    made(
        "a sent status does not count", changed(pod(), status={"phase": "Running"}), status__phase="Pending"
    ),
]

REFUSED = [
    refused("no name", 422, metadata(name=None), cause="metadata.name"),
    refused("capitals in a name", 422, metadata(name="Alice"), cause="metadata.name"),
    refused("a label with a blank", 422, metadata(labels={"a": "b c"})),
    refused("a label that is a number", 400, metadata(labels={"a": 1})),
    refused("an annotation's key with a blank", 422, metadata(annotations={"a b": "c"})),
    refused("annotations of more than 256 KiB", 422, metadata(annotations={"a": "x" * 2**18})),
    refused("no spec", 422, plain()),
    refused("no containers", 422, pod(containers=[]), cause="spec.containers"),
    refused("no image", 422, pod(containers=[{"name": "notebook"}])),
    refused("two containers of one name", 422, pod(containers=[IMAGE, IMAGE])),
    refused("a container's name with a dot", 422, container(name="a.b")),
    refused("an env name with a blank", 422, container(env=[{"name": "A B", "value": "1"}])),
    refused("an env value that is a number", 400, container(env=[{"name": "A", "value": 1}])),
    refused("an argument that is a number", 400, container(args=[1])),
    refused("a mount of no volume", 422, container(volumeMounts=[{"name": "home", "mountPath": "/home"}])),
    refused("a request above its limit", 422, limited("1Gi", "2Gi")),
    refused("a quantity with a blank", 400, limited("1 Gi", "1Gi")),
    refused("containers that are no list", 400, pod(containers={"name": "a"})),
    refused("a spec that is a text", 400, changed(pod(), spec="x")),
    refused("another kind", 400, changed(pod(), kind="Secret")),
    refused("another version", 400, changed(pod(), apiVersion="v2")),
    refused("a body for another namespace", 400, metadata(namespace="elsewhere")),
    refused("a namespace that is not there", 404, pod(), namespace="no-such-namespace"),
    refused("malformed JSON", 400, same(b'{"metadata": ')),
    refused("no body", 400, same(b"")),
    refused("a list as a body", 400, same([])),
    refused("a body of text", 415, pod(), content_type="text/plain"),
    refused("a body of more than 3 MiB", 413, metadata(annotations={"a": "x" * (3 * 2**20 + 1)})),
    refused("a dry run that is no such thing", 422, pod(), query={"dryRun": "Some"}),
    refused("a claim without access modes", 422, claim(accessModes=[]), CLAIMS, cause="spec.accessModes"),
    refused("a claim without a size", 422, claim(resources={}), CLAIMS, cause="spec.resources[storage]"),
    refused("a claim whose size is none", 400, claim(resources={"requests": {"storage": "10Gb"}}), CLAIMS),
    refused("a secret that is not base64", 400, plain(data={"a": "?"}), "secrets"),
    refused("a secret's key with a blank", 422, plain(data={"a b": "MQ=="}), "secrets"),
    refused("a service without ports", 422, plain(spec={}), "services", cause="spec.ports"),
    refused(
        "a service's name with a dot",
        422,
        plain(metadata={"name": "a.b"}, spec={"ports": [{"port": 1}]}),
        "services",
    ),
    refused("an event about another namespace", 422, event("elsewhere"), "events"),
    refused("creating at the URL of an object", 405, pod(), named=THERE),
]

FOUND = [
    Ask("a pod that is there", "GET", 200, {"kind": "Pod", "metadata.labels.team": "blue"}, named=THERE),
    Ask("a pod that is not there", "GET", 404, failure(404) | {"details.kind": "pods"}, named="none"),
    Ask("a kind that is not there", "GET", 404, {}, kind="nonsense"),
    Ask("a list", "GET", 200, {"kind": "PodList", "apiVersion": "v1"}),
    Ask("a list in no namespace", "GET", 200, {"kind": "PodList", "items": []}, namespace="none"),
    Ask("a list of events", "GET", 200, {"kind": "EventList"}, kind="events"),
]
FOUND += [
    Ask(f"the selector {name}={text}", "GET", 400, failure(400), query={name: text})
    for name, text in (
        ("fieldSelector", "spec.image=x"),
        ("fieldSelector", "nonsense"),
        ("labelSelector", "a b"),
        ("labelSelector", "a in b"),
        ("labelSelector", "a=b c"),
        ("labelSelector", "a,"),
        ("labelSelector", ",a"),
        ("labelSelector", "-a=b"),
        ("labelSelector", "a>x"),
    )
]

GONE = [
    Ask(
        "a pod that no node has",
        "DELETE",
        200,
        {"kind": "Pod", "metadata.deletionGracePeriodSeconds": 0},
        named=THERE,
    ),
    Ask("a claim", "DELETE", 200, {"kind": "PersistentVolumeClaim"}, kind=CLAIMS, named=THERE),
    Ask("a secret", "DELETE", 200, {"kind": "Status", "status": "Success"}, kind="secrets", named=THERE),
    Ask("a pod that was not there", "DELETE", 404, failure(404), named="none"),
    Ask(
        "another pod of that name",
        "DELETE",
        409,
        failure(409),
        same({"preconditions": {"uid": "x"}}),
        named=THERE,
    ),
]

LABEL = {"metadata": {"labels": {"team": "red"}}}
NO_LABEL = {"metadata": {"labels": {"team": None}}}
ADD = {"op": "add", "path": "/metadata/labels/team", "value": "red"}
SLASH = {"op": "add", "path": "/metadata/annotations/a~1b", "value": "c"}
NOTES = {"op": "add", "path": "/metadata/annotations", "value": {}}
PATCHED = [
    patched("a label by a merge patch", LABEL, metadata__labels__team="red"),
    patched("a label less by a merge patch", NO_LABEL, metadata__labels__team=ABSENT),
    patched("a label by a strategic merge patch", LABEL, STRATEGIC, metadata__labels__team="red"),
    patched("a label by a JSON patch", [ADD], JSON_PATCH, metadata__labels__team="red"),
    patched(
        "a key with a slash by a JSON patch", [NOTES, SLASH], JSON_PATCH, metadata__annotations={"a/b": "c"}
    ),
    patched(
        "a JSON patch that asks first", [{**ADD, "op": "test", "value": "blue"}], JSON_PATCH, kind="pods"
    ),
    patched("a status does not change", {"status": {"phase": "Running"}}, status__phase="Pending"),
    unpatched("a JSON patch that asks in vain", 422, [{**ADD, "op": "test"}], JSON_PATCH),
    unpatched("a JSON patch of what is not there", 422, [{"op": "remove", "path": "/spec/none"}], JSON_PATCH),
    unpatched("a JSON patch that is no list", 400, ADD, JSON_PATCH),
    unpatched("a merge patch that is a list", 422, [ADD]),
    unpatched("a patch of another type", 415, LABEL, "application/json"),
    unpatched("a wrong label", 422, {"metadata": {"labels": {"team": "a b"}}}),
    unpatched("another name", 400, {"metadata": {"name": "other"}}),
    unpatched("another version of the object", 409, {"metadata": {"resourceVersion": "1"}}),
    unpatched("a pod's node selector", 422, {"spec": {"nodeSelector": {"a": "b"}}}),
    unpatched("a claim's access modes", 422, {"spec": {"accessModes": ["ReadOnlyMany"]}}, kind=CLAIMS),
]


@pytest.fixture(params=SIDES)
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async with reach(request.param) as api:
        yield api


@pytest.mark.parametrize("ask", CREATED, ids=str)
async def test_what_is_created(api: Api, ask: Ask) -> None:
    await check(api, ask)


@pytest.mark.parametrize("ask", REFUSED, ids=str)
async def test_what_is_not_created(api: Api, ask: Ask) -> None:
    await check(api, ask)


@pytest.mark.parametrize("ask", FOUND, ids=str)
async def test_what_is_found(api: Api, ask: Ask) -> None:
    await api.create("pods", labelled(api))
    await check(api, ask)


@pytest.mark.parametrize("ask", GONE, ids=str)
async def test_what_is_deleted(api: Api, ask: Ask) -> None:
    await all_there(api)
    await check(api, ask)


@pytest.mark.parametrize("ask", PATCHED, ids=str)
async def test_what_is_patched(api: Api, ask: Ask) -> None:
    await all_there(api)
    await check(api, ask)


def labelled(api: Api) -> dict[str, object]:
    pod = api.pod()
    return {**pod, "metadata": {**pod["metadata"], "labels": {"test": api.mark, "team": "blue"}}}


async def all_there(api: Api) -> None:
    await api.create("pods", labelled(api))
    await api.create(CLAIMS, api.claim())
    await api.create("secrets", {"metadata": {"name": api.mark}})


async def check(api: Api, ask: Ask) -> None:
    answer = await ask.send(api)
    found = {"HTTP": answer.code} | {path: answer.at(path) for path in ask.fields}
    assert found == {"HTTP": ask.code} | dict(ask.fields), answer.body
