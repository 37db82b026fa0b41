"""What the API server asks of several fields of a Kubernetes object together.

Each rule answers to a function of pkg/apis/core/validation/validation.go, and is only asked where each field by
itself is right. A rule sees plain data, of which fields that need not be there may be missing; it must stand parts
of an object too, for `extraPodConfig` and `extraContainerConfig` hold no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from .kubernetes_shapes import DECIMAL, number
from .problems import Fault, Step

Object = dict[str, Any]
Rule = Callable[[Object], Iterator[Fault]]

_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_MEASURED: Final = frozenset(
    f"{section}.{name}"
    for section in ("limits", "requests")
    for name in ("cpu", "memory", "ephemeral-storage")
)
_DIVISORS: Final = frozenset(
    (*(f"1{unit}" for unit in ("", "k", "M", "G", "T", "P", "E")), *(f"1{unit}i" for unit in "KMGTPE"))
)
_OF_VOLUMES: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.labels",
    "metadata.annotations",
)


def _apart(first: str, second: str, found: Object) -> Iterator[Fault]:
    if found.get(first) and found.get(second):
        yield Fault(f"{second} cannot stand beside {first}", "leave one of them out", (second,))


def _one_of(first: str, second: str, found: Object) -> Iterator[Fault]:
    yield from _apart(first, second, found)
    if not found.get(first) and not found.get(second):
        yield Fault("it does not say what it is", f"write one of {first}, {second}")


def once(values: Iterable[tuple[tuple[Step, ...], Any]], what: str) -> Iterator[Fault]:
    """A fault for each value that was there before; None is no value."""
    seen = set()
    for loc, value in values:
        if value in seen and value is not None:
            yield Fault(f"the {what} {value} is there already", "each may be there once", loc)
        seen.add(value)


def _field_once(found: Object, section: str, key: str, what: str) -> Iterator[Fault]:
    items = enumerate(found.get(section, ()))
    yield from once((((section, index, key), item.get(key)) for index, item in items), what)


# --- scheduling ----------------------------------------------------------------------------------------------


def _requirement(requirement: Object) -> Iterator[Fault]:
    operator, values = requirement["operator"], requirement.get("values", [])
    if operator in ("In", "NotIn") and not values:
        yield Fault(f"{operator} needs values", None, ("values",))
    if operator in ("Exists", "DoesNotExist") and values:
        yield Fault(f"{operator} goes without values", "leave them out, or write In or NotIn", ("values",))
    if operator in ("Gt", "Lt") and not (len(values) == 1 and DECIMAL.fullmatch(values[0])):
        yield Fault(f"{operator} needs one whole number in values", None, ("values",))


def _node_term(term: Object) -> Iterator[Fault]:
    for index, requirement in enumerate(term.get("matchFields", ())):
        at = ("matchFields", index)
        if requirement["key"] != "metadata.name":
            yield Fault("the only field is metadata.name", "write matchExpressions for labels", (*at, "key"))
        elif requirement["operator"] not in ("In", "NotIn"):
            yield Fault("a field is matched with In or NotIn", None, (*at, "operator"))
        elif len(requirement["values"]) != 1:
            yield Fault("a field is matched with one value", None, (*at, "values"))


def _toleration(toleration: Object) -> Iterator[Fault]:
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists" and toleration.get("value"):
        yield Fault("Exists goes without a value", "leave it out, or write operator: Equal", ("value",))
    if operator != "Exists" and not toleration.get("key"):
        yield Fault("key is missing", "write a key, or operator: Exists to tolerate every taint")
    if "tolerationSeconds" in toleration and toleration.get("effect") != "NoExecute":
        yield Fault("tolerationSeconds needs effect: NoExecute", None, ("tolerationSeconds",))


# --- amounts and values --------------------------------------------------------------------------------------


def _resources(resources: Object) -> Iterator[Fault]:
    """Only CPU, memory and storage can be promised in part (API server: validateResourceRequirements)."""
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for section, amounts in ("limits", limits), ("requests", requests):
        for name, amount in amounts.items():
            if "/" in name and number(amount).denominator != 1:
                yield Fault(f"{amount} is not a whole number", f"{name} has no parts", (section, name))
    for name, amount in requests.items():
        if name in limits and number(amount) > number(limits[name]):
            yield Fault(f"{amount} is above the limit, {limits[name]}", None, ("requests", name))
        elif number(amount) != number(limits.get(name, "0")) and ("/" in name or name.startswith("huge")):
            yield Fault(f"{name} needs the same amount in limits", None, ("requests", name))
    names = requests.keys() | limits.keys()
    if any(name.startswith("huge") for name in names) and not {"cpu", "memory"} & names:
        yield Fault("huge pages need cpu or memory beside them", "write a limit of memory too")


def _measured(selector: Object) -> Iterator[Fault]:
    resource, divisor = selector["resource"], selector.get("divisor", "0")
    if resource not in _MEASURED and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        yield Fault(
            f"{resource} cannot be had here", "write limits.cpu, requests.memory or the like", ("resource",)
        )
    allowed = ("1m", "1") if resource.endswith(".cpu") else _DIVISORS
    if divisor not in allowed and number(divisor) != 0:
        some = "1m or 1" if resource.endswith(".cpu") else "1, or 1 with a unit such as 1Mi"
        yield Fault(f"{divisor} cannot be a divisor of {resource}", f"write {some}", ("divisor",))


def _variable(source: Object) -> Iterator[Fault]:
    path = source.get("fieldRef", {}).get("fieldPath", "")
    if path in ("metadata.labels", "metadata.annotations"):
        yield Fault(f"{path} as a whole is no text", f"write {path}['KEY']", ("fieldRef", "fieldPath"))


def _told_file(item: Object) -> Iterator[Fault]:
    yield from _one_of("fieldRef", "resourceFieldRef", item)
    path = item.get("fieldRef", {}).get("fieldPath", "metadata.name")
    if path.partition("[")[0] not in _OF_VOLUMES:
        hint = "write it as a variable (env), or one of metadata"
        yield Fault(f"{path} cannot be had as a file", hint, ("fieldRef", "fieldPath"))
    if "resourceFieldRef" in item and not item["resourceFieldRef"].get("containerName"):
        hint = "a file belongs to no container: name the one that is meant"
        yield Fault("containerName is missing", hint, ("resourceFieldRef",))


# --- containers ----------------------------------------------------------------------------------------------


def container(found: Object) -> Iterator[Fault]:
    yield from _field_once(found, "ports", "name", "port")
    yield from _paths(found)
    for word in ("livenessProbe", "startupProbe"):
        if found.get(word, {}).get("successThreshold", 1) not in (0, 1):
            yield Fault(f"a {word} succeeds with the first success", "write 1", (word, "successThreshold"))
    if "terminationGracePeriodSeconds" in found.get("readinessProbe", {}):
        loc = ("readinessProbe", "terminationGracePeriodSeconds")
        yield Fault("a readinessProbe ends nothing", "write it in livenessProbe or startupProbe", loc)
    if not found.get("securityContext", {}).get("privileged"):
        for index, mount in enumerate(found.get("volumeMounts", ())):
            if mount.get("mountPropagation") == "Bidirectional":
                at = ("volumeMounts", index, "mountPropagation")
                yield Fault("Bidirectional is for privileged containers", "write HostToContainer", at)


def _paths(container: Object) -> Iterator[Fault]:
    mounts, devices = container.get("volumeMounts", ()), container.get("volumeDevices", ())
    places = [
        (("volumeMounts", index, "mountPath"), mount["mountPath"]) for index, mount in enumerate(mounts)
    ]
    places += [
        (("volumeDevices", index, "devicePath"), one["devicePath"]) for index, one in enumerate(devices)
    ]
    yield from once(places, "path")
    mounted = {mount["name"] for mount in mounts}
    for index, device in enumerate(devices):
        if device["name"] in mounted:
            message = f"the volume {device['name']} is also mounted"
            yield Fault(message, "it is a device or a folder, not both", ("volumeDevices", index, "name"))
    yield from _field_once(container, "volumeDevices", "name", "volume")


def _init_container(found: Object) -> Iterator[Fault]:
    """One that ends: only those that go on beside the others (restartPolicy: Always) are probed."""
    yield from container(found)
    if found.get("restartPolicy") != "Always":
        for word in ("lifecycle", *_PROBES):
            if word in found:
                hint = "leave it out, or make it one that goes on, with restartPolicy: Always"
                yield Fault(f"a container that ends before the others has no {word}", hint, (word,))


def security(context: Object) -> Iterator[Fault]:
    if context.get("allowPrivilegeEscalation") is not False:
        return
    hint = "write allowPrivilegeEscalation: true beside it"
    if context.get("privileged"):
        yield Fault("privileged needs privilege escalation", hint, ("privileged",))
    if "CAP_SYS_ADMIN" in context.get("capabilities", {}).get("add", ()):
        yield Fault("CAP_SYS_ADMIN needs privilege escalation", hint, ("capabilities", "add"))


def _seccomp(profile: Object) -> Iterator[Fault]:
    if profile["type"] == "Localhost" and not profile.get("localhostProfile"):
        yield Fault("Localhost needs localhostProfile", "write the profile's path on the node")
    if profile["type"] != "Localhost" and "localhostProfile" in profile:
        hint = "write type: Localhost, or leave it out"
        yield Fault(f"{profile['type']} goes without localhostProfile", hint, ("localhostProfile",))


# --- pods ----------------------------------------------------------------------------------------------------


def _pod_security(context: Object) -> Iterator[Fault]:
    yield from _field_once(context, "sysctls", "name", "sysctl")


def _dns(config: Object) -> Iterator[Fault]:
    if len(config.get("nameservers", ())) > 3:
        yield Fault("a pod has at most 3 nameservers", None, ("nameservers",))
    searches = config.get("searches", ())
    if len(searches) > 32 or len(" ".join(searches)) > 2048:
        yield Fault("a pod searches at most 32 domains, of 2048 characters", None, ("searches",))


# --- volumes -------------------------------------------------------------------------------------------------


def _projected(volume: Object) -> Iterator[Fault]:
    places: list[tuple[tuple[Step, ...], str | None]] = []
    for index, source in enumerate(volume.get("sources", ())):
        for kind, projection in source.items():
            items = projection.get("items", ())
            places += [
                (("sources", index, kind, "items", n, "path"), item["path"]) for n, item in enumerate(items)
            ]
            places.append((("sources", index, kind, "path"), projection.get("path")))
    yield from once(places, "path")


def _fibre_channel(volume: Object) -> Iterator[Fault]:
    yield from _one_of("targetWWNs", "wwids", volume)
    if volume.get("targetWWNs") and "lun" not in volume:
        yield Fault("lun is missing", "targetWWNs need one")


def _azure_disk(volume: Object) -> Iterator[Fault]:
    start = "/subscriptions/" if volume.get("kind") == "Managed" else "https://"
    if not volume["diskURI"].startswith(start):
        yield Fault(f"begin it with {start}", "or change kind (Managed or not)", ("diskURI",))


def _iscsi(volume: Object) -> Iterator[Fault]:
    if (volume.get("chapAuthDiscovery") or volume.get("chapAuthSession")) and "secretRef" not in volume:
        yield Fault("secretRef is missing", "CHAP takes its password from a secret")


def _volume(volume: Object) -> Iterator[Fault]:
    iscsi = volume.get("iscsi", {})
    if iscsi.get("initiatorName") and len(f"{volume['name']}:{iscsi['targetPortal']}") >= 64:
        yield Fault(
            "name and iscsi.targetPortal have more than 62 characters", "take a shorter name", ("name",)
        )


TYPE_RULES: Final[Mapping[str, Rule]] = {
    "AzureDiskVolumeSource": _azure_disk,
    "Container": container,
    "DownwardAPIVolumeFile": _told_file,
    "EnvVar": partial(_apart, "value", "valueFrom"),
    "EnvVarSource": _variable,
    "FCVolumeSource": _fibre_channel,
    "FlockerVolumeSource": partial(_one_of, "datasetName", "datasetUUID"),
    "ISCSIVolumeSource": _iscsi,
    "InitContainer": _init_container,
    "LabelSelectorRequirement": _requirement,
    "NodeSelectorRequirement": _requirement,
    "NodeSelectorTerm": _node_term,
    "PodDNSConfig": _dns,
    "PodSecurityContext": _pod_security,
    "ProjectedVolumeSource": _projected,
    "ResourceFieldSelector": _measured,
    "ResourceRequirements": _resources,
    "SeccompProfile": _seccomp,
    "SecurityContext": security,
    "Toleration": _toleration,
    "Volume": _volume,
    "VolumeMount": partial(_apart, "subPath", "subPathExpr"),
}
"""The rule of each type that has one; that of a pod is in `kubernetes_pods.py`."""
