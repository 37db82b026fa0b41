"""The DaemonSet of `envspawner images` pulls every image of a policy, whether it has a shell or not.

ENVSPAWNER_TEST_TOOLS_IMAGE   an image with a statically linked /bin/busybox (rig/busybox:1)
ENVSPAWNER_TEST_BARE_IMAGE    an image without a shell (rig/pause:1)
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from envspawner.cli.puller import NAME
from tests.cluster.kube import RealCluster
from tests.cluster.where import only_on_a_real_cluster

TOOLS = os.environ.get("ENVSPAWNER_TEST_TOOLS_IMAGE", "rig/busybox:1")
BARE = os.environ.get("ENVSPAWNER_TEST_BARE_IMAGE", "rig/pause:1")


@pytest.fixture
def daemon_set(cluster: RealCluster, tmp_path: Path) -> Iterator[str]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        f"defaults: {{image: {cluster.image}}}\n"
        f"profiles: {{small: {{}}, more: {{extraContainers: [{{name: bare, image: {BARE}}}]}}}}\n"
    )
    command = Path(sys.executable).with_name("envspawner")
    words = ["images", str(policy), "-o", "daemonset", "--tools-image", TOOLS]
    done = subprocess.run([command, *words], capture_output=True, text=True, check=True)
    cluster.kubectl("apply", "-f", "-", stdin=done.stdout)
    yield NAME
    cluster.kubectl("delete", "daemonset", NAME)


@only_on_a_real_cluster
def test_its_pods_become_ready_and_had_every_image(cluster: RealCluster, daemon_set: str) -> None:
    cluster.kubectl("rollout", "status", f"daemonset/{daemon_set}", "--timeout=120s")
    found = cluster.find("daemonset", daemon_set)
    assert found is not None
    assert found["status"]["numberReady"] == found["status"]["desiredNumberScheduled"] > 0
    images = [one["image"] for one in found["spec"]["template"]["spec"]["initContainers"]]
    assert images == [TOOLS, cluster.image, BARE]
