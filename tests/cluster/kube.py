"""A cluster as tests see it: its objects as JSON, its pods from inside; and a real one, through kubectl."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]

TOOLS = {
    "kubectl": "Debian's package kubernetes-client, for example",
    "configurable-http-proxy": "npm install configurable-http-proxy@4, and node_modules/.bin on PATH",
}


class ClusterError(Exception):
    """The cluster, or what the tests need beside it, is missing or does not answer."""


def given_claim(name: str) -> Json:
    """A claim of the usual class."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


class Cluster:
    """A Kubernetes as its administrator sees it, and the credentials of a hub."""

    hub_kubeconfig: str
    namespace: str
    image: str
    hub_ip: str
    hub_config: str = ""
    """What a hub's configuration needs beside the tests' own."""

    @contextmanager
    def proxy(self, token: str, port: int) -> Iterator[str]:
        """Runs a proxy for a hub and gives the URL of its API; "" where the hub starts its own."""
        yield ""

    def find(self, kind: str, name: str) -> Json | None:
        raise NotImplementedError

    def all(self, kind: str) -> list[Json]:
        raise NotImplementedError

    def create_secret(self, name: str, key: str, value: str) -> None:
        raise NotImplementedError

    def create_claim(self, name: str) -> None:
        """A claim that an administrator made."""
        raise NotImplementedError

    def delete(self, kind: str, name: str) -> None:
        """Nothing where there is no such object."""
        raise NotImplementedError

    def exec(self, pod: str, *argv: str) -> str:
        """What a command printed inside a pod's notebook container."""
        raise NotImplementedError

    def environ(self, pod: str) -> str:
        """The variables of the notebook container's own process, as the kernel has them."""
        raise NotImplementedError

    def pod(self, name: str) -> Json:
        found = self.find("pod", name)
        assert found is not None, f"there is no pod {name}"
        return found

    def claim(self, name: str) -> Json:
        found = self.find("persistentvolumeclaim", name)
        assert found is not None, f"there is no claim {name}"
        return found

    def owned_by(self, kind: str, user: str) -> list[str]:
        """Names of the pods or claims that a hub made for a user."""
        owner = "hub.jupyter.org/username"
        metadata = [i["metadata"] for i in self.all(kind) if "deletionTimestamp" not in i["metadata"]]
        return sorted(m["name"] for m in metadata if m.get("annotations", {}).get(owner) == user)


@dataclass(frozen=True)
class RealCluster(Cluster):
    """The one that the environment names, through kubectl."""

    kubeconfig: str
    hub_kubeconfig: str
    namespace: str
    image: str
    hub_ip: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> RealCluster:
        """Read the settings, and raise `ClusterError` unless that cluster can run servers.

        KUBECONFIG                  credentials of the tests themselves (required)
        ENVSPAWNER_HUB_KUBECONFIG   credentials of the hub (KUBECONFIG)
        ENVSPAWNER_TEST_NAMESPACE   where the servers go; it must exist (hub)
        ENVSPAWNER_TEST_IMAGE       a single-user image with /srv/app/src and uid 1000 (rig/singleuser:1)
        ENVSPAWNER_HUB_IP           this machine's address for pods (the one that leads to the first node)
        """
        kubeconfig = environ.get("KUBECONFIG")
        if not kubeconfig:
            raise ClusterError("cluster tests were asked for, but KUBECONFIG names no cluster")
        for tool, source in TOOLS.items():
            if not shutil.which(tool, path=environ.get("PATH")):
                raise ClusterError(f"{tool} is not on PATH ({source})")
        cluster = cls(
            kubeconfig=kubeconfig,
            hub_kubeconfig=environ.get("ENVSPAWNER_HUB_KUBECONFIG") or kubeconfig,
            namespace=environ.get("ENVSPAWNER_TEST_NAMESPACE") or "hub",
            image=environ.get("ENVSPAWNER_TEST_IMAGE") or "rig/singleuser:1",
            hub_ip=environ.get("ENVSPAWNER_HUB_IP") or "",
        )
        cluster.kubectl("get", "--raw", "/readyz", "--request-timeout=10s")
        if cluster.find("namespace", cluster.namespace) is None:
            raise ClusterError(f"there is no namespace {cluster.namespace!r}: create it, or name another")
        return cluster if cluster.hub_ip else replace(cluster, hub_ip=cluster._address_towards_nodes())

    def _address_towards_nodes(self) -> str:
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        addresses = [
            a["address"] for n in nodes for a in n["status"]["addresses"] if a["type"] == "InternalIP"
        ]
        if not addresses:
            raise ClusterError("no node has an address: set ENVSPAWNER_HUB_IP")
        family = socket.AF_INET6 if ":" in addresses[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((addresses[0], 9))  # sends nothing: only asks the routing table
            return str(probe.getsockname()[0])

    def kubectl(self, *argv: str, stdin: str = "") -> str:
        """What `kubectl ARGV` in the tests' namespace printed; raises `ClusterError`."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *argv],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def find(self, kind: str, name: str) -> Json | None:
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        found: Json | None = json.loads(text) if text else None
        return found

    def all(self, kind: str) -> list[Json]:
        items: list[Json] = json.loads(self.kubectl("get", kind, "-o", "json"))["items"]
        return items

    def create_secret(self, name: str, key: str, value: str) -> None:
        self.kubectl("create", "secret", "generic", name, f"--from-literal={key}={value}")

    def create_claim(self, name: str) -> None:
        self.kubectl("create", "-f", "-", stdin=json.dumps(given_claim(name)))

    def delete(self, kind: str, name: str) -> None:
        self.kubectl("delete", kind, name, "--grace-period=1", "--ignore-not-found")

    def exec(self, pod: str, *argv: str) -> str:
        return self.kubectl("exec", pod, "-c", "notebook", "--", *argv)

    def environ(self, pod: str) -> str:
        return self.exec(pod, "cat", "/proc/1/environ")


@dataclass(frozen=True)
class Server:
    """A running server: what its pod is, and what its notebook process sees."""

    cluster: Cluster
    pod_name: str

    def run(self, *argv: str) -> str:
        return self.cluster.exec(self.pod_name, *argv)

    @property
    def pod(self) -> Json:
        return self.cluster.pod(self.pod_name)

    @property
    def container(self) -> Json:
        container: Json = self.pod["spec"]["containers"][0]
        return container

    @property
    def claims(self) -> list[str]:
        volumes = self.pod["spec"].get("volumes", [])
        return [v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v]

    @property
    def mounts(self) -> list[str]:
        """Where the notebook's volumes are mounted, but the one of the service account."""
        paths: list[str] = [m["mountPath"] for m in self.container.get("volumeMounts", [])]
        return [path for path in paths if not path.startswith("/var/run/secrets/kubernetes.io/")]

    @property
    def environ(self) -> dict[str, str]:
        """As the notebook's own process has it."""
        pairs = self.cluster.environ(self.pod_name).rstrip("\0").split("\0")
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def memory_limit(self) -> int:
        """Bytes, as the kernel enforces them (cgroup v1 or v2)."""
        files = "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"
        return int(self.run("sh", "-c", "cat {} 2>/dev/null || cat {}".format(*files)))

    @property
    def cpu_limit(self) -> float:
        """Cores, as the kernel enforces them (cgroup v1 or v2)."""
        old = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us"
        quota, period = self.run("sh", "-c", f"{old} 2>/dev/null || cat /sys/fs/cgroup/cpu.max").split()
        return int(quota) / int(period)
