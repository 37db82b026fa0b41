"""Pieces of Kubernetes objects: what a policy may hold, what it becomes, and what is said about the rest."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kubernetes_asyncio.client import models
from kubernetes_validate import utils

from envspawner.policy import kubernetes
from envspawner.policy.document import parse_document
from envspawner.policy.kubernetes import convert, fields_of
from envspawner.policy.located import Map, Scalar, Seq, dotted
from envspawner.policy.problems import Fault
from tests.policy import make_kubernetes_types as maker

TYPES = kubernetes._types()
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def from_yaml(text: str) -> Any:
    source, problems = parse_document(b"it: " + text.encode(), "test")
    assert all(problem.warning for problem in problems)
    return source.data["it"]


def accepted(type_name: str, value: Any) -> Any:
    faults: list[Fault] = []
    result = convert(value, type_name, faults)
    assert [told(fault) for fault in faults] == []
    return result


def complaints(type_name: str, value: Any) -> list[str]:
    faults: list[Fault] = []
    convert(value, type_name, faults)
    return [told(fault) for fault in faults]


def assert_valid(spec: dict[str, Any]) -> None:
    """A pod with this in its spec keeps to Kubernetes' newest schema, without a single unknown key."""
    spec = {"containers": [{"name": "notebook"}], **spec}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "jupyter-ada"}, "spec": spec}
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)


@pytest.fixture(autouse=True, scope="module")
def schemas_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


def told(fault: Fault) -> str:
    hint = f" ({fault.hint})" if fault.hint else ""
    return f"{dotted(fault.loc)}: {fault.message}{hint}"


# --- real examples ---------------------------------------------------------------------------------------

VOLUMES = {
    "NFS": ("{name: test, nfs: {server: my-nfs.example.org, path: /my-nfs-volume, readOnly: yes}}", {}),
    "a claim": ("{name: shared, persistentVolumeClaim: {claimName: shared}}", {}),
    "a claim of the user": ("{name: home, persistentVolumeClaim: {claimName: 'claim-{username}'}}", {}),
    "configMap": (
        "{name: config, configMap: {name: special-config, defaultMode: 0644, items: "
        "[{key: special.level, path: log/level, mode: 0400}]}}",
        {"configMap": {"defaultMode": 420}},
    ),
    "secret": ("{name: s, secret: {secretName: mysecret, optional: false, defaultMode: 256}}", {}),
    "emptyDir": ("{name: cache-volume, emptyDir: {}}", {}),
    "shared memory": ("{name: shm, emptyDir: {medium: Memory, sizeLimit: 500Mi}}", {}),
    "hostPath": ("{name: h, hostPath: {path: /data/foo, type: DirectoryOrCreate}}", {}),
    "hostPath of any kind": ("{name: h, hostPath: {path: /data/foo, type: ''}}", {}),
    "downwardAPI": (
        "{name: podinfo, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}",
        {},
    ),
    "projected": (
        "{name: all-in-one, projected: {defaultMode: 0440, sources: [{secret: {name: mysecret, items: "
        "[{key: username, path: my-group/my-username}]}}, {configMap: {name: myconfigmap}}, "
        "{serviceAccountToken: {path: vault-token, expirationSeconds: 7200, audience: vault}}]}}",
        {"projected": {"defaultMode": 0o440}},
    ),
    "csi": (
        "{name: data, csi: {driver: inline.storage.kubernetes.io, volumeAttributes: {foo: bar, size: 10}}}",
        {"csi": {"volumeAttributes": {"foo": "bar", "size": "10"}}},
    ),
    "ephemeral": (
        "{name: scratch, ephemeral: {volumeClaimTemplate: {metadata: {labels: {type: my-volume}}, spec: "
        "{accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}}}}",
        {},
    ),
    "image": ("{name: v, image: {reference: quay.io/crio/artifact:v2, pullPolicy: IfNotPresent}}", {}),
}


@pytest.mark.parametrize(("text", "expected"), VOLUMES.values(), ids=VOLUMES)
def test_volumes_from_kubernetes_own_pages_are_accepted(text: str, expected: dict[str, Any]) -> None:
    volume = accepted("Volume", from_yaml(text))
    for source, fields in expected.items():
        assert volume[source] | fields == volume[source]
    assert_valid({"volumes": [volume]})


