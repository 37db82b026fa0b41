"""KubeSpawner's traits as the chart's own `jupyterhub_config.py` sets them from the chart's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubernetes_asyncio.client import V1Capabilities, V1Container, V1SecurityContext
from traitlets.config import Config

from ..policy.chart import CHART, CHART_VERSION, Chart
from ..policy.compile import leaves
from ..policy.fields import FIELDS, Combine
from ..policy.images import Image
from ..policy.problems import Place, Step

_TOLERATION: Final = {"operator": "Equal", "value": "user", "effect": "NoSchedule"}
_BLOCK: Final = (
    "iptables --append OUTPUT --protocol tcp --destination 169.254.169.254 --destination-port 80 --jump DROP"
)
_NODE_PURPOSE: Final = {
    "weight": 100,
    "preference": {
        "matchExpressions": [{"key": "hub.jupyter.org/node-purpose", "operator": "In", "values": ["user"]}]
    },
}


def chart_config(chart: Chart) -> Config:
    """The configuration of a hub that the chart installs with these values."""
    config = Config()
    for name, traits in chart.hub_config.items():
        if isinstance(traits, Mapping) and str(name)[:1].isupper():
            config[str(name)] = Config({str(key): plain(value) for key, value in traits.items()})
    values = {path: value for path, value, _ in leaves(chart.block, (), ()) if value is not None}
    traits = _simple(values) | _storage(values) | _image(values)
    hooks = {
        w: values[f"lifecycleHooks.{w}"] for w in ("postStart", "preStop") if f"lifecycleHooks.{w}" in values
    }
    traits["lifecycle_hooks"] = hooks
    traits["common_labels"] = {"app": "jupyterhub", "heritage": "jupyterhub"}
    traits["scheduler_name"] = traits.get("scheduler_name", "jupyterhub-user-scheduler")
    keys = ("hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated")
    traits["tolerations"] = [{"key": key, **_TOLERATION} for key in keys] + traits.get("tolerations", [])
    preferred = traits.get("node_affinity_preferred", [])
    traits["node_affinity_preferred"] = [*preferred, _NODE_PURPOSE]
    traits["init_containers"] = [_metadata_block(), *traits.get("init_containers", [])]
    if chart.values.get("profileList"):
        traits["profile_list"] = plain(chart.values["profileList"])
    for trait, value in traits.items():
        config.KubeSpawner.setdefault(trait, value)
    return config


def chart_places(chart: Chart) -> dict[str, Place]:
    """Where the file says what, by the slot of a setting; everything else comes from the chart's defaults."""
    found: dict[str, Place] = {"": Place(CHART)}
    for path, value, loc in leaves(chart.block, (), chart.loc):
        if not _says(chart.source.data, loc):
            continue
        found[path] = chart.source.place(loc)
        if FIELDS[path].combine is Combine.KEYED and isinstance(value, Mapping):
            for key in value:
                if _says(chart.source.data, (*loc, key)):
                    found[f"{path}.{key}"] = chart.source.place((*loc, key))
    if "image.name" not in found and _says(chart.source.data, (*chart.loc, "image")):
        found["image.name"] = chart.source.place((*chart.loc, "image"))
    return found


def _says(data: Any, loc: tuple[Step, ...]) -> bool:
    for step in loc:
        if not isinstance(data, Mapping) or step not in data:
            return False
        data = data[step]
    return True


def plain(value: Any) -> Any:
    """Located data as plain data: text stays text, what YAML takes for a number or a boolean becomes one."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    tag = getattr(value, "tag", None)
    if tag == "bool":
        return str(value).lower() in ("true", "yes", "on", "y")
    if tag == "float":
        return float(value.replace("_", ""))
    if tag == "int":
        return int(value.replace("_", ""), 0)
    return str(value) if isinstance(value, str) else value


def _simple(values: Mapping[str, Any]) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    for path, value in values.items():
        field = FIELDS[path]
        if not field.trait or path.startswith("storage."):
            continue
        if field.combine is Combine.NAMED:
            traits[field.trait] = [item for _, item in value if item is not None]
        elif isinstance(value, Mapping):
            traits[field.trait] = {key: item for key, item in value.items() if item is not None}
        else:
            traits[field.trait] = list(value) if isinstance(value, tuple) else value
    return traits


def _image(values: Mapping[str, Any]) -> dict[str, Any]:
    image = Image(values["image.name"], values.get("image.tag"), values.get("image.digest"))
    return {"image": str(image)}


def _storage(values: Mapping[str, Any]) -> dict[str, Any]:
    kind = values.get("storage.type")
    traits: dict[str, Any] = {"storage_pvc_ensure": kind == "dynamic"}
    volumes, mounts = {}, {}
    if kind == "dynamic":
        name = values["storage.dynamic.volumeNameTemplate"]
        traits["pvc_name_template"] = values["storage.dynamic.pvcNameTemplate"]
        for path in (
            "storage.capacity",
            "storage.dynamic.storageClass",
            "storage.dynamic.storageAccessModes",
        ):
            if path in values:
                value = values[path]
                traits[FIELDS[path].trait] = list(value) if isinstance(value, tuple) else value
        volumes["home"] = {"name": name, "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
        mounts["home"] = dict(_mount(values, name, "storage.dynamic.subPath"))
    elif kind == "static":
        claim = {"claimName": values.get("storage.static.pvcName", "")}
        volumes["home"] = {"name": "home", "persistentVolumeClaim": claim}
        mounts["home"] = dict(_mount(values, "home", "storage.static.subPath"))
    for trait, first, path in (
        ("volumes", volumes, "storage.extraVolumes"),
        ("volume_mounts", mounts, "storage.extraVolumeMounts"),
    ):
        extra = [item for _, item in values.get(path, ()) if item is not None]
        traits[trait] = [*first.values(), *extra]
    if "storage.extraLabels" in values:
        traits["storage_extra_labels"] = dict(values["storage.extraLabels"])
    return traits


def _mount(values: Mapping[str, Any], name: str, sub_path: str) -> Iterator[tuple[str, str]]:
    yield "name", name
    yield "mountPath", values["storage.homeMountPath"]
    if values.get(sub_path):
        yield "subPath", values[sub_path]


def _metadata_block() -> V1Container:
    """What the chart puts before a server's start unless `cloudMetadata.blockWithIptables` is off."""
    return V1Container(
        name="block-cloud-metadata",
        image=f"quay.io/jupyterhub/k8s-network-tools:{CHART_VERSION}",
        command=_BLOCK.split(),
        security_context=V1SecurityContext(
            privileged=True, run_as_user=0, capabilities=V1Capabilities(add=["NET_ADMIN"])
        ),
    )
