"""Generated environments: a strategy for each key of the policy language, edge values and wrong ones included."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from envspawner.policy.environment import NO_OWN_KEY_CONTAINER, NO_OWN_KEY_POD

from .pieces import (
    LABEL_KEYS,
    LABEL_VALUES,
    PRIORITY_CLASS,
    SERVICE_ACCOUNT,
    Values,
    mostly,
    picked,
    piece,
    seldom,
    several,
    some,
    texts,
)

GPU: Final = "nvidia.com/gpu"
# --- values of a policy's own keys -------------------------------------------------------------------------

DIGEST: Final = "sha256:" + "ab" * 32
IMAGES: Final = ("quay.io/jupyter/scipy-notebook:2026-11-02", "a", "localhost:5000/x/y:1.10", f"img@{DIGEST}")
ENV_NAMES: Final = ("EDITOR", "COURSE", "NB_UMASK", "my.env-name", "_x")
CLAIMS: Final = ("claim-{user_server}", "claim-{username}", "home-{user_server}-{profile}", "{username}-x")
IN_GROUPS: Final = ("{group}", "x-{group}", "{group} of {username}")
memory: Values = mostly(
    "512M", "1G", "2Gi", 2**30, "1.5G", " 3 G", "1", "8E", but=("10 Gib", "0", "-1G", "", 2**63)
)
cores: Values = mostly(1, 0.5, "500m", "2", 16, "0.001", but=("0.0001", -1, "many", 10**7))
shares: Values = some("50%", "100%", "0.1%")
counts: Values = mostly(0, 1, 2, "3", 2**62, but=(-1, 0.5, "many"))
capacities: Values = mostly(
    "10Gi", "1G", 10**9, "500M", "0.5Gi", "7E", but=("10 Gi", "8E", "0", "10GB", "1e30")
)
whole: Values = mostly(0, 100, 1000, 2**31 - 1, "1000", but=(-1, 2**31, "0100", 1.0))
keys: Values = st.sampled_from(LABEL_KEYS)


def or_null(values: Values) -> Values:
    return seldom(st.none(), values, 8)


def mapping(keys: Values, values: Values, most: int = 2) -> Values:
    return st.dictionaries(keys, or_null(values), max_size=most)


def identity(one: Any) -> str:
    """What tells the entries of a list apart, be they right or not."""
    return str(one.get("mountPath", one.get("name")) if isinstance(one, dict) else one)


def labelled(pieces: Values) -> Values:
    """A list of Kubernetes objects, or a mapping whose labels are only labels."""
    named = st.dictionaries(some("one", "two", "block-cloud-metadata"), or_null(pieces), max_size=2)
    listed = st.lists(pieces, min_size=1, max_size=2, unique_by=identity)
    return listed | named


def amounts(unit: Values) -> Values:
    """A limit, or a guarantee, or a share of the limit; seldom any two amounts."""
    alone = picked({"limit": or_null(unit), "guarantee": or_null(unit)}, 1)
    part = st.fixed_dictionaries({"limit": unit, "guarantee": shares})
    return alone | part | seldom(st.fixed_dictionaries({"limit": unit, "guarantee": unit}), part, 5)


def bounds(least: bool) -> Values:
    """Far from each other, so that atLeast seldom meets atMost."""
    if least:
        fields = {
            "memory": some("256M", "1G"),
            "cpu": some(0.1, "200m"),
            "storage": some("1Gi"),
            GPU: some(0),
        }
    else:
        fields = {"memory": some("4G", "64G"), "cpu": some(4, 0.5), "storage": some("20Gi"), GPU: some(0, 2)}
    return picked({name: or_null(amount) for name, amount in fields.items()}, 3)


def storage(strings: Values, new: bool, slips: bool) -> Values:
    kubernetes = {"new": new, "slips": slips}
    modes = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", *(["ReadWriteOncePod"] if new else [])]
    dynamic = picked(
        {
            "storageClass": or_null(some("fast", "x.y-z", "standard")),
            "pvcNameTemplate": or_null(mostly(*CLAIMS, but=("{username}{servername}", "Claim", "x" * 254))),
            "volumeNameTemplate": or_null(mostly("volume-{user_server}", "vol", but=("vol.{username}",))),
            "storageAccessModes": or_null(
                seldom(some([]), st.lists(st.sampled_from(modes), min_size=1, max_size=2, unique=True), 12)
            ),
            "subPath": or_null(mostly("users/{username}", "a", but=("/x", "../x", "{unescaped_username}"))),
        },
        2,
    )
    static = picked({"subPath": or_null(some("homes/{username}", "x"))}, 1, ()).flatmap(
        lambda found: st.just({"pvcName": "nfs-homes", **found})
    )
    rest = picked(
        {
            "home": or_null(some("work", "{profile}", "{username}")),
            "capacity": or_null(capacities),
            "homeMountPath": mostly("/home/jovyan", "/work", "/home/{username}", but=("relative", "/a:b")),
            "expand": or_null(mostly("grow", but=("shrink",))),
            "owner": or_null(mostly("1000:100", but=("jovyan",))),
            "extraLabels": mapping(keys, strings),
            "extraVolumes": labelled(piece("Volume", **kubernetes)),
            "extraVolumeMounts": labelled(piece("VolumeMount", **kubernetes)),
        },
        2,
    )
    kinds = some({"type": "none"}, {}, {"type": "dynamic"}, {})
    homes = seldom(
        st.builds(lambda more: {"type": "static", "static": more}, static),
        st.builds(lambda kind, more: {**kind, **({"dynamic": more} if more else {})}, kinds, dynamic),
        4,
    )
    return st.builds(lambda one, other: {**one, **other}, homes, rest)


def overrides(new: bool, slips: bool) -> Values:
    kubernetes = {"new": new, "slips": slips}
    return picked(
        {
            "args": st.lists(texts, max_size=2),
            "automount_service_account_token": st.booleans(),
            "container_security_context": piece("SecurityContext", **kubernetes),
            "debug": st.booleans(),
            "delete_grace_period": whole,
            "disable_user_config": st.booleans(),
            "http_timeout": some(1, 30, 86400),
            "notebook_dir": some("/home/jovyan/work", "~", "/{username}"),
            "pod_security_context": piece("PodSecurityContext", **kubernetes),
            "privileged": seldom(st.just(True), st.just(False), 4),
            "storage_extra_annotations": st.dictionaries(keys, texts, max_size=2),
            "storage_selector": piece("LabelSelector", **kubernetes),
            "working_dir": some("/srv", "/home/{username}"),
            "mem_limit": st.just("1G"),
            "pod_name_template": st.just("x"),
        },
        2,
    ).map(lambda found: {k: v for k, v in found.items() if k not in RARE or len(found) == 1})


RARE: Final = ("mem_limit", "pod_name_template")
"""What `check` always refuses: alone, so that not everything else goes with it."""


@cache
def environments(group: bool = False, new: bool = False, slips: bool = False) -> dict[str, Values]:
    """A strategy for each key of an environment. group: for a rule of groups with a *."""
    kubernetes = {"new": new, "slips": slips}
    more = (*IN_GROUPS, "{match}") if group else ()
    strings = some(*LABEL_VALUES, "{userid}", "{profile}", *(("{group}", "{match}") if group else ()))
    values = texts | some(*more) if more else texts
    pieces = {kind: piece(kind, **kubernetes) for kind in ("InitContainer", "Container", "EnvVarSource")}
    sources = pieces["EnvVarSource"].map(lambda one: {"valueFrom": one})
    terms = {
        kind: several(piece(kind, **kubernetes))
        for kind in (
            "NodeSelectorTerm",
            "PreferredSchedulingTerm",
            "PodAffinityTerm",
            "WeightedPodAffinityTerm",
            "Toleration",
        )
    }
    pods = {"required": terms["PodAffinityTerm"], "preferred": terms["WeightedPodAffinityTerm"]}
    nodes = {"required": terms["NodeSelectorTerm"], "preferred": terms["PreferredSchedulingTerm"]}
    hooks = piece("LifecycleHandler", **kubernetes)
    image = picked(
        {
            "tag": or_null(mostly("2026-11-02", "1.10", "latest", 1.5, but=("a b", "x" * 129))),
            "digest": or_null(st.just(DIGEST)),
            "pullPolicy": some("Always", "IfNotPresent"),
            "pullSecrets": some(["pull-secret"], "pull-secret", [{"name": "a"}]),
            "name": some("quay.io/jupyter/scipy-notebook", "a/{username}", "a"),
        },
        3,
    )
    copies = picked(
        {
            "to": mostly("/home/jovyan/x", "/data/a b", but=("course", "../x")),
            "marker": some(".m", "ü"),
            "required": st.booleans(),
            "refresh": mostly("never", "new-files", "unmodified", but=("always",)),
            "when": mostly("postStart", "initContainer", but=("later",)),
            "timeout": mostly(60, but=(0,)),
        },
        3,
    )
    entry = st.builds(
        lambda source, more: {"from": source, **more}, some("/srv/app/src", "/srv/ü/{username}"), copies
    )
    return {
        "image": mostly(*IMAGES, but=("UPPER/x", "a:b:c", "", "a b")) | image,
        "extraEnv": mapping(
            mostly(*ENV_NAMES, but=("A B", "JUPYTERHUB_USER", "1A", "MEM_LIMIT")),
            values | some(1, 0.5, True, 2**63, "{auth_state.token}") | sources,
            4,
        ),
        "memory": amounts(memory),
        "cpu": amounts(cores),
        "extraResource": picked({
            "limits": mapping(mostly(GPU, "ephemeral-storage", "hugepages-2Mi", but=("memory", "gpu")), counts),
            "guarantees": mapping(some("ephemeral-storage"), some("1Mi")),
        }, 2),
        "storage": storage(strings, new, slips),
        "copyOnce": or_null(mostly("/srv/app/src", but=("relative",)) | entry | st.lists(entry, max_size=2)),
        "lifecycleHooks": picked({"postStart": or_null(hooks), "preStop": or_null(hooks)}, 1),
        "cmd": or_null(some("jupyterhub-singleuser", ["sh", "-c", "exec x ${HOME} {username}"], [""])),
        "defaultUrl": or_null(some("/lab", "/tree/{username}", "/a b?{x}")),
        "startTimeout": mostly(1, 300, 86400, but=(0, 10**6)),
        "uid": or_null(whole),
        "gid": or_null(whole),
        "fsGid": or_null(whole),
        "supplementalGids": or_null(st.lists(whole, max_size=2)),
        "serviceAccountName": or_null(some(SERVICE_ACCOUNT)),
        "nodeSelector": or_null(mapping(keys, strings)),
        "extraTolerations": or_null(terms["Toleration"]),
        "extraNodeAffinity": picked(nodes, 2),
        "extraPodAffinity": picked(pods, 2),
        "extraPodAntiAffinity": picked(pods, 2),
        "initContainers": or_null(labelled(pieces["InitContainer"])),
        "extraContainers": or_null(labelled(pieces["Container"])),
        "extraLabels": or_null(mapping(mostly(*LABEL_KEYS, but=("component", "a b")), strings)),
        "extraAnnotations": or_null(mapping(mostly(*LABEL_KEYS, "EXAMPLE.org/x", but=("hub.jupyter.org/x",)), values)),
        "extraPodConfig": or_null(_some_fields("PodSpec", POD_FIELDS, new, slips)),
        "extraContainerConfig": or_null(_some_fields("Container", CONTAINER_FIELDS, new, slips)),
        "priorityClassName": or_null(some(PRIORITY_CLASS)),
        "schedulerName": or_null(some("default-scheduler", "other {username}")),
        "allowPrivilegeEscalation": or_null(st.booleans()),
        "kubespawnerOverride": overrides(new, slips),
    }  # fmt: skip


POD_FIELDS: Final = tuple(NO_OWN_KEY_POD)
CONTAINER_FIELDS: Final = tuple(NO_OWN_KEY_CONTAINER)
"""Fields that have keys of their own, so that `check` refuses them."""


def _some_fields(kind: str, refused: tuple[str, ...], new: bool, slips: bool) -> Values:
    needed = {"containers", "image", "name"}  # by whoever makes all of it

    def without(found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        return {
            key: value for key, value in found.items() if key not in needed and (slips or key not in refused)
        }

    return piece(kind, new=new, slips=slips).map(without)