SIDECAR = """
  name: rstudio-proxy
  image: ghcr.io/example/proxy:1.10
  imagePullPolicy: IfNotPresent
  args: [--port, 8787, --quiet, yes]
  env:
  - {name: NB_UMASK, value: 0002}
  - {name: USER, value: "{username}"}
  - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
  - {name: TOKEN, valueFrom: {secretKeyRef: {name: proxy, key: token, optional: true}}}
  envFrom: [{prefix: CFG_, configMapRef: {name: proxy}}]
  ports: [{name: http, containerPort: 8787, protocol: TCP}]
  resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: 0.5, memory: 128Mi, nvidia.com/gpu: 1}}
  startupProbe: {httpGet: {path: /healthz, port: http}, failureThreshold: 30, periodSeconds: 10}
  readinessProbe: {tcpSocket: {port: 8787}, initialDelaySeconds: 5}
  livenessProbe: {exec: {command: [cat, /tmp/healthy]}}
  lifecycle: {preStop: {sleep: {seconds: 5}}, postStart: {exec: {command: [sh, -c, 'echo ${HOME} {{x}}']}}}
  securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  volumeMounts: [{name: home, mountPath: /home/jovyan, subPath: "users/{username}", readOnly: on}]
"""
BLOCK_CLOUD_METADATA = """
  name: block-cloud-metadata
  image: quay.io/jupyterhub/k8s-network-tools:4.3.1
  command: [iptables, --append, OUTPUT, --protocol, tcp, --destination, 169.254.169.254, --jump, DROP]
  securityContext: {privileged: true, runAsUser: 0, capabilities: {add: [NET_ADMIN]}}
"""


@pytest.mark.parametrize("text", [SIDECAR, BLOCK_CLOUD_METADATA], ids=["sidecar", "block-cloud-metadata"])
def test_containers_as_hubs_have_them_are_accepted(text: str) -> None:
    container = accepted("Container", from_yaml(text))
    assert_valid({"initContainers": [container], "volumes": [{"name": "home", "emptyDir": {}}]})


def test_the_files_own_text_counts_where_a_string_is_wanted() -> None:
    container = accepted("Container", from_yaml(SIDECAR))
    assert container["args"] == ["--port", "8787", "--quiet", "yes"]
    assert container["env"][0]["value"] == "0002"
    assert container["resources"]["limits"] == {"cpu": "0.5", "memory": "128Mi", "nvidia.com/gpu": "1"}
    assert container["volumeMounts"][0]["readOnly"] is True
    assert container["readinessProbe"]["tcpSocket"]["port"] == 8787


PIECES = {
    "NodeSelectorTerm": "{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [a]}, "
    "{key: cores, operator: Gt, values: [15]}, {key: gpu, operator: DoesNotExist}]}",
    "PreferredSchedulingTerm": "{weight: 100, preference: {matchFields: [{key: metadata.name, operator: In, "
    "values: [node-1]}]}}",
    "PodAffinityTerm": "{labelSelector: {matchExpressions: [{key: component, operator: In, values: "
    "[singleuser-server]}]}, topologyKey: kubernetes.io/hostname, namespaces: [hub]}",
    "WeightedPodAffinityTerm": "{weight: 1, podAffinityTerm: {labelSelector: {matchLabels: {n: 1}}, "
    "topologyKey: topology.kubernetes.io/zone}}",
    "Toleration": "{key: hub.jupyter.org/dedicated, operator: Equal, value: user, effect: NoSchedule}",
    "[Toleration]": "[{operator: Exists}, {key: a, effect: ''}, {key: '', operator: Exists}, "
    "{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 6000}]",
    "LifecycleHandler": "{httpGet: {path: /, port: 8888, scheme: HTTPS, httpHeaders: [{name: A, value: ''}"
    "]}}",
    "EnvVarSource": "{configMapKeyRef: {name: game-demo, key: player_initial_lives}}",
    "PodSecurityContext": "{runAsUser: 1000, fsGroup: 100, supplementalGroups: [100, 2000], "
    "fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}",
    "ResourceRequirements": "{requests: {cpu: 1, memory: 1e3, hugepages-2Mi: 4Mi}, "
    "limits: {cpu: 1000m, memory: .5Gi, hugepages-2Mi: 4Mi, ephemeral-storage: 1.E}}",
}


@pytest.mark.parametrize(("type_name", "text"), PIECES.items(), ids=PIECES)
def test_pieces_from_kubernetes_own_pages_are_accepted(type_name: str, text: str) -> None:
    accepted(type_name, from_yaml(text))


# --- what is wrong, and what to do -----------------------------------------------------------------------

