"""`jupyterhub_config.py.example` works: a hub is started from it, with another image and namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.hub import Hub, SpawnError
from tests.cluster.kube import Cluster, Server
from tests.cluster.people import RUN
from tests.cluster.where import only_on_a_real_cluster

EXAMPLE = Path(__file__).parents[2] / "jupyterhub_config.py.example"


@pytest.fixture(scope="module")
def hub(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    config = f"""
load_subconfig({str(EXAMPLE)!r})
c.KubeSpawner.namespace = {cluster.namespace!r}
c.EnvSpawner.defaults["image"] = {cluster.image!r}
"""
    with Hub(config, cluster=cluster, workdir=tmp_path_factory.mktemp("example")) as hub:
        yield hub


def test_a_server_of_the_example_is_what_its_policy_says(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"joy{RUN}", groups=["staff"], admin=True)
    server = Server(cluster, hub.spawn(name, {"profile": "large", "cpu": "2"}))
    assert server.environ["GREETING"] == f"Hello {name}"
    assert server.environ["ROLE"] == "admin"
    assert str(server.container["resources"]["requests"]["memory"]) == str(1 << 30)
    (claim,) = server.claims
    assert cluster.claim(claim)["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert server.run("cat", "/home/jovyan/README.md") == "# hello from the image\n"
    assert json.loads(hub.fetch(name, "api/status").text)["kernels"] == 0


@only_on_a_real_cluster
def test_the_examples_limits_are_in_the_cgroup(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"liz{RUN}", groups=["staff"])
    server = Server(cluster, hub.spawn(name, {"profile": "large", "cpu": "2"}))
    assert (server.memory_limit, server.cpu_limit) == (4 << 30, 2.0)


def test_the_example_keeps_a_profile_from_those_it_is_not_for(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"kim{RUN}")
    with pytest.raises(SpawnError) as refusal:
        hub.spawn(name, {"profile": "gpu"})
    assert refusal.value.status in (400, 403)
    assert cluster.owned_by("pod", name) == []
