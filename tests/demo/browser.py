"""Somebody with a browser in front of a demo: cookies, forms, pages, and a server of their own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from yarl import URL


class Browser:
    """One person's session. `link` is what the demo printed."""

    def __init__(self, session: aiohttp.ClientSession, link: str) -> None:
        self.session = session
        self.link = link
        parts = urlsplit(link)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.token = parse_qs(parts.query).get("token", [""])[0]
        self.name = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.url + path, headers=self._headers()) as answer:
            return answer.status, await answer.text()

    def _cookie(self, path: str) -> str:
        cookies = self.session.cookie_jar.filter_cookies(URL(self.url + path))
        return cookies["_xsrf"].value if "_xsrf" in cookies else ""

    def _headers(self, path: str = "/hub/") -> dict[str, str]:
        return {"Sec-Fetch-Mode": "navigate", "X-XSRFToken": self._cookie(path)}

    async def log_in(self, name: str, token: str | None = None, page: str | None = None) -> tuple[int, str]:
        """Status and text of the page that follows; `token` and `page` stand for other than the right ones."""
        async with self.session.get(page or self.link, headers=self._headers()) as answer:
            found = re.search(r'name="_xsrf" value="([^"]+)"', await answer.text())
        form = {
            "username": name,
            "token": self.token if token is None else token,
            "_xsrf": found[1] if found else self._cookie("/hub/"),
        }
        async with self.session.post(
            f"{self.url}/hub/login", data=form, headers=self._headers(), allow_redirects=False
        ) as answer:
            self.name = name
            return answer.status, await answer.text()

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-XSRFToken": self._cookie("/hub/"), "Referer": f"{self.url}/hub/home"}
        async with self.session.request(
            method, f"{self.url}/hub/api{path}", json=body, headers=headers
        ) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if text else None

    async def start(self, **options: str) -> None:
        """Starts the own server, and returns when it is ready; raises AssertionError with what it was told."""
        status, told = await self.api("POST", f"/users/{self.name}/server", options)
        assert status in (201, 202), told
        await asyncio.wait_for(self._until_ready(), 90)

    async def _until_ready(self) -> None:
        while True:
            _, user = await self.api("GET", f"/users/{self.name}")
            server = user["servers"].get("") or {}
            if server.get("ready"):
                return
            assert server.get("pending"), await self.progress()
            await asyncio.sleep(0.1)

    async def progress(self) -> str:
        _, text = await self.get(f"/hub/api/users/{self.name}/server/progress")
        return text

    async def stop(self) -> None:
        await self.api("DELETE", f"/users/{self.name}/server")
        await asyncio.wait_for(self._until_stopped(), 60)

    async def _until_stopped(self) -> None:
        while (await self.api("GET", f"/users/{self.name}"))[1]["servers"]:
            await asyncio.sleep(0.1)

    async def enter(self) -> None:
        """Opens the own server's page, which logs in there."""
        async with self.session.get(
            f"{self.url}/user/{self.name}/lab", headers={"Sec-Fetch-Mode": "navigate"}
        ) as answer:
            assert answer.status == 200, await answer.text()

    async def run(self, *argv: str) -> str:
        """What a command prints that a kernel of the own server runs: through proxy and websocket."""
        base = f"/user/{self.name}"
        headers = {"X-XSRFToken": self._cookie(base + "/")}
        async with self.session.post(
            f"{self.url}{base}/api/kernels", json={"name": "python3"}, headers=headers
        ) as answer:
            assert answer.status == 201, await answer.text()
            kernel = (await answer.json())["id"]
        code = (
            f"import subprocess; print(subprocess.run({list(argv)!r}, capture_output=True, text=True).stdout)"
        )
        url = f"{self.url}{base}/api/kernels/{kernel}/channels".replace("http:", "ws:")
        try:
            async with self.session.ws_connect(url) as socket:
                return await asyncio.wait_for(_printed(socket, code), 60)
        finally:
            async with self.session.delete(f"{self.url}{base}/api/kernels/{kernel}", headers=headers):
                pass


async def _printed(socket: Any, code: str) -> str:
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "", "version": "5.3"}
    await socket.send_json(
        {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    )
    printed = ""
    while True:
        message = await socket.receive_json()
        if message["parent_header"].get("msg_id") != "1":
            continue
        if message["msg_type"] == "stream":
            printed += message["content"]["text"]
        elif message["msg_type"] == "execute_reply":
            assert message["content"]["status"] == "ok", message["content"]
        elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return printed


@asynccontextmanager
async def browser(link: str) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session, link)