DIGITS = " (write it in decimal digits, with no 0 before them)"
MODE = " (write a file mode such as 0644 (in Python 0o644))"
MODES = "expected a number from 0 to 511" + MODE
UNITS = " (write a number, maybe with m, k, M, G, T or Ki, Mi, Gi, Ti)"
PORT_NAMES = " (write at most 15 lower-case letters, digits and '-', or a number without quotes)"
LABELS = " (write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends)"
SOURCES = " (write one of persistentVolumeClaim, nfs, secret, emptyDir: {})"
NO_DOTS = " (start it with /, and have no '..' in it)"
ONE = " (leave one of them out)"
WRONG = [
    # keys
    (
        "Volume",
        "{name: a, persistentVolumeClaim: {claimname: x}}",
        "persistentVolumeClaim.claimname: unknown key 'claimname' (did you mean claimName?)",
    ),
    (
        "Volume",
        "{name: a, empty_dir: {}}",
        "empty_dir: unknown key 'empty_dir' (did you mean emptyDir?)",
    ),
    ("Volume", "{name: a, emptyDir: {x: 1}}", "emptyDir.x: unknown key 'x'"),
    ("Volume", "{emptyDir: {}}", ": name is missing"),
    ("Volume", "{name: , nfs: {path: /x}}", "nfs: server is missing", ": name is missing"),
    ("Container", "{}", ": image is missing", ": name is missing"),
    (
        "PodSpec",
        "{containers: [], ephemeralContainers: []}",
        "ephemeralContainers: unknown key 'ephemeralContainers' (did you mean containers?)",
    ),
    # kinds of values
    ("Volume", "[name, a]", ": expected a mapping, got a list"),
    (
        "Volume",
        "{name: [a], emptyDir: yes}",
        "name: expected text, got a list",
        "emptyDir: expected a mapping, got true or false",
    ),
    ("[Volume]", "a", ": expected a list, got text"),
    ("ExecAction", "{command: /bin/sh -c x}", "command: expected a list, got text"),
    ("ExecAction", "{command: []}", "command: the list is empty (write at least one item)"),
    (
        "ExecAction",
        "{command: [sh, null]}",
        'command[1]: expected text, got nothing (write "" for an empty text)',
    ),
    (
        "CSIVolumeSource",
        "{driver: d, volumeAttributes: [a]}",
        "volumeAttributes: expected a mapping, got a list",
    ),
    (
        "CSIVolumeSource",
        "{driver: d, volumeAttributes: {a: null}}",
        'volumeAttributes.a: expected text, got nothing (write "" for an empty text)',
    ),
    ("NFSVolumeSource", "{server: '', path: /x}", "server: '' is no text (write at least a word)"),
    # true and false
    ("boolean", "'true'", ": expected true or false, got text (write true without quotes)"),
    ("boolean", "'Off'", ": expected true or false, got text (write Off without quotes)"),
    ("boolean", "maybe", ": expected true or false, got text"),
    ("boolean", "1", ": expected true or false, got a number"),
    ("boolean", "2026-11-02", ": expected true or false, got a date"),
    # whole numbers
    ("integer", "'5'", ": expected a whole number, got text (write 5 without quotes)"),
    ("integer", "five", ": expected a whole number, got text"),
    ("integer", "5.0", ": expected a whole number, got a number"),
    ("integer", "yes", ": expected a whole number, got true or false"),
    ("integer", "0755", f": expected a whole number, got '0755'{DIGITS}"),
    ("integer", "0x1F", f": expected a whole number, got '0x1F'{DIGITS}"),
    ("integer", "1_000", f": expected a whole number, got '1_000'{DIGITS}"),
    ("integer", "1:30", f": expected a whole number, got '1:30'{DIGITS}"),
    ("int32", "2147483648", ": expected a number from -2147483648 to 2147483647"),
    ("1..100", "0", ": expected a number from 1 to 100"),
    ("1..100", "101", ": expected a number from 1 to 100"),
    # file modes
    ("mode", "644", f": {MODES}"),
    ("mode", "01000", f": {MODES}"),
    ("mode", "-1", f": {MODES}"),
    ("mode", "'0644'", f": expected a whole number, got text{MODE}"),
    # ports
    ("port", "0", ": expected a number from 1 to 65535"),
    ("port", "65536", ": expected a number from 1 to 65535"),
    ("port", "'80'", f": '80' is no name of a port{PORT_NAMES}"),
    ("port", "[80]", ": expected a whole number, got a list"),
    ("port-name", "a--b", f": 'a--b' is no name of a port{PORT_NAMES}"),
    # quantities
    ("quantity", "10 Gi", ": '10 Gi' is no quantity (did you mean 10Gi?)"),
    ("quantity", "10Gb", ": '10Gb' is no quantity (did you mean 10G?)"),
    ("quantity", "1.5GiB", ": '1.5GiB' is no quantity (did you mean 1.5Gi?)"),
    ("quantity", "64K", ": '64K' is no quantity (did you mean 64k?)"),
    ("quantity", "500 m", ": '500 m' is no quantity (did you mean 500m?)"),
    ("quantity", "512 bytes", ": '512 bytes' is no quantity (did you mean 512?)"),
    ("quantity", "2 cores", f": '2 cores' is no quantity{UNITS}"),
    ("quantity", "-1", f": '-1' is no quantity{UNITS}"),
    ("quantity", "1e3000000000", f": '1e3000000000' is no quantity{UNITS}"),
    ("quantity", ".inf", f": '.inf' is no quantity{UNITS}"),
    ("quantity", "", ": expected a quantity such as 2, 500m or 1Gi, got nothing"),
    # words
    (
        "Toleration",
        "{key: a, effect: noschedule}",
        "effect: 'noschedule' is not one of NoExecute, NoSchedule, PreferNoSchedule "
        "(did you mean NoSchedule?)",
    ),
    ("Toleration", "{key: a, operator: x}", "operator: 'x' is not one of Equal, Exists, Gt, Lt"),
    (
        "PersistentVolumeClaimSpec",
        "{accessModes: [RWO]}",
        "accessModes[0]: 'RWO' is not one of ReadOnlyMany, ReadWriteMany, ReadWriteOnce, ReadWriteOncePod",
    ),
    (
        "Container",
        "{name: a, image: b, imagePullPolicy: always}",
        "imagePullPolicy: 'always' is not one of Always, IfNotPresent, Never (did you mean Always?)",
    ),
    # shapes of names, labels and paths
    (
        "Volume",
        "{name: My_Data, emptyDir: {}}",
        "name: 'My_Data' cannot be a name here (did you mean my-data?)",
    ),
    (
        "EmptyDirVolumeSource",
        "{medium: memory}",
        "medium: 'memory' is no medium (write Memory, or leave it out for the node's disk)",
    ),
    ("NFSVolumeSource", "{server: s, path: export}", f"path: 'export' is no absolute path{NO_DOTS}"),
    ("HostPathVolumeSource", "{path: /a/../b}", f"path: '/a/../b' is no absolute path{NO_DOTS}"),
    ("HostPathVolumeSource", "{path: /..}", f"path: '/..' is no absolute path{NO_DOTS}"),
    (
        "ObjectFieldSelector",
        "{fieldPath: metadata.user}",
        "fieldPath: 'metadata.user' is no field of a pod that can be had here "
        "(such as metadata.name, metadata.labels['KEY'], spec.nodeName or status.podIP)",
    ),
    (
        "VolumeMount",
        "{name: a, mountPath: work}",
        "mountPath: the mount path 'work' is not absolute (start it with /)",
    ),
    (
        "VolumeMount",
        "{name: a, mountPath: '/a:b'}",
        "mountPath: the mount path '/a:b' has a ':' in it (Kubernetes takes none there)",
    ),
    (
        "VolumeMount",
        "{name: a, mountPath: /a, subPath: ../b}",
        "subPath: '../b' cannot be a sub-path: it has a '..' (write the path without '..')",
    ),
    (
        "EnvVar",
        "{name: A B}",
        "name: 'A B' cannot be the name of an environment variable (did you mean A_B?)",
    ),
    ("PodAffinityTerm", "{topologyKey: ''}", f"topologyKey: '' cannot be the key of a label{LABELS}"),
    (
        "LabelSelector",
        "{matchLabels: {a b: c d}}",
        f"matchLabels.a b: 'a b' cannot be the key of a label{LABELS}",
        f"matchLabels.a b: 'c d' cannot be the value of a label{LABELS}",
    ),
    # fields that must agree
    ("Volume", "{name: a}", f": it does not say what it is{SOURCES}"),
    ("Volume", "{name: a, emptyDir: }", f": it does not say what it is{SOURCES}"),
    (
        "Volume",
        "{name: a, emptyDir: {}, hostPath: {path: /a}, secret: {secretName: b}}",
        f"hostPath: hostPath cannot stand beside emptyDir{ONE}",
        f"secret: secret cannot stand beside emptyDir{ONE}",
    ),
    ("LifecycleHandler", "{}", ": it does not say what it is (write one of exec, httpGet, sleep, tcpSocket)"),
    (
        "Probe",
        "{periodSeconds: 1}",
        ": it does not say what it is (write one of exec, grpc, httpGet, tcpSocket)",
    ),
    (
        "EnvVarSource",
        "{fieldRef: {fieldPath: metadata.name}, secretKeyRef: {name: a, key: b}}",
        f"secretKeyRef: secretKeyRef cannot stand beside fieldRef{ONE}",
    ),
    (
        "EnvVar",
        "{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}",
        f"valueFrom: valueFrom cannot stand beside value{ONE}",
    ),
    (
        "VolumeMount",
        "{name: a, mountPath: /a, subPath: b, subPathExpr: $(C)}",
        f"subPathExpr: subPathExpr cannot stand beside subPath{ONE}",
    ),
    ("NodeSelectorRequirement", "{key: a, operator: In}", "values: In needs values"),
    (
        "LabelSelectorRequirement",
        "{key: a, operator: Exists, values: [b]}",
        "values: Exists goes without values (leave them out, or write In or NotIn)",
    ),
    (
        "LabelSelectorRequirement",
        "{key: a, operator: Gt, values: [1]}",
        "operator: 'Gt' is not one of DoesNotExist, Exists, In, NotIn",
    ),
    (
        "NodeSelectorRequirement",
        "{key: a, operator: Gt, values: [1, 2]}",
        "values: Gt needs one whole number in values",
    ),
    (
        "NodeSelectorRequirement",
        "{key: a, operator: Lt, values: [x]}",
        "values: Lt needs one whole number in values",
    ),
    (
        "Toleration",
        "{key: a, operator: Exists, value: b}",
        "value: Exists goes without a value (leave it out, or write operator: Equal)",
    ),
    (
        "Toleration",
        "{effect: NoSchedule}",
        ": key is missing (write a key, or operator: Exists to tolerate every taint)",
    ),
    (
        "Toleration",
        "{key: a, tolerationSeconds: 5}",
        "tolerationSeconds: tolerationSeconds needs effect: NoExecute",
    ),
    (
        "ResourceRequirements",
        "{requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 500m, memory: 1G}}",
        "requests.cpu: 1 is above the limit, 500m",
        "requests.memory: 1Gi is above the limit, 1G",
    ),
    (
        "ResourceRequirements",
        "{requests: {nvidia.com/gpu: 1}}",
        "requests.nvidia.com/gpu: nvidia.com/gpu needs the same amount in limits",
    ),
    (
        "ResourceRequirements",
        "{requests: {hugepages-2Mi: 2Mi}, limits: {hugepages-2Mi: 4Mi, cpu: 1}}",
        "requests.hugepages-2Mi: hugepages-2Mi needs the same amount in limits",
    ),
    (
        "ResourceRequirements",
        "{limits: {nvidia.com/gpu: 500m}}",
        "limits.nvidia.com/gpu: 500m is not a whole number (nvidia.com/gpu has no parts)",
    ),
    (
        "ResourceRequirements",
        "{limits: {gpu: 1}}",
        "limits.gpu: 'gpu' is not a resource (write its full name, such as nvidia.com/gpu)",
    ),
]


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [(t, y, c) for t, y, *c in WRONG],
    ids=[f"{t} {y}" for t, y, *_ in WRONG],
)
def test_what_the_api_server_would_refuse_is_told_before(
    type_name: str, text: str, expected: list[str]
) -> None:
    assert complaints(type_name, from_yaml(text)) == expected


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert complaints(
        "[Volume]", from_yaml("[{nme: a}, 5, {name: B, emptyDir: {medium: ram}, nfs: {}}]")
    ) == [
        "[0].nme: unknown key 'nme' (did you mean name?)",
        "[1]: expected a mapping, got a number",
        "[2].name: 'B' cannot be a name here (did you mean b?)",
        "[2].emptyDir.medium: 'ram' is no medium (write Memory, or leave it out for the node's disk)",
        "[2].nfs: path is missing",
        "[2].nfs: server is missing",
        f"[2].nfs: nfs cannot stand beside emptyDir{ONE}",
    ]


