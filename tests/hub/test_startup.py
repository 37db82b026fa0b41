"""A real JupyterHub with a wrong policy stops at its start and lists every problem."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: none, user: {}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_hub(tmp_path: Path, config: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    proxy, api, hub = free_ports(3)
    (tmp_path / "jupyterhub_config.py").write_text(
        f"""
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{proxy}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = ["false"]
c.JupyterHub.hub_port = {hub}
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.allow_all = True
{config}
"""
    )
    command = [sys.executable, "-m", "jupyterhub"]
    env = {**os.environ, "KUBECONFIG": str(tmp_path / "kubeconfig")}
    return subprocess.run(
        command,
        cwd=tmp_path,
        env=env,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


WRONG = {
    "by the entry point": 'c.JupyterHub.spawner_class = "envspawner"',
    "by the class's path": 'c.JupyterHub.spawner_class = "envspawner.EnvSpawner"',
    "as a subclass": """
from envspawner import EnvSpawner
class MySpawner(EnvSpawner):
    pass
c.JupyterHub.spawner_class = MySpawner
""",
}


@pytest.mark.parametrize("spawner_class", WRONG.values(), ids=WRONG)
def test_a_wrong_policy_stops_the_hub_with_every_problem_listed(tmp_path: Path, spawner_class: str) -> None:
    hub = start_hub(
        tmp_path,
        spawner_class
        + """
c.EnvSpawner.defaults = {"memroy": {"limit": "1G"}, "mem_limit": "2G"}
c.EnvSpawner.users.update({"ada": {"storage": {"capacity": "8 Gib"}}})
""",
    )
    assert hub.returncode == 1, hub.stdout
    assert "c.EnvSpawner: defaults.memroy: unknown key 'memroy' (did you mean memory?)" in hub.stdout
    assert "c.EnvSpawner: defaults.mem_limit: unknown key 'mem_limit' (write memory.limit)" in hub.stdout
    assert "c.EnvSpawner: users.ada.storage.capacity" in hub.stdout
    assert "Traceback" not in hub.stdout


def test_a_policy_file_that_is_not_there_stops_the_hub(tmp_path: Path) -> None:
    hub = start_hub(
        tmp_path, 'c.JupyterHub.spawner_class = "envspawner"\nc.EnvSpawner.policy_file = "nowhere.yaml"'
    )
    assert hub.returncode == 1, hub.stdout
    assert "nowhere.yaml: cannot read the policy: No such file or directory" in hub.stdout


def test_a_good_policy_lets_the_hub_go_on(tmp_path: Path) -> None:
    hub = start_hub(
        tmp_path,
        'c.JupyterHub.spawner_class = "envspawner"\n'
        'c.EnvSpawner.defaults = {"image": "a/b:latest", "memory": {"limit": "2G"}}\n',
    )
    assert "EnvSpawner uses policy" in hub.stdout
    assert "the tag latest changes without notice" in hub.stdout
    assert "cannot be used" not in hub.stdout  # it ends at the proxy, whose command here is `false`


def test_another_spawner_does_not_care_about_a_wrong_policy(tmp_path: Path) -> None:
    hub = start_hub(
        tmp_path,
        'c.EnvSpawner.defaults = {"memroy": 1}\nc.JupyterHub.spawner_class = "kubespawner.KubeSpawner"',
    )
    assert "cannot be used" not in hub.stdout
