"""The environment block: what a rule, a profile or a choice says, in words of the chart's `singleuser`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from . import images, kinds, names, values
from .kinds import Entries
from .overrides import overrides
from .problems import Fault
from .templates import Template, compile_text
from .values import leaf


class Block(BaseModel):
    """A mapping with known keys in camelCase; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_default=False)


def image_parts(value: Any) -> Any:
    """An image given as one string is its name, tag and digest."""
    if isinstance(value, Mapping) or value is None:
        return value
    written = values.filled_text(value).strip()
    compiled = compile_text(written)
    filled: dict[str, str] = {}
    if isinstance(compiled, Template):
        # Stand-ins of letters let the reference be taken apart, and are put back into its parts.
        written = ""
        for index, part in enumerate(compiled.parts):
            stand_in = f"x{index}x{'q' * 8}"
            if isinstance(part, str):
                written += part
            else:
                filled[stand_in] = f"{{{part.name}}}"
                written += stand_in
    image = images.parse_image(written)
    parts = {"name": image.name, "tag": image.tag, "digest": image.digest}
    for stand_in, placeholder in filled.items():
        parts = {key: part and part.replace(stand_in, placeholder) for key, part in parts.items()}
    return {key: part for key, part in parts.items() if part is not None}


class ImageBlock(Block):
    name: Annotated[str | None, leaf(kinds.image_name)] = None
    tag: Annotated[str | None, leaf(values.checked(images.check_tag))] = None
    digest: Annotated[str | None, leaf(values.checked(images.check_digest))] = None
    pull_policy: Annotated[str | None, leaf(values.one_of("Always", "IfNotPresent", "Never"))] = None
    pull_secrets: Annotated[tuple[str, ...] | None, leaf(values.each(kinds.pull_secret))] = None


class MemoryBlock(Block):
    guarantee: values.MemoryGuarantee = None
    limit: values.MemoryLimit = None


class CpuBlock(Block):
    guarantee: values.CpuGuarantee = None
    limit: values.CpuLimit = None


class ExtendedBlock(Block):
    guarantees: kinds.Extended = None
    limits: kinds.Extended = None


ACCESS_MODES: Final = values.each(
    values.one_of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
)


def access_modes(value: Any) -> tuple[str, ...]:
    """How a claim may be mounted; at least one, and ReadWriteOncePod alone (ValidatePersistentVolumeClaimSpec)."""
    modes = ACCESS_MODES(value)
    if not modes:
        raise Fault("a claim needs an access mode", "write one, or null for ReadWriteOnce")
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        raise Fault("ReadWriteOncePod goes with no other mode", "leave the others out")
    return modes


class DynamicBlock(Block):
    storage_class: Annotated[str | None, leaf(values.checked(names.check_subdomain))] = None
    pvc_name_template: Annotated[str | None, leaf(values.checked(names.check_subdomain))] = None
    volume_name_template: Annotated[str | None, leaf(values.checked(names.check_dns_label))] = None
    storage_access_modes: Annotated[tuple[str, ...] | None, leaf(access_modes)] = None
    sub_path: Annotated[str | None, leaf(values.checked(names.check_sub_path))] = None


class StaticBlock(Block):
    pvc_name: Annotated[str | None, leaf(values.checked(names.check_subdomain))] = None
    sub_path: Annotated[str | None, leaf(values.checked(names.check_sub_path))] = None


class StorageBlock(Block):
    type: Annotated[str | None, leaf(values.one_of("dynamic", "static", "none"))] = None
    home: values.FilledText = None
    capacity: values.Capacity = None
    home_mount_path: Annotated[str | None, leaf(values.checked(names.check_mount_path))] = None
    dynamic: DynamicBlock | None = None
    static: StaticBlock | None = None
    expand: Annotated[str | None, leaf(values.one_of("grow"))] = None
    owner: Annotated[str | None, leaf(values.owner)] = None
    extra_labels: kinds.Labels = None
    extra_volumes: Annotated[Entries | None, leaf(kinds.entries("Volume"))] = None
    extra_volume_mounts: Annotated[Entries | None, leaf(kinds.entries("VolumeMount"))] = None


class HooksBlock(Block):
    post_start: Annotated[dict[str, Any] | None, leaf(kinds.kubernetes_value("LifecycleHandler"))] = None
    pre_stop: Annotated[dict[str, Any] | None, leaf(kinds.kubernetes_value("LifecycleHandler"))] = None


class NodeAffinityBlock(Block):
    required: Annotated[tuple[Any, ...] | None, leaf(kinds.kubernetes_list("NodeSelectorTerm"))] = None
    preferred: Annotated[tuple[Any, ...] | None, leaf(kinds.kubernetes_list("PreferredSchedulingTerm"))] = (
        None
    )


class PodAffinityBlock(Block):
    required: Annotated[tuple[Any, ...] | None, leaf(kinds.kubernetes_list("PodAffinityTerm"))] = None
    preferred: Annotated[tuple[Any, ...] | None, leaf(kinds.kubernetes_list("WeightedPodAffinityTerm"))] = (
        None
    )