def test_faults_stand_below_the_given_place() -> None:
    faults: list[Fault] = []
    convert({"key": "a b"}, "Toleration", faults, ("extraTolerations", 3))
    convert({"effect": "NoSchedule"}, "Toleration", faults, ("extraTolerations", 4))
    assert [fault.loc for fault in faults] == [("extraTolerations", 3, "key"), ("extraTolerations", 4)]


# --- what values become ----------------------------------------------------------------------------------

BECOMES = [
    ("string", "1.10", "1.10"),
    ("string", "89655e1", "89655e1"),
    ("string", "0002", "0002"),
    ("string", "NO", "NO"),
    ("string", "2026-11-02", "2026-11-02"),
    ("string", "'{x} {{username}} ${y} \\ é'", "{x} {{username}} ${y} \\ é"),
    ("boolean", "TRUE", True),
    ("boolean", "yes", True),
    ("boolean", "On", True),
    ("boolean", "False", False),
    ("boolean", "NO", False),
    ("boolean", "off", False),
    ("integer", "0", 0),
    ("integer", "-5", -5),
    ("integer", "+5", 5),
    ("integer", "9223372036854775807", 2**63 - 1),
    ("mode", "0644", 0o644),
    ("mode", "420", 0o644),
    ("mode", "0", 0),
    ("mode", "0777", 0o777),
    ("port", "8888", 8888),
    ("port", "http", "http"),
    ("port", "'{profile}'", "{profile}"),
    ("dns-label", "home-{username}", "home-{username}"),
    ("mount-path", "/home/{match}", "/home/{match}"),
    ("absolute-path", "/a..b/..c/{username}", "/a..b/..c/{username}"),
    ("quantity", "1.10", "1.10"),
    ("quantity", "1e+3", "1e+3"),
    ("quantity", "+1Ki", "+1Ki"),
    ("quantity", "1.", "1."),
    ("quantity", "1E", "1E"),
    ("{string}", "{a: 1, b: ''}", {"a": "1", "b": ""}),
]


