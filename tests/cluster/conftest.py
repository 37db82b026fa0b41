"""Tests on a real cluster: they run only when asked for, and then they fail where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.hub import Hub
from tests.cluster.kube import Cluster, ClusterError
from tests.cluster.people import PASSWORD, SECRET, Servers, policy_text

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker("cluster")
        item.add_marker(pytest.mark.xdist_group("cluster"))  # they share one hub
    if ours and os.environ.get("ENVSPAWNER_CLUSTER_TESTS") != "1":
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if HERE not in item.path.parents]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that the environment names."""
    try:
        return Cluster.from_environment(os.environ)
    except ClusterError as error:
        pytest.fail(f"no cluster to test on: {error}", pytrace=False)


@pytest.fixture(scope="session")
def policy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text(policy_text(cluster.image))
    return file


@pytest.fixture(scope="session")
def secret(cluster: Cluster) -> Iterator[str]:
    """The Kubernetes secret that the policy speaks of."""
    cluster.kubectl("create", "secret", "generic", SECRET, f"--from-literal=password={PASSWORD}")
    yield SECRET
    cluster.kubectl("delete", "secret", SECRET)


@pytest.fixture(scope="session")
def hub(
    cluster: Cluster, policy: Path, secret: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    config = f"""
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {str(policy)!r}
"""
    with Hub(config, cluster=cluster, workdir=tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="session")
def servers(hub: Hub) -> Iterator[Servers]:
    with ThreadPoolExecutor(3) as pool:
        yield Servers(hub, pool)
        pool.shutdown(cancel_futures=True)
