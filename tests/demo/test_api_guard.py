"""Who may use the embedded API, and what it does with requests that go wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from envspawner.demo.api import app
from envspawner.demo.store import Store
from tests.demo.conformance import TOKEN, Json

PODS = "/api/v1/namespaces/default/pods"
POD: Json = {
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "notebook", "image": "example.org/a:1"}]},
}
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    store = Store()
    store.create("pods", "default", POD)
    server = TestServer(app(store, TOKEN))
    async with server:
        yield server


@pytest.fixture
async def session(server: TestServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(str(server.make_url("")), headers={"Connection": "close"}) as session:
        yield session


async def answer(session: aiohttp.ClientSession, headers: Mapping[str, str], path: str = PODS) -> Json:
    async with session.get(path, headers=headers) as response:
        body: Json = await response.json()
        assert response.status == body.get("code", 200)
        return body


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_the_token_opens(session: aiohttp.ClientSession, scheme: str) -> None:
    assert (await answer(session, {"Authorization": f"{scheme} {TOKEN}"}))["kind"] == "PodList"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN.upper()}"},
        {"Authorization": "Bearer é"},
    ],
    ids=str,
)
async def test_nothing_else_opens(session: aiohttp.ClientSession, headers: Mapping[str, str]) -> None:
    for path in (PODS, f"{PODS}/web", "/api/v1/pods", "/nonsense"):
        refused = await answer(session, headers, path)
        assert (refused["code"], refused["reason"]) == (401, "Unauthorized")
        assert "web" not in json.dumps(refused)


async def test_a_token_in_the_url_opens_nothing(session: aiohttp.ClientSession) -> None:
    assert (await answer(session, {}, f"{PODS}?token={TOKEN}&access_token={TOKEN}"))["code"] == 401


def test_without_a_token_there_is_no_api() -> None:
    with pytest.raises(ValueError, match="needs a token"):
        app(Mock(), "")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.1:8001", "LOCALHOST:1", "[::1]:65535"]
)
async def test_a_host_of_this_machine_opens(session: aiohttp.ClientSession, host: str) -> None:
    assert (await answer(session, {**ALLOWED, "Host": host}))["kind"] == "PodList"


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "example.org:127.0.0.1",
        "127.0.0.1:80.example.org",
        "localhost@example.org",
        "0.0.0.0",
        "127.0.0.2",
        "[::]",
        "::1",
        "localhost:",
        "",
    ],
)
async def test_a_foreign_host_opens_nothing_even_with_the_token(
    session: aiohttp.ClientSession, host: str
) -> None:
    refused = await answer(session, {**ALLOWED, "Host": host})
    assert (refused["code"], refused["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: example.org\r\n"])
async def test_no_host_and_two_hosts_open_nothing(server: TestServer, hosts: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {PODS} HTTP/1.0\r\n{hosts}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status.split()[1] in (b"403", b"400")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b"1" * 5_000, b"\xff", b"NaN", b'{"metadata": {"name": NaN}}', b"{}{}", b"\0"],
    ids=lambda body: repr(body[:12]),
)
async def test_bodies_that_are_no_json_are_refused(session: aiohttp.ClientSession, body: bytes) -> None:
    for method, path in (("POST", PODS), ("PUT", f"{PODS}/web"), ("DELETE", f"{PODS}/web")):
        async with session.request(method, path, data=body, headers=ALLOWED | _JSON) as response:
            assert (response.status, (await response.json())["reason"]) == (400, "BadRequest")
    async with session.patch(f"{PODS}/web", data=body, headers=ALLOWED | _MERGE) as response:
        assert (response.status, (await response.json())["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "options",
    [{"gracePeriodSeconds": "1"}, {"gracePeriodSeconds": True}, {"preconditions": 1}, [], 1],
    ids=str,
)
async def test_wrong_options_delete_nothing(session: aiohttp.ClientSession, options: Any) -> None:
    async with session.delete(f"{PODS}/web", json=options, headers=ALLOWED) as response:
        assert (response.status, (await response.json())["reason"]) == (400, "BadRequest")
    assert (await answer(session, ALLOWED, f"{PODS}/web"))["kind"] == "Pod"


@pytest.mark.parametrize("query", ["timeoutSeconds=x", "resourceVersion=x", "resourceVersion=-1"])
async def test_a_watch_of_nonsense_is_refused(session: aiohttp.ClientSession, query: str) -> None:
    assert (await answer(session, ALLOWED, f"{PODS}?watch=true&{query}"))["code"] == 400


@pytest.mark.parametrize(
    "path", ["/", "/version", "/apis", f"{PODS}/web/log", f"{PODS}/web/status", "/api/v1/nodes"]
)
async def test_what_is_not_served_is_not_found(session: aiohttp.ClientSession, path: str) -> None:
    refused = await answer(session, ALLOWED, path)
    assert (refused["code"], refused["reason"], refused["kind"]) == (404, "NotFound", "Status")


async def test_a_mistake_of_its_own_is_a_status_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = Mock(list=Mock(side_effect=RuntimeError("inner words")))
    async with (
        TestServer(app(store, TOKEN)) as server,
        aiohttp.ClientSession(str(server.make_url(""))) as session,
    ):
        with caplog.at_level(logging.CRITICAL, "envspawner.demo.guard"):
            failed = await answer(session, ALLOWED)
    assert (failed["code"], failed["reason"]) == (500, "InternalError")
    assert "inner words" not in json.dumps(failed)


async def test_watches_do_not_keep_the_api_from_ending() -> None:
    server = TestServer(app(Store(), TOKEN))
    await server.start_server()
    async with (
        aiohttp.ClientSession(str(server.make_url("")), headers=ALLOWED) as session,
        session.get(PODS, params={"watch": "true"}) as watch,
    ):
        await asyncio.wait_for(server.close(), 10)
        assert await watch.content.read() == b""


async def test_a_client_that_leaves_ends_its_watch() -> None:
    store = Store()
    left = asyncio.Event()

    async def events(*args: Any) -> AsyncIterator[tuple[str, Json]]:
        try:
            yield "ADDED", POD
            await asyncio.Event().wait()
        finally:
            left.set()

    store.watch = events  # type: ignore[method-assign,assignment]
    runner = web.AppRunner(app(store, TOKEN), handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with (
            aiohttp.ClientSession(f"http://{host}:{port}", headers=ALLOWED) as session,
            session.get(PODS, params={"watch": "true"}) as watch,
        ):
            assert json.loads(await watch.content.readline())["type"] == "ADDED"
        await asyncio.wait_for(left.wait(), 10)
    finally:
        await runner.cleanup()


_JSON = {"Content-Type": "application/json"}
_MERGE = {"Content-Type": "application/merge-patch+json"}