@pytest.mark.parametrize(("type_name", "text", "expected"), BECOMES, ids=[f"{t} {y}" for t, y, _ in BECOMES])
def test_values_of_a_file_become_what_kubectl_makes_of_them(
    type_name: str, text: str, expected: object
) -> None:
    result = accepted(type_name, from_yaml(text))
    assert result == expected
    assert is_plain(result)


FROM_PYTHON = [
    ("string", 5, "5"),
    ("string", 0.5, "0.5"),
    ("string", True, "true"),
    ("string", False, "false"),
    ("boolean", True, True),
    ("integer", 5, 5),
    ("port", 80, 80),
    ("mode", 0o644, 0o644),
    ("quantity", 2, "2"),
    ("quantity", 0.5, "0.5"),
    ("quantity", 1e-7, "1e-07"),
    ("[string]", ("a", 1), ["a", "1"]),
    ("{string}", MappingProxyType({"a": 1}), {"a": "1"}),
]


@pytest.mark.parametrize(
    ("type_name", "value", "expected"), FROM_PYTHON, ids=[f"{t} {v}" for t, v, _ in FROM_PYTHON]
)
def test_values_of_traits_become_plain_data_too(type_name: str, value: object, expected: object) -> None:
    result = accepted(type_name, value)
    assert result == expected
    assert is_plain(result)


