"""The proxy before the hub: JupyterHub tells it its routes, and it passes pages, streams and sockets on.

It answers the REST API of configurable-http-proxy, so JupyterHub takes it for one. The one that pip installs (0.4.0)
would not do: it holds an answer back until it is complete, gives up after 20 seconds, and loses the subprotocol of
websockets, without which JupyterLab does not understand its kernels.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

_OF_ONE_CONNECTION = (
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade"
)
HOP_BY_HOP = frozenset(_OF_ONE_CONNECTION.split())
NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=10)


class Proxy:
    """Routes by the longest prefix of a path."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._routes: dict[str, dict[str, Any]] = {}

    # --- what JupyterHub asks -------------------------------------------------------------------------------------

    def api(self) -> web.Application:
        """The REST API of configurable-http-proxy, as far as JupyterHub uses it."""
        application = web.Application(middlewares=[self._authorized])
        application.router.add_get("/api/routes", self._list)
        application.router.add_get("/api/routes/", self._list)
        application.router.add_post("/api/routes{path:.*}", self._add)
        application.router.add_delete("/api/routes{path:.*}", self._remove)
        return application

    @web.middleware
    async def _authorized(self, request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("token ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise web.HTTPForbidden
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self._routes)

    async def _add(self, request: web.Request) -> web.Response:
        self._routes[_route(request)] = await request.json()
        return web.Response(status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        found = self._routes.pop(_route(request), None)
        return web.Response(status=404 if found is None else 204)

    # --- what browsers ask ----------------------------------------------------------------------------------------

    def pages(self) -> web.Application:
        """What the routes lead to."""
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{path:.*}", self._pass_on)
        application.cleanup_ctx.append(_with_client)
        return application

    def _target(self, request: web.Request) -> URL:
        path = request.path
        routes = [r for r in self._routes if f"{path}/".startswith(f"{unquote(r).rstrip('/')}/")]
        if not routes:
            raise web.HTTPNotFound(text="Nothing is here (yet).")
        target = self._routes[max(routes, key=len)]["target"].rstrip("/")
        origin = URL(target).origin()
        return URL(f"{origin}{request.raw_path}", encoded=True)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        url = self._target(request)
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await _pass_socket(request, url)
            return await _pass_page(request, url)
        except aiohttp.ClientConnectorError:
            raise web.HTTPServiceUnavailable(text="The server does not answer.") from None


CLIENT = web.AppKey("client", aiohttp.ClientSession)


async def _with_client(application: web.Application) -> AsyncIterator[None]:
    """One client for all: it keeps no cookies, and passes compressed answers on as they are."""
    jar, connector = aiohttp.DummyCookieJar(), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(cookie_jar=jar, connector=connector, auto_decompress=False) as client:
        application[CLIENT] = client
        yield


def _route(request: web.Request) -> str:
    return request.raw_path.removeprefix("/api/routes") or "/"


def _passed(headers: Any) -> CIMultiDict[str]:
    """The headers that are for the other end."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)


async def _pass_page(request: web.Request, url: URL) -> web.StreamResponse:
    """Both bodies are passed on as they come."""
    async with request.app[CLIENT].request(
        request.method,
        url,
        headers=_passed(request.headers),
        data=request.content if request.can_read_body else None,
        allow_redirects=False,
        timeout=NO_LIMIT,
        skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type", "Accept"),
    ) as answer:
        response = web.StreamResponse(
            status=answer.status, reason=answer.reason, headers=_passed(answer.headers)
        )
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def _pass_socket(request: web.Request, url: URL) -> web.StreamResponse:
    """A websocket with the subprotocol that the other end chooses."""
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = [word.strip() for word in asked.split(",") if word.strip()]
    headers = CIMultiDict(
        (n, v) for n, v in _passed(request.headers).items() if not n.lower().startswith("sec-websocket-")
    )
    try:
        async with request.app[CLIENT].ws_connect(
            url, protocols=protocols, headers=headers, max_msg_size=0
        ) as theirs:
            ours = web.WebSocketResponse(
                protocols=[theirs.protocol] if theirs.protocol else [], max_msg_size=0, compress=False
            )
            await ours.prepare(request)
            await _join(ours, theirs)
            return ours
    except aiohttp.WSServerHandshakeError as error:
        return web.Response(status=error.status if error.status >= 400 else 502)


async def _join(ours: web.WebSocketResponse, theirs: Any) -> None:
    """Until one end closes; then the other is closed too."""
    both = [asyncio.ensure_future(_pump(ours, theirs)), asyncio.ensure_future(_pump(theirs, ours))]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in both:
            pump.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        code = theirs.close_code or ours.close_code or aiohttp.WSCloseCode.OK
        await ours.close(code=code if code != aiohttp.WSCloseCode.ABNORMAL_CLOSURE else 1011)
        await theirs.close()


async def _pump(source: Any, sink: Any) -> None:
    async for message in source:
        if message.type == aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)


@asynccontextmanager
async def proxy(token: str, port: int) -> AsyncIterator[str]:
    """Serves the pages on a port, and the API on another, whose URL it gives. Raises OSError."""
    routes = Proxy(token)
    runners = [
        web.AppRunner(one, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        for one in (routes.pages(), routes.api())
    ]
    try:
        for runner, number in zip(runners, (port, 0), strict=True):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", number).start()
        yield f"http://127.0.0.1:{runners[1].addresses[0][1]}"
    finally:
        for runner in runners:
            await runner.cleanup()
