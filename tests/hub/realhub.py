"""A real JupyterHub process in front of an embedded Kubernetes API, for tests of what users may send.

No proxy runs: requests go to the hub itself. `run` gives a hub; afterwards nothing of it is left.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, Request, build_opener

PATIENCE = 60.0  # seconds
CONFIG = """
c = get_config()
c.JupyterHub.spawner_class = "envspawner"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.auth_token = "unused"
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.authenticate_prometheus = False
c.JupyterHub.allow_named_servers = True
c.JupyterHub.load_groups = {{"staff": {{"users": ["grace"]}}}}
c.DummyAuthenticator.allow_all = True
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.services = [{{"name": "tests", "api_token": "token-of-the-tests", "admin": True}}]
"""
"""Placeholders: three ports. A test's own lines follow."""


class Answer(NamedTuple):
    status: int
    reason: str  # of the status line
    text: str

    @property
    def message(self) -> str:
        """What the REST API says is wrong."""
        try:
            return str(json.loads(self.text)["message"])
        except (ValueError, KeyError, TypeError):
            return self.text


class RealHub:
    """A hub that runs in `folder`, reached at `url`."""

    def __init__(self, folder: Path, url: str, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.url = url
        self.process = process
        self._open = build_opener(ProxyHandler({}))

    @property
    def log(self) -> str:
        return (self.folder / "hub.log").read_text(errors="replace")

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        token: str = "token-of-the-tests",
        opener: OpenerDirector | None = None,
        kind: str = "application/json",
    ) -> Answer:
        """One request, as raw as a script would make it. With an opener its cookies count, not the token."""
        headers = {"Content-Type": kind}
        if opener is None:
            headers["Authorization"] = f"token {token}"
        request = Request(self.url + path, body, headers, method=method)
        try:
            with (opener or self._open).open(request, timeout=60) as got:
                return Answer(got.status, got.reason, got.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.reason, error.read().decode())

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Until something is so that nobody tells another process of."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"{what}\n{self.log}"
            time.sleep(0.05)

    def token_of(self, user: str) -> str:
        """A new token of a user's own, who is made if need be."""
        self.send("POST", f"/hub/api/users/{user}", b"{}")
        answer = self.send("POST", f"/hub/api/users/{user}/tokens", b"{}")
        return str(json.loads(answer.text)["token"])

    def browser_of(self, user: str) -> tuple[OpenerDirector, str]:
        """What a logged-in browser holds: its cookies, and the token that its forms need."""
        jar = CookieJar()
        opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(jar))
        self.send("GET", "/hub/login", opener=opener)
        found = {cookie.name: cookie.value or "" for cookie in jar}
        form = urlencode({"username": user, "password": "", "_xsrf": found["_xsrf"]}).encode()
        self.send("POST", "/hub/login", form, opener=opener, kind="application/x-www-form-urlencoded")
        page = self.send("GET", "/hub/home", opener=opener)
        token = re.search(r'xsrf_token: "([^"]+)"', page.text)
        assert token is not None, page
        return opener, token[1]

    def refusals(self) -> dict[str, int]:
        """How many starts were refused so far, by reason."""
        text = self.send("GET", "/hub/metrics").text
        found = re.findall(r'^envspawner_refusals_total\{reason="([^"]+)"\} (\S+)$', text, re.MULTILINE)
        return {reason: int(float(count)) for reason, count in found}


@contextmanager
def run(folder: Path, config: str, kubeconfig: str) -> Iterator[RealHub]:
    """A hub with some lines of configuration and a cluster."""
    hub, public, proxy = _free_ports(3)
    (folder / "jupyterhub_config.py").write_text(CONFIG.format(hub=hub, public=public, proxy=proxy) + config)
    (folder / "kubeconfig").write_text(kubeconfig)
    proxy_process = subprocess.Popen([sys.executable, "-c", _PROXY, str(proxy)])
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
            cwd=folder,
            env={**os.environ, "KUBECONFIG": str(folder / "kubeconfig")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = RealHub(folder, f"http://127.0.0.1:{hub}", process)
    try:
        _wait(started)
        yield started
    finally:
        process.terminate()
        process.wait(60)
        proxy_process.kill()
        proxy_process.wait()


_PROXY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Routes(BaseHTTPRequestHandler):  # takes every route and sends nobody anywhere
    def do_GET(self):
        self.answer(b"{}")
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(b"")
    do_DELETE = do_POST
    def answer(self, body):
        self.send_response(200 if body else 201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Routes).serve_forever()
"""


def _wait(hub: RealHub) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert hub.process.poll() is None, hub.log
        try:
            if hub.send("GET", "/hub/api/").status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.1)  # nothing listens yet
    raise AssertionError(f"the hub did not start:\n{hub.log}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