class V1Volume:
    """Stands for an object of the Kubernetes client."""


NOT_DATA = [
    ("Volume", V1Volume(), ": expected a mapping, got a Python V1Volume"),
    ("[Volume]", test_faults_stand_below_the_given_place, ": expected a list, got a Python function"),
    ("[string]", {"a"}, ": expected a list, got a Python set"),
    ("string", date(2026, 11, 2), ": expected text, got a Python date"),
    ("string", b"x", ": expected text, got a Python bytes"),
    ("string", 10**5000, ": expected text, got a number"),
    ("integer", 10**5000, ": expected a number from -9223372036854775808 to 9223372036854775807"),
    ("integer", True, ": expected a whole number, got true or false"),
    ("mode", 644, f": {MODES}"),
    ("quantity", True, ": expected a quantity such as 2, 500m or 1Gi, got true or false"),
    ("quantity", float("nan"), f": 'nan' is no quantity{UNITS}"),
    ("Toleration", {1: "a", "operator": "Exists"}, ": a key must be text, got a number"),
    ("{string}", {None: "a"}, ": a key must be text, got nothing"),
    ("{string}", {"a\0": "b"}, "a\0: 'a\\x00' has a character that cannot be sent (leave it out)"),
    ("string", "a\0b", ": 'a\\x00b' has a character that cannot be sent (leave it out)"),
    ("string", "\ud800", ": '\\ud800' has a character that cannot be sent (leave it out)"),
]


@pytest.mark.parametrize(("type_name", "value", "expected"), NOT_DATA, ids=[told for *_, told in NOT_DATA])
def test_what_is_no_data_is_refused_with_what_is_wanted(type_name: str, value: object, expected: str) -> None:
    assert complaints(type_name, value) == [expected]


def test_null_in_an_object_is_as_if_the_key_were_absent() -> None:
    mount = {"name": "a", "mountPath": "/a", "subPath": None, "readOnly": None}
    assert accepted("VolumeMount", mount) == {"name": "a", "mountPath": "/a"}


def test_a_terminal_may_be_coloured() -> None:
    assert accepted("EnvVar", {"name": "PS1", "value": "\x1b[32m$ "})["value"] == "\x1b[32m$ "


# --- any data at all -------------------------------------------------------------------------------------


def located(value: Any) -> Any:
    """The same data as from a file."""
    if isinstance(value, dict):
        result = Map()
        for key, item in value.items():
            result[key] = located(item)
            result.keys_at[key] = result.values_at[key] = (1, 1)
        return result
    if isinstance(value, list):
        items = Seq()
        items.extend(map(located, value))
        items.items_at.extend((1, 1) for _ in value)
        return items
    return value


def is_plain(value: object) -> bool:
    if type(value) is dict:
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if type(value) is list:
        return all(map(is_plain, value))
    return type(value) in {str, int, float, bool}


every_field = sorted({field for fields in TYPES.values() for field in fields})
every_word = sorted({word.rstrip("!^") for fields in TYPES.values() for word in fields.values()})
every_type = st.sampled_from([*TYPES, *(f"[{name}]" for name in TYPES), *every_word])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.builds(Scalar, st.text(max_size=10), st.sampled_from(["str", "int", "float", "bool", "timestamp"]))
    | st.builds(Scalar, st.from_regex(r"[-+]?0?[0-9]{1,40}", fullmatch=True), st.just("int"))
    | st.sampled_from([Scalar("1.5", "float"), Scalar("yes", "bool"), "Exists", "10 Gib", "{username}", "a"])
)
keys = (
    st.sampled_from(every_field)
    | st.text(max_size=5)
    | st.builds(Scalar, st.text(max_size=5))
    | st.integers()
)
anything = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(keys, below, max_size=6),
    max_leaves=20,
)
data = anything | anything.map(located)


@st.composite
def likely(draw: st.DrawFn, kind: str) -> Any:
    """What is mostly right for a type, with something else here and there."""
    if draw(st.integers(0, 60)) == 60:
        return draw(scalars)
    if kind.endswith("+") or kind.startswith("["):
        item = kind.rstrip("+")[1:-1]
        return draw(st.lists(likely(item), min_size=kind.count("+"), max_size=2))
    if kind.startswith("{"):
        name, _, item = kind[1:-1].rpartition(":")
        return draw(st.dictionaries(likely(name or "label-key"), likely(item), max_size=2))
    if kind not in TYPES:
        return draw(likely_scalar(kind))
    words = TYPES[kind]
    optional = sorted(field for field, word in words.items() if word[-1] not in "!^")
    sources = sorted(field for field, word in words.items() if word.endswith("^"))
    chosen = [field for field, word in words.items() if word.endswith("!")]
    chosen += draw(st.lists(st.sampled_from(optional), max_size=5, unique=True)) if optional else []
    chosen += [draw(st.sampled_from(sources))] if sources else []
    result = {field: draw(likely(words[field].rstrip("!^"))) for field in chosen}
    return draw(st.sampled_from([result, located(result)]))


