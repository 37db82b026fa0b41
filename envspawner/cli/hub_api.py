"""Reads users and their servers from a hub's REST API; nothing is changed there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..resolve.request import Person
from .accounts import Account, Kept
from .errors import CannotRun

TOKEN: Final = "JUPYTERHUB_API_TOKEN"
SCOPES: Final = "list:users, read:users and read:servers"
_PAGE: Final = 200
_SECONDS: Final = 60


class _Stay(HTTPRedirectHandler):
    """The token is for this hub alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


class HubApi:
    """A hub at a URL, with the token in the environment. Raises CannotRun where it does not answer."""

    def __init__(self, url: str) -> None:
        url = url.rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise CannotRun(f"--hub-url: {url!r} is no URL of a hub, such as https://hub.example.org")
        token = os.environ.get(TOKEN)
        if not token:
            raise CannotRun(f"--hub-url: set {TOKEN} to a token with the scopes {SCOPES}")
        self._url = url if url.endswith("/hub/api") else f"{url}/hub/api"
        accept = "application/jupyterhub-pagination+json"
        self._headers = {"Authorization": f"token {token}", "Accept": accept}
        self._opener = build_opener(_Stay())

    def active(self) -> dict[str, Account]:
        """The users with a running server, by name."""
        return {account.person.name: account for account in map(_account, self._models())}

    def find(self, name: str) -> Account | None:
        """One user; None where there is none of that name."""
        model = self._get(f"/users/{quote(name, safe='')}?include_stopped_servers=1")
        return None if model is None else _account(model)

    def _models(self) -> Iterator[Any]:
        offset: int | None = 0
        while offset is not None:
            path = f"/users?state=active&include_stopped_servers=1&limit={_PAGE}&offset={offset}"
            page = self._get(path)
            if not isinstance(page, dict) or "items" not in page:
                raise CannotRun(f"{self._url}: this is no JupyterHub's API")
            yield from page["items"]
            following = page["_pagination"]["next"]
            offset = following["offset"] if following else None

    def _get(self, path: str) -> Any:
        """What the API answers; None for 404."""
        try:
            with self._opener.open(Request(self._url + path, headers=self._headers), timeout=_SECONDS) as got:
                return json.load(got)
        except HTTPError as error:
            with error:
                if error.code == 404:
                    return None
                if error.code in (401, 403):
                    raise CannotRun(
                        f"{self._url}: the token is not admitted (it needs the scopes {SCOPES})"
                    ) from None
                raise CannotRun(f"{self._url}: {error.code} {error.reason}") from None
        except (URLError, HTTPException, OSError, ValueError) as error:
            raise CannotRun(f"{self._url}: {getattr(error, 'reason', None) or error}") from None


def _account(model: Any) -> Account:
    missing = [name for name in ("name", "groups", "admin", "servers") if name not in model]
    if missing:
        raise CannotRun(f"the token may not read {missing[0]} of users (it needs the scopes {SCOPES})")
    servers = {name: _kept(one) for name, one in model["servers"].items()}
    return Account(Person(model["name"], frozenset(model["groups"]), bool(model["admin"])), servers)


def _kept(model: Any) -> Kept:
    state = model.get("state")
    return Kept(not model.get("stopped", False), model.get("user_options"), state)
