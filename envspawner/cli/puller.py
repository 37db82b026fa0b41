"""Turns images into what pulls them ahead of time: values for the chart, or a DaemonSet of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..policy.images import Image
from ..resolve.slugs import safe_slug

NAME: Final = "envspawner-image-puller"
TOOLS: Final = "docker.io/library/busybox:1.37.0-musl"
"""A small image with a statically linked busybox, which then runs in every other image."""
_LABELS: Final = {"app.kubernetes.io/name": NAME}
_FOLDER: Final = "/envspawner-tools"
_RESOURCES: Final = {
    "requests": {"cpu": "10m", "memory": "16Mi"},
    "limits": {"cpu": "100m", "memory": "64Mi"},
}
_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "runAsGroup": 65534,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
_USER_NODES: Final = tuple(
    {"key": key, "operator": "Equal", "value": "user", "effect": "NoSchedule"}
    for key in ("hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated")
)
"""The taints that the chart gives to nodes for users."""


def extra_images(images: Iterable[Image]) -> dict[str, Any]:
    """Values for the chart, which writes `name:tag`: a digest goes where its template makes it one."""
    return {"prePuller": {"extraImages": {_key(image): _name_and_tag(image) for image in images}}}


def _key(image: Image) -> str:
    """A name for a container `image-pull-KEY`."""
    return safe_slug(str(image), max_length=48)


def _name_and_tag(image: Image) -> dict[str, str]:
    if image.digest is None:
        return {"name": image.name, "tag": image.tag or "latest"}
    algorithm, _, digits = image.digest.partition(":")
    name = f"{image.name}:{image.tag}" if image.tag else image.name
    return {"name": f"{name}@{algorithm}", "tag": digits}


def daemon_set(
    images: Iterable[Image],
    *,
    tools: str = TOOLS,
    tolerations: Sequence[Mapping[str, Any]] = (),
    pull_secrets: Sequence[str] = (),
) -> dict[str, Any]:
    """A DaemonSet whose pods pull one image after the other, and then do nothing until they are deleted.

    Images need no shell: a statically linked `true` is put beside them and run in each. tools: an image with
    `/bin/busybox`, linked statically.
    """
    copy = ["/bin/busybox", "cp", "/bin/busybox", f"{_FOLDER}/true"]
    pulls = [_container(f"pull-{_key(image)}", str(image), [f"{_FOLDER}/true"]) for image in images]
    spec: dict[str, Any] = {
        "tolerations": [*_USER_NODES, *(dict(one) for one in tolerations if one not in _USER_NODES)],
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "initContainers": [_container("tools", tools, copy), *pulls],
        "containers": [_container("pause", tools, ["/bin/busybox", "sleep", "2147483647"])],
        "volumes": [{"name": "tools", "emptyDir": {}}],
    }
    if pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in pull_secrets]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": NAME, "labels": dict(_LABELS)},
        "spec": {
            "selector": {"matchLabels": dict(_LABELS)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}},
            "template": {"metadata": {"labels": dict(_LABELS)}, "spec": spec},
        },
    }


def _container(name: str, image: str, command: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": command,
        "resources": {kind: dict(amounts) for kind, amounts in _RESOURCES.items()},
        "securityContext": dict(_SECURITY),
        "volumeMounts": [{"name": "tools", "mountPath": _FOLDER}],
    }