def likely_scalar(kind: str) -> st.SearchStrategy[Any]:
    if kind in LIKELY:
        return LIKELY[kind]
    if "|" in kind:
        return st.sampled_from(kind.split("|")).flatmap(lambda word: st.sampled_from([word, Scalar(word)]))
    numbers = st.integers(*map(int, kind.split("..")))
    return numbers | numbers.map(lambda number: Scalar(str(number), "int"))


texts = st.sampled_from(
    ["a", "hub.example.org", "{username}", Scalar("0755", "int"), Scalar("yes", "bool"), "x" * 60]
)
amounts = st.sampled_from(
    ["1", "500m", "1.5Gi", 2, 0.25, Scalar("1e3", "float"), Scalar("7", "int"), "1E", "3Mi"]
)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "absolute-path": st.sampled_from(["/", "/export/{username}"]),
    "boolean": st.booleans() | st.sampled_from([Scalar("Yes", "bool"), Scalar("off", "bool")]),
    "config-key": st.sampled_from(["token", "special.level", "_"]),
    "csi-driver": st.sampled_from(["inline.storage.kubernetes.io", "Driver"]),
    "dns-label": st.sampled_from(["home", "home-{username}", Scalar("1", "int")]),
    "env-name": st.sampled_from(["HOME", "my.env-name"]),
    "env-prefix": st.sampled_from(["", "CFG_"]),
    "field-path": st.sampled_from(["metadata.name", "metadata.labels['a']", "status.podIP"]),
    "file-path": st.sampled_from(["a", "log/{username}"]),
    "filled": texts,
    "header": st.sampled_from(["Accept", "X-Real-IP"]),
    "image": st.sampled_from(["busybox", "ghcr.io/example/{profile}:1"]),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "ip": st.sampled_from(["10.0.0.1", "fd00::1"]),
    "iscsi-name": st.sampled_from(["iqn.2001-04.com.example:disk", "eui." + "0" * 16]),
    "label-key": st.sampled_from(["app", "kubernetes.io/hostname", "hub.jupyter.org/a_b.c"]),
    "label-value": st.sampled_from(["", "a", Scalar("1.10", "float")]),
    "medium": st.sampled_from(["", "Memory", "HugePages-2Mi"]),
    "mode": st.sampled_from([0, 0o777, Scalar("0644", "int"), Scalar("420", "int")]),
    "mount-path": st.sampled_from(["/home/jovyan", "/srv/{match}"]),
    "port": st.sampled_from([80, "http", Scalar("8888", "int")]),
    "port-name": st.sampled_from(["http", "a-1"]),
    "quantity": amounts,
    "registries": st.sampled_from(["quobyte:7861", "a:1,b:2"]),
    "resource": st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "ephemeral-storage", "hugepages-2Mi"]),
    "search-domain": st.sampled_from(["example.org", "svc.cluster.local."]),
    "string": texts | st.just(""),
    "sub-path": st.sampled_from(["a", "users/{username}"]),
    "subdomain": st.sampled_from(["shared", "shared-{match}.x"]),
    "sysctl": st.sampled_from(["net.core.somaxconn", "kernel.shm_rmid_forced"]),
    "taint-key": st.sampled_from(["", "nvidia.com/gpu"]),
    "windows-user": st.sampled_from(["ContainerUser", "domain\\{username}"]),
}


@relaxed
@given(data, every_type)
@example({"emptyDir": {}}, "Volume")
def test_whatever_stands_in_a_policy_is_converted_or_faulted_and_never_changed(
    value: Any, type_name: str
) -> None:
    before = copy.deepcopy(value)
    faults: list[Fault] = []
    result = convert(value, type_name, faults)
    assert repr(value) == repr(before)
    assert faults or is_plain(result)
    assert all(isinstance(step, str | int) for fault in faults for step in fault.loc)


@relaxed
@given(st.sampled_from(sorted(TYPES)).flatmap(lambda name: st.tuples(st.just(name), likely(name))))
def test_pieces_that_are_nearly_right_are_never_changed_either(case: tuple[str, Any]) -> None:
    type_name, value = case
    before = repr(value)
    faults: list[Fault] = []
    result = convert(value, type_name, faults)
    assert repr(value) == before
    assert faults or is_plain(result)


@settings(relaxed, max_examples=60)
@given(likely("PodSpec"))
def test_what_is_accepted_keeps_to_kubernetes_newest_schema(spec: Any) -> None:
    faults: list[Fault] = []
    result = convert(spec, "PodSpec", faults)
    if not faults:
        assert_valid(result)


@settings(relaxed, max_examples=60)
@given(likely("[Volume]"), likely("[Container]"), likely("[Toleration]"), likely("PodSecurityContext"))
def test_accepted_pieces_make_a_pod_that_keeps_to_the_schema(
    volumes: Any, containers: Any, tolerations: Any, context: Any
) -> None:
    pieces = {
        "volumes": ("[Volume]", volumes),
        "initContainers": ("[Container]", containers),
        "tolerations": ("[Toleration]", tolerations),
        "securityContext": ("PodSecurityContext", context),
    }
    spec = {}
    for field, (type_name, value) in pieces.items():
        faults: list[Fault] = []
        result = convert(value, type_name, faults)
        if not faults:
            spec[field] = result
    assert_valid(spec)


