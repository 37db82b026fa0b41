"""The volumes of a pod as folders of this machine, and where its containers mount them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .environment import Secrets

Json = Mapping[str, Any]
KNOWN = ("emptyDir", "persistentVolumeClaim", "secret", "configMap")


class CannotMount(Exception):
    """A volume that there is not, or of a kind that one machine does not have."""


@dataclass(frozen=True)
class Mount:
    """A folder or file of this machine, and where a container sees it."""

    source: Path
    target: str
    read_only: bool = False


def make_volumes(pod: Json, folder: Path, homes: Mapping[str, Path], secrets: Secrets) -> dict[str, Path]:
    """A folder for each volume of a pod; `homes` are those of its claims. Raises `CannotMount`."""
    made: dict[str, Path] = {}
    for volume in pod["spec"].get("volumes") or []:
        kind = kind_of(volume)
        if kind == "persistentVolumeClaim":
            made[volume["name"]] = homes[volume[kind]["claimName"]]
            continue
        made[volume["name"]] = path = folder / volume["name"]
        path.mkdir(parents=True, exist_ok=True)
        if kind == "secret":
            _write_secret(path, volume["secret"], secrets)
        elif kind == "configMap" and not volume["configMap"].get("optional"):
            raise CannotMount(
                f'configmap "{volume["configMap"].get("name")}" not found (there are none here)'
            )
    return made


def kind_of(volume: Json) -> str:
    """Raises `CannotMount` for what the demo has not."""
    kinds = [key for key in volume if key != "name" and volume[key] is not None]
    kind = kinds[0] if kinds else "emptyDir"
    if kind not in KNOWN:
        words = ", ".join(KNOWN)
        raise CannotMount(f'volume "{volume["name"]}" is a {kind}: this demo has only {words}')
    return kind


def claims_of(pod: Json) -> list[str]:
    """The names of the claims that a pod mounts."""
    volumes = pod["spec"].get("volumes") or []
    return [v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")]


def _write_secret(path: Path, volume: Json, secrets: Secrets) -> None:
    secret = secrets(volume["secretName"])
    if secret is None:
        if volume.get("optional"):
            return
        raise CannotMount(f'secret "{volume["secretName"]}" not found')
    data = secret.get("data") or {}
    items = volume.get("items") or [{"key": key, "path": key} for key in data]
    for item in items:
        file = _beneath(path, item["path"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(data[item["key"]]))


def _beneath(folder: Path, path: str) -> Path:
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise CannotMount(f"{path!r} leads out of its volume")
    return folder / relative


def mounts_of(container: Json, volumes: Mapping[str, Path]) -> list[Mount]:
    """Where a container sees its volumes. Raises `CannotMount`."""
    found = []
    for entry in container.get("volumeMounts") or []:
        source = volumes[entry["name"]]
        if entry.get("subPathExpr"):
            raise CannotMount("subPathExpr: this demo does not know it (write subPath)")
        if entry.get("subPath"):
            source = _beneath(source, entry["subPath"])
            _keep_inside(source, volumes[entry["name"]])
            if not source.exists():
                source.mkdir(parents=True)
        target = str(PurePosixPath("/", entry["mountPath"]))
        found.append(Mount(source, target, bool(entry.get("readOnly"))))
    return found


def _keep_inside(source: Path, volume: Path) -> None:
    """A home's user may have put a symbolic link where a `subPath` leads."""
    if not source.resolve().is_relative_to(volume.resolve()):
        raise CannotMount(f"subPath {source.name!r} leads out of its volume")