INIT_CONTAINER: Final = "initContainer"


def folder(value: Any) -> str:
    """The path of a folder in the container."""
    result = values.filled_text(value)
    if not result.startswith("/") or ".." in result.split("/"):
        raise Fault(f"{names.quoted(result)} is not a whole path", "begin it with /, and leave out ..")
    return result


def marker_name(value: Any) -> str:
    result = values.filled_text(value)
    if "/" in result or result in (".", ".."):
        raise Fault(
            f"{names.quoted(result)} is not a file name", "a marker stands in the folder that is filled"
        )
    return result


class CopyBlock(Block):
    """One folder of the image whose files are copied once; see `envspawner/pod/copy_once.sh`."""

    from_: Annotated[str | None, leaf(folder)] = None
    to: Annotated[str | None, leaf(folder)] = None
    marker: Annotated[str | None, leaf(marker_name)] = None
    required: values.Flag = None
    refresh: Annotated[str | None, leaf(values.one_of("never", "new-files", "unmodified"))] = None
    when: Annotated[str | None, leaf(values.one_of("postStart", INIT_CONTAINER))] = None
    timeout: values.Seconds = None

    model_config = ConfigDict(
        alias_generator=lambda name: to_camel(name.rstrip("_")), frozen=True, extra="forbid"
    )


def copy_entries(value: Any) -> Any:
    """A path is a folder to copy from; a mapping is one entry of a list."""
    if value is None or isinstance(value, list | tuple):
        return value
    if isinstance(value, Mapping):
        return [value]
    return [{"from": value}]


NO_OWN_KEY_POD: Final = {
    "containers": "write extraContainers",
    "initContainers": "write initContainers",
    "ephemeralContainers": "Kubernetes refuses them in a new pod",
    "volumes": "write storage.extraVolumes",
    "resources": "write memory, cpu and extraResource",
    "priority": "Kubernetes sets it from the class: write priorityClassName",
    "preemptionPolicy": "Kubernetes sets it from the class: write priorityClassName",
    "overhead": "Kubernetes sets it from the class: write runtimeClassName",
}
NO_OWN_KEY_CONTAINER: Final = {
    "resources": "write memory, cpu and extraResource",
    "resizePolicy": "write memory and cpu",
    "env": "write extraEnv",
    "image": "write image",
    "imagePullPolicy": "write image.pullPolicy",
    "name": "the hub finds the server by its name, notebook",
    "ports": "the hub finds the server by its port",
    "volumeMounts": "write storage.extraVolumeMounts",
    "volumeDevices": "write storage.extraVolumeMounts",
    "lifecycle": "write lifecycleHooks",
}


class Environment(Block):
    """What a server is made of. Every key may be absent (as beneath) or null (remove what is beneath)."""

    image: Annotated[ImageBlock | None, BeforeValidator(image_parts)] = None
    extra_env: kinds.EnvVars = None
    memory: MemoryBlock | None = None
    cpu: CpuBlock | None = None
    extra_resource: ExtendedBlock | None = None
    storage: StorageBlock | None = None
    copy_once: Annotated[tuple[CopyBlock, ...] | None, BeforeValidator(copy_entries)] = None
    lifecycle_hooks: HooksBlock | None = None
    cmd: values.Texts = None
    default_url: values.FilledText = None
    start_timeout: values.Seconds = None
    uid: values.Whole = None
    gid: values.Whole = None
    fs_gid: values.Whole = None
    supplemental_gids: values.Wholes = None
    service_account_name: Annotated[str | None, leaf(values.checked(names.check_subdomain))] = None
    node_selector: kinds.NodeLabels = None
    extra_tolerations: Annotated[tuple[Any, ...] | None, leaf(kinds.kubernetes_list("Toleration"))] = None
    extra_node_affinity: NodeAffinityBlock | None = None
    extra_pod_affinity: PodAffinityBlock | None = None
    extra_pod_anti_affinity: PodAffinityBlock | None = None
    init_containers: Annotated[Entries | None, leaf(kinds.entries("InitContainer"))] = None
    extra_containers: Annotated[Entries | None, leaf(kinds.entries("Container"))] = None
    extra_labels: kinds.Labels = None
    extra_annotations: kinds.Annotations = None
    extra_pod_config: Annotated[dict[str, Any] | None, leaf(kinds.partial("PodSpec", NO_OWN_KEY_POD))] = None
    extra_container_config: Annotated[
        dict[str, Any] | None, leaf(kinds.partial("Container", NO_OWN_KEY_CONTAINER))
    ] = None
    priority_class_name: Annotated[str | None, leaf(values.checked(names.check_subdomain))] = None
    scheduler_name: values.FilledText = None
    allow_privilege_escalation: values.Flag = None
    kubespawner_override: Annotated[dict[str, Any] | None, leaf(overrides)] = None