@relaxed
@given(st.sampled_from(sorted(TYPES)).flatmap(lambda name: st.tuples(st.just(name), likely(name))))
def test_what_was_accepted_once_is_accepted_again_as_it_is(case: tuple[str, Any]) -> None:
    type_name, value = case
    faults: list[Fault] = []
    result = convert(value, type_name, faults)
    if not faults:
        assert accepted(type_name, result) == result


def test_data_nested_a_hundred_thousand_deep_is_only_one_fault() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert complaints("ExecAction", {"command": deep}) == ["command[0]: expected text, got a list"]


def test_data_that_holds_itself_is_refused() -> None:
    volume: dict[str, Any] = {"name": "a"}
    volume["emptyDir"] = volume
    assert "emptyDir.emptyDir: unknown key 'emptyDir'" in complaints("Volume", volume)


# --- the table -------------------------------------------------------------------------------------------


def test_the_table_is_that_of_the_newest_schema() -> None:
    assert maker.TARGET.read_text(encoding="utf-8") == maker.make(maker.newest_definitions())


def test_the_table_stays_small() -> None:
    assert maker.TARGET.stat().st_size < 60_000


def test_every_word_in_the_table_is_understood() -> None:
    for word in every_word:
        assert callable(kubernetes._reader(word))
    for name in TYPES:
        assert callable(kubernetes._reader(name))


@pytest.mark.parametrize(
    "name",
    [
        *("Container", "EnvVar", "Lifecycle", "NodeSelectorTerm", "PodAffinityTerm", "PodSpec", "Volume"),
        *("PreferredSchedulingTerm", "Toleration", "VolumeMount", "WeightedPodAffinityTerm"),
    ],
)
def test_kubespawner_can_send_every_field(name: str) -> None:
    """It makes these objects of the client's models (`get_k8s_model`), which know the fields of their own version."""
    assert TYPES[name].keys() <= set(getattr(models, f"V1{name}").attribute_map.values())


def test_every_rule_belongs_to_a_type_of_the_table() -> None:
    assert kubernetes.RULES.keys() <= TYPES.keys()


@pytest.mark.parametrize("field", maker.FACTS)
def test_a_fact_about_a_field_only_narrows_what_the_schema_says(field: str) -> None:
    name, _, key = field.partition(".")
    schema, fact = from_schema_alone()[name][key], maker.FACTS[field]
    assert base(fact.rstrip("!^")) == base(schema.rstrip("!^"))
    assert fact.endswith("!") or not schema.endswith("!")


@cache
def from_schema_alone() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = json.loads(maker.make(maker.newest_definitions(), {}))
    return table


def base(word: str) -> str:
    if word.startswith("["):
        return f"[{base(word.rstrip('+')[1:-1])}]"
    if word.startswith("{"):
        return f"{{{base(word[1:-1].rpartition(':')[2])}}}"
    if word in {"int32", "integer"} or ".." in word:
        return "integer"
    return word if word in {"boolean", "mode", "port", "quantity"} else "string"


def test_a_fact_about_a_field_that_is_gone_is_told() -> None:
    with pytest.raises(ValueError, match=r"no such fields any more: \['Volume.floppy'\]"):
        maker.make(maker.newest_definitions(), {"Volume.floppy": "filled"})


def test_a_type_that_holds_itself_would_be_told() -> None:
    definitions = {maker.ROOT: {"properties": {"inner": {"$ref": f"#/$defs/{maker.ROOT}"}}}}
    with pytest.raises(ValueError, match="can hold itself"):
        maker.make(definitions, {})


def test_enumerations_of_a_schema_are_kept() -> None:
    definitions = {maker.ROOT: {"properties": {"dnsPolicy": {"type": "string", "enum": ["None", "Default"]}}}}
    assert json.loads(maker.make(definitions, {})) == {"PodSpec": {"dnsPolicy": "Default|None"}}


def test_fields_tell_their_types() -> None:
    assert fields_of("VolumeDevice") == {"devicePath": "filled", "name": "filled"}
    assert fields_of("VolumeProjection")["secret"] == "SecretProjection"
    with pytest.raises(KeyError):
        fields_of("Floppy")


@pytest.mark.parametrize("type_name", TYPES)
def test_any_field_can_be_converted_by_itself(type_name: str) -> None:
    for word in fields_of(type_name).values():
        convert(None, word, [])


def test_the_table_is_read_only_when_it_is_needed_and_nothing_heavy_with_it() -> None:
    code = (
        "import sys\n"
        "from envspawner.policy import kubernetes\n"
        "assert not kubernetes._types.cache_info().currsize\n"
        "kubernetes.fields_of('Volume')\n"
        "heavy = sys.modules.keys() & {'pydantic', 'yaml', 'kubernetes_asyncio', 'jsonschema', 'traitlets'}\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=maker.TARGET.parents[2])
