"""Init containers: the policy's own, between one that gives a home to its user and one that copies starter files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..policy.lint import METADATA_BLOCK
from ..resolve.home import Home
from ..resolve.result import ResolvedEnvironment
from .literal import literal
from .starter_files import StarterFiles, copy_command
from .volumes import Volumes

COPY: Final = "envspawner-copy-once"
OWNER: Final = "volume-mount-ownership-fix"
"""What hubs on Zero to JupyterHub call their container for this: one of this name in a policy is used instead."""
OWNER_IMAGE: Final = "busybox:1.36.1"
"""Not the notebook's image: users may choose that, and what they choose must not run as root."""
OWNER_SCRIPT: Final = '[ "$(stat -c %u:%g "$2")" = "$1" ] || chown "$1" "$2"'
_LIKE_NOTEBOOK: Final = (
    "image",
    "image_pull_policy",
    "env",
    "env_from",
    "resources",
    "security_context",
    "volume_devices",
    "volume_mounts",
    "working_dir",
)
"""What the copying container has from the server's own: the image's files, the user's rights, and as much of the
quota, which counts the larger of both."""


def init_containers(
    environment: ResolvedEnvironment, volumes: Volumes, copies: Sequence[StarterFiles]
) -> list[Any] | None:
    """For the trait `init_containers`; None where there is nothing but the policy's own.

    copies: what an init container copies. It runs last; what blocks the cloud's metadata stays first.
    """
    entries = list(environment.by_field.get("initContainers", ()))
    owner = _owner(environment)
    if any(entry.key == OWNER for entry in entries):
        owner = []
    if not owner and not copies:
        return None
    first = [entry for entry in entries[:1] if entry.key == METADATA_BLOCK]
    rest = entries[len(first) :]
    return [*volumes.containers(first), *owner, *volumes.containers(rest), *_copying(copies)]


def _owner(environment: ResolvedEnvironment) -> list[Any]:
    """The kubelet makes the folder of a `subPath`, and makes it root's."""
    home, owner = environment.home, environment.get("storage.owner")
    return [] if home.kind != "static" or owner is None else [literal(owner_container(home, owner))]


def owner_container(home: Home, owner: str) -> dict[str, Any]:
    """The container that gives a home's own folder, not what is in it, to `owner`: its user and group by number."""
    mount = {"name": home.volume, "mountPath": home.mount_path}
    if home.sub_path is not None:
        mount["subPath"] = home.sub_path
    little = {"cpu": "50m", "memory": "32Mi"}
    return {
        "name": OWNER,
        "image": OWNER_IMAGE,
        "command": ["sh", "-c", unexpanded(OWNER_SCRIPT), OWNER, owner, unexpanded(home.mount_path)],
        "resources": {"requests": little, "limits": little},
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "runAsNonRoot": False,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
        },
        "volumeMounts": [mount],
    }


def _copying(copies: Sequence[StarterFiles]) -> list[Any]:
    """Not complete before `complete` has seen the pod."""
    command = [unexpanded(word) for word in copy_command(copies)]
    return [literal({"name": COPY, "command": command})] if copies else []


def unexpanded(word: str) -> str:
    """A word of a container's command that reaches the container as it is: Kubernetes reads `$(NAME)` and `$$`."""
    return word.replace("$", "$$")


def complete(pod: Any) -> None:
    """Gives the copying container of a pod (of the Kubernetes client), if it has one, what the notebook has.

    Changes the pod, which KubeSpawner has just made: image, variables and resources are known only there.
    """
    for container in pod.spec.init_containers or ():
        if container.name == COPY:
            for name in _LIKE_NOTEBOOK:
                setattr(container, name, getattr(pod.spec.containers[0], name))
