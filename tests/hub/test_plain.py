"""Without a policy, EnvSpawner is KubeSpawner: the same manifest, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import V1Container
from kubespawner import KubeSpawner

from envspawner.hub.spawner import EnvSpawner

from .support import config_of, made_by, spawner_for


def nothing(c: Any) -> None:
    pass


def like_the_chart(c: Any) -> None:
    k = c.KubeSpawner
    k.image = "quay.io/jupyterhub/k8s-singleuser-sample:4.4.0"
    k.image_pull_secrets = ["registry"]
    k.common_labels = {"app": "jupyterhub", "release": "hub"}
    k.extra_labels = {"hub.jupyter.org/network-access-hub": "true", "user": "{username}"}
    k.extra_annotations = {"a": "{unescaped_username}", "trailing": "x-"}
    k.start_timeout = 300
    k.uid, k.fs_gid = 1000, 100
    k.mem_guarantee, k.mem_limit, k.cpu_limit = "1G", "2G", 2
    k.extra_resource_limits = {"nvidia.com/gpu": "1"}
    k.environment = {
        "A": "{username}",
        "B": lambda spawner: spawner.user.name,
        "C": {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    }
    k.storage_pvc_ensure = True
    k.storage_capacity, k.storage_class = "10Gi", "fast"
    k.storage_extra_labels = {"u": "{username}"}
    k.pvc_name_template = "claim-{user_server}"
    k.volumes = {
        "home": {"name": "volume-{user_server}", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    }
    k.volume_mounts = {"home": {"name": "volume-{user_server}", "mountPath": "/home/jovyan"}}
    k.init_containers = [V1Container(name="block-cloud-metadata", image="iptables:1", command=["iptables"])]
    k.extra_containers = [{"name": "side", "image": "x:1", "args": ["{{a}}", "{username}"]}]
    k.tolerations = {"b": {"key": "b", "operator": "Exists"}, "a": {"key": "a", "operator": "Exists"}}
    k.node_selector = {"pool": "user"}
    k.node_affinity_preferred = [
        {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}
    ]
    k.lifecycle_hooks = {"postStart": {"exec": {"command": ["sh", "-c", "echo {x}"]}}}
    k.extra_pod_config = {"hostname": "{username}"}
    k.service_account = "sa-{username}"
    k.default_url, k.working_dir = "/lab/{username}", "/home/{username}"
    k.scheduler_name, k.priority_class_name = "packer", "user"


def with_profiles(c: Any) -> None:
    c.KubeSpawner.profile_list = [
        {"display_name": "Small", "slug": "small", "default": True},
        {"display_name": "Large", "slug": "large", "kubespawner_override": {"mem_limit": "2G"}},
    ]


CASES: dict[str, tuple[Any, str, str, dict[str, str]]] = {
    "nothing configured": (nothing, "ada", "", {}),
    "what the chart sets": (like_the_chart, "ada", "", {}),
    "a name that needs a slug": (like_the_chart, "First.Läst+x@uni.example", "", {}),
    "a named server": (like_the_chart, "ada", "lab-2", {}),
    "a default profile": (with_profiles, "ada", "", {}),
    "a chosen profile": (with_profiles, "ada", "", {"profile": "large"}),
}


@pytest.mark.parametrize(("configure", "user", "server", "options"), CASES.values(), ids=CASES)
async def test_the_manifest_is_kubespawners(
    tmp_path: Path, configure: Any, user: str, server: str, options: dict[str, str]
) -> None:
    made = []
    for spawner_class in (KubeSpawner, EnvSpawner):
        config = config_of(tmp_path, None, configure)
        with spawner_for(
            config, user, server=server, options=options, spawner_class=spawner_class
        ) as spawner:
            await spawner.load_user_options()
            made.append((await made_by(spawner), spawner.get_state(), spawner.start_timeout))
    assert made[0] == made[1]


def test_the_policy_traits_say_what_they_are_for() -> None:
    for name in ("policy_file", "defaults", "groups", "admins", "users", "profiles"):
        trait = EnvSpawner.class_traits(config=True)[name]
        assert len(trait.help) > 80, name
