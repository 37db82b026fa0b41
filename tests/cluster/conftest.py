"""The same tests on the cluster that is built into the demo and, when asked for, on a real one.

On the embedded cluster they always run. On the real one they run when ENVSPAWNER_CLUSTER_TESTS=1, and then they fail
where there is none. What only a real kernel or API server can show has `only_on_a_real_cluster`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.embedded import EmbeddedCluster
from tests.cluster.hub import Hub
from tests.cluster.kube import Cluster, ClusterError, RealCluster
from tests.cluster.people import PASSWORD, SECRET, Servers, policy_text
from tests.cluster.where import EMBEDDED, REAL

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    real = [item for item in ours if item.get_closest_marker("cluster")]
    for item in ours:
        # Those of one cluster share one hub.
        item.add_marker(pytest.mark.xdist_group("cluster" if item in real else "embedded cluster"))
    if real and os.environ.get("ENVSPAWNER_CLUSTER_TESTS") != "1":
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]


@pytest.fixture(scope="session", params=[EMBEDDED, REAL])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Where the test runs."""
    if request.param == "embedded":
        embedded = EmbeddedCluster(tmp_path_factory.mktemp("embedded"))
        yield embedded
        embedded.close()
        return
    try:
        yield RealCluster.from_environment(os.environ)
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
    cluster.create_secret(SECRET, "password", PASSWORD)
    yield SECRET
    cluster.delete("secret", SECRET)


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
