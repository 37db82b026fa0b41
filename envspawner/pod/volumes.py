"""Volumes and mounts: the home's made together, everything else checked against the volumes that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..resolve.home import VOLUME, Home, Unusable
from ..resolve.merge import Entry
from ..resolve.request import OwnLayer
from ..resolve.result import ResolvedEnvironment
from .literal import Literal, literal

_OF_POLICY: Final = frozenset({"dynamic", "static"})
_NONE: Final[Sequence[Entry]] = ()


class Volumes:
    """The volumes of one pod. Raises Unusable for a mount without its volume."""

    def __init__(self, environment: ResolvedEnvironment, own: OwnLayer) -> None:
        self.home = environment.home
        replaced = self.home.kind != "own"
        self._home_name = self.home.volume if replaced else own.home_volume
        self._volumes = self._mounts = _NONE
        fields = environment.by_field
        if "storage.extraVolumes" in fields:
            gone = own.home_volume if replaced else None
            self._volumes = [
                e for e in fields["storage.extraVolumes"] if not (e.opaque and gone and e.key == gone)
            ]
        if "storage.extraVolumeMounts" in fields:
            lost = own.home_mounts if replaced else frozenset()
            self._mounts = [
                e for e in fields["storage.extraVolumeMounts"] if not (e.opaque and e.key in lost)
            ]
        self._known = {entry.key for entry in self._volumes}
        if self.home.kind in _OF_POLICY:
            if self.home.volume in self._known:
                raise Unusable(f"the volume {self.home.volume!r} is the home's, and is also in extraVolumes")
            self._known.add(self.home.volume)

    def volumes(self) -> list[Any]:
        """For the trait `volumes`."""
        return [*home_volumes(self.home), *map(_value, self._volumes)]

    def mounts(self) -> list[Any]:
        """For the trait `volume_mounts`."""
        found = home_mounts(self.home)
        paths = {self.home.mount_path} if found else set()
        for entry in self._mounts:
            if entry.key in paths:
                raise Unusable(f"{entry.source} mounts a volume at {entry.key}, where the home is")
            if entry.opaque:
                found.append(entry.value)
                continue
            found += literal(self._kept([entry.value], entry.source))
        return found

    def containers(self, entries: Iterable[Entry]) -> list[Any]:
        """For the traits `init_containers` and `extra_containers`: their mounts checked like the notebook's."""
        found: list[Any] = []
        for entry in entries:
            if entry.opaque or not entry.value.get("volumeMounts"):
                found.append(_value(entry))
                continue
            mounts = self._kept(entry.value["volumeMounts"], entry.source)
            found.append(literal({**entry.value, "volumeMounts": mounts}))
        return found

    def _kept(self, mounts: Iterable[Mapping[str, Any]], source: str) -> list[dict[str, Any]]:
        """Mounts under the real name of the home's volume; without a home its mounts are left out."""
        found: list[dict[str, Any]] = []
        for mount in mounts:
            name = mount["name"]
            if name == VOLUME and VOLUME not in self._known:
                if self.home.kind == "none":
                    continue
                name = self._home_name
            if name not in self._known:
                raise Unusable(f"{source} mounts the volume {name!r}, which no rule for this person defines")
            found.append({**mount, "name": name})
        return found


def home_volumes(home: Home) -> list[Any]:
    """The volume of the home, if it is the policy's."""
    if home.kind not in _OF_POLICY:
        return []
    claim = {"claimName": literal(home.claim)}
    return [{"name": Literal(home.volume), "persistentVolumeClaim": claim}]


def home_mounts(home: Home) -> list[Any]:
    """Where it is mounted in the notebook."""
    if home.kind not in _OF_POLICY:
        return []
    mount = {"name": Literal(home.volume), "mountPath": Literal(home.mount_path)}
    if home.sub_path is not None:
        mount["subPath"] = Literal(home.sub_path)
    return [mount]


def _value(entry: Entry) -> Any:
    return entry.value if entry.opaque else literal(entry.value)
