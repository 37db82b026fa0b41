"""The one table of fields: how each combines across layers and groups, and which trait it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Combine(Enum):
    """How a stronger layer's value meets a weaker one's."""

    REPLACE = "the stronger value replaces the weaker"
    KEYED = "key by key: the stronger value of each key replaces the weaker"
    NAMED = "by identity: the same identity replaces whole, in its place; others are added"
    APPEND = "what the stronger layer brings is added"


class Largest(Enum):
    """For amounts: among several matching groups the largest holds; what null (removed) counts as."""

    NULL_IS_LARGEST = "no limit is the largest limit"
    NULL_IS_SMALLEST = "nothing guaranteed, stored or added is the smallest"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an environment.

    path: as written in a policy, dotted. trait: the KubeSpawner trait that holds it ("" where several
    fields make one trait). identity: what tells entries of a NAMED field apart. raw: `{group}` and `{match}`
    stand here as they are, not as slugs. nullable: null may remove what is beneath.
    """

    path: str
    combine: Combine
    trait: str = ""
    largest: Largest | None = None
    identity: str = ""
    raw: bool = False
    nullable: bool = True


def _replace(path: str, trait: str = "", *, nullable: bool = True) -> Field:
    return Field(path, Combine.REPLACE, trait, nullable=nullable)


def _amount(path: str, trait: str, largest: Largest) -> Field:
    return Field(path, Combine.REPLACE, trait, largest)


def _keyed(path: str, trait: str, *, largest: Largest | None = None, raw: bool = False) -> Field:
    return Field(path, Combine.KEYED, trait, largest, raw=raw)


def _named(path: str, trait: str, identity: str = "name") -> Field:
    return Field(path, Combine.NAMED, trait, identity=identity)


def _append(path: str, trait: str) -> Field:
    return Field(path, Combine.APPEND, trait)


_TABLE: Final = (
    _replace("image.name", nullable=False),
    _replace("image.tag"),
    _replace("image.digest"),
    _replace("image.pullPolicy", "image_pull_policy"),
    _replace("image.pullSecrets", "image_pull_secrets"),
    _keyed("extraEnv", "environment", raw=True),
    _amount("memory.guarantee", "mem_guarantee", Largest.NULL_IS_SMALLEST),
    _amount("memory.limit", "mem_limit", Largest.NULL_IS_LARGEST),
    _amount("cpu.guarantee", "cpu_guarantee", Largest.NULL_IS_SMALLEST),
    _amount("cpu.limit", "cpu_limit", Largest.NULL_IS_LARGEST),
    _keyed("extraResource.guarantees", "extra_resource_guarantees", largest=Largest.NULL_IS_SMALLEST),
    _keyed("extraResource.limits", "extra_resource_limits", largest=Largest.NULL_IS_SMALLEST),
    _replace("storage.type", nullable=False),
    _replace("storage.home"),
    _amount("storage.capacity", "storage_capacity", Largest.NULL_IS_SMALLEST),
    _replace("storage.homeMountPath", nullable=False),
    _replace("storage.expand"),
    _replace("storage.owner"),
    _replace("storage.dynamic.storageClass", "storage_class"),
    _replace("storage.dynamic.pvcNameTemplate", "pvc_name_template"),
    _replace("storage.dynamic.volumeNameTemplate"),
    _replace("storage.dynamic.storageAccessModes", "storage_access_modes"),
    _replace("storage.dynamic.subPath"),
    _replace("storage.static.pvcName"),
    _replace("storage.static.subPath"),
    _keyed("storage.extraLabels", "storage_extra_labels"),
    _named("storage.extraVolumes", "volumes"),
    _named("storage.extraVolumeMounts", "volume_mounts", "mountPath"),
    _replace("copyOnce"),
    _replace("lifecycleHooks.postStart"),
    _replace("lifecycleHooks.preStop"),
    _replace("cmd", "cmd"),
    _replace("defaultUrl", "default_url"),
    _replace("startTimeout", "start_timeout", nullable=False),
    _replace("uid", "uid"),
    _replace("gid", "gid"),
    _replace("fsGid", "fs_gid"),
    _replace("supplementalGids", "supplemental_gids"),
    _replace("serviceAccountName", "service_account"),
    _keyed("nodeSelector", "node_selector"),
    _append("extraTolerations", "tolerations"),
    _append("extraNodeAffinity.required", "node_affinity_required"),
    _append("extraNodeAffinity.preferred", "node_affinity_preferred"),
    _append("extraPodAffinity.required", "pod_affinity_required"),
    _append("extraPodAffinity.preferred", "pod_affinity_preferred"),
    _append("extraPodAntiAffinity.required", "pod_anti_affinity_required"),
    _append("extraPodAntiAffinity.preferred", "pod_anti_affinity_preferred"),
    _named("initContainers", "init_containers"),
    _named("extraContainers", "extra_containers"),
    _keyed("extraLabels", "extra_labels"),
    _keyed("extraAnnotations", "extra_annotations", raw=True),
    _keyed("extraPodConfig", "extra_pod_config"),
    _keyed("extraContainerConfig", "extra_container_config"),
    _replace("priorityClassName", "priority_class_name"),
    _replace("schedulerName", "scheduler_name"),
    _replace("allowPrivilegeEscalation", "allow_privilege_escalation"),
    _keyed("kubespawnerOverride", ""),
)
FIELDS: Final[dict[str, Field]] = {field.path: field for field in _TABLE}
"""Every field of an environment, by its path, in the order in which reports show them."""

DROPPED_BY: Final[dict[str, tuple[str, ...]]] = {
    "image.name": ("image.tag", "image.digest"),
    "image.tag": ("image.digest",),
}
"""What a new value drops from weaker layers: a tag belongs to its name; a digest would outrule a new tag."""

HOME_FIELDS: Final = frozenset(
    path for path in FIELDS if path.startswith("storage.") and not path.startswith("storage.extraVolume")
)
"""Fields that speak of the home itself, not of other volumes."""

HOME_VOLUME: Final = "home"
"""What a policy calls the volume of the home, whatever its name in the pod."""
