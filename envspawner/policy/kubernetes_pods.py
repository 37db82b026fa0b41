"""What the API server asks of a whole pod: its containers, ports, volumes and own fields together.

As in `kubernetes_rules.py`, a rule stands parts of a pod: without `volumes` nothing is said about mounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .kubernetes_rules import Object, once
from .problems import Fault, Step

NOTEBOOK: Final = "notebook"
"""The container that KubeSpawner makes and looks for."""
_CONTAINERS: Final = ("containers", "initContainers")
_Port = tuple[str, str, int]


def pod(spec: Object) -> Iterator[Fault]:
    """What is wrong between the parts of a pod's spec."""
    yield from _own_fields(spec)
    found = [((section, i), one) for section in _CONTAINERS for i, one in enumerate(spec.get(section, ()))]
    yield from once((((*loc, "name"), one["name"]) for loc, one in found), "container")
    yield from _host_ports(spec)
    if "volumes" in spec:
        volumes = spec["volumes"]
        yield from once(((("volumes", i, "name"), one["name"]) for i, one in enumerate(volumes)), "volume")
        yield from _volumes_used(found, {one["name"]: one for one in volumes})


def _own_fields(spec: Object) -> Iterator[Fault]:
    if spec.get("dnsPolicy") == "None" and not spec.get("dnsConfig", {}).get("nameservers"):
        yield Fault("None needs nameservers", "write dnsConfig: {nameservers: [...]}", ("dnsPolicy",))
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        message = "shareProcessNamespace cannot stand beside hostPID"
        yield Fault(message, "leave one of them out", ("shareProcessNamespace",))
    spread = enumerate(spec.get("topologySpreadConstraints", ()))
    pairs = (
        (("topologySpreadConstraints", i), f"{o['topologyKey']} {o['whenUnsatisfiable']}") for i, o in spread
    )
    yield from once(pairs, "constraint")


def _host_ports(spec: Object) -> Iterator[Fault]:
    """A port of the node has one owner; on the node's network a container's port is the node's own.

    Containers that end before the others may share ports with them (checkHostPortConflicts).
    """
    network = spec.get("hostNetwork")
    taken: dict[_Port, str] = {}
    for section in _CONTAINERS:
        for index, container in enumerate(spec.get(section, ())):
            if section == "initContainers":
                taken = {}
            for n, port in enumerate(container.get("ports", ())):
                loc: tuple[Step, ...] = (section, index, "ports", n)
                number = port.get("hostPort") or (port["containerPort"] if network else 0)
                if network and number != port["containerPort"]:
                    hint = f"write hostPort: {port['containerPort']}, or leave it out"
                    yield Fault("with hostNetwork both ports are one", hint, (*loc, "hostPort"))
                key = (port.get("protocol", "TCP"), port.get("hostIP", ""), number)
                if number and key in taken:
                    message = f"{taken[key]} has the port {number} of the node already"
                    yield Fault(message, "take another", loc)
                taken[key] = container["name"]


def _volumes_used(containers: list[tuple[tuple[str, int], Any]], volumes: dict[str, Any]) -> Iterator[Fault]:
    for loc, container in containers:
        for index, mount in enumerate(container.get("volumeMounts", ())):
            if mount["name"] not in volumes:
                message = f"mounts the volume {mount['name']}, which is not there"
                yield Fault(message, None, (*loc, "volumeMounts", index, "name"))
        for index, device in enumerate(container.get("volumeDevices", ())):
            at = (*loc, "volumeDevices", index, "name")
            volume = volumes.get(device["name"])
            if volume is None:
                yield Fault(f"the volume {device['name']} is not there", None, at)
            elif not {"persistentVolumeClaim", "ephemeral"} & volume.keys():
                yield Fault(f"the volume {device['name']} is no claim", "only a claim can be a device", at)
