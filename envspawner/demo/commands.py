"""What a container runs: its command with variables, folders and user, made from a pod's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import image
from .environment import Secrets, expand, variables
from .volumes import Mount, mounts_of

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Command:
    """One process of a container. `mounts` are in order: what is beneath comes first."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    mounts: tuple[Mount, ...]
    uid: int
    gid: int
    hostname: str


def command_of(container: Json, pod: Json, secrets: Secrets, mounts: tuple[Mount, ...]) -> Command:
    """What a container of a pod runs; `mounts` as `container_mounts` gives them. Raises `CannotConfigure`."""
    environment = variables(container, pod, secrets)
    argv = container.get("command") or ([] if container.get("args") else image.COMMAND)
    argv = [*argv, *(container.get("args") or [])]
    uid, gid = user_of(container, pod)
    return Command(
        argv=tuple(expand(word, environment) for word in argv),
        environment=environment,
        cwd=container.get("workingDir") or image.HOME,
        mounts=mounts,
        uid=uid,
        gid=gid,
        hostname=str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63],
    )


def container_mounts(
    container: Json, volumes: Mapping[str, Path], starter_files: Path | None, layer: Path
) -> tuple[Mount, ...]:
    """Where a container sees what, what is beneath first; raises `CannotMount`.

    The image's own home and starter files lie beneath the pod's volumes; what is written to that home is lost with
    the container, as everything is that is written outside of a volume.
    """
    volumes_of = mounts_of(container, volumes)
    taken = {mount.target for mount in volumes_of}
    own = []
    if image.HOME not in taken:
        layer.mkdir(parents=True, exist_ok=True)
        own.append(Mount(layer, image.HOME))
    if starter_files is not None and image.STARTER_FILES not in taken:
        own.append(Mount(starter_files, image.STARTER_FILES, True))
    return tuple(sorted([*own, *volumes_of], key=lambda mount: mount.target.rstrip("/").count("/")))


def user_of(container: Json, pod: Json) -> tuple[int, int]:
    """The user and group that a container runs as, inside; those of the image where the pod names none."""
    of_pod = pod["spec"].get("securityContext") or {}
    of_container = container.get("securityContext") or {}

    def first(key: str, default: int) -> int:
        found = [context[key] for context in (of_container, of_pod) if context.get(key) is not None]
        return int(found[0]) if found else default

    return first("runAsUser", image.UID), first("runAsGroup", image.GID)
