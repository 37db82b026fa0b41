"""The same hub twice: as KubeSpawner is configured and as a policy says it."""

from __future__ import annotations

from typing import Any, Literal

from kubernetes_asyncio.client import V1Container, V1SecurityContext
from traitlets.config import Config

Kind = Literal["home", "ordinary", "chart"]
"""home: a home and nothing else. ordinary: variables and labels too. chart: what the Zero to JupyterHub chart sets."""

CHOICES = 3
IMAGE = "quay.io/jupyter/scipy-notebook"
VARIABLES = {
    "CHROME_DEVEL_SANDBOX": "/usr/local/sbin/chrome-devel-sandbox",
    "EDITOR": "vim",
    "GIT_AUTHOR_NAME": "{unescaped_username}",
    "HTTPS_PROXY": "http://proxy.example.edu:3128",
    "HTTP_PROXY": "http://proxy.example.edu:3128",
    "JUPYTER_PORT": "8888",
    "NB_UMASK": "0002",
    "NO_PROXY": "10.0.0.0/8,.example.edu",
    "TZ": "Europe/Vienna",
}
"""What an ordinary hub sets for everybody."""
LABELS = {"hub.jupyter.org/network-access-hub": "true", "example.edu/department": "stat"}


def as_kubespawner(profiles: int, *, kind: Kind = "home") -> Config:
    """A home, and profiles of two options with three choices each, in KubeSpawner's own words."""
    config = Config()
    k = config.KubeSpawner
    if kind == "chart":
        _chart(k)
        k.mem_limit = "2G"
        return config
    k.image = f"{IMAGE}:base"
    k.mem_guarantee = "1G"
    k.storage_pvc_ensure, k.storage_capacity = True, "10Gi"
    k.volumes = {
        "home": {"name": "volume-{user_server}", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    }
    k.volume_mounts = {"home": {"name": "volume-{user_server}", "mountPath": "/home/jovyan"}}
    if kind == "ordinary":
        k.environment, k.extra_labels = dict(VARIABLES), dict(LABELS)
    if profiles:
        k.profile_list = [_kubespawners_profile(number) for number in range(profiles)]
    return config


def as_policy(profiles: int, *, kind: Kind = "home", users: int = 0, groups: int = 0) -> Config:
    """The same as a policy of EnvSpawner; users, groups: how many have rules of their own."""
    config = Config()
    e = config.EnvSpawner
    if kind == "chart":
        _chart(config.KubeSpawner)
        e.defaults = {"memory": {"limit": "2G"}}
        return config
    e.defaults = {
        "image": f"{IMAGE}:base",
        "memory": {"guarantee": "1G"},
        "storage": {"capacity": "10Gi", "dynamic": {"volumeNameTemplate": "volume-{user_server}"}},
    }
    if kind == "ordinary":
        e.defaults |= {"extraEnv": dict(VARIABLES), "extraLabels": dict(LABELS)}
    if profiles:
        e.profiles = {f"p{number}": _policys_profile(number) for number in range(profiles)}
    if users:
        e.users = {f"user{number}": {"memory": {"limit": "6G"}} for number in range(users)}
    if groups:
        e.groups = {f"group{number}": _policys_group(number) for number in range(groups)}
    return config


def _chart(k: Any) -> None:
    """What the chart 4.4 sets of its default values, with `blockWithIptables`."""
    k.image = "quay.io/jupyterhub/k8s-singleuser-sample:4.4.0"
    k.extra_labels = {"hub.jupyter.org/network-access-hub": "true"}
    k.uid, k.fs_gid, k.start_timeout = 1000, 100, 300
    k.mem_guarantee = "1G"
    k.pvc_name_template = "claim-{user_server}"
    k.storage_pvc_ensure, k.storage_capacity, k.storage_access_modes = True, "10Gi", ["ReadWriteOnce"]
    k.volumes = {
        "home": {"name": "volume-{user_server}", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    }
    k.volume_mounts = {"home": {"name": "volume-{user_server}", "mountPath": "/home/jovyan"}}
    k.tolerations = [
        {"key": key, "operator": "Equal", "value": "user", "effect": "NoSchedule"}
        for key in ("hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated")
    ]
    block = V1Container(
        name="block-cloud-metadata",
        image="quay.io/jupyterhub/k8s-network-tools:4.4.0",
        command=["iptables", "--append", "OUTPUT", "--destination", "169.254.169.254", "--jump", "DROP"],
        security_context=V1SecurityContext(
            privileged=True, run_as_user=0, capabilities={"add": ["NET_ADMIN"]}
        ),
    )
    k.init_containers.append(block)


def picked(profiles: int) -> dict[str, str]:
    """User options that pick the last profile, and of each option a choice that is not the default."""
    return {"profile": f"p{profiles - 1}", "size": "c1", "image": "c2"} if profiles else {}


def _kubespawners_profile(number: int) -> dict[str, Any]:
    return {
        "display_name": f"Profile {number}",
        "slug": f"p{number}",
        "description": f"What the people of course {number} need.",
        "kubespawner_override": {"environment": {"COURSE": f"course{number}"}},
        "profile_options": {
            "size": {
                "display_name": "Memory",
                "choices": {
                    f"c{choice}": {
                        "display_name": f"{2**choice} GB",
                        "kubespawner_override": {"mem_limit": f"{2**choice}G"},
                    }
                    for choice in range(CHOICES)
                },
            },
            "image": {
                "display_name": "Image",
                "choices": {
                    f"c{choice}": {
                        "display_name": f"Version {choice}",
                        "kubespawner_override": {"image": f"{IMAGE}:v{choice}"},
                    }
                    for choice in range(CHOICES)
                },
            },
        },
    }


def _policys_profile(number: int) -> dict[str, Any]:
    return {
        "displayName": f"Profile {number}",
        "description": f"What the people of course {number} need.",
        "extraEnv": {"COURSE": f"course{number}"},
        "options": {
            "size": {
                "displayName": "Memory",
                "choices": {
                    f"c{choice}": {
                        "displayName": f"{2**choice} GB",
                        "memory": {"limit": f"{2**choice}G"},
                    }
                    for choice in range(CHOICES)
                },
            },
            "image": {
                "displayName": "Image",
                "choices": {
                    f"c{choice}": {"displayName": f"Version {choice}", "image": f"{IMAGE}:v{choice}"}
                    for choice in range(CHOICES)
                },
            },
        },
    }


def _policys_group(number: int) -> dict[str, Any]:
    return {
        "extraEnv": {"COURSE": f"course{number}"},
        "memory": {"limit": f"{2 + number % 7}G"},
        "extraLabels": {"example.edu/course": f"course{number}"},
    }
