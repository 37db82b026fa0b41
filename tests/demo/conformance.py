"""Sends the same plain requests to the embedded API and, when it is asked for, to the API server of a cluster."""

from __future__ import annotations

import asyncio
import io
import json
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from kubernetes_asyncio import client, config

from envspawner.demo.api import app
from envspawner.demo.store import Store

Json = dict[str, Any]
ABSENT = object()
TOKEN = "a-token-of-the-tests"
SIDES = [
    "embedded",
    *(
        [pytest.param("cluster", marks=pytest.mark.cluster)]
        if os.environ.get("ENVSPAWNER_CLUSTER_TESTS") == "1"
        else []
    ),
]
"""The real side exists only when it was asked for; then it fails where there is no cluster."""


@dataclass(frozen=True)
class Answer:
    """A status code and an object."""

    code: int
    body: Json

    def at(self, path: str) -> Any:
        """The value at `metadata.name` or `items.0.metadata`, or `ABSENT`."""
        found: Any = self.body
        for step in path.split("."):
            if isinstance(found, list):
                found = found[int(step)] if int(step) < len(found) else ABSENT
            elif isinstance(found, dict):
                found = found.get(step, ABSENT)
            else:
                return ABSENT
        return found

    @property
    def names(self) -> list[str]:
        """Of the items of a list."""
        return [item["metadata"]["name"] for item in self.body["items"]]

    @property
    def version(self) -> str:
        version = self.at("metadata.resourceVersion")
        assert isinstance(version, str)
        return version


@dataclass(frozen=True)
class Api:
    """One API server, as a client with a namespace of its own sees it.

    `mark` is in the names of a test's objects, and the value of their label `test`.
    """

    session: aiohttp.ClientSession
    namespace: str
    mark: str = field(default_factory=lambda: f"conformance-{secrets.token_hex(5)}")
    made: set[str] = field(default_factory=set)

    def path(self, kind: str, name: str = "", namespace: str = "") -> str:
        return f"/api/v1/namespaces/{namespace or self.namespace}/{kind}" + (f"/{name}" if name else "")

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """body: bytes are sent as they are, everything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        data = None if body is None else io.BytesIO(raw)
        head = {"Content-Type": content_type, **(headers or {})}
        async with self.session.request(method, path, data=data, params=query, headers=head) as answer:
            result = Answer(answer.status, await answer.json())
        if method == "POST" and answer.status == 201 and "dryRun" not in (query or {}):
            self.made.add(f"{path}/{result.at('metadata.name')}")
        return result

    async def create(self, kind: str, thing: Json) -> Answer:
        answer = await self.send("POST", self.path(kind), thing)
        assert answer.code == 201, answer.body
        return answer

    async def list(self, kind: str, labels: str = "", fields: str = "") -> Answer:
        """Those of this test."""
        own = ",".join(filter(None, (f"test={self.mark}", labels)))
        answer = await self.send(
            "GET", self.path(kind), query={"labelSelector": own, "fieldSelector": fields}
        )
        assert answer.code == 200, answer.body
        return answer

    def watch(
        self, kind: str, since: str | None, labels: str = "", seconds: int = 20
    ) -> AbstractAsyncContextManager[AsyncIterator[Json]]:
        """The events of a watch, as they come; it ends after `seconds`."""
        query = {
            "watch": "true",
            "labelSelector": labels or f"test={self.mark}",
            "timeoutSeconds": str(seconds),
        }
        if since is not None:
            query["resourceVersion"] = since
        return self._events(self.path(kind), query)

    @asynccontextmanager
    async def _events(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Json]]:
        async with self.session.get(path, params=query) as answer:
            assert answer.status == 200, await answer.text()

            async def lines() -> AsyncIterator[Json]:
                async for line in answer.content:
                    yield json.loads(line)

            yield lines()

    async def clean(self) -> None:
        for path in self.made:
            await self.send("DELETE", path, query={"gracePeriodSeconds": "0"})

    def pod(self, suffix: str = "", **spec: Any) -> Json:
        """A pod that no node will ever take."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.mark + suffix, "labels": {"test": self.mark}},
            "spec": {
                "containers": [{"name": "notebook", "image": "example.org/image:1"}],
                "nodeSelector": {"example.org/such-a-node": "none"},
                **spec,
            },
        }

    def claim(self, **spec: Any) -> Json:
        """A claim that nothing will ever be bound to on a cluster."""
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.mark, "labels": {"test": self.mark}},
            "spec": {
                "storageClassName": "",
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                **spec,
            },
        }


async def next_event(events: AsyncIterator[Json]) -> Json:
    return await asyncio.wait_for(events.__anext__(), 15)


@asynccontextmanager
async def reach(side: str) -> AsyncIterator[Api]:
    """One of `SIDES`."""
    async with _embedded() if side == "embedded" else _cluster() as api:
        try:
            yield api
        finally:
            await api.clean()


@asynccontextmanager
async def _embedded() -> AsyncIterator[Api]:
    server = TestServer(app(Store(["here"]), TOKEN))
    await server.start_server()
    try:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(str(server.make_url("")), headers=headers) as session:
            yield Api(session, "here")
    finally:
        await server.close()


@asynccontextmanager
async def _cluster() -> AsyncIterator[Api]:
    """The cluster that KUBECONFIG names, in the namespace of the cluster tests."""
    file = os.environ.get("KUBECONFIG")
    if not file:
        pytest.fail("cluster tests were asked for, but KUBECONFIG names no cluster", pytrace=False)
    known = client.Configuration()
    await config.load_kube_config(config_file=file, client_configuration=known)
    tls = ssl.create_default_context(cafile=known.ssl_ca_cert)
    if known.cert_file:
        tls.load_cert_chain(known.cert_file, known.key_file)
    headers = {"Authorization": known.api_key["BearerToken"]} if "BearerToken" in known.api_key else {}
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(known.host, headers=headers, connector=connector) as session:
        yield Api(session, os.environ.get("ENVSPAWNER_TEST_NAMESPACE") or "hub")
