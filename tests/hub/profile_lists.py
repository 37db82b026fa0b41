"""Makes up profile lists, and the configuration beneath them, out of values that KubeSpawner takes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = st.sampled_from(
    ["plain", "{username}", "to-{unescaped_username}-", "{{literal}}", "a-{servername}", "", "$HOME"]
)
LABELS = st.sampled_from(["a", "b", "example.org/c"])
QUANTITIES = st.sampled_from(["1G", "512M", 2**31, None])
IMAGES = st.sampled_from(
    ["quay.io/a/b:1", "quay.io/a/b", "b:2", "host:5000/x@sha256:" + "0" * 64, "x:1@sha256:" + "1" * 64]
)
CONTAINERS = [
    {"name": "one", "image": "x:1"},
    {"name": "two-{username}", "image": "x:1", "command": ["sh", "-c", "echo {username}"]},
    {"name": "three", "image": "y", "volume_mounts": [{"name": "v", "mountPath": "/v"}]},
]
VOLUMES = [
    {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}},
    {"name": "v-{username}", "emptyDir": {}},
    {"name": "data", "config_map": {"name": "data"}},
]
MOUNTS = [
    {"name": "home", "mountPath": "/home/jovyan"},
    {"name": "v-{username}", "mountPath": "/v", "readOnly": True},
    {"name": "data", "mountPath": "/data", "subPath": "{username}"},
]
TOLERATIONS = [{"key": key, "operator": "Exists"} for key in "abc"]
PREFERRED = st.sampled_from(
    [{"weight": w, "preference": {"matchExpressions": [{"key": "k", "operator": "Exists"}]}} for w in (1, 2)]
)
HOOKS = st.sampled_from(
    [{"exec": {"command": ["true", "{x}"]}}, {"exec": {"command": ["false"]}}, {"httpGet": {"port": 1}}]
)


def keyed(values: st.SearchStrategy[Any], *, removing: bool) -> st.SearchStrategy[Any]:
    return st.dictionaries(LABELS, values | st.none() if removing else values, max_size=3)


def entries(items: list[Any], more: dict[str, Any], *, removing: bool) -> st.SearchStrategy[Any]:
    """A list, or a mapping whose keys are labels. more: what some of the entries have too.

    A label has the same entry everywhere, so that no two have one name; Kubernetes would not take those.
    """
    labels = ("b", "a", "c")
    numbers = st.lists(st.sampled_from(range(len(items))), unique=True)
    entry = st.sampled_from([{}, more])

    def with_more(draw: st.DrawFn, number: int) -> dict[str, Any]:
        return {**items[number], **draw(entry)}

    @st.composite
    def found(draw: st.DrawFn) -> Any:
        chosen = draw(numbers)
        if draw(st.booleans()):
            return [with_more(draw, number) for number in chosen]
        mapping: dict[str, Any] = {labels[number]: with_more(draw, number) for number in chosen}
        # KubeSpawner fails on a null where no mapping with this label lies beneath, so it is not drawn often.
        if removing and draw(st.integers(0, 7)) == 0:
            mapping["a"] = None
        elif removing and "c" in mapping and draw(st.booleans()):
            mapping["c"] = more
        return mapping

    return found()


def traits(*, removing: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Values of traits. removing: also what takes things away, as an override may."""
    nested = st.fixed_dictionaries(
        {},
        optional={
            "securityContext": st.dictionaries(
                st.sampled_from(["runAsUser", "fsGroup"]),
                (st.just(7) | st.none()) if removing else st.just(8),
                max_size=2,
            ),
            "hostname": st.sampled_from(["h", "h-{username}"]),
            "terminationGracePeriodSeconds": st.just(5),
        },
    )
    variables = TEXTS | st.just({"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}})
    return st.fixed_dictionaries(
        {},
        optional={
            "args": st.lists(TEXTS, max_size=1),
            "automount_service_account_token": st.booleans() | st.none(),
            "cmd": st.sampled_from(["start", ["start", "--x"], None]),
            "common_labels": keyed(st.just("x"), removing=removing),
            "cpu_guarantee": st.sampled_from([0.5, 1, None]),
            "cpu_limit": st.sampled_from([0.5, 1, 0, None]),
            "debug": st.booleans(),
            "default_url": st.sampled_from(["", "/lab", "/user/{username}/lab"]),
            "environment": keyed(variables, removing=removing),
            "extra_annotations": keyed(TEXTS, removing=removing),
            "extra_containers": entries(CONTAINERS, {"tty": True}, removing=removing),
            "extra_labels": keyed(TEXTS, removing=removing),
            "extra_pod_config": nested,
            "extra_resource_limits": st.dictionaries(
                st.sampled_from(["nvidia.com/gpu", "memory"]),
                (st.just("1") | st.none()) if removing else st.just("2"),
            ),
            "fs_gid": st.sampled_from([100, None]),
            "image": IMAGES,
            "image_pull_policy": st.sampled_from(["Always", None]),
            "image_pull_secrets": st.sampled_from([["one", "two"], [{"name": "x"}], []]),
            "init_containers": entries(CONTAINERS, {"tty": True}, removing=removing),
            "lifecycle_hooks": st.dictionaries(st.sampled_from(["postStart", "preStop"]), HOOKS, max_size=2),
            "mem_guarantee": QUANTITIES,
            "mem_limit": QUANTITIES,
            "namespace": st.sampled_from(["hub", "elsewhere"]),
            "node_affinity_preferred": st.lists(PREFERRED, max_size=2),
            "node_selector": keyed(st.just("x"), removing=removing),
            "pod_security_context": st.dictionaries(
                st.sampled_from(["runAsUser", "fsGroup"]), st.just(3), max_size=2
            ),
            "priority_class_name": st.sampled_from(["", "high"]),
            "privileged": st.booleans(),
            "service_account": st.sampled_from(["sa-{username}", None]),
            "storage_access_modes": st.sampled_from([["ReadWriteOnce"], ["ReadWriteMany"]]),
            "storage_capacity": st.sampled_from(["1Gi", "2Gi"]),
            "storage_class": st.sampled_from(["fast", None]),
            "storage_extra_annotations": keyed(TEXTS, removing=removing),
            "storage_extra_labels": keyed(TEXTS, removing=removing),
            "storage_pvc_ensure": st.booleans(),
            "supplemental_gids": st.lists(st.just(5), max_size=1),
            "tolerations": entries(TOLERATIONS, {"effect": "NoSchedule"}, removing=removing),
            "uid": st.sampled_from([1000, 0, None]),
            "volume_mounts": entries(MOUNTS, {"readOnly": True}, removing=removing),
            "volumes": entries(VOLUMES, {}, removing=removing),
            "working_dir": st.sampled_from(["/srv", None]),
        },
    )


@st.composite
def lists_and_options(draw: st.DrawFn) -> tuple[Any, dict[str, str]]:
    """A profile list and user options that are valid for it."""
    profiles = [_profile(draw, number) for number in range(draw(st.integers(1, 3)))]
    chosen = draw(st.sampled_from([None, *profiles]))
    default = next((p for p in profiles if p.get("default")), profiles[0])
    options = {} if chosen is None else {"profile": chosen["slug"]}
    for key, option in (chosen or default).get("profile_options", {}).items():
        choice = draw(st.sampled_from([None, *option["choices"]]))
        if choice is not None:
            options[key] = choice
    as_mapping = draw(st.booleans())
    return ({str(n): p for n, p in enumerate(profiles)} if as_mapping else profiles), options


def _profile(draw: st.DrawFn, number: int) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "display_name": f"Profile {number}",
        "slug": f"profile-{number}",
        "kubespawner_override": draw(traits(removing=True)),
    }
    if draw(st.booleans()):
        profile["default"] = True
    if draw(st.booleans()):
        choices: dict[str, Any] = {
            f"c{n}": {"kubespawner_override": draw(traits(removing=True))} for n in range(2)
        }
        profile["profile_options"] = {"o": {"display_name": "Option", "choices": choices}}
        if draw(st.booleans()):
            choices["c1"]["default"] = True
    return profile
