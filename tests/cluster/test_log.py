"""The hub's whole log, on its most talkative level: nothing secret stands in it, whatever goes wrong."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.hub import Hub, SpawnError
from tests.cluster.kube import Cluster, Server
from tests.cluster.people import RUN

PLANTED = {
    kind: secrets.token_hex(16)
    for kind in ("variable", "auth state", "typed", "typed wrongly", "typed label", "own")
}
POLICY = f"""
defaults:
  image: IMAGE
  extraEnv: {{PLANTED: {PLANTED["variable"]}, STATE: "{{auth_state.token}}"}}
  memory: {{guarantee: 64M, limit: 256M}}
  cpu: {{guarantee: 0.05, limit: 0.25}}
  uid: 1000
  fsGid: 100
  storage: {{type: none}}
profiles:
  small: {{default: true}}
  typed:
    options:
      key: {{other: {{pattern: "[0-9a-f]+", extraEnv: {{TYPED: "{{value}}"}}}}}}
  label:
    options:
      label: {{other: {{pattern: ".*", extraLabels: {{typed: "{{value}}"}}}}}}
  hook: {{}}
  invalid: {{}}
  silent: {{cmd: [sleep, "600"]}}
  stuck:
    startTimeout: 8
    initContainers: [{{name: wait, image: IMAGE, command: [sleep, "600"]}}]
  failing: {{startTimeout: 20, lifecycleHooks: {{postStart: {{exec: {{command: [/bin/sh, -c, exit 3]}}}}}}}}
"""
CONFIG = """
import logging
c.JupyterHub.log_level = logging.DEBUG
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {policy!r}
c.Spawner.http_timeout = 120
c.KubeSpawner.environment = {{"OWN": {own!r}}}
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [{key!r}]
others = c.Spawner.get("pre_spawn_hook")
async def before(spawner):
    with open("tokens", "a") as file:
        print(spawner.api_token, file=file)
    if spawner.user_options.get("profile") == "hook":
        raise RuntimeError("the hook failed")
    if spawner.user_options.get("profile") == "silent":
        spawner.http_timeout = 5
    if callable(others):
        others(spawner)
c.Spawner.pre_spawn_hook = before
def change(spawner, pod):
    if spawner.user_options.get("profile") == "invalid":
        pod.spec.containers[0].name = "Not A Name"
    return pod
c.KubeSpawner.modify_pod_hook = change
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def talkative(cluster: Cluster, folder: Path) -> Iterator[Hub]:
    (folder / "policy.yaml").write_text(POLICY.replace("IMAGE", cluster.image))
    config = CONFIG.format(policy=str(folder / "policy.yaml"), key=secrets.token_hex(32), own=PLANTED["own"])
    with Hub(config, cluster=cluster, workdir=folder) as hub:
        yield hub


def person(hub: Hub, name: str) -> str:
    hub.create_user(f"{name}{RUN}")
    hub.api("PATCH", f"/users/{name}{RUN}", {"auth_state": {"token": PLANTED["auth state"]}})
    return f"{name}{RUN}"


FAILS = {
    "a text that does not fit": {"profile": "typed", "key--unlisted-choice": f"x{PLANTED['typed wrongly']}"},
    "a text that makes no label": {
        "profile": "label",
        "label--unlisted-choice": f"{PLANTED['typed label']}/{PLANTED['typed label']}",
    },
    "a hook that fails": {"profile": "hook"},
    "a pod that the API server takes for invalid": {"profile": "invalid"},
    "a server that never answers": {"profile": "silent"},
    "a pod that is not ready in time": {"profile": "stuck"},
    "a container whose hook fails": {"profile": "failing"},
}


def test_no_token_variable_auth_state_or_typed_text_is_in_it(
    talkative: Hub, cluster: Cluster, folder: Path
) -> None:
    for number, options in enumerate(FAILS.values()):
        with pytest.raises(SpawnError):
            talkative.spawn(person(talkative, f"log{number}"), options)
    options = {"profile": "typed", "key--unlisted-choice": PLANTED["typed"]}
    environ = Server(cluster, talkative.spawn(person(talkative, "logs"), options)).environ
    assert environ["PLANTED"] == PLANTED["variable"]
    assert environ["STATE"] == PLANTED["auth state"]
    assert environ["TYPED"] == PLANTED["typed"]
    assert environ["OWN"] == PLANTED["own"]
    tokens = (folder / "tokens").read_text().split()
    assert environ["JUPYTERHUB_API_TOKEN"] in tokens
    assert len(tokens) > len(FAILS) - 2
    log = talkative.log
    for sign in (
        "[D ",
        "value-invalid",
        "the hook failed",
        "Not A Name",
        "never showed up",
        "failed to start in 8 seconds",
    ):
        assert sign in log
    found = {kind for kind, secret in PLANTED.items() if secret in log}
    assert found == set()
    assert [token for token in tokens if token in log] == []
