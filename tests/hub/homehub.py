"""A real hub on the embedded cluster whose servers are quick to start: who gets which home, and what is left of it.

The hub can be ended and started again with another spawner class, policy or configuration: its database stays.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import embedded, realhub
from .realhub import Answer, RealHub

SERVER = """
import os
from http.server import HTTPServer, SimpleHTTPRequestHandler
from urllib.parse import urlparse
port = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"]).port
HTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler).serve_forever()
"""
CONFIG = f"""
from envspawner.demo.ports import own_port
c.Spawner.pre_spawn_hook = own_port
c.Spawner.cmd = ["python3", "-c", {SERVER!r}]
c.KubeSpawner.namespace = "default"
c.KubeSpawner.delete_grace_period = 0
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0, "slow_stop_timeout": 60}}
"""
PATIENCE = 60.0
OWNER = "hub.jupyter.org/username"


def wait(what: str, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.05)  # a hub tells nobody when a server is ready


@dataclass
class HomeHub:
    """Its folder, and its cluster; `hub` is the process that runs."""

    folder: Path
    cluster: embedded.Embedded
    hub: RealHub | None = None

    @contextmanager
    def running(
        self, policy: str | None = None, config: str = "", spawner: str = "envspawner"
    ) -> Iterator[None]:
        """Runs the hub, with what it knew when it ran last."""
        lines = f"{CONFIG}\nc.JupyterHub.spawner_class = {spawner!r}\n"
        if policy is not None:
            (self.folder / "policy.yaml").write_text(policy)
            lines += '\nc.EnvSpawner.policy_file = "policy.yaml"\n'
        with realhub.run(self.folder, lines + config, self.cluster.kubeconfig) as hub:
            self.hub = hub
            yield
        self.hub = None

    def _send(self, method: str, path: str, body: object = None) -> Answer:
        assert self.hub is not None
        data = None if body is None else json.dumps(body).encode()
        return self.hub.send(method, f"/hub/api/users/{path}", data)

    # --- servers ----------------------------------------------------------------------------------------------

    def make_user(self, user: str) -> None:
        assert self._send("POST", quote(user), {}).status in (201, 409)

    def start(self, user: str, server: str = "", options: Mapping[str, str] | None = None) -> list[str]:
        """Starts a server and gives the claims that its pod mounts."""
        self.make_user(user)
        answer = self._send("POST", _path(user, server), options or {})
        assert answer.status in (201, 202), (answer, self.hub and self.hub.log[-6000:])
        wait(f"the server {server!r} of {user} is ready", lambda: self._ready(user, server))
        pods, _ = self.cluster.store.list("pods", None)
        (pod,) = [pod for pod in pods if self._is_of(pod, user, server)]
        return [one["persistentVolumeClaim"]["claimName"] for one in _volumes(pod)]

    def _is_of(self, pod: Any, user: str, server: str) -> bool:
        marks = pod["metadata"]["annotations"]
        return (marks[OWNER], marks.get("hub.jupyter.org/servername", "")) == (user, server)

    def _ready(self, user: str, server: str) -> bool:
        found = self._model(user)["servers"].get(server, {})
        assert self.hub is not None
        assert found.get("ready") or found.get("pending"), self.hub.log[-6000:]
        return bool(found["ready"])

    def _model(self, user: str) -> Any:
        return json.loads(self._send("GET", f"{quote(user)}?include_stopped_servers=1").text)

    def stop(self, user: str, server: str = "") -> None:
        assert self._send("DELETE", _path(user, server)).status in (202, 204)
        wait("it stops", lambda: not self._model(user)["servers"].get(server, {}).get("pending"))

    def once(self, user: str, server: str = "", options: Mapping[str, str] | None = None) -> list[str]:
        """Starts and stops a server; the claims that it had."""
        claims = self.start(user, server, options)
        self.stop(user, server)
        return claims

    def delete_server(self, user: str, server: str) -> None:
        assert self._send("DELETE", _path(user, server), {"remove": True}).status == 204

    def delete_user(self, user: str) -> None:
        assert self._send("DELETE", quote(user)).status == 204

    # --- what is there ----------------------------------------------------------------------------------------

    def claims(self) -> set[str]:
        return set(self.cluster.names("persistentvolumeclaims"))

    def make_claim(self, name: str, owner: str | None = None) -> None:
        """A claim that is there already."""
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "annotations": {OWNER: owner} if owner else {}},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
        self.cluster.do(lambda: self.cluster.store.create("persistentvolumeclaims", "default", claim))

    def set_state(self, user: str, state: object, server: str = "") -> None:
        """Writes what another version may have left. The hub must not run."""
        assert self.hub is None
        owner = "SELECT id FROM users WHERE name = ?"
        with closing(sqlite3.connect(self.folder / "hub.sqlite")) as database:
            for sql in (
                f"UPDATE spawners SET state = ? WHERE user_id = ({owner}) AND name = ?",
                f"INSERT INTO spawners (state, user_id, name) SELECT ?, ({owner}), ? WHERE changes() = 0",
            ):
                database.execute(sql, (json.dumps(state), user, server))
            database.commit()


@contextmanager
def home_hub(folder: Path) -> Iterator[HomeHub]:
    (folder / "hub").mkdir()
    with embedded.cluster(folder / "cluster") as cluster:
        yield HomeHub(folder / "hub", cluster)


def side_by_side(work: Iterable[Callable[[], Any]]) -> list[Any]:
    """What each of these gives; several are done at a time."""
    with ThreadPoolExecutor(4) as pool:
        return [one.result() for one in [pool.submit(do) for do in work]]


def _path(user: str, server: str) -> str:
    return f"{quote(user)}/" + (f"servers/{quote(server)}" if server else "server")


def _volumes(pod: Any) -> list[Any]:
    return [one for one in pod["spec"].get("volumes", []) if "persistentVolumeClaim" in one]
