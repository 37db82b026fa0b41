"""The demo's proxy: JupyterHub's REST API in front, and pages, streams and sockets through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from envspawner.demo.ports import free_port
from envspawner.demo.proxy import proxy

TOKEN = "proxy-token"


@dataclass
class Through:
    """A client before a proxy, and the URL of a server behind it."""

    client: aiohttp.ClientSession
    api: str
    url: str
    server: str
    gate: asyncio.Event

    async def add(self, path: str, target: str | None = None, token: str = TOKEN) -> int:
        async with self.client.post(
            f"{self.api}/api/routes{path}",
            json={"target": target or self.server, "jupyterhub": True},
            headers={"Authorization": f"token {token}"},
        ) as answer:
            return answer.status

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.client.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()


def server(gate: asyncio.Event) -> web.Application:
    async def echo(request: web.Request) -> web.Response:
        text = f"{request.method} {request.raw_path} host={request.headers['Host']} {await request.text()}"
        return web.Response(text=text, headers={"X-Mine": "yes"})

    async def cookies(request: web.Request) -> web.Response:
        response = web.Response(status=302, headers={"Location": "/elsewhere"})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await gate.wait()
        await response.write(b"last")
        return response

    async def socket(request: web.Request) -> web.WebSocketResponse:
        ours = web.WebSocketResponse(protocols=["v1.kernel"])
        await ours.prepare(request)
        async for message in ours:
            if message.data == "end":
                await ours.close(code=4001)
            else:
                await ours.send_bytes(b"got " + message.data.encode())
        return ours

    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    application = web.Application()
    application.router.add_get("/user/ada/cookies", cookies)
    application.router.add_get("/user/ada/stream", stream)
    application.router.add_get("/user/ada/socket", socket)
    application.router.add_get("/user/ada/refuse", refuse)
    application.router.add_route("*", "/{path:.*}", echo)
    return application


@pytest.fixture
async def through() -> AsyncIterator[Through]:
    gate, port = asyncio.Event(), free_port()
    runner = web.AppRunner(server(gate), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    behind = f"http://127.0.0.1:{runner.addresses[0][1]}"
    jar = aiohttp.DummyCookieJar()
    async with proxy(TOKEN, port) as api, aiohttp.ClientSession(cookie_jar=jar) as client:
        yield Through(client, api, f"http://127.0.0.1:{port}", behind, gate)
    await runner.cleanup()


async def test_what_has_no_route_is_not_found(through: Through) -> None:
    assert (await through.get("/user/ada/"))[0] == 404


async def test_a_page_comes_through_with_path_query_and_host(through: Through) -> None:
    await through.add("/user/ada")
    host = through.url.removeprefix("http://")
    assert await through.get("/user/ada/a%2Fb?c=%20d") == (200, f"GET /user/ada/a%2Fb?c=%20d host={host} ")


async def test_the_longest_route_wins_and_only_whole_names_match(through: Through) -> None:
    await through.add("/", f"{through.server}/")
    await through.add("/user/ada", "http://127.0.0.1:1")
    assert (await through.get("/user/adam"))[0] == 200
    assert (await through.get("/user/ada/x"))[0] == 503


async def test_a_body_goes_through(through: Through) -> None:
    await through.add("/")
    async with through.client.post(f"{through.url}/x", data=b"hello" * 100_000) as answer:
        assert (await answer.text()).endswith("hello" * 100_000)
        assert answer.headers["X-Mine"] == "yes"


async def test_redirects_and_every_cookie_reach_the_browser(through: Through) -> None:
    await through.add("/user/ada")
    async with through.client.get(f"{through.url}/user/ada/cookies", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")
        assert len(answer.headers.getall("Set-Cookie")) == 2


async def test_an_answer_comes_through_while_it_is_made(through: Through) -> None:
    await through.add("/user/ada")
    async with through.client.get(f"{through.url}/user/ada/stream") as answer:
        assert await answer.content.read(5) == b"first"
        through.gate.set()
        assert await answer.content.read() == b"last"


async def test_a_socket_comes_through_with_its_subprotocol_and_close_code(through: Through) -> None:
    await through.add("/user/ada")
    url = f"{through.url}/user/ada/socket"
    async with through.client.ws_connect(url, protocols=["v0", "v1.kernel"]) as socket:
        assert socket.protocol == "v1.kernel"
        await socket.send_str("this")
        assert await socket.receive_bytes() == b"got this"
        await socket.send_str("end")
        assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4001


async def test_a_socket_that_is_refused_is_refused(through: Through) -> None:
    await through.add("/user/ada")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await through.client.ws_connect(f"{through.url}/user/ada/refuse")
    assert refusal.value.status == 403


async def test_the_api_lists_and_removes_routes(through: Through) -> None:
    assert await through.add("/user/ada") == 201
    headers = {"Authorization": f"token {TOKEN}"}
    async with through.client.get(f"{through.api}/api/routes", headers=headers) as answer:
        assert list(await answer.json()) == ["/user/ada"]
    for status in (204, 404):
        async with through.client.delete(f"{through.api}/api/routes/user/ada", headers=headers) as answer:
            assert answer.status == status
    assert (await through.get("/user/ada/"))[0] == 404


async def test_the_api_wants_its_token(through: Through) -> None:
    assert await through.add("/user/ada", token="wrong") == 403
    async with through.client.get(f"{through.api}/api/routes") as answer:
        assert answer.status == 403
