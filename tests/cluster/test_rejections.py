"""What a real cluster refuses: one sentence for the user, a reason for the log, and nothing secret anywhere in it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.hub import Hub, SpawnError
from tests.cluster.kube import Cluster, RealCluster, Server
from tests.cluster.people import RUN
from tests.cluster.where import only_on_a_real_cluster

pytestmark = only_on_a_real_cluster

PLANTED = secrets.token_hex(16)
STATE = secrets.token_hex(16)
POLICY = f"""
defaults:
  image: IMAGE
  extraEnv: {{PLANTED: {PLANTED}, STATE: "{{auth_state.token}}"}}
  memory: {{guarantee: 64M, limit: 256M}}
  cpu: {{guarantee: 0.05, limit: 0.25}}
  uid: 1000
  fsGid: 100
  storage: {{type: none}}
profiles:
  small: {{default: true}}
  much: {{memory: {{limit: 32G}}}}
  fast: {{cpu: {{limit: 4}}}}
  wrong: {{priorityClassName: nobody-made-this}}
  homely: {{storage: {{type: dynamic, capacity: 500Gi}}}}
"""
CONFIG = """
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {policy!r}
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [{key!r}]
def keep_token(spawner):
    with open("tokens", "a") as file:
        print(spawner.api_token, file=file)
c.Spawner.pre_spawn_hook = keep_token
"""
BOUNDS = """
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ResourceQuota
  metadata: {name: room}
  spec: {hard: {limits.memory: 4Gi, requests.storage: 10Gi}}
- {apiVersion: v1, kind: LimitRange, metadata: {name: range}, spec: {limits: [{type: Container, max: {cpu: 1}}]}}
"""


@pytest.fixture(scope="module")
def bounded(cluster: Cluster) -> Iterator[RealCluster]:
    """A namespace of our own with a quota and a range of limits, where the hub may do what it may do in its own."""
    assert isinstance(cluster, RealCluster)
    ours = replace(cluster, namespace=f"envspawner-bounds-{RUN}")
    cluster.kubectl("create", "namespace", ours.namespace)
    try:
        rights = json.loads(cluster.kubectl("get", "role,rolebinding", "-o", "json"))["items"]
        for one in rights:
            one["metadata"] = {"name": one["metadata"]["name"], "namespace": ours.namespace}
        ours.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": rights})
        )
        ours.kubectl("apply", "-f", "-", stdin=BOUNDS)
        yield ours
    finally:
        cluster.kubectl("delete", "namespace", ours.namespace)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bounded")


@pytest.fixture(scope="module")
def bounded_hub(bounded: RealCluster, folder: Path) -> Iterator[Hub]:
    (folder / "policy.yaml").write_text(POLICY.replace("IMAGE", bounded.image))
    config = CONFIG.format(policy=str(folder / "policy.yaml"), key=secrets.token_hex(32))
    with Hub(config, cluster=bounded, workdir=folder) as hub:
        yield hub


def person(hub: Hub, name: str) -> str:
    hub.create_user(f"{name}{RUN}")
    hub.api("PATCH", f"/users/{name}{RUN}", {"auth_state": {"token": STATE}})
    return f"{name}{RUN}"


ASK = "Pick something smaller, or ask the people who run this hub."
REFUSED = {
    "much": ("quota-exceeded", f"Your server needs 32 GB of memory, and 4 GB are left. {ASK}"),
    "homely": ("quota-exceeded", f"Your server needs 500 GB of storage, and 10 GB are left. {ASK}"),
    "fast": (
        "limit-range",
        f"Your server asks for 4 CPU, and the most that the cluster allows is 1 CPU. {ASK}",
    ),
    "wrong": ("cluster-refused", "The cluster refused your server. Tell the people who run this hub."),
}


@pytest.mark.parametrize("profile", REFUSED)
def test_the_user_reads_why_the_cluster_refused_and_the_log_has_the_reason(
    bounded_hub: Hub, bounded: RealCluster, profile: str
) -> None:
    reason, sentence = REFUSED[profile]
    name = person(bounded_hub, profile)
    with pytest.raises(SpawnError) as refused:
        bounded_hub.spawn(name, {"profile": profile})
    assert sentence in refused.value.message
    assert reason in bounded_hub.log
    assert bounded.owned_by("pod", name) == []


def test_the_hubs_whole_log_holds_no_token_no_variable_and_no_auth_state(
    bounded_hub: Hub, bounded: RealCluster, folder: Path
) -> None:
    name = person(bounded_hub, "ada")
    server = Server(bounded, bounded_hub.spawn(name))
    environ = server.environ
    assert environ["PLANTED"] == PLANTED
    assert environ["STATE"] == STATE
    with pytest.raises(SpawnError):
        bounded_hub.spawn(person(bounded_hub, "ben"), {"profile": "much"})
    tokens = (folder / "tokens").read_text().split()
    assert environ["JUPYTERHUB_API_TOKEN"] in tokens
    assert len(tokens) >= 2
    for secret in (PLANTED, STATE, *tokens):
        assert secret not in bounded_hub.log
