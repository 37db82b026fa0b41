"""Who may talk to the API, and in which words it refuses: the token, the Host, and a Status for every error."""

from __future__ import annotations

import hmac
import logging
import re
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .wire import ApiError, no_such_path

LARGEST_BODY: Final = 3 * 1024 * 1024
"""Bytes of a request's body, as in the API server (its MaxRequestBodyBytes)."""

_LOOPBACK: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_WORDS: Final = {
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    413: ("RequestEntityTooLarge", f"Request entity too large: limit is {LARGEST_BODY}"),
}
_LOG: Final = logging.getLogger(__name__)


@web.middleware
async def errors_as_status(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every error with a Status object, as clients of the API server expect."""
    try:
        return await handler(request)
    except ApiError as error:
        refused = error
    except web.HTTPException as error:
        refused = _of_http(error)
    except Exception:
        _LOG.exception("the embedded API failed at %s %s", request.method, request.path)
        refused = ApiError(500, "InternalError", "Internal error occurred: see the log of the demo")
    return web.json_response(refused.status, status=refused.code)


def _of_http(error: web.HTTPException) -> ApiError:
    if error.status == 404:
        return no_such_path()
    reason, message = _WORDS.get(error.status, ("BadRequest", error.reason))
    return ApiError(error.status, reason, message)


def only_loopback_with(token: str) -> Middleware:
    """Lets only those in who know the token and call this machine by a name of its own.

    A page that a browser was led to may resolve its name to 127.0.0.1, but keeps its name in Host.
    """
    if not token:
        raise ValueError("the embedded API needs a token")
    wanted = token.encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
            raise ApiError(403, "Forbidden", "the embedded API is for this machine only", {})
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), wanted)
        if scheme.lower() != "bearer" or not same:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return await handler(request)

    return guard
