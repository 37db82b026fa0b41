"""Writes envspawner/policy/kubernetes_types.json: the fields of Kubernetes' types, from its newest schema.

Run it by hand after a new kubernetes-validate: `python tests/policy/make_kubernetes_types.py`.
The words that stand for types are explained in envspawner/policy/kubernetes.py.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parents[2] / "envspawner" / "policy" / "kubernetes_types.json"
ROOT: Final = "io.k8s.api.core.v1.PodSpec"
LEFT_OUT: Final = {
    "PodSpec": {
        "ephemeralContainers",  # may not be set when a pod is created
        "evictionResponders",  # kubernetes-asyncio 36.1 cannot send it
    },
    "VolumeMount": {"bindMountOptions"},  # nor this
}
ONLY: Final = {
    "ObjectMeta": {"annotations", "labels"},  # here that of a claim template, which takes no others
}
NOT_FILLED: Final = {"HTTPHeader.value", "Sysctl.value"}  # required, and may still be ""
UID: Final = "0..2147483647"
COUNT: Final = "0..2147483647"
PORT: Final = "1..65535"
LABELS: Final = "{label-key:label-value}"
RESOURCES: Final = "{resource:quantity}"
ONE_OF: Final[dict[str, set[str]]] = {
    # Of these fields the API server wants exactly one; an empty set stands for all fields but `name`.
    "EnvFromSource": {"configMapRef", "secretRef"},
    "EnvVarSource": set(),
    "LifecycleHandler": set(),
    "Probe": {"exec", "grpc", "httpGet", "tcpSocket"},
    "Volume": set(),
    "VolumeProjection": set(),
}

FACTS: Final = {
    # What the API server asks beyond its schema (pkg/apis/core/validation/validation.go), field by field.
    "AWSElasticBlockStoreVolumeSource.partition": "0..255",
    "AppArmorProfile.type": "Localhost|RuntimeDefault|Unconfined!",
    "AzureDiskVolumeSource.cachingMode": "None|ReadOnly|ReadWrite",
    "AzureDiskVolumeSource.kind": "Dedicated|Managed|Shared",
    "CSIVolumeSource.driver": "csi-driver!",
    "CephFSVolumeSource.monitors": "[string]+!",
    "ConfigMapEnvSource.name": "subdomain!",
    "ConfigMapKeySelector.key": "config-key!",
    "ConfigMapKeySelector.name": "subdomain!",
    "ConfigMapProjection.name": "subdomain!",
    "ConfigMapVolumeSource.name": "subdomain!",
    "Container.image": "image!",
    "Container.imagePullPolicy": "Always|IfNotPresent|Never",
    "Container.name": "dns-label!",
    "Container.restartPolicy": "Always|Never|OnFailure",
    "Container.terminationMessagePolicy": "FallbackToLogsOnError|File",
    "ContainerPort.containerPort": PORT + "!",
    "ContainerPort.hostPort": "0..65535",
    "ContainerPort.name": "port-name",
    "ContainerPort.protocol": "SCTP|TCP|UDP",
    "ContainerResizePolicy.restartPolicy": "NotRequired|RestartContainer!",
    "DownwardAPIVolumeFile.path": "file-path!",
    "EmptyDirVolumeSource.medium": "medium",
    "EnvFromSource.prefix": "env-prefix",
    "EnvVar.name": "env-name!",
    "ExecAction.command": "[string]+!",
    "GCEPersistentDiskVolumeSource.partition": "0..255",
    "GRPCAction.port": PORT + "!",
    "HTTPGetAction.scheme": "HTTP|HTTPS",
    "HTTPHeader.name": "header!",
    "HostAlias.hostnames": "[subdomain]",
    "HostAlias.ip": "ip!",
    "HostPathVolumeSource.path": "absolute-path!",
    "HostPathVolumeSource.type": (
        "BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket|"
    ),
    "ISCSIVolumeSource.initiatorName": "iscsi-name",
    "ISCSIVolumeSource.iqn": "iscsi-name!",
    "ISCSIVolumeSource.lun": "0..255!",
    "ImageVolumeSource.pullPolicy": "Always|IfNotPresent|Never",
    "KeyToPath.key": "config-key!",
    "KeyToPath.path": "file-path!",
    "LabelSelector.matchLabels": LABELS,
    "LabelSelectorRequirement.key": "label-key!",
    "LabelSelectorRequirement.operator": "DoesNotExist|Exists|In|NotIn!",
    "LabelSelectorRequirement.values": "[label-value]",
    "LocalObjectReference.name": "subdomain!",
    "NFSVolumeSource.path": "absolute-path!",
    "NodeSelector.nodeSelectorTerms": "[NodeSelectorTerm]+!",
    "NodeSelectorRequirement.key": "label-key!",
    "NodeSelectorRequirement.operator": "DoesNotExist|Exists|Gt|In|Lt|NotIn!",
    "ObjectFieldSelector.apiVersion": "v1|",
    "ObjectFieldSelector.fieldPath": "field-path!",
    "ObjectMeta.labels": LABELS,
    "PersistentVolumeClaimSpec.accessModes": "[ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod]",
    "PersistentVolumeClaimSpec.volumeMode": "Block|Filesystem",
    "PersistentVolumeClaimVolumeSource.claimName": "subdomain!",
    "PodAffinityTerm.matchLabelKeys": "[label-key]",
    "PodAffinityTerm.mismatchLabelKeys": "[label-key]",
    "PodAffinityTerm.namespaces": "[dns-label]",
    "PodAffinityTerm.topologyKey": "label-key!",
    "PodDNSConfig.nameservers": "[ip]",
    "PodDNSConfig.searches": "[search-domain]",
    "PodDNSConfigOption.name": "filled!",
    "PodOS.name": "linux|windows!",
    "PodReadinessGate.conditionType": "label-key!",
    "PodSecurityContext.fsGroup": UID,
    "PodSecurityContext.fsGroupChangePolicy": "Always|OnRootMismatch",
    "PodSecurityContext.runAsGroup": UID,
    "PodSecurityContext.runAsUser": UID,
    "PodSecurityContext.supplementalGroups": f"[{UID}]",
    "PodSecurityContext.supplementalGroupsPolicy": "Merge|Strict",
    "PodSpec.activeDeadlineSeconds": "1..2147483647",
    "PodSpec.dnsPolicy": "ClusterFirst|ClusterFirstWithHostNet|Default|None",
    "PodSpec.hostname": "dns-label",
    "PodSpec.nodeName": "subdomain",
    "PodSpec.nodeSelector": LABELS,
    "PodSpec.preemptionPolicy": "Never|PreemptLowerPriority",
    "PodSpec.restartPolicy": "Always|Never|OnFailure",
    "PodSpec.runtimeClassName": "subdomain",
    "PodSpec.subdomain": "dns-label",
    "PreferredSchedulingTerm.weight": "1..100!",
    "Probe.failureThreshold": COUNT,
    "Probe.initialDelaySeconds": COUNT,
    "Probe.periodSeconds": COUNT,
    "Probe.successThreshold": COUNT,
    "Probe.timeoutSeconds": COUNT,
    "QuobyteVolumeSource.registry": "registries!",
    "RBDVolumeSource.monitors": "[string]+!",
    "ResourceRequirements.limits": RESOURCES,
    "ResourceRequirements.requests": RESOURCES,
    "ScaleIOVolumeSource.volumeName": "filled!",
    "SeccompProfile.type": "Localhost|RuntimeDefault|Unconfined!",
    "SecretEnvSource.name": "subdomain!",
    "SecretKeySelector.key": "config-key!",
    "SecretKeySelector.name": "subdomain!",
    "SecretProjection.name": "subdomain!",
    "SecretVolumeSource.secretName": "subdomain!",
    "SecurityContext.procMount": "Default|Unmasked",
    "SecurityContext.runAsGroup": UID,
    "SecurityContext.runAsUser": UID,
    "ServiceAccountTokenProjection.expirationSeconds": "600..4294967296",
    "ServiceAccountTokenProjection.path": "file-path!",
    "SleepAction.seconds": COUNT + "!",
    "StorageOSVolumeSource.volumeName": "dns-label!",
    "StorageOSVolumeSource.volumeNamespace": "dns-label",
    "Sysctl.name": "sysctl!",
    "Toleration.effect": "NoExecute|NoSchedule|PreferNoSchedule|",
    "Toleration.key": "taint-key",
    "Toleration.operator": "Equal|Exists|Gt|Lt|",
    "Toleration.value": "label-value",
    "TopologySpreadConstraint.matchLabelKeys": "[label-key]",
    "TopologySpreadConstraint.maxSkew": "1..2147483647!",
    "TopologySpreadConstraint.minDomains": "1..2147483647",
    "TopologySpreadConstraint.nodeAffinityPolicy": "Honor|Ignore",
    "TopologySpreadConstraint.nodeTaintsPolicy": "Honor|Ignore",
    "TopologySpreadConstraint.topologyKey": "label-key!",
    "TopologySpreadConstraint.whenUnsatisfiable": "DoNotSchedule|ScheduleAnyway!",
    "Volume.name": "dns-label!",
    "VolumeMount.mountPath": "mount-path!",
    "VolumeMount.mountPropagation": "Bidirectional|HostToContainer|None",
    "VolumeMount.name": "dns-label!",
    "VolumeMount.recursiveReadOnly": "Disabled|Enabled|IfPossible",
    "VolumeMount.subPath": "sub-path",
    "VolumeMount.subPathExpr": "sub-path",
    "WeightedPodAffinityTerm.weight": "1..100!",
    "WindowsSecurityContextOptions.gmsaCredentialSpec": "filled",
    "WindowsSecurityContextOptions.gmsaCredentialSpecName": "subdomain",
    "WindowsSecurityContextOptions.runAsUserName": "windows-user",
}


def main() -> None:
    TARGET.write_text(make(newest_definitions()), encoding="utf-8")


def newest_definitions() -> dict[str, Any]:
    """The definitions of the newest strict schema that kubernetes-validate brings along."""
    root = files("kubernetes_validate") / "kubernetes-json-schema"
    folders = [folder for folder in root.iterdir() if folder.name.endswith("-local-strict")]
    newest = max(folders, key=lambda f: [int(part) for part in f.name[1:].split("-")[0].split(".")])
    definitions = json.loads((newest / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    assert isinstance(definitions, dict)
    return definitions


def make(definitions: dict[str, Any], facts: dict[str, str] = FACTS) -> str:
    """The text of the table: every type that a pod's spec can lead to, without those no policy may hold."""
    table: dict[str, dict[str, str]] = {}
    unused = dict(facts)
    _add(ROOT, definitions, table, unused, ())
    if unused:
        raise ValueError(f"no such fields any more: {sorted(unused)}")
    return json.dumps(table, indent=1, sort_keys=True) + "\n"


