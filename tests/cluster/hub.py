"""A real JupyterHub process against a cluster, driven over HTTP.

The hub and its proxy run on this machine, its servers are pods: the machine must reach the pods' addresses,
and the pods this machine's (`Cluster.hub_ip`). The cluster may be the embedded one.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from tests.cluster.kube import Cluster, Json

# A test's configuration stands between these two: it may change what is before it, never what is after it.
BEFORE = """\
c = get_config()
c.KubeSpawner.namespace = {namespace!r}
c.JupyterHub.allow_named_servers = True
"""
AFTER = """
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.allow_all = True
c.Authenticator.manage_groups = False
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = {hub_url!r}
c.ConfigurableHTTPProxy.should_start = {starts_proxy!r}
c.JupyterHub.cleanup_proxy = {starts_proxy!r}
c.ConfigurableHTTPProxy.api_url = {proxy_url!r}
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
# Only an admin may make admins; the state of a server holds the names of its pod and claim.
c.JupyterHub.services.append({{"name": "tests", "api_token": {token!r}, "admin": True}})
state = {{"name": "tests", "services": ["tests"], "scopes": ["admin:server_state", "access:servers"]}}
c.JupyterHub.load_roles.append(state)
"""


class HubError(Exception):
    """The hub did not start, died, or did not do in time what it was asked to do."""


class RequestError(Exception):
    """The hub's REST API answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class SpawnError(RequestError):
    """A server did not start: it was refused at once (status is HTTP's) or it failed later (status 0)."""


class Answer(NamedTuple):
    status: int
    text: str

    @property
    def message(self) -> str:
        """The words of an error."""
        try:
            return str(json.loads(self.text)["message"])
        except (ValueError, KeyError, TypeError):
            return self.text


