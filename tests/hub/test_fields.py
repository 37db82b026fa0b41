"""Every key of an environment reaches the pod or the claim, through the real KubeSpawner."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import Making

POD = "pod.spec"
BOX = "pod.spec.containers.0"
CLAIM = "claim.spec"

CASES: dict[str, tuple[str, str, Any]] = {
    "image as text": ("image: quay.io/a/b:1", f"{BOX}.image", "quay.io/a/b:1"),
    "image name and tag": ("image: {name: quay.io/a/b, tag: 1.10}", f"{BOX}.image", "quay.io/a/b:1.10"),
    "image tag that YAML takes for a number": (
        "image: {name: b, tag: 89655e1}",
        f"{BOX}.image",
        "b:89655e1",
    ),
    "image tag that YAML takes for a date": (
        "image: {name: b, tag: 2026-11-02}",
        f"{BOX}.image",
        "b:2026-11-02",
    ),
    "image digest": (
        f"image: {{name: b, digest: 'sha256:{'0' * 64}'}}",
        f"{BOX}.image",
        f"b@sha256:{'0' * 64}",
    ),
    "image.pullPolicy": ("image: {pullPolicy: Always}", f"{BOX}.imagePullPolicy", "Always"),
    "image.pullSecrets": (
        "image: {pullSecrets: [a, {name: b}]}",
        f"{POD}.imagePullSecrets",
        [{"name": "a"}, {"name": "b"}],
    ),
    "memory.limit": ("memory: {limit: 2G}", f"{BOX}.resources.limits.memory", 2**31),
    "memory.guarantee": ("memory: {guarantee: 500Mi}", f"{BOX}.resources.requests.memory", 500 * 2**20),
    "memory.guarantee as a share": (
        "memory: {limit: 2G, guarantee: 50%}",
        f"{BOX}.resources.requests.memory",
        2**30,
    ),
    "cpu.limit": ("cpu: {limit: 1.5}", f"{BOX}.resources.limits.cpu", 1.5),
    "cpu.guarantee": ("cpu: {guarantee: 250m}", f"{BOX}.resources.requests.cpu", 0.25),
    "extraResource.limits": (
        "extraResource: {limits: {nvidia.com/gpu: 1}}",
        f"{BOX}.resources.limits.nvidia~com/gpu",
        1,
    ),
    "extraResource.guarantees": (
        "extraResource: {guarantees: {ephemeral-storage: 1Gi}}",
        f"{BOX}.resources.requests.ephemeral-storage",
        "1Gi",
    ),
    "storage.capacity": ("storage: {capacity: 5Gi}", f"{CLAIM}.resources.requests.storage", "5Gi"),
    "storage.homeMountPath": (
        "storage: {homeMountPath: /home/rstudio}",
        f"{BOX}.volumeMounts.0.mountPath",
        "/home/rstudio",
    ),
    "storage.dynamic.storageClass": (
        "storage: {dynamic: {storageClass: fast}}",
        f"{CLAIM}.storageClassName",
        "fast",
    ),
    "storage.dynamic.pvcNameTemplate": (
        "storage: {dynamic: {pvcNameTemplate: 'home-{username}'}}",
        "claim.metadata.name",
        "home-ada",
    ),
    "storage.dynamic.volumeNameTemplate": (
        "storage: {dynamic: {volumeNameTemplate: 'vol-{username}'}}",
        f"{POD}.volumes.0.name",
        "vol-ada",
    ),
    "storage.dynamic.storageAccessModes": (
        "storage: {dynamic: {storageAccessModes: [ReadWriteMany]}}",
        f"{CLAIM}.accessModes",
        ["ReadWriteMany"],
    ),
    "storage.dynamic.subPath": (
        "storage: {dynamic: {subPath: 'home/{username}'}}",
        f"{BOX}.volumeMounts.0.subPath",
        "home/ada",
    ),
    "storage.static.pvcName": (
        "storage: {type: static, static: {pvcName: all-homes, subPath: '{username}'}}",
        f"{POD}.volumes.0.persistentVolumeClaim.claimName",
        "all-homes",
    ),
    "storage.static.subPath": (
        "storage: {type: static, static: {pvcName: all-homes, subPath: 'home/{username}'}}",
        f"{BOX}.volumeMounts.0.subPath",
        "home/ada",
    ),
    "storage.extraLabels": ("storage: {extraLabels: {tier: gold}}", "claim.metadata.labels.tier", "gold"),
    "storage.extraVolumes": (
        "storage: {extraVolumes: [{name: shm, emptyDir: {medium: Memory}}]}",
        f"{POD}.volumes.1",
        {"name": "shm", "emptyDir": {"medium": "Memory"}},
    ),
    "storage.extraVolumeMounts": (
        "storage: {extraVolumes: {a: {name: shm, emptyDir: {}}}, "
        "extraVolumeMounts: {a: {name: shm, mountPath: /dev/shm}}}",
        f"{BOX}.volumeMounts.1",
        {"name": "shm", "mountPath": "/dev/shm"},
    ),
    "lifecycleHooks.postStart": (
        "lifecycleHooks: {postStart: {exec: {command: [sh, -c, 'echo {x}']}}}",
        f"{BOX}.lifecycle.postStart.exec.command",
        ["sh", "-c", "echo {x}"],
    ),
    "lifecycleHooks.preStop": (
        "lifecycleHooks: {preStop: {exec: {command: [sync]}}}",
        f"{BOX}.lifecycle.preStop.exec.command",
        ["sync"],
    ),
    "cmd": ("cmd: start-singleuser.sh", f"{BOX}.args", ["start-singleuser.sh"]),
    "uid": ("uid: 1001", f"{BOX}.securityContext.runAsUser", 1001),
    "gid": ("gid: 100", f"{BOX}.securityContext.runAsGroup", 100),
    "fsGid": ("fsGid: 100", f"{POD}.securityContext.fsGroup", 100),
    "supplementalGids": ("supplementalGids: [1, 2]", f"{POD}.securityContext.supplementalGroups", [1, 2]),
    "serviceAccountName": ("serviceAccountName: tools", f"{POD}.serviceAccountName", "tools"),
    "nodeSelector": ("nodeSelector: {pool: big}", f"{POD}.nodeSelector", {"pool": "big"}),
    "extraTolerations": (
        "extraTolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]",
        f"{POD}.tolerations",
        [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    ),
    "extraNodeAffinity.required": (
        "extraNodeAffinity: {required: [{matchExpressions: [{key: a, operator: Exists}]}]}",
        f"{POD}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
        [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}],
    ),
    "extraNodeAffinity.preferred": (
        "extraNodeAffinity: {preferred: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Exists}]}}]}",
        f"{POD}.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.weight",
        1,
    ),
    "extraPodAffinity.required": (
        "extraPodAffinity: {required: [{topologyKey: zone, labelSelector: {matchLabels: {a: b}}}]}",
        f"{POD}.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.topologyKey",
        "zone",
    ),
    "extraPodAffinity.preferred": (
        "extraPodAffinity: {preferred: [{weight: 9, podAffinityTerm: {topologyKey: zone}}]}",
        f"{POD}.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.weight",
        9,
    ),
    "extraPodAntiAffinity.required": (
        "extraPodAntiAffinity: {required: [{topologyKey: zone}]}",
        f"{POD}.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.topologyKey",
        "zone",
    ),
    "extraPodAntiAffinity.preferred": (
        "extraPodAntiAffinity: {preferred: [{weight: 9, podAffinityTerm: {topologyKey: zone}}]}",
        f"{POD}.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.weight",
        9,
    ),
    "initContainers": (
        "initContainers: [{name: prepare, image: 'busybox:1', command: [sh, -c, 'echo ${HOME} {a}']}]",
        f"{POD}.initContainers.0.command",
        ["sh", "-c", "echo ${HOME} {a}"],
    ),
    "extraContainers": (
        "extraContainers: {label: {name: side, image: 'busybox:1'}}",
        f"{POD}.containers.1.name",
        "side",
    ),
    "extraLabels": ("extraLabels: {team: '{username}'}", "pod.metadata.labels.team", "ada"),
    "extraAnnotations": (
        "extraAnnotations: {example.org/q: '{\"a\": 1}'}",
        "pod.metadata.annotations.example~org/q",
        '{"a": 1}',
    ),
    "extraPodConfig": ("extraPodConfig: {hostNetwork: true}", f"{POD}.hostNetwork", True),
    "extraContainerConfig": (
        "extraContainerConfig: {envFrom: [{configMapRef: {name: m}}]}",
        f"{BOX}.envFrom",
        [{"configMapRef": {"name": "m"}}],
    ),
    "priorityClassName": ("priorityClassName: high", f"{POD}.priorityClassName", "high"),
    "schedulerName": ("schedulerName: packer", f"{POD}.schedulerName", "packer"),
    "allowPrivilegeEscalation": (
        "allowPrivilegeEscalation: true",
        f"{BOX}.securityContext.allowPrivilegeEscalation",
        True,
    ),
    "kubespawnerOverride": (
        "kubespawnerOverride: {working_dir: '/srv/{username}/{x}'}",
        f"{BOX}.workingDir",
        "/srv/ada/{x}",
    ),
    "kubespawnerOverride of a mapping": (
        "kubespawnerOverride: {pod_security_context: {runAsNonRoot: true}}",
        f"{POD}.securityContext.runAsNonRoot",
        True,
    ),
    "kubespawnerOverride of arguments": (
        "{cmd: [start], kubespawnerOverride: {args: [--x]}}",
        f"{BOX}.args",
        ["start", "--x"],
    ),
}


def at(data: Any, path: str) -> Any:
    for step in path.split("."):
        data = data[int(step)] if isinstance(data, list) else data[step.replace("~", ".")]
    return data


@pytest.mark.parametrize(("yaml", "path", "wanted"), CASES.values(), ids=CASES)
async def test_it_reaches_the_manifest(making: Making, yaml: str, path: str, wanted: Any) -> None:
    made = await making(f"defaults: {yaml if yaml.startswith('{') else '{' + yaml + '}'}")
    assert at({"pod": made.pod, "claim": made.claim}, path) == wanted


ENV = {
    "text": ("EDITOR: vim", "vim"),
    "a whole number": ("N: 12", "12"),
    "a number whose text matters": ("N: 1.10", "1.10"),
    "a number with a leading zero": ("NB_UMASK: 0002", "0002"),
    "a boolean": ("B: true", "true"),
    "a date": ("D: 2026-11-02", "2026-11-02"),
    "JSON": ("J: '{\"a\": 1}'", '{"a": 1}'),
    "a shell's variable": ("S: '${HOME}/x'", "${HOME}/x"),
    "another program's template": ("T: '{{ .Values.x }}'", "{{ .Values.x }}"),
    "a known placeholder": ("U: 'I am {username}'", "I am ada"),
    "a known placeholder that is meant as text": ("U: '{{username}}'", "{username}"),
    "a shell's variable of a placeholder's name": ("U: '${username}'", "${username}"),
    "a hyphen at the end": ("H: '{x}-'", "{x}-"),
    "nothing": ("E: ''", ""),
    "a secret": (
        "P: {valueFrom: {secretKeyRef: {name: s, key: k}}}",
        {"secretKeyRef": {"name": "s", "key": "k"}},
    ),
    "a config map": (
        "P: {valueFrom: {configMapKeyRef: {name: s, key: k, optional: true}}}",
        {"configMapKeyRef": {"name": "s", "key": "k", "optional": True}},
    ),
    "a field of the pod": (
        "P: {valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}",
        {"fieldRef": {"fieldPath": "spec.nodeName"}},
    ),
}


@pytest.mark.parametrize(("yaml", "wanted"), ENV.values(), ids=ENV)
async def test_a_variable_may_be(making: Making, yaml: str, wanted: Any) -> None:
    made = await making(f"defaults: {{extraEnv: {{{yaml}}}}}")
    assert made.env[yaml.partition(":")[0]] == wanted


async def test_the_default_url_keeps_its_braces(making: Making) -> None:
    made = await making("defaults: {defaultUrl: '/lab/tree/{username}/{x}'}")
    assert made.env["JUPYTERHUB_DEFAULT_URL"] == "/lab/tree/ada/{x}"


async def test_limits_in_the_environment_are_the_final_ones(making: Making) -> None:
    made = await making("defaults: {memory: {limit: 8G}, atMost: {memory: 2G}}")
    assert made.env["MEM_LIMIT"] == str(2**31)
    assert made.notebook["resources"]["limits"]["memory"] == 2**31


async def test_the_pod_says_by_which_profile_and_policy_it_was_made(making: Making) -> None:
    made = await making("profiles: {small: {}}")
    annotations = made.pod["metadata"]["annotations"]
    assert annotations["hub.jupyter.org/envspawner-profile"] == "small"
    assert re.fullmatch("[0-9a-f]{16}", annotations["hub.jupyter.org/envspawner-policy"])


async def test_an_empty_policy_gives_a_guarantee_and_a_home(making: Making) -> None:
    made = await making("defaults: {}")
    assert made.notebook["resources"]["requests"]["memory"] == 2**30
    assert made.claim is not None
    assert made.claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert made.volumes["home"]["persistentVolumeClaim"]["claimName"] == made.claim["metadata"]["name"]
    assert made.mounts["/home/jovyan"]["name"] == "home"
