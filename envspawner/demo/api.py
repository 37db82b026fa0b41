"""The embedded Kubernetes API: an aiohttp application that serves a Store over HTTP.

Pods, claims, events, secrets and services, with the paths, codes and Status objects of the real API server;
`tests/demo` sends the same requests to both. Whoever serves it binds it to loopback, and uses
`AppRunner(..., handler_cancellation=True)` so that a watch ends when its client leaves. There is no discovery:
kubectl could not use it, because it sends no token without TLS.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from .guard import LARGEST_BODY, errors_as_status, only_loopback_with
from .store import Store, WatchEvent
from .wire import KINDS, ApiError, Json, bad_request, no_such_path, success

_LONGEST_WATCH: Final = 1800
"""Seconds after which a watch ends that did not ask for less; the API server does so after 30 to 60 minutes."""
_ANSWERS_WITH_OBJECT: Final = frozenset({"pods", "persistentvolumeclaims"})
"""Kinds whose deletion is answered with the object, not with a Status."""


def app(store: Store, token: str) -> web.Application:
    """The application. Every request needs `token` as its bearer token and a loopback Host."""
    api = _Api(store)
    application = web.Application(
        client_max_size=LARGEST_BODY, middlewares=[errors_as_status, only_loopback_with(token)]
    )
    all_objects, objects = "/api/v1/{kind}", "/api/v1/namespaces/{namespace}/{kind}"
    one = objects + "/{name}"
    application.add_routes(
        [
            web.get(all_objects, api.list_or_watch),
            web.get(objects, api.list_or_watch),
            web.post(objects, api.create),
            web.get(one, api.get),
            web.put(one, api.replace),
            web.patch(one, api.patch),
            web.delete(one, api.delete),
        ]
    )
    application.on_shutdown.append(api.end_watches)
    return application


class _Api:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._watches: set[asyncio.Task[None]] = set()

    async def create(self, request: web.Request) -> web.Response:
        kind, namespace = _kind(request), request.match_info["namespace"]
        dry_run = _dry_run(request)
        body = await _json_body(request)
        return web.json_response(self._store.create(kind, namespace, body, dry_run=dry_run), status=201)

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.get(*_path(request)))

    async def replace(self, request: web.Request) -> web.Response:
        dry_run = _dry_run(request)
        body = await _json_body(request)
        return web.json_response(self._store.replace(*_path(request), body, dry_run=dry_run))

    async def patch(self, request: web.Request) -> web.Response:
        dry_run = _dry_run(request)
        patch = await _parsed(request)
        changed = self._store.patch(*_path(request), patch, request.content_type, dry_run=dry_run)
        return web.json_response(changed)

    async def delete(self, request: web.Request) -> web.Response:
        kind, namespace, name = _path(request)
        options = await _delete_options(request)
        last = self._store.delete(kind, namespace, name, options, dry_run=_is_dry(options.get("dryRun", [])))
        if kind in _ANSWERS_WITH_OBJECT:
            return web.json_response(last)
        return web.json_response(success(kind, name, last["metadata"]["uid"]))

    async def list_or_watch(self, request: web.Request) -> web.StreamResponse:
        kind, namespace = _kind(request), request.match_info.get("namespace")
        asked = request.query
        labels, fields = asked.get("labelSelector", ""), asked.get("fieldSelector", "")
        # Every other word means yes, as in the API server; kubernetes_asyncio says "True".
        if asked.get("watch", "false").lower() not in ("false", "0"):
            seconds = _seconds(asked.get("timeoutSeconds"))
            events = self._store.watch(kind, namespace, asked.get("resourceVersion"), labels, fields)
            return await self._stream(request, events, seconds)
        items, version = self._store.list(kind, namespace, labels, fields)
        body = {
            "kind": f"{KINDS[kind].name}List",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": version},
            "items": items,
        }
        return web.json_response(body)

    async def _stream(
        self, request: web.Request, events: AsyncGenerator[WatchEvent, None], seconds: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        sending = asyncio.ensure_future(_send(events, response))
        self._watches.add(sending)
        try:
            await asyncio.wait({sending}, timeout=seconds)
        finally:
            self._watches.discard(sending)
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await sending
        return response

    async def end_watches(self, application: web.Application) -> None:
        """They would keep a server from ending until their time is over."""
        for watch in self._watches:
            watch.cancel()


async def _send(events: AsyncGenerator[WatchEvent, None], response: web.StreamResponse) -> None:
    async for change, thing in events:
        await response.write(json.dumps({"type": change, "object": thing}).encode() + b"\n")


def _kind(request: web.Request) -> str:
    kind = request.match_info["kind"]
    if kind not in KINDS:
        raise no_such_path()
    return kind


def _path(request: web.Request) -> tuple[str, str, str]:
    return _kind(request), request.match_info["namespace"], request.match_info["name"]


async def _json_body(request: web.Request) -> Mapping[str, Any]:
    """The object in a request's body. Raises `ApiError` 400 and 415."""
    if request.headers.get("Content-Type") and request.content_type != "application/json":
        message = "the body of the request was in an unknown format - accepted media types include: "
        raise ApiError(415, "UnsupportedMediaType", message + "application/json", {})
    body = await _parsed(request)
    if not isinstance(body, Mapping):
        raise bad_request("the object provided is unrecognized: it is no JSON object")
    return body


async def _parsed(request: web.Request) -> Any:
    try:
        return json.loads(await request.read(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the object provided is unrecognized: json parse error: {error}") from None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


async def _delete_options(request: web.Request) -> Mapping[str, Any]:
    """Of the body or, where there is none, of the query, as in the API server."""
    if await request.read():
        return await _json_body(request)
    grace = request.query.get("gracePeriodSeconds")
    options: Json = {"dryRun": request.query.getall("dryRun", [])}
    return options if grace is None else {**options, "gracePeriodSeconds": _whole(grace)}


def _dry_run(request: web.Request) -> bool:
    return _is_dry(request.query.getall("dryRun", []))


def _is_dry(values: Any) -> bool:
    if values not in ([], ["All"]):
        message = f"Invalid value: {str(values)[:60]}: dryRun: supported values: All"
        raise ApiError(422, "Invalid", message, {})
    return bool(values)


def _seconds(text: str | None) -> int:
    return min(_whole(text), _LONGEST_WATCH) if text and text != "0" else _LONGEST_WATCH


def _whole(text: str) -> int:
    if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 18:
        raise bad_request(f"{text[:40]!r} is no whole number")
    return int(text)
