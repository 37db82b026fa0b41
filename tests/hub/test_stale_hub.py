"""A user of a real hub whose server a restart would change reads so on the home page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from . import embedded, realhub
from .realhub import RealHub

POLICY = """
defaults: {{memory: {{limit: {size}M}}, storage: {{type: none}}}}
groups: {{staff: {{extraEnv: {{STAFF: "1"}}}}}}
profiles: {{small: {{default: true}}, {name}: {{}}}}
"""
CONFIG = """
import envspawner
c.EnvSpawner.policy_file = "policy.yaml"
c.EnvSpawner.policy_reload_seconds = 0.1
c.JupyterHub.template_paths = [envspawner.PAGES]
c.JupyterHub.cleanup_servers = False
from envspawner.demo.ports import own_port
c.Spawner.pre_spawn_hook = own_port
"""
NOTICE = "have changed since it was started."


def write(hub: RealHub, size: int = 512, name: str = "other") -> None:
    (hub.folder / "policy.yaml").write_text(POLICY.format(size=size, name=name))


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "policy.yaml").write_text(POLICY.format(size=512, name="other"))
    with (
        embedded.cluster(tmp_path_factory.mktemp("cluster")) as cluster,
        realhub.run(folder, CONFIG, cluster.kubeconfig) as hub,
    ):
        yield hub


def start(hub: RealHub, user: str, server: str = "", options: object = None) -> None:
    path = f"/hub/api/users/{user}/" + (f"servers/{server}" if server else "server")
    body = json.dumps(options or {}).encode()
    assert hub.send("POST", path, body).status in (201, 202)
    hub.wait("the server is ready", lambda: ready(hub, user, server))


def stop(hub: RealHub, user: str) -> None:
    hub.send("DELETE", f"/hub/api/users/{user}/server")
    hub.wait("the server has stopped", lambda: not ready(hub, user, ""))


def ready(hub: RealHub, user: str, server: str) -> bool:
    servers = json.loads(hub.send("GET", f"/hub/api/users/{user}").text)["servers"]
    return server in servers and bool(servers[server]["ready"])


def home(hub: RealHub, user: str) -> str:
    opener, _ = hub.browser_of(user)
    answer = hub.send("GET", "/hub/home", opener=opener)
    assert answer.status == 200
    return answer.text


def test_the_home_page_says_that_a_server_is_stale_until_it_is_restarted(hub: RealHub) -> None:
    for user in ("ada", "ben"):
        hub.token_of(user)
    start(hub, "ada")
    start(hub, "ben", "lab", {"profile": "other"})
    assert NOTICE not in home(hub, "ada")
    assert NOTICE not in home(hub, "ben")
    write(hub, size=640)
    hub.wait("the policy is read", lambda: hub.log.count("instead of") == 1)
    assert NOTICE in home(hub, "ada")
    assert "your server lab" in home(hub, "ben")
    stop(hub, "ada")
    assert NOTICE not in home(hub, "ada")
    start(hub, "ada")
    assert NOTICE not in home(hub, "ada")
    hub.send("POST", "/hub/api/groups/staff/users", b'{"users": ["ada"]}')
    assert NOTICE in home(hub, "ada")
    write(hub, size=512, name="another")  # as ben's was but that its profile is no longer offered
    hub.wait("the policy is read", lambda: hub.log.count("instead of") == 2)
    assert "your server lab" in home(hub, "ben")