def _add(
    full_name: str,
    definitions: dict[str, Any],
    table: dict[str, dict[str, str]],
    facts: dict[str, str],
    above: tuple[str, ...],
) -> None:
    if full_name in above:
        raise ValueError(f"{full_name} can hold itself: conversion would have to guard its depth")
    name, definition = full_name.rpartition(".")[2], definitions[full_name]
    first = name not in table
    fields = table.setdefault(name, {})
    for field, schema in definition["properties"].items():
        if field in LEFT_OUT.get(name, ()) or field not in ONLY.get(name, definition["properties"]):
            continue
        word, leads_to = _word(field, schema, definitions)
        if field in definition.get("required", ()):
            filled = word == "string" and f"{name}.{field}" not in NOT_FILLED
            word = "filled!" if filled else f"{word}!"
        if name in ONE_OF and field != "name" and field in (ONE_OF[name] or {field}):
            word += "^"
        if first:
            fields[field] = facts.pop(f"{name}.{field}", word)
        if leads_to:
            _add(leads_to, definitions, table, facts, (*above, full_name))


def _word(field: str, schema: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, str | None]:
    """The word for a type, and the full name of the definition that it leads to, if any."""
    if "$ref" in schema:
        return _referred(schema["$ref"].rpartition("/")[2], definitions)
    if "enum" in schema:
        return "|".join(sorted(schema["enum"])), None
    kinds = schema["type"]
    kind = kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")
    if kind == "array":
        word, leads_to = _word("", schema["items"], definitions)
        return f"[{word}]", leads_to
    if kind == "object":
        word, leads_to = _word("", schema["additionalProperties"], definitions)
        return f"{{{word}}}", leads_to
    if schema.get("format") == "int32":
        return ("mode" if field in {"defaultMode", "mode"} else "int32"), None
    return kind, None


def _referred(full_name: str, definitions: dict[str, Any]) -> tuple[str, str | None]:
    name = full_name.rpartition(".")[2]
    if "properties" in definitions[full_name]:
        return name, full_name
    return {"Quantity": "quantity", "IntOrString": "port", "Time": "string"}[name], None


if __name__ == "__main__":
    main()
