"""What each key of a policy is, in a sentence and an example: shown by editors, through the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Described = tuple[str, Any]

SECTIONS: Final[Mapping[str, Described]] = {
    "version": ("The version of the policy language.", 1),
    "defaults": ("What everybody gets.", {"memory": {"limit": "2G"}}),
    "groups": (
        "Rules by JupyterHub group, in the order written; * stands for any characters.",
        {"project:*": {"extraEnv": {"PROJECT": "{match}"}}},
    ),
    "admins": ("A rule for servers whose owner is a hub admin.", {"extraEnv": {"ROLE": "admin"}}),
    "users": ("Rules by user name.", {"alice": {"memory": {"limit": "6G"}}}),
    "profiles": (
        "What users pick from, in the order in which they see it.",
        {"small": {"displayName": "Small", "default": True}},
    ),
}

_TERM: Final = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
_POD_TERM: Final = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}}
_SIDECAR: Final = {"name": "proxy", "image": "ghcr.io/example/proxy:1.2"}
_HOOK: Final = {"exec": {"command": ["sh", "-c", "date > $HOME/started"]}}
_VOLUME: Final = {"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}}
_MOUNT: Final = {"name": "shared", "mountPath": "/home/jovyan/shared"}
_LABELS: Final = {"example.org/team": "physics"}

DESCRIPTIONS: Final[Mapping[str, Described]] = {
    # --- an environment --------------------------------------------------------------------------------------
    "Environment.image": (
        "The image of the server: its reference, or its parts.",
        "quay.io/jupyter/scipy-notebook:2026-11-02",
    ),
    "Environment.extraEnv": ("Variables: text, numbers, true or false, or valueFrom.", {"EDITOR": "nano"}),
    "Environment.memory": ("Memory; 1G is 2^30 bytes, as in JupyterHub.", {"guarantee": "1G", "limit": "2G"}),
    "Environment.cpu": ("CPU, in cores.", {"guarantee": 0.1, "limit": 2}),
    "Environment.extraResource": ("Other resources, such as GPUs.", {"limits": {"nvidia.com/gpu": 1}}),
    "Environment.storage": ("The home, and other volumes.", {"type": "dynamic", "capacity": "10Gi"}),
    "Environment.copyOnce": (
        "Starter files: a folder of the image, copied into the home once.",
        "/srv/app/src",
    ),
    "Environment.lifecycleHooks": (
        "What runs after the server's start, and before its end.",
        {"postStart": _HOOK},
    ),
    "Environment.cmd": ("The command of the server.", ["jupyterhub-singleuser"]),
    "Environment.defaultUrl": ("The first page.", "/lab"),
    "Environment.startTimeout": ("Seconds until a start is given up.", 300),
    "Environment.uid": ("The user that the server runs as.", 1000),
    "Environment.gid": ("The group that the server runs as.", 100),
    "Environment.fsGid": ("The group that owns the files of volumes.", 100),
    "Environment.supplementalGids": ("More groups of the server's process.", [2000]),
    "Environment.serviceAccountName": ("The service account of the pod.", "notebook"),
    "Environment.nodeSelector": ("Labels of the nodes that may run the server.", {"pool": "users"}),
    "Environment.extraTolerations": (
        "Taints of nodes that the server tolerates.",
        [{"key": "gpu", "operator": "Exists"}],
    ),
    "Environment.extraNodeAffinity": ("Which nodes it must, or had better, run on.", {"required": [_TERM]}),
    "Environment.extraPodAffinity": ("Beside which pods it runs.", {"required": [_POD_TERM]}),
    "Environment.extraPodAntiAffinity": ("Beside which pods it does not run.", {"required": [_POD_TERM]}),
    "Environment.initContainers": (
        "Containers that run before the server: a list, or a mapping by any label.",
        [_SIDECAR],
    ),
    "Environment.extraContainers": (
        "Containers beside the server: a list, or a mapping by any label.",
        [_SIDECAR],
    ),
    "Environment.extraLabels": ("More labels of the pod.", _LABELS),
    "Environment.extraAnnotations": (
        "More annotations of the pod.",
        {"example.org/contact": "ada@example.org"},
    ),
    "Environment.extraPodConfig": ("Other fields of the pod's spec.", {"shareProcessNamespace": True}),
    "Environment.extraContainerConfig": ("Other fields of the server's container.", {"stdin": True}),
    "Environment.priorityClassName": ("The priority class of the pod.", "users"),
    "Environment.schedulerName": ("The scheduler of the pod.", "default-scheduler"),
    "Environment.allowPrivilegeEscalation": (
        "Whether a process may gain more rights than its parent.",
        False,
    ),
    "Environment.kubespawnerOverride": (
        "Other traits of KubeSpawner that describe one server.",
        {"working_dir": "/srv"},
    ),
    "ImageBlock.name": ("The image's name, without tag and digest.", "quay.io/jupyter/scipy-notebook"),
    "ImageBlock.tag": ("The image's tag.", "2026-11-02"),
    "ImageBlock.digest": ("The image's digest, which holds whatever the tag is.", "sha256:" + "0" * 64),
    "ImageBlock.pullPolicy": ("When the image is pulled.", "IfNotPresent"),
    "ImageBlock.pullSecrets": ("Secrets for the registry.", ["registry"]),
    "MemoryBlock.guarantee": ("Memory that is kept free for the server, or a share of the limit.", "50%"),
    "MemoryBlock.limit": ("Memory above which the server is ended.", "2G"),
    "CpuBlock.guarantee": ("Cores that are kept free for the server, or a share of the limit.", 0.1),
    "CpuBlock.limit": ("Cores above which the server is slowed down.", 2),
    "ExtendedBlock.guarantees": ("What is kept free, by the resource's name.", {"ephemeral-storage": "1Gi"}),
    "ExtendedBlock.limits": ("How much, by the resource's name.", {"nvidia.com/gpu": 1}),
    "StorageBlock.type": (
        "dynamic: a claim for each user; static: a given claim; none: nothing is kept.",
        "dynamic",
    ),
    "StorageBlock.home": (
        "A name of the home, by which it stays the same when its claim's template changes.",
        "lab",
    ),
    "StorageBlock.capacity": ("The size of a new claim.", "10Gi"),
    "StorageBlock.homeMountPath": ("Where the home is.", "/home/jovyan"),
    "StorageBlock.dynamic": ("How claims are made.", {"storageClass": "fast"}),
    "StorageBlock.static": ("Which claim is mounted.", {"pvcName": "homes", "subPath": "home/{username}"}),
    "StorageBlock.expand": ("Whether an existing claim grows to the capacity.", "grow"),
    "StorageBlock.owner": ("The user and group that a static home's folder is given to.", "1000:100"),
    "StorageBlock.extraLabels": ("More labels of new claims.", _LABELS),
    "StorageBlock.extraVolumes": ("Other volumes: a list, or a mapping by any label.", [_VOLUME]),
    "StorageBlock.extraVolumeMounts": (
        "Where volumes are mounted: a list, or a mapping by any label.",
        [_MOUNT],
    ),
    "DynamicBlock.storageClass": ("The class of new claims.", "fast"),
    "DynamicBlock.pvcNameTemplate": ("The name of new claims.", "claim-{user_server}"),
    "DynamicBlock.volumeNameTemplate": ("The name of the home's volume in the pod.", "volume-{user_server}"),
    "DynamicBlock.storageAccessModes": ("How new claims may be mounted.", ["ReadWriteOnce"]),
    "DynamicBlock.subPath": ("The folder of the claim that is the home.", "home"),
    "StaticBlock.pvcName": ("The name of the claim.", "homes"),
    "StaticBlock.subPath": ("The folder of the claim that is the home.", "home/{username}"),
    "HooksBlock.postStart": ("Runs when the server starts, beside it.", _HOOK),
    "HooksBlock.preStop": ("Runs before the server is stopped.", _HOOK),
    "NodeAffinityBlock.required": ("Nodes must fit one of these.", [_TERM]),
    "NodeAffinityBlock.preferred": ("Nodes that fit are taken first.", [{"weight": 10, "preference": _TERM}]),
    "PodAffinityBlock.required": ("What must hold of the pods around it.", [_POD_TERM]),
    "PodAffinityBlock.preferred": (
        "What had better hold of the pods around it.",
        [{"weight": 10, "podAffinityTerm": _POD_TERM}],
    ),
    "CopyBlock.from": ("The folder of the image.", "/srv/app/src"),
    "CopyBlock.to": ("The folder that is filled; $HOME if it is left out.", "/home/jovyan/course"),
    "CopyBlock.marker": ("The file that says that everything was copied.", ".course-copied"),
    "CopyBlock.required": ("Whether the server is stopped when the copy fails.", True),
    "CopyBlock.refresh": (
        "What later starts bring: nothing, new files, or also updates of untouched ones.",
        "new-files",
    ),
    "CopyBlock.when": ("Whether the copy runs beside the server's start or before it.", "initContainer"),
    "CopyBlock.timeout": ("Seconds until a copy is given up.", 60),
    # --- rules, profiles, options ----------------------------------------------------------------------------
    "Rule.atLeast": ("Limits and capacity are raised to this.", {"memory": "4G"}),
    "Rule.atMost": (
        "Limits and capacity are lowered to this, and larger profiles not offered.",
        {"memory": "8G", "cpu": 4},
    ),
    "Rule.until": ("The rule holds until the end of this day, or until this moment.", "2027-02-28"),
    "Rule.note": ("For people; explain shows it.", "ticket 4711"),
    "Choice.displayName": ("What people see.", "Small"),
    "Choice.description": ("What people read beside it.", "For coursework."),
    "Choice.default": ("Whether it is taken when nothing is picked.", True),
    "Choice.allow": ("Whom it is for; everybody if this is left out.", {"groups": ["staff"]}),
    "Choice.aliases": ("Old names that keep working.", ["tiny"]),
    "Profile.options": (
        "What else is picked within the profile.",
        {"size": {"choices": {"s": {"memory": {"limit": "1G"}}}}},
    ),
    "Option.displayName": ("What people see.", "Memory"),
    "Option.choices": (
        "What can be picked, by a short name.",
        {"s": {"displayName": "8 GB", "memory": {"limit": "8G"}}},
    ),
    "Option.other": (
        "What may be typed instead.",
        {"displayName": "Another image", "images": ["quay.io/jupyter/*"]},
    ),
    "Other.displayName": ("What people see.", "Another image"),
    "Other.description": ("What people read beside it.", "Any image of the Jupyter project."),
    "Other.allow": ("Who may type something; everybody if this is left out.", {"groups": ["staff"]}),
    "Other.images": (
        "Images that may be typed; * stands for characters within one part of a name.",
        ["quay.io/jupyter/*"],
    ),
    "Other.pattern": ("A regular expression that all of the typed text must fit.", "[a-z]{2,5}"),
    "Other.message": ("What a user reads whose text does not fit.", "Write a language code, such as en."),
    "Allow.users": ("Names of users.", ["ada"]),
    "Allow.groups": ("Names of groups; * stands for any characters.", ["staff", "course::*"]),
    "Allow.admins": ("Whether hub admins are admitted.", True),
}
