"""What generated policies found that the API server refuses: told when a policy is read, and no more than that."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest
import yaml

from envspawner.policy import kubernetes
from envspawner.policy.located import dotted
from envspawner.policy.problems import Fault
from envspawner.policy.sent import refused_parts

from .loading import policy_of, problems_of, warnings_of

LONG = "x" * 254


def told(type_name: str, text: str) -> list[str]:
    """What is wrong with a piece, without hints."""
    faults: list[Fault] = []
    kubernetes.convert(yaml.safe_load(text), type_name, faults)
    return [f"{dotted(fault.loc)}: {fault.message}" for fault in faults]


WRONG = [
    # text that is no name, key, address or path
    ("HTTPHeader", "{name: a b, value: x}", "name: 'a b' is no name of an HTTP header"),
    ("HostAlias", "{ip: localhost}", "ip: 'localhost' is no IP address"),
    ("HostAlias", "{ip: 010.0.0.1}", "ip: '010.0.0.1' is no IP address"),
    ("HostAlias", "{ip: 'fe80::1%eth0'}", "ip: 'fe80::1%eth0' is no IP address"),
    ("HostAlias", "{ip: 10.0.0.1, hostnames: [a_b]}", "hostnames[0]: 'a_b' cannot be the name of an object"),
    ("PodDNSConfig", "{nameservers: [dns]}", "nameservers[0]: 'dns' is no IP address"),
    ("PodDNSConfig", "{searches: [UP]}", "searches[0]: 'UP' cannot be the name of an object"),
    ("PodDNSConfig", "{options: [{}]}", "options[0]: name is missing"),
    ("Sysctl", "{name: a b, value: 1}", "name: 'a b' is no name of a sysctl"),
    ("Sysctl", f"{{name: {LONG}, value: 1}}", f"name: '{'x' * 60}…' is no name of a sysctl"),
    ("SecretKeySelector", "{name: a, key: b/c}", "key: 'b/c' cannot be a key of a secret or a config map"),
    ("ConfigMapKeySelector", "{name: a, key: ..}", "key: '..' cannot be a key of a secret or a config map"),
    ("KeyToPath", "{key: a, path: ..b}", "path: '..b' cannot be the path of a file here"),
    ("EnvFromSource", "{prefix: a b, secretRef: {name: a}}", "prefix: 'a b' cannot be the name of an environment variable"),
    ("PodReadinessGate", "{conditionType: a b}", "conditionType: 'a b' cannot be the key of a label"),
    ("PodSpec", "{containers: [], nodeName: UP}", "nodeName: 'UP' cannot be the name of an object"),
    ("Container", "{name: a, image: ' b'}", "image: ' b' cannot be an image"),
    ("VolumeMount", "{name: a, mountPath: /a, subPathExpr: /x}", "subPathExpr: the sub-path '/x' is not relative"),
    ("CSIVolumeSource", "{driver: a_b}", "driver: 'a_b' cannot be the name of an object"),
    ("CSIVolumeSource", f"{{driver: {LONG[:64]}}}", f"driver: '{'x' * 60}…' cannot be the name of a driver"),
    ("CSIVolumeSource", "{driver: a, nodePublishSecretRef: {}}", "nodePublishSecretRef: name is missing"),
    ("QuobyteVolumeSource", "{registry: a, volume: b}", "registry: 'a' is no registry"),
    ("ISCSIVolumeSource", "{iqn: x, lun: 0, targetPortal: a}", "iqn: 'x' is no name of iSCSI"),
    ("WindowsSecurityContextOptions", "{runAsUserName: ''}", "runAsUserName: '' is no Windows user"),
    ("ObjectFieldSelector", "{fieldPath: metadata.name, apiVersion: v2}", "apiVersion: 'v2' is not one of v1"),
    ("ObjectFieldSelector", '{fieldPath: "metadata.labels[\'a b\']"}', "fieldPath: 'a b' cannot be the key of a label"),
    # fields that must agree
    ("EnvVarSource", "{fieldRef: {fieldPath: metadata.labels}}", "fieldRef.fieldPath: metadata.labels as a whole is no text"),
    ("DownwardAPIVolumeFile", "{path: a}", ": it does not say what it is"),
    ("DownwardAPIVolumeFile", "{path: a, fieldRef: {fieldPath: status.podIP}}", "fieldRef.fieldPath: status.podIP cannot be had as a file"),
    ("DownwardAPIVolumeFile", "{path: a, resourceFieldRef: {resource: limits.cpu}}", "resourceFieldRef: containerName is missing"),
    ("ResourceFieldSelector", "{resource: cpu}", "resource: cpu cannot be had here"),
    ("ResourceFieldSelector", "{resource: limits.cpu, divisor: 1Mi}", "divisor: 1Mi cannot be a divisor of limits.cpu"),
    ("ResourceFieldSelector", "{resource: limits.memory, divisor: 7}", "divisor: 7 cannot be a divisor of limits.memory"),
    ("ResourceRequirements", "{limits: {hugepages-2Mi: 2Mi}}", ": huge pages need cpu or memory beside them"),
    ("NodeSelectorTerm", "{matchFields: [{key: app, operator: Exists}]}", "matchFields[0].key: the only field is metadata.name"),
    ("NodeSelectorTerm", "{matchFields: [{key: metadata.name, operator: Exists}]}", "matchFields[0].operator: a field is matched with In or NotIn"),
    ("NodeSelectorTerm", "{matchFields: [{key: metadata.name, operator: In, values: [a, b]}]}", "matchFields[0].values: a field is matched with one value"),
    ("SeccompProfile", "{type: Localhost}", ": Localhost needs localhostProfile"),
    ("SeccompProfile", "{type: Unconfined, localhostProfile: a}", "localhostProfile: Unconfined goes without localhostProfile"),
    ("SecurityContext", "{privileged: true, allowPrivilegeEscalation: false}", "privileged: privileged needs privilege escalation"),
    ("SecurityContext", "{capabilities: {add: [CAP_SYS_ADMIN]}, allowPrivilegeEscalation: false}", "capabilities.add: CAP_SYS_ADMIN needs privilege escalation"),
    ("PodSecurityContext", "{sysctls: [{name: a, value: 1}, {name: a, value: 2}]}", "sysctls[1].name: the sysctl a is there already"),
    ("PodDNSConfig", "{nameservers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4]}", "nameservers: a pod has at most 3 nameservers"),
    ("PodDNSConfig", f"{{searches: [{', '.join('a' * 33)}]}}", "searches: a pod searches at most 32 domains, of 2048 characters"),
    ("PodSpec", "{containers: [], dnsPolicy: None}", "dnsPolicy: None needs nameservers"),
    ("PodSpec", "{containers: [], hostPID: true, shareProcessNamespace: true}", "shareProcessNamespace: shareProcessNamespace cannot stand beside hostPID"),
    ("ProjectedVolumeSource", "{sources: [{secret: {name: a, items: [{key: k, path: p}]}}, {serviceAccountToken: {path: p}}]}", "sources[1].serviceAccountToken.path: the path p is there already"),
    ("FCVolumeSource", "{}", ": it does not say what it is"),
    ("FCVolumeSource", "{targetWWNs: [a]}", ": lun is missing"),
    ("FlockerVolumeSource", "{datasetName: a, datasetUUID: b}", "datasetUUID: datasetUUID cannot stand beside datasetName"),
    ("AzureDiskVolumeSource", "{diskName: a, diskURI: b}", "diskURI: begin it with https://"),
    ("ISCSIVolumeSource", "{iqn: eui.0123456789abcdef, lun: 0, targetPortal: a, chapAuthSession: true}", ": secretRef is missing"),
    ("Volume", f"{{name: a, iscsi: {{iqn: eui.0123456789abcdef, lun: 0, targetPortal: {LONG}, initiatorName: eui.0123456789abcdef}}}}", "name: name and iscsi.targetPortal have more than 62 characters"),
    # containers
    ("Container", "{name: a, image: b, livenessProbe: {exec: {command: [c]}, successThreshold: 2}}", "livenessProbe.successThreshold: a livenessProbe succeeds with the first success"),
    ("Container", "{name: a, image: b, readinessProbe: {exec: {command: [c]}, terminationGracePeriodSeconds: 2}}", "readinessProbe.terminationGracePeriodSeconds: a readinessProbe ends nothing"),
    ("Container", "{name: a, image: b, ports: [{name: p, containerPort: 1}, {name: p, containerPort: 2}]}", "ports[1].name: the port p is there already"),
    ("Container", "{name: a, image: b, volumeMounts: [{name: c, mountPath: /d}, {name: e, mountPath: /d}]}", "volumeMounts[1].mountPath: the path /d is there already"),
    ("Container", "{name: a, image: b, volumeMounts: [{name: c, mountPath: /d}], volumeDevices: [{name: c, devicePath: /e}]}", "volumeDevices[0].name: the volume c is also mounted"),
    ("Container", "{name: a, image: b, volumeMounts: [{name: c, mountPath: /d, mountPropagation: Bidirectional}]}", "volumeMounts[0].mountPropagation: Bidirectional is for privileged containers"),
    ("InitContainer", "{name: a, image: b, lifecycle: {}}", "lifecycle: a container that ends before the others has no lifecycle"),
    ("InitContainer", "{name: a, image: b, readinessProbe: {exec: {command: [c]}}}", "readinessProbe: a container that ends before the others has no readinessProbe"),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "text", "expected"), WRONG, ids=[f"{t} {y[:90]}" for t, y, _ in WRONG])
def test_what_the_api_server_refuses_is_refused_first(type_name: str, text: str, expected: str) -> None:
    assert told(type_name, text) == [expected]


RIGHT = [
    ("InitContainer", "{name: a, image: b, restartPolicy: Always, startupProbe: {exec: {command: [c]}}}"),
    ("Container", "{name: a, image: b, startupProbe: {exec: {command: [c]}, successThreshold: 1}}"),
    ("Container", "{name: a, image: b, securityContext: {privileged: true}, volumeMounts: [{name: c, mountPath: /d, mountPropagation: Bidirectional}]}"),
    ("SecurityContext", "{privileged: true}"),
    ("SecurityContext", "{capabilities: {add: [CAP_SYS_ADMIN]}, allowPrivilegeEscalation: true}"),
    ("SeccompProfile", "{type: Localhost, localhostProfile: profiles/a.json}"),
    ("PodSpec", "{containers: [], dnsPolicy: None, dnsConfig: {nameservers: [10.0.0.10], searches: [example.org.]}}"),
    ("ResourceFieldSelector", "{resource: limits.cpu, divisor: 0}"),
    ("ResourceFieldSelector", "{resource: requests.memory, divisor: 1Mi}"),
    ("CSIVolumeSource", "{driver: Example.org}"),
    ("EnvFromSource", "{prefix: '', secretRef: {name: a}}"),
    ("Sysctl", "{name: net/ipv4.tcp_syncookies, value: ''}"),
    ("HostAlias", "{ip: 'fd00::1', hostnames: [hub.example.org]}"),
    ("DownwardAPIVolumeFile", "{path: a, fieldRef: {fieldPath: metadata.labels}}"),
    ("ObjectFieldSelector", '{fieldPath: "metadata.annotations[\'EXAMPLE.org/a\']", apiVersion: ""}'),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "text"), RIGHT, ids=[f"{t} {y[:90]}" for t, y in RIGHT])
def test_what_the_api_server_accepts_is_accepted(type_name: str, text: str) -> None:
    assert told(type_name, text) == []


# --- a rule of a policy --------------------------------------------------------------------------------------

BIDIRECTIONAL = "{name: home, mountPath: /x, mountPropagation: Bidirectional}"
RULES = [
    ("extraContainers: [{name: notebook, image: a}]", "extraContainers[0]: notebook is the name of the server's own container"),
    ("initContainers: {x: {name: a, image: b}}\n  extraContainers: [{name: a, image: b}]", "initContainers.x.name: the container a is there already"),
    ("extraContainers: [{name: a, image: b, ports: [{containerPort: 1, hostPort: 2}]}, {name: c, image: d, ports: [{containerPort: 3, hostPort: 2}]}]", "extraContainers[1].ports[0]: a has the port 2 of the node already"),
    ("extraPodConfig: {hostNetwork: true}\n  extraContainers: [{name: a, image: b, ports: [{containerPort: 1, hostPort: 2}]}]", "extraContainers[0].ports[0].hostPort: with hostNetwork both ports are one"),
    ("extraPodConfig: {priority: 1}", "extraPodConfig.priority: priority may not stand here"),
    ("extraPodConfig: {overhead: {}}", "extraPodConfig.overhead: overhead may not stand here"),
    ("extraPodConfig: {preemptionPolicy: Never}", "extraPodConfig.preemptionPolicy: preemptionPolicy may not stand here"),
    ("extraPodConfig: {dnsPolicy: None}", "extraPodConfig.dnsPolicy: None needs nameservers"),
    ("extraContainerConfig: {startupProbe: {tcpSocket: {port: 1}, successThreshold: 2}}", "extraContainerConfig.startupProbe.successThreshold: a startupProbe succeeds with the first success"),
    ("kubespawnerOverride: {privileged: true}", "kubespawnerOverride.privileged: privileged needs privilege escalation"),
    ("allowPrivilegeEscalation: false\n  kubespawnerOverride: {container_security_context: {privileged: true}}", "kubespawnerOverride.container_security_context: privileged needs privilege escalation"),
    (f"storage: {{extraVolumeMounts: [{BIDIRECTIONAL}]}}", "storage.extraVolumeMounts[0].mountPropagation: Bidirectional is for privileged containers"),
    ("storage: {dynamic: {storageAccessModes: []}}", "storage.dynamic.storageAccessModes: a claim needs an access mode"),
    ("storage: {dynamic: {storageAccessModes: [ReadWriteOncePod, ReadWriteMany]}}", "storage.dynamic.storageAccessModes: ReadWriteOncePod goes with no other mode"),
    ("extraContainers: [{name: a, image: b, volumeDevices: [{name: nobody, devicePath: /dev/x}]}]", "extraContainers: mounts the volume nobody, which nothing defines"),
]  # fmt: skip


@pytest.mark.parametrize(("block", "expected"), RULES, ids=[expected for _, expected in RULES])
def test_what_a_rule_says_must_fit_into_one_pod(block: str, expected: str) -> None:
    (problem,) = problems_of(f"defaults:\n  {block}\n")
    assert f"defaults.{expected}" in problem


@pytest.mark.parametrize(
    "block",
    [
        "allowPrivilegeEscalation: true\n  kubespawnerOverride: {privileged: true}",
        "allowPrivilegeEscalation: null\n  kubespawnerOverride: {privileged: true}",
        "kubespawnerOverride: {container_security_context: {privileged: true, allowPrivilegeEscalation: true}}",
        f"extraContainerConfig: {{securityContext: {{privileged: true}}}}\n  storage: {{extraVolumeMounts: [{BIDIRECTIONAL}]}}",
        "extraContainers: [{name: a, image: b, ports: [{containerPort: 1, hostPort: 2}]}]\n"
        "  initContainers: [{name: c, image: d, ports: [{containerPort: 3, hostPort: 2}]}]",
        "storage: {dynamic: {storageAccessModes: [ReadWriteOncePod]}}",
    ],
)  # fmt: skip
def test_what_fits_into_one_pod_is_accepted(block: str) -> None:
    policy_of(f"defaults:\n  {block}\n")


def test_no_two_rules_call_an_init_container_and_another_container_alike() -> None:
    init, extra = "initContainers: [{name: a, image: b}]", "extraContainers: [{name: a, image: b}]"
    (problem,) = problems_of(f"defaults: {{{init}}}\nusers: {{ada: {{{extra}}}}}")
    assert (
        "users.ada.extraContainers: the name a is also that of one of initContainers, in p.yaml:1" in problem
    )
    policy_of(f"defaults: {{{init}}}\nusers: {{ada: {{{init}}}}}")
    policy_of(f"defaults: {{{init}}}\nusers: {{ada: {{extraContainers: {{a: null}}}}}}")


HOOK = "lifecycleHooks: {postStart: {tcpSocket: {port: 1}}}"


@pytest.mark.parametrize(("profile", "choice"), [("copyOnce: /a", HOOK), (HOOK, "copyOnce: /a")])
def test_a_choice_and_its_profile_must_go_together(profile: str, choice: str) -> None:
    (problem,) = problems_of(
        f"profiles: {{p: {{{profile}, options: {{o: {{choices: {{c: {{{choice}}}}}}}}}}}}}"
    )
    assert "profiles.p.options.o.choices.c." in problem
    assert "cannot be joined with the" in problem
    policy_of(f"profiles: {{p: {{{profile}, options: {{o: {{choices: {{c: {{cpu: {{limit: 1}}}}}}}}}}}}}}")


def test_a_rule_without_capacity_is_warned_of_where_a_claim_is_made() -> None:
    (warning,) = warnings_of("groups: {g: {storage: {capacity: null}}}")
    assert "groups.g.storage.capacity: a new claim needs a capacity" in warning
    assert warnings_of("groups: {g: {storage: {type: none, capacity: null}}}") == []


# --- what is about to be sent ----------------------------------------------------------------------------------


def pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "notebook", "image": "a", "ports": [{"containerPort": 8888}]}]
    return {
        "kind": "Pod",
        "metadata": {"name": "jupyter-ada", "labels": {"app": "jupyterhub"}, "annotations": {}},
        "spec": {"containers": containers, "volumes": [{"name": "v", "emptyDir": {}}], **spec},
    }


def parts(manifest: dict[str, Any]) -> list[str]:
    return [f"{dotted(fault.loc)}: {fault.message}" for fault in refused_parts(manifest)]


def test_a_pod_that_is_right_is_sent() -> None:
    assert parts(pod(newer=1, initContainers=[{"name": "i", "image": "b"}])) == []


SENT: list[tuple[dict[str, Any], str]] = [
    (pod(initContainers=[{"name": "notebook", "image": "b"}]), "spec.initContainers[0].name: the container notebook is there already"),
    (pod(volumes=[{"name": "v", "emptyDir": {}}] * 2), "spec.volumes[1].name: the volume v is there already"),
    (pod(initContainers=[{"name": "i", "image": "b", "volumeMounts": [{"name": "w", "mountPath": "/w"}]}]), "spec.initContainers[0].volumeMounts[0].name: mounts the volume w, which is not there"),
    (pod(initContainers=[{"name": "i", "image": "b", "volumeDevices": [{"name": "w", "devicePath": "/w"}]}]), "spec.initContainers[0].volumeDevices[0].name: the volume w is not there"),
    (pod(initContainers=[{"name": "i", "image": "b", "volumeDevices": [{"name": "v", "devicePath": "/w"}]}]), "spec.initContainers[0].volumeDevices[0].name: the volume v is no claim"),
    (pod(hostNetwork=True, containers=[{"name": n, "image": "a", "ports": [{"containerPort": 80}]} for n in "ab"]), "spec.containers[1].ports[0]: a has the port 80 of the node already"),
    (pod(nodeSelector={"a": LONG}), f"spec.nodeSelector.a: '{'x' * 60}…' cannot be the value of a label"),
    ({**pod(), "metadata": {"name": "a", "labels": {"b": "c d"}}}, "metadata.labels.b: 'c d' cannot be the value of a label"),
    ({**pod(), "metadata": {"name": "a", "annotations": {"b": "é" * 2**17}}}, "metadata.annotations: all annotations together have more than 256 KiB"),
    ({**pod(), "metadata": {"name": "a", "annotations": {"a b/c": "d"}}}, "metadata.annotations.a b/c: 'a b/c' cannot be the key of an annotation"),
    ({"kind": "PersistentVolumeClaim", "metadata": {"name": "A"}, "spec": {}}, "metadata.name: 'A' cannot be the name of an object"),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "expected"), SENT, ids=[expected[:80] for _, expected in SENT])
def test_what_only_a_start_can_know_is_told_before_it_is_sent(
    manifest: dict[str, Any], expected: str
) -> None:
    assert parts(manifest) == [expected]