def wait_until(what: str, done: Callable[[], bool], *, timeout: float) -> None:
    """Return as soon as `done` answers true; raise `HubError` when it has not after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise HubError(f"{what}: not within {timeout:.0f} seconds")
        time.sleep(0.1)


class Hub:
    """`with Hub(config, cluster=…, workdir=…) as hub:` is a running hub; afterwards nothing of it is left."""

    def __init__(self, config: str, *, cluster: Cluster, workdir: Path) -> None:
        host = f"[{cluster.hub_ip}]" if ":" in cluster.hub_ip else cluster.hub_ip
        self.cluster = cluster
        self.url = f"http://127.0.0.1:{_free_port('127.0.0.1')}"
        self.users: list[str] = []
        self._groups: set[str] = set()
        self._workdir = workdir
        self._token = secrets.token_hex(16)
        self._open = build_opener(ProxyHandler({})).open
        self._proxy_token = secrets.token_hex(16)
        self._config = BEFORE + cluster.hub_config + "{config}" + AFTER
        self._settings = {
            "config": config,
            "namespace": cluster.namespace,
            "url": self.url,
            "hub_url": f"http://{host}:{_free_port(cluster.hub_ip)}",
            "token": self._token,
        }
        self._stack = ExitStack()

    def __enter__(self) -> Hub:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _start(self) -> None:
        port = int(self.url.rpartition(":")[2])
        proxy_url = self._stack.enter_context(self.cluster.proxy(self._proxy_token, port))
        settings = {
            **self._settings,
            "starts_proxy": not proxy_url,
            "proxy_url": proxy_url or f"http://127.0.0.1:{_free_port('127.0.0.1')}",
        }
        self._workdir.mkdir(parents=True, exist_ok=True)
        (self._workdir / "jupyterhub_config.py").write_text(self._config.format_map(settings))
        own = {"KUBECONFIG": self.cluster.hub_kubeconfig, "CONFIGPROXY_AUTH_TOKEN": self._proxy_token}
        with (self._workdir / "hub.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"],
                cwd=self._workdir,
                env={**os.environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stack.callback(self._end)
        wait_until("the hub is healthy", self._healthy, timeout=60)

    def __exit__(self, *exception: object) -> None:
        try:
            if self._process.poll() is None:
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(self.delete_user, tuple(self.users)))
        finally:
            self._stack.close()

    @property
    def log(self) -> str:
        return (self._workdir / "hub.log").read_text()

    def _healthy(self) -> bool:
        if self._process.poll() is not None:
            raise HubError(f"the hub ended with {self._process.returncode}:\n{self.log}")
        try:
            return self.request("GET", "/hub/health").status == 200
        except (OSError, HTTPException):
            return False  # nothing listens yet

    def request(self, method: str, path: str, body: object = None, timeout: float = 60) -> Answer:
        """Any path of the proxy, with an admin's rights."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self._token}", "Content-Type": "application/json"}
        try:
            with self._open(Request(self.url + path, data, headers, method=method), timeout=timeout) as got:
                return Answer(got.status, got.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())

    def api(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that the hub's REST API answered, if any; raises `RequestError`."""
        answer = self.request(method, "/hub/api" + path, body)
        if answer.status >= 400:
            raise RequestError(answer.status, answer.message)
        return json.loads(answer.text) if answer.text else None

    def create_user(self, name: str, groups: Iterable[str] = (), admin: bool = False) -> str:
        """Make a user, and those groups that are new; deleted with everything of theirs when the hub ends."""
        self.api("POST", "/users", {"usernames": [name], "admin": admin})
        self.users.append(name)
        for group in groups:
            path = f"/groups/{quote(group, safe='')}"
            if group not in self._groups:
                self.api("POST", path)
                self._groups.add(group)
            self.api("POST", f"{path}/users", {"users": [name]})
        return name

    def delete_user(self, name: str) -> None:
        """Stop and delete everything of a user, homes included."""
        for server in self.servers(name):
            self.stop(name, server)
        self.api("DELETE", f"/users/{quote(name)}")
        self.users.remove(name)

    def servers(self, name: str) -> dict[str, Json]:
        servers: dict[str, Json] = self.api("GET", f"/users/{quote(name)}?include_stopped_servers=1")[
            "servers"
        ]
        return servers

    def spawn(self, name: str, options: object = None, server: str = "", timeout: float = 180) -> str:
        """Start a server, wait until it is ready, return the name of its pod; raises `SpawnError`."""
        path = _server_path(name, server)
        answer = self.request("POST", "/hub/api" + path, options)
        if answer.status >= 400:
            refused = answer.status < 500
            raise SpawnError(answer.status, answer.message if refused else self._with_log(answer.message))
        deadline = time.monotonic() + timeout
        while not (now := self.servers(name)[server])["ready"]:
            if not now["pending"]:
                raise SpawnError(0, self._with_log(self._last_event(path)))
            if time.monotonic() > deadline:
                raise SpawnError(0, self._with_log(f"not ready within {timeout:.0f} seconds"))
            time.sleep(0.2)
        return str(now["state"]["pod_name"])

    def _last_event(self, path: str) -> str:
        """The last message of the progress stream of a spawn that is over."""
        stream = self.request("GET", f"/hub/api{path}/progress")
        events = re.findall(r"^data: *(.+)$", stream.text, re.MULTILINE)
        return str(json.loads(events[-1])["message"]) if events else stream.message

    def _with_log(self, message: str) -> str:
        lines = [line for line in self.log.splitlines() if "(tests@" not in line]  # not our own requests
        return "\n".join([message, "The hub's log ends with", *lines[-40:]])

    def stop(self, name: str, server: str = "") -> None:
        """Stop a server, if it runs, and wait until its pod is gone."""

        def stopped() -> bool:
            now = self.servers(name).get(server)
            return now is None or not (now["ready"] or now["pending"])

        if not stopped():
            self.api("DELETE", _server_path(name, server))
            wait_until(f"the server {server!r} of {name} has stopped", stopped, timeout=120)

    def fetch(self, name: str, path: str, server: str = "") -> Answer:
        """GET a path of a user's server through the proxy."""
        base = f"/user/{quote(name)}/" + (f"{quote(server)}/" if server else "")
        return self.request("GET", base + path.lstrip("/"))

    def _end(self) -> None:
        """End hub and proxy, and delete what they left in the cluster."""
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _end_proxy(self._workdir / "jupyterhub-proxy.pid")
        for user in self.users:
            for kind in ("pod", "persistentvolumeclaim"):
                for name in self.cluster.owned_by(kind, user):
                    self.cluster.delete(kind, name)


def _server_path(name: str, server: str) -> str:
    return f"/users/{quote(name)}/" + (f"servers/{quote(server)}" if server else "server")


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _end_proxy(pid_file: Path) -> None:
    """A hub that was killed leaves its proxy, and the file that names it."""
    if pid_file.exists():
        pid = int(pid_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"configurable-http-proxy" in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
