"""Every key of an environment: in the chart's spelling, from YAML and from Python, and each of its mistakes."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import yaml

from envspawner.policy.environment import Environment
from envspawner.policy.fields import DROPPED_BY, FIELDS, HOME_FIELDS
from envspawner.policy.kinds import DERIVED_ENV, RESERVED_ENV

from .loading import defaults_of, from_traits, problem_of, problems_of, trait_problems, values_of

DIGEST = "sha256:" + "0123456789abcdef" * 4
TOLERATION = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
TERM = {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["user"]}]}
POD_TERM = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "zone"}

ACCEPTED: list[tuple[str, str, dict[str, Any]]] = [
    (
        "an image in one string",
        f"image: quay.io/j/x:1.10@{DIGEST}",
        {"image.name": "quay.io/j/x", "image.tag": "1.10", "image.digest": DIGEST},
    ),
    ("an image with a port", "image: hub:5000/x", {"image.name": "hub:5000/x"}),
    (
        "an image's parts",
        f"image: {{name: quay.io/j/x, tag: 1.10, digest: '{DIGEST}'}}",
        {"image.name": "quay.io/j/x", "image.tag": "1.10", "image.digest": DIGEST},
    ),
    ("a tag that looks like a number", "image: {tag: 89655e1}", {"image.tag": "89655e1"}),
    ("a date as a tag", "image: {tag: 2026-11-02}", {"image.tag": "2026-11-02"}),
    (
        "how an image is pulled",
        "image: {pullPolicy: Always, pullSecrets: [a, {name: b}]}",
        {"image.pullPolicy": "Always", "image.pullSecrets": ["a", "b"]},
    ),
    ("one pull secret", "image: {pullSecrets: a}", {"image.pullSecrets": ["a"]}),
    (
        "an image with placeholders",
        "image: quay.io/{username}/x:{profile}-1",
        {"image.name": "quay.io/{username}/x", "image.tag": "{profile}-1"},
    ),
    (
        "variables",
        "extraEnv: {A: text, B: 1.10, C: 0002, D: true, E: null, F: '', G: '{\"a\": 1}'}",
        {
            "extraEnv.A": "text",
            "extraEnv.B": "1.10",
            "extraEnv.C": "0002",
            "extraEnv.D": "true",
            "extraEnv.E": None,
            "extraEnv.F": "",
            "extraEnv.G": '{"a": 1}',
        },
    ),
    (
        "a variable from a secret",
        "extraEnv: {A: {valueFrom: {secretKeyRef: {name: s, key: k}}}}",
        {"extraEnv.A": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
    ),
    (
        "memory",
        "memory: {guarantee: 512M, limit: 1G}",
        {"memory.guarantee": 512 * 2**20, "memory.limit": 2**30},
    ),
    (
        "memory in other words",
        "memory: {guarantee: 1000000, limit: ' 1.5Gi '}",
        {"memory.guarantee": 1000000, "memory.limit": 3 * 2**29},
    ),
    (
        "a share of the memory",
        "memory: {guarantee: 50%, limit: 1G}",
        {"memory.guarantee": Fraction(1, 2), "memory.limit": 2**30},
    ),
    ("no memory limit", "memory: {limit: null}", {"memory.limit": None}),
    ("nothing said of memory", "memory: null", {"memory.guarantee": None, "memory.limit": None}),
    ("cores", "cpu: {guarantee: 250m, limit: 2}", {"cpu.guarantee": 0.25, "cpu.limit": 2.0}),
    ("a share of the cores", "cpu: {guarantee: 25%}", {"cpu.guarantee": Fraction(1, 4)}),
    ("a GPU", "extraResource: {limits: {nvidia.com/gpu: 1}}", {"extraResource.limits.nvidia.com/gpu": 1}),
    (
        "a GPU guaranteed",
        "extraResource: {guarantees: {nvidia.com/gpu: '1'}, limits: {nvidia.com/gpu: null}}",
        {"extraResource.guarantees.nvidia.com/gpu": 1, "extraResource.limits.nvidia.com/gpu": None},
    ),
    (
        "a disk of its own",
        "extraResource: {limits: {ephemeral-storage: 5Gi}}",
        {"extraResource.limits.ephemeral-storage": "5Gi"},
    ),
    ("no home", "storage: {type: none}", {"storage.type": "none"}),
    ("a home's size", "storage: {capacity: 5Gi}", {"storage.capacity": "5Gi"}),
    ("a home that grows", "storage: {expand: grow}", {"storage.expand": "grow"}),
    (
        "an owner, which YAML would read as a time",
        "storage: {owner: 1000:100}",
        {"storage.owner": "1000:100"},
    ),
    (
        "a home's place",
        "storage: {homeMountPath: '/home/{username}', home: course}",
        {"storage.homeMountPath": "/home/{username}", "storage.home": "course"},
    ),
    (
        "a dynamic home",
        "storage: {type: dynamic, dynamic: {storageClass: fast, pvcNameTemplate: 'claim-{user_server}', volumeNameTemplate: 'volume-{user_server}', storageAccessModes: [ReadWriteMany], subPath: 'a/{username}'}}",
        {
            "storage.type": "dynamic",
            "storage.dynamic.storageClass": "fast",
            "storage.dynamic.pvcNameTemplate": "claim-{user_server}",
            "storage.dynamic.volumeNameTemplate": "volume-{user_server}",
            "storage.dynamic.storageAccessModes": ["ReadWriteMany"],
            "storage.dynamic.subPath": "a/{username}",
        },
    ),
    (
        "a static home",
        "storage: {type: static, static: {pvcName: homes, subPath: 'home/{username}'}}",
        {
            "storage.type": "static",
            "storage.static.pvcName": "homes",
            "storage.static.subPath": "home/{username}",
        },
    ),
    (
        "nothing said of the claim",
        "storage: {dynamic: {storageClass: null}}",
        {"storage.dynamic.storageClass": None},
    ),
    (
        "labels of the claim",
        "storage: {extraLabels: {team: a, cost: 12}}",
        {"storage.extraLabels.team": "a", "storage.extraLabels.cost": "12"},
    ),
    (
        "volumes in a list",
        "storage: {extraVolumes: [{name: v, emptyDir: {}}], extraVolumeMounts: [{name: v, mountPath: /v}]}",
        {
            "storage.extraVolumes.v": {"name": "v", "emptyDir": {}},
            "storage.extraVolumeMounts./v": {"name": "v", "mountPath": "/v"},
        },
    ),
    (
        "volumes under labels",
        "storage: {extraVolumes: {10-v: {name: v, emptyDir: {}}, w: null}}",
        {"storage.extraVolumes.v": {"name": "v", "emptyDir": {}}, "storage.extraVolumes.w": None},
    ),
    ("no volumes", "storage: {extraVolumes: []}", {}),
    ("starter files", "copyOnce: /srv/app/src", {"copyOnce": [{"from": "/srv/app/src"}]}),
    (
        "starter files in full",
        "copyOnce: {from: /a, to: /home/jovyan/b, marker: .b, required: true}",
        {"copyOnce": [{"from": "/a", "to": "/home/jovyan/b", "marker": ".b", "required": True}]},
    ),
    (
        "starter files from two folders",
        "copyOnce: [{from: /a, marker: .a}, {to: /b}]",
        {"copyOnce": [{"from": "/a", "marker": ".a"}, {"to": "/b"}]},
    ),
    ("no starter files", "copyOnce: null", {"copyOnce": None}),
    (
        "starter files that are kept up to date before the server starts",
        "copyOnce: {refresh: unmodified, when: initContainer, timeout: 60}",
        {"copyOnce": [{"refresh": "unmodified", "when": "initContainer", "timeout": 60}]},
    ),
    (
        "hooks",
        "lifecycleHooks: {postStart: {exec: {command: [sh, -c, 'test -f $HOME/.copied || cp -Rf /srv/app/src/. $HOME/; touch $HOME/.copied']}}, preStop: null}",
        {
            "lifecycleHooks.postStart": {
                "exec": {
                    "command": [
                        "sh",
                        "-c",
                        "test -f $HOME/.copied || cp -Rf /srv/app/src/. $HOME/; touch $HOME/.copied",
                    ]
                }
            },
            "lifecycleHooks.preStop": None,
        },
    ),
    ("a command", "cmd: [jupyterhub-singleuser, --debug]", {"cmd": ["jupyterhub-singleuser", "--debug"]}),
    ("a command of one word", "cmd: jupyterhub-singleuser", {"cmd": ["jupyterhub-singleuser"]}),
    ("a page", "defaultUrl: /lab", {"defaultUrl": "/lab"}),
    ("a timeout", "startTimeout: 300", {"startTimeout": 300}),
    (
        "ids",
        "uid: 1000\ngid: 0\nfsGid: '100'\nsupplementalGids: [1, 2]",
        {"uid": 1000, "gid": 0, "fsGid": 100, "supplementalGids": [1, 2]},
    ),
    ("a service account", "serviceAccountName: tools", {"serviceAccountName": "tools"}),
    (
        "a node selector",
        "nodeSelector: {pool: user, ssd: true, gone: null}",
        {"nodeSelector.pool": "user", "nodeSelector.ssd": "true", "nodeSelector.gone": None},
    ),
    ("tolerations", f"extraTolerations: [{TOLERATION}]", {f"extraTolerations.{TOLERATION!r}": TOLERATION}),
    (
        "node affinity",
        f"extraNodeAffinity: {{required: [{TERM}], preferred: [{{weight: 1, preference: {TERM}}}]}}",
        {
            f"extraNodeAffinity.required.{TERM!r}": TERM,
            f"extraNodeAffinity.preferred.{ {'weight': 1, 'preference': TERM}!r}": {
                "weight": 1,
                "preference": TERM,
            },
        },
    ),
    (
        "pod affinity",
        f"extraPodAffinity: {{required: [{POD_TERM}], preferred: null}}\nextraPodAntiAffinity: {{required: null, preferred: [{{weight: 2, podAffinityTerm: {POD_TERM}}}]}}",
        {
            f"extraPodAffinity.required.{POD_TERM!r}": POD_TERM,
            "extraPodAffinity.preferred": None,
            "extraPodAntiAffinity.required": None,
            f"extraPodAntiAffinity.preferred.{ {'weight': 2, 'podAffinityTerm': POD_TERM}!r}": {
                "weight": 2,
                "podAffinityTerm": POD_TERM,
            },
        },
    ),
    (
        "containers",
        "initContainers: [{name: i, image: busybox}]\nextraContainers: {x: {name: e, image: busybox, command: [sleep, 1]}}",
        {
            "initContainers.i": {"name": "i", "image": "busybox"},
            "extraContainers.e": {"name": "e", "image": "busybox", "command": ["sleep", "1"]},
        },
    ),
    (
        "labels and annotations",
        "extraLabels: {team: a, hub.jupyter.org/network-access-hub: true}\nextraAnnotations: {example.org/note: any text}",
        {
            "extraLabels.team": "a",
            "extraLabels.hub.jupyter.org/network-access-hub": "true",
            "extraAnnotations.example.org/note": "any text",
        },
    ),
    (
        "more of the pod",
        "extraPodConfig: {hostNetwork: true, dnsPolicy: null}",
        {"extraPodConfig.hostNetwork": True, "extraPodConfig.dnsPolicy": None},
    ),
    (
        "more of the container",
        "extraContainerConfig: {securityContext: {readOnlyRootFilesystem: true}}",
        {"extraContainerConfig.securityContext": {"readOnlyRootFilesystem": True}},
    ),
    (
        "scheduling",
        "priorityClassName: low\nschedulerName: user-scheduler",
        {"priorityClassName": "low", "schedulerName": "user-scheduler"},
    ),
    ("escalation", "allowPrivilegeEscalation: no", {"allowPrivilegeEscalation": False}),
    (
        "other traits",
        "kubespawnerOverride: {working_dir: /tmp, http_timeout: 60, debug: null}",
        {
            "kubespawnerOverride.working_dir": "/tmp",
            "kubespawnerOverride.http_timeout": 60,
            "kubespawnerOverride.debug": None,
        },
    ),
]


@pytest.mark.parametrize(("text", "values"), [pytest.param(*case, id=name) for name, *case in ACCEPTED])
def test_yaml_in_the_chart_s_words_is_taken(text: str, values: dict[str, Any]) -> None:
    assert values_of(defaults_of(text)) == values


@pytest.mark.parametrize(("text", "values"), [pytest.param(*case, id=name) for name, *case in ACCEPTED])
def test_the_same_in_python_means_the_same(text: str, values: dict[str, Any]) -> None:
    class TextOfNumbers(yaml.SafeLoader):
        """Numbers that mean text keep their own spelling, as an admin would quote them in Python."""

    TextOfNumbers.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag.endswith((":null", ":bool", ":int"))]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    data = yaml.load(text.replace("0002", "'0002'"), TextOfNumbers)
    policy, _ = from_traits({"defaults": data})
    assert policy.defaults is not None
    assert values_of(policy.defaults) == values


def test_every_field_is_shown_to_be_accepted() -> None:
    seen = {path for _, text, _ in ACCEPTED for path in (s.field.path for s in defaults_of(text).settings)}
    assert seen == set(FIELDS)


def test_every_key_of_an_environment_is_a_field_or_holds_some() -> None:
    keys = {field.alias for field in Environment.model_fields.values()}
    assert keys == {path.split(".")[0] for path in FIELDS}


def test_what_the_tables_of_fields_name_are_fields() -> None:
    assert set(DROPPED_BY) | {path for paths in DROPPED_BY.values() for path in paths} <= set(FIELDS)
    assert set(FIELDS) >= HOME_FIELDS
    assert "storage.extraVolumes" not in HOME_FIELDS


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5"), (7, "7"), (True, "true"), (False, "false"), (10**15, str(10**15)), ("a", "a")],
    ids=str,
)
def test_plain_python_values_become_text(value: object, text: str) -> None:
    policy, _ = from_traits({"defaults": {"extraEnv": {"A": value}, "extraAnnotations": {"a": value}}})
    assert policy.defaults is not None
    assert values_of(policy.defaults) == {"extraEnv.A": text, "extraAnnotations.a": text}


MISTAKES: list[tuple[str, str, str]] = [
    # image
    (
        "an image without a name",
        "image: ''",
        "image: expected text, got nothing (write a word, or delete the line)",
    ),
    (
        "an image with a blank",
        "image: a b",
        "image: the image 'a b' has a blank in it (leave out the blanks)",
    ),
    (
        "an image in capitals",
        "image: Quay/X",
        "image: the image name 'Quay/X' must be lower-case (did you mean quay/x?)",
    ),
    ("an image as a list", "image: [a]", "image: expected text, got a list"),
    (
        "a tag in the name",
        "image: {name: a:1}",
        "image.name: a name only, without tag and digest (write image: a:1, or give the tag or the digest as a key beside name)",
    ),
    (
        "a bad name",
        "image: {name: 'a:1:2'}",
        "image.name: the image name 'a:1' has a ':' or '@' in it (a tag and a digest stand behind the name, each once: name:tag@digest)",
    ),
    ("a bad tag", "image: {tag: ':1'}", "image.tag: ':1' cannot be a tag (did you mean 1?)"),
    (
        "a short digest",
        "image: {digest: 'sha256:aa'}",
        "image.digest: 'sha256:aa' cannot be a digest (write it as sha256: and 64 hexadecimal digits)",
    ),
    (
        "a pull policy",
        "image: {pullPolicy: always}",
        "image.pullPolicy: 'always' is not one of Always, IfNotPresent, Never (did you mean Always?)",
    ),
    (
        "a pull secret",
        "image: {pullSecrets: [a, B_]}",
        "image.pullSecrets[1]: 'B_' cannot be the name of an object (write at most 253 lower-case letters, digits, '-' and '.', a letter or digit beside each '.')",
    ),
    ("no image", "image: null", "image: null cannot remove this (set a value)"),
    ("no name of an image", "image: {name: null}", "image.name: null cannot remove this (set a value)"),
    # variables
    (
        "variables in a list",
        "extraEnv: [A]",
        "extraEnv: expected a mapping, got a list (write `name: value` lines)",
    ),
    (
        "a variable's name",
        "extraEnv: {a b: c}",
        "extraEnv.a b: 'a b' cannot be the name of an environment variable (did you mean a_b?)",
    ),
    (
        "a variable of JupyterHub",
        "extraEnv: {JUPYTERHUB_API_TOKEN: x}",
        "extraEnv.JUPYTERHUB_API_TOKEN: JupyterHub itself sets JUPYTERHUB_API_TOKEN (choose another name)",
    ),
    (
        "a variable with a key of its own",
        "extraEnv: {MEM_LIMIT: x}",
        "extraEnv.MEM_LIMIT: JupyterHub itself sets MEM_LIMIT (write memory.limit)",
    ),
    (
        "a list as a variable",
        "extraEnv: {A: [1]}",
        "extraEnv.A: expected text, got a list (write text, a number, true or false, or {valueFrom: ...}; quote JSON text)",
    ),
    (
        "JSON without quotes",
        "extraEnv: {A: {b: 1}}",
        "extraEnv.A: expected text, got a mapping (write text, a number, true or false, or {valueFrom: ...}; quote JSON text)",
    ),
    (
        "a source of nothing",
        "extraEnv: {A: {valueFrom: {secretRef: {}}}}",
        "extraEnv.A.valueFrom.secretRef: unknown key 'secretRef' (did you mean secretKeyRef?)",
    ),
    # memory and CPU
    ("memory alone", "memory: 1G", "memory: expected a mapping, got text (write memory: {limit: 1G})"),
    ("cpu alone", "cpu: 2", "cpu: expected a mapping, got a number (write cpu: {limit: 2})"),
    (
        "storage alone",
        "storage: 10Gi",
        "storage: expected a mapping, got text (write storage: {capacity: 10Gi})",
    ),
    ("memory alone that is a list", "memory: [1G]", "memory: expected a mapping, got a list"),
    ("memory alone that is a novel", f"memory: {'x' * 21}", "memory: expected a mapping, got text"),
    (
        "memory's unit",
        "memory: {limit: 8 Gib}",
        "memory.limit: '8 Gib' is not an amount of memory (did you mean 8Gi?)",
    ),
    ("no memory at all", "memory: {limit: 0}", "memory.limit: a limit is above 0 (write null for no limit)"),
    (
        "less than nothing",
        "memory: {limit: -1}",
        "memory.limit: '-1' is below 0 (write bytes, or a number with K, M, G or T such as 512M or 1.5G)",
    ),
    (
        "a share as a limit",
        "memory: {limit: 50%}",
        "memory.limit: '50%' is not an amount of memory (write bytes, or a number with K, M, G or T such as 512M or 1.5G)",
    ),
    (
        "a large share",
        "memory: {guarantee: 150%}",
        "memory.guarantee: '150%' is not above 0% and at most 100% (write more than 0% and at most 100%, such as 50%)",
    ),
    (
        "true as memory",
        "memory: {limit: true}",
        "memory.limit: 'true' is not an amount of memory (write bytes, or a number with K, M, G or T such as 512M or 1.5G)",
    ),
    (
        "a slip within memory",
        "memory: {limits: 1G}",
        "memory.limits: unknown key 'limits' (did you mean limit?)",
    ),
    (
        "Kubernetes' word for a guarantee",
        "memory: {request: 1G}",
        "memory.request: unknown key 'request' (write guarantee)",
    ),
    ("no cores", "cpu: {limit: 0}", "cpu.limit: a limit is above 0 (write null for no limit)"),
    (
        "words as cores",
        "cpu: {limit: two}",
        "cpu.limit: 'two' is not a number of CPU cores (write cores such as 2 or 0.5, or thousandths of a core such as 500m)",
    ),
    # extended resources
    (
        "memory as an extended resource",
        "extraResource: {limits: {memory: 64Gi}}",
        "extraResource.limits.memory: memory has a key of its own (write memory: {limit: ..., guarantee: ...} beside it)",
    ),
    (
        "half a GPU",
        "extraResource: {limits: {nvidia.com/gpu: 0.5}}",
        "extraResource.limits.nvidia.com/gpu: '0.5' is not a whole number (write a whole number such as 1)",
    ),
    (
        "a resource without its vendor",
        "extraResource: {limits: {gpu: 1}}",
        "extraResource.limits.gpu: 'gpu' is not a resource (write its full name, such as nvidia.com/gpu)",
    ),
    # storage
    (
        "a kind of storage",
        "storage: {type: dinamic}",
        "storage.type: 'dinamic' is not one of dynamic, static, none (did you mean dynamic?)",
    ),
    (
        "no kind of storage",
        "storage: {type: null}",
        "storage.type: null cannot remove this (write storage: {type: none} for no home)",
    ),
    (
        "no storage",
        "storage: null",
        "storage: null cannot remove this (write storage: {type: none} for no home)",
    ),
    (
        "a capacity",
        "storage: {capacity: 10Gb}",
        "storage.capacity: '10Gb' is not an amount of storage (did you mean 10G?)",
    ),
    (
        "no capacity",
        "storage: {capacity: 0}",
        "storage.capacity: '0' leaves no room at all (write more than 0, such as 10Gi)",
    ),
    (
        "where a home is",
        "storage: {homeMountPath: home}",
        "storage.homeMountPath: the mount path 'home' is not absolute (start it with /)",
    ),
    (
        "an access mode",
        "storage: {dynamic: {storageAccessModes: [RWO]}}",
        "storage.dynamic.storageAccessModes[0]: 'RWO' is not one of ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod",
    ),
    (
        "a claim's name",
        "storage: {dynamic: {pvcNameTemplate: 'Claim-{username}'}}",
        "storage.dynamic.pvcNameTemplate: 'Claim-x' cannot be the name of an object (did you mean claim-x?)",
    ),
    (
        "a subPath out of the volume",
        "storage: {static: {subPath: ../other}}",
        "storage.static.subPath: '../other' cannot be a sub-path: it has a '..' (write the path without '..')",
    ),
    (
        "a volume that is nothing",
        "storage: {extraVolumes: [{name: v}]}",
        "storage.extraVolumes[0]: it does not say what it is (write one of persistentVolumeClaim, nfs, secret, emptyDir: {})",
    ),
    (
        "a volume without a name",
        "storage: {extraVolumes: {v: {emptyDir: {}}}}",
        "storage.extraVolumes.v: name is missing",
    ),
    (
        "a volume called home",
        "storage: {extraVolumes: [{name: home, emptyDir: {}}]}",
        "storage.extraVolumes: the volume of the home itself is called home (choose another name)",
    ),
    (
        "a way to change the size",
        "storage: {expand: shrink}",
        "storage.expand: 'shrink' is not one of grow",
    ),
    (
        "an owner without a group",
        "storage: {owner: 1000}",
        "storage.owner: '1000' is not a user and a group (write their numbers: 1000:100)",
    ),
    (
        "an owner by name",
        "storage: {owner: 'jovyan:users'}",
        "storage.owner: 'jovyan:users' is not a user and a group (write their numbers: 1000:100)",
    ),
    (
        "an owner that cannot be",
        "storage: {owner: '1000:2147483648'}",
        "storage.owner: expected a whole number from 0 to 2147483647",
    ),
    # starter files
    (
        "a relative folder",
        "copyOnce: src",
        "copyOnce[0].from: 'src' is not a whole path (begin it with /, and leave out ..)",
    ),
    (
        "a variable as a folder",
        "copyOnce: {to: $HOME/work}",
        "copyOnce[0].to: '$HOME/work' is not a whole path (begin it with /, and leave out ..)",
    ),
    (
        "a folder further out",
        "copyOnce: {from: /a/../b}",
        "copyOnce[0].from: '/a/../b' is not a whole path (begin it with /, and leave out ..)",
    ),
    (
        "a marker in a folder",
        "copyOnce: {marker: a/b}",
        "copyOnce[0].marker: 'a/b' is not a file name (a marker stands in the folder that is filled)",
    ),
    ("folders in a list", "copyOnce: [/a]", "copyOnce[0]: expected a mapping, got text"),
    (
        "another folder's marker",
        "copyOnce: [{from: /a}, {from: /b}]",
        "copyOnce[1]: another entry has this marker too (give each entry a marker of its own, so that each is done once)",
    ),
    (
        "a way to refresh",
        "copyOnce: {refresh: always}",
        "copyOnce[0].refresh: 'always' is not one of never, new-files, unmodified",
    ),
    (
        "when to copy",
        "copyOnce: {when: initcontainer}",
        "copyOnce[0].when: 'initcontainer' is not one of postStart, initContainer (did you mean initContainer?)",
    ),
    (
        "no time to copy",
        "copyOnce: {timeout: 0}",
        "copyOnce[0].timeout: expected seconds, from 1 to 86400 (a day)",
    ),
    # the rest
    (
        "a hook that does nothing",
        "lifecycleHooks: {postStart: {}}",
        "lifecycleHooks.postStart: it does not say what it is (write one of exec, httpGet, sleep, tcpSocket)",
    ),
    (
        "a hook under another name",
        "lifecycleHooks: {poststart: {}}",
        "lifecycleHooks.poststart: unknown key 'poststart' (did you mean postStart?)",
    ),
    ("a command with nothing in it", "cmd: [a, null]", "cmd[1]: expected text, got nothing"),
    ("a mapping as a command", "cmd: {a: b}", "cmd[0]: expected text, got a mapping"),
    (
        "an empty page",
        "defaultUrl: ' '",
        "defaultUrl: expected text, got nothing (write a word, or delete the line)",
    ),
    ("no timeout", "startTimeout: null", "startTimeout: null cannot remove this (set a value)"),
    ("a timeout of nothing", "startTimeout: 0", "startTimeout: expected seconds, from 1 to 86400 (a day)"),
    (
        "a timeout in words",
        "startTimeout: 5m",
        "startTimeout: expected a whole number, got '5m' (write it in decimal digits)",
    ),
    ("a list as a timeout", "startTimeout: [1]", "startTimeout: expected a whole number, got a list"),
    (
        "a user id with a nought before it",
        "uid: 01000",
        "uid: a whole number does not begin with 0 (write 1000)",
    ),
    (
        "a user id too large for Kubernetes",
        "uid: 3000000000",
        "uid: expected a whole number from 0 to 2147483647",
    ),
    ("a group id below 0", "gid: -1", "gid: expected a whole number, got '-1' (write it in decimal digits)"),
    (
        "a group id among others",
        "supplementalGids: [1, x]",
        "supplementalGids[1]: expected a whole number, got 'x' (write it in decimal digits)",
    ),
    (
        "a service account",
        "serviceAccountName: Hub Tools",
        "serviceAccountName: 'Hub Tools' cannot be the name of an object (write at most 253 lower-case letters, digits, '-' and '.', a letter or digit beside each '.')",
    ),
    (
        "a label's value",
        "extraLabels: {team: a b}",
        "extraLabels.team: 'a b' cannot be the value of a label (write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends)",
    ),
    (
        "a label's name",
        "extraLabels: {a b: c}",
        "extraLabels.a b: 'a b' cannot be the key of a label (write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends)",
    ),
    (
        "a label of KubeSpawner",
        "extraLabels: {component: x}",
        "extraLabels.component: KubeSpawner itself sets the label component (choose another name)",
    ),
    (
        "an annotation of JupyterHub",
        "extraAnnotations: {hub.jupyter.org/username: x}",
        "extraAnnotations.hub.jupyter.org/username: annotations that begin with hub.jupyter.org/ are JupyterHub's (choose another prefix)",
    ),
    ("a node's label", "nodeSelector: {pool: [a]}", "nodeSelector.pool: expected text, got a list"),
    ("a toleration", "extraTolerations: {key: a}", "extraTolerations: expected a list, got a mapping"),
    (
        "a toleration's slip",
        "extraTolerations: [{kye: a}]",
        "extraTolerations[0].kye: unknown key 'kye' (did you mean key?)",
    ),
    (
        "affinity",
        "extraNodeAffinity: {required: [{matchExpressions: [{key: a}]}]}",
        "extraNodeAffinity.required[0].matchExpressions[0]: operator is missing",
    ),
    ("a container without an image", "initContainers: [{name: 5}]", "initContainers[0]: image is missing"),
    (
        "other containers in the pod",
        "extraPodConfig: {containers: []}",
        "extraPodConfig.containers: containers may not stand here (write extraContainers)",
    ),
    (
        "a slip in the pod",
        "extraPodConfig: {hostnetwork: true}",
        "extraPodConfig.hostnetwork: unknown key 'hostnetwork' (did you mean hostNetwork?)",
    ),
    (
        "the image again",
        "extraContainerConfig: {image: x}",
        "extraContainerConfig.image: image may not stand here (write image)",
    ),
    (
        "resources again",
        "extraContainerConfig: {resources: {}}",
        "extraContainerConfig.resources: resources may not stand here (write memory, cpu and extraResource)",
    ),
    (
        "a number in the container",
        "extraContainerConfig: {tty: 5}",
        "extraContainerConfig.tty: expected true or false, got a number",
    ),
    (
        "text as a switch",
        "allowPrivilegeEscalation: 'true'",
        "allowPrivilegeEscalation: expected true or false, got text (write true or false without quotes)",
    ),
    (
        "a number as a switch",
        "allowPrivilegeEscalation: 1",
        "allowPrivilegeEscalation: expected true or false, got a number (write true or false without quotes)",
    ),
    # words from elsewhere
    ("a slip", "memroy: {}", "memroy: unknown key 'memroy' (did you mean memory?)"),
    ("a trait with a key", "mem_limit: 1G", "mem_limit: unknown key 'mem_limit' (write memory.limit)"),
    ("a trait in camelCase", "memLimit: 1G", "memLimit: unknown key 'memLimit' (write memory.limit)"),
    (
        "a trait without a key",
        "working_dir: /",
        "working_dir: unknown key 'working_dir' (write kubespawnerOverride: {working_dir: ...})",
    ),
    (
        "a trait of the hub",
        "namespace: x",
        "namespace: unknown key 'namespace' (set c.KubeSpawner.namespace: names must stay what the hub knows a server by)",
    ),
    ("variables by another name", "env: {}", "env: unknown key 'env' (write extraEnv)"),
    (
        "a key of an inner block",
        "storageClass: fast",
        "storageClass: unknown key 'storageClass' (write storage.dynamic.storageClass)",
    ),
    (
        "a key of a profile",
        "displayName: x",
        "displayName: unknown key 'displayName' (only profiles and their choices have it)",
    ),
    ("a section", "users: {}", "users: unknown key 'users' (users stands at the top of a policy)"),
    (
        "a key of an outer block",
        "memory: {image: x}",
        "memory.image: unknown key 'image' (it does not belong into this block)",
    ),
    ("what nobody knows", "xyzzy: 1", "xyzzy: unknown key 'xyzzy'"),
]


@pytest.mark.parametrize(("text", "complaint"), [pytest.param(*case, id=name) for name, *case in MISTAKES])
def test_a_mistake_is_told_with_its_path_and_what_to_write(text: str, complaint: str) -> None:
    said = problem_of("defaults:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    assert said.split(": ", 1)[1] == f"defaults.{complaint}"


@pytest.mark.parametrize("name", sorted(RESERVED_ENV | set(DERIVED_ENV)))
def test_no_policy_sets_what_jupyterhub_sets(name: str) -> None:
    assert f"JupyterHub itself sets {name}" in problem_of(f"defaults: {{extraEnv: {{{name}: x}}}}")


def test_every_variable_that_jupyterhub_sets_is_reserved_or_has_a_key() -> None:
    import inspect
    import re

    from jupyterhub.spawner import Spawner
    from kubespawner import KubeSpawner

    text = inspect.getsource(Spawner.get_env) + inspect.getsource(KubeSpawner.get_env)
    assert set(re.findall(r"""env\[\s*['"]([A-Z_]+)['"]\s*\]""", text)) == RESERVED_ENV | set(DERIVED_ENV)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{extraEnv: {a b: c}}", 23),
        ("{extraEnv: {A: [1]}}", 26),
        ("{memory: {limit: x}}", 28),
        ("{memroy: {limit: x}}", 12),
        ("{extraTolerations: [{key: a}, {kye: b}]}", 42),
        ("{extraPodConfig: {containers: []}}", 29),
        ("{copyOnce: {from: src}}", 29),
        ("{cmd: [a, {b: c}]}", 21),
    ],
)
def test_a_mistake_stands_at_its_own_column(text: str, column: int) -> None:
    assert problems_of(f"defaults: {text}")[0].startswith(f"p.yaml:1:{column}: ")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"extraEnv": {"A": print}}, "extraEnv.A: expected text, got a Python builtin_function_or_method"),
        ({"extraEnv": {"A": 10**5000}}, "extraEnv.A: the number is too large"),
        (
            {"extraEnv": {"A": "a\0b"}},
            "extraEnv.A: a character in it cannot be sent to a container (remove it)",
        ),
        (
            {"extraEnv": {"A": "\ud800"}},
            "extraEnv.A: a character in it cannot be sent to a container (remove it)",
        ),
        ({"extraEnv": {5: "x"}}, "extraEnv[5]: a key must be text, got a number (put it in quotes)"),
        (
            {"extraEnv": {None: "x"}},
            "extraEnv.(NoneType): a key must be text, got nothing (put it in quotes)",
        ),
        ({"extraEnv": {("a",): "x"}}, "extraEnv.(tuple): a key must be text, got a list (put it in quotes)"),
        ({5: "x"}, "[5]"),
        ({"image": object()}, "image: expected text, got a Python object"),
        ({"memory": {"limit": object()}}, "memory.limit: a object is not an amount of memory"),
        ({"memory": {"limit": float("inf")}}, "memory.limit: inf is not an amount of memory"),
        ({"uid": 1.5}, "uid: expected a whole number, got a number"),
        ({"uid": True}, "uid: expected a whole number, got true or false"),
        ({"uid": 10**5000}, "uid: expected a whole number from 0 to 2147483647"),
        ({"storage": [1]}, "storage: expected a mapping, got a list"),
        ({"nodeSelector": {"a": {"b": 1}}}, "nodeSelector.a: expected text, got a mapping"),
        ({"initContainers": [lambda: None]}, "initContainers[0]: expected a mapping, got a Python function"),
        (
            {"extraPodConfig": {"hostNetwork": {1, 2}}},
            "extraPodConfig.hostNetwork: expected true or false, got a Python set",
        ),
        ({"extraTolerations": [{("a",): 1}]}, "extraTolerations[0]: a key must be text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_python_values_of_no_use_are_problems_and_no_crashes(data: Any, complaint: str) -> None:
    (said,) = trait_problems({"defaults": data})
    assert said.startswith(f"c.EnvSpawner: defaults.{complaint}".replace(".[", "["))


def test_a_python_structure_that_holds_itself_is_a_problem() -> None:
    data: dict[str, Any] = {}
    data["memory"] = data["extraEnv"] = data["initContainers"] = data["extraPodConfig"] = data
    data["image"] = data["storage"] = data["copyOnce"] = data["kubespawnerOverride"] = data
    assert trait_problems({"defaults": data})
