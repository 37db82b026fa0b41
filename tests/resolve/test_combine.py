"""How a stronger layer's value meets a weaker one's: one rule per field, in the table of fields."""

from __future__ import annotations

from typing import Any

import pytest

from envspawner.policy.fields import FIELDS, Combine
from envspawner.resolve.result import ResolvedEnvironment

from .support import env, keyed, listed, own, own_layer, resolve, source

DIGEST = f"sha256:{'a' * 64}"

SCALARS: dict[str, tuple[Any, Any]] = {
    "image.name": ("quay.io/a/b", "quay.io/c/d"),
    "image.tag": ("1.0", "2.0"),
    "image.digest": (DIGEST, f"sha256:{'b' * 64}"),
    "image.pullPolicy": ("Always", "Never"),
    "image.pullSecrets": (["one", "two"], ["three"]),
    "memory.guarantee": ("1G", "2G"),
    "memory.limit": ("3G", "2G"),
    "cpu.guarantee": (1, 0.5),
    "cpu.limit": (2, 1),
    "storage.type": ("none", "dynamic"),
    "storage.home": ("work", "play"),
    "storage.capacity": ("10Gi", "5Gi"),
    "storage.homeMountPath": ("/home/a", "/home/b"),
    "storage.expand": ("grow", "grow"),  # the only word
    "storage.owner": ("1000:100", "1000:1000"),
    "storage.dynamic.storageClass": ("slow", "fast"),
    "storage.dynamic.pvcNameTemplate": ("a-{username}", "b-{username}"),
    "storage.dynamic.volumeNameTemplate": ("a-{username}", "b-{username}"),
    "storage.dynamic.storageAccessModes": (["ReadWriteOnce"], ["ReadWriteMany"]),
    "storage.dynamic.subPath": ("a", "b"),
    "storage.static.pvcName": ("a", "b"),
    "storage.static.subPath": ("a", "b"),
    "copyOnce": ("/srv/a", "/srv/b"),
    "lifecycleHooks.postStart": ({"exec": {"command": ["a"]}}, {"exec": {"command": ["b"]}}),
    "lifecycleHooks.preStop": ({"exec": {"command": ["a"]}}, {"exec": {"command": ["b"]}}),
    "cmd": (["a", "--b"], ["c"]),
    "defaultUrl": ("/lab", "/tree"),
    "startTimeout": (60, 90),
    "uid": (1000, 0),
    "gid": (100, 0),
    "fsGid": (100, 200),
    "supplementalGids": ([1, 2], [3]),
    "serviceAccountName": ("a", "b"),
    "priorityClassName": ("low", "high"),
    "schedulerName": ("a", "b"),
    "allowPrivilegeEscalation": (False, True),
}
"""Of every field that holds one value: a weaker and a stronger one."""
KEYS: dict[str, tuple[str, Any, Any]] = {
    "extraEnv": ("A", "x", "y"),
    "extraResource.guarantees": ("ephemeral-storage", "2Gi", "1Gi"),
    "extraResource.limits": ("nvidia.com/gpu", 2, 1),
    "storage.extraLabels": ("team", "x", "y"),
    "nodeSelector": ("pool", "x", "y"),
    "extraLabels": ("team", "x", "y"),
    "extraAnnotations": ("example.org/note", "x", "y"),
    "extraPodConfig": ("hostname", "x", "y"),
    "extraContainerConfig": ("workingDir", "/x", "/y"),
    "kubespawnerOverride": ("debug", False, True),
}
"""Of every field that holds values by key: a key, and a weaker and a stronger value of it."""
OTHER_KEYS = {
    "extraEnv": "B",
    "extraResource.guarantees": "hugepages-2Mi",
    "extraResource.limits": "amd.com/gpu",
    "extraAnnotations": "example.org/other",
    "extraPodConfig": "subdomain",
    "extraContainerConfig": "terminationMessagePath",
    "kubespawnerOverride": "privileged",
}
NAMED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "storage.extraVolumes": ("name", {"emptyDir": {}}, {"hostPath": {"path": "/x"}}),
    "storage.extraVolumeMounts": ("mountPath", {"name": "home"}, {"name": "home", "readOnly": True}),
    "initContainers": ("name", {"image": "a:1"}, {"image": "b:1"}),
    "extraContainers": ("name", {"image": "a:1"}, {"image": "b:1"}),
}
"""Of every field whose entries have an identity: its name, and the rest of a weaker and a stronger entry."""
TERM = {"matchExpressions": [{"key": "pool", "operator": "Exists"}]}
POD_TERM = {"topologyKey": "zone"}
APPENDED: dict[str, tuple[Any, Any]] = {
    "extraTolerations": ({"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}),
    "extraNodeAffinity.required": (TERM, {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}),
    "extraNodeAffinity.preferred": (
        {"weight": 1, "preference": TERM},
        {"weight": 2, "preference": TERM},
    ),
    "extraPodAffinity.required": (POD_TERM, {"topologyKey": "host"}),
    "extraPodAffinity.preferred": (
        {"weight": 1, "podAffinityTerm": POD_TERM},
        {"weight": 2, "podAffinityTerm": POD_TERM},
    ),
    "extraPodAntiAffinity.required": (POD_TERM, {"topologyKey": "host"}),
    "extraPodAntiAffinity.preferred": (
        {"weight": 1, "podAffinityTerm": POD_TERM},
        {"weight": 2, "podAffinityTerm": POD_TERM},
    ),
}
"""Of every field that grows: what a weaker and a stronger layer bring."""


def at(path: str, value: Any) -> dict[str, Any]:
    """An environment that says one thing."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return dict(value)


def layered(weaker: Any, stronger: Any) -> ResolvedEnvironment:
    """What defaults and a user's rule give together."""
    return resolve(f"{{defaults: {weaker!r}, users: {{ada: {stronger!r}}}}}".replace("None", "null"))


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def identities(path: str) -> list[str]:
    """Three identities for entries of a field."""
    slash = "/" if NAMED[path][0] == "mountPath" else ""
    return [slash + "one", slash + "two", slash + "three"]


def named(path: str, identity: str, *, stronger: bool = False) -> dict[str, Any]:
    word, weak, strong = NAMED[path]
    return {word: identity, **(strong if stronger else weak)}


def test_every_field_is_tested_by_its_rule_of_combination() -> None:
    tested = {
        Combine.REPLACE: set(SCALARS),
        Combine.KEYED: set(KEYS),
        Combine.NAMED: set(NAMED),
        Combine.APPEND: set(APPENDED),
    }
    for combine, paths in tested.items():
        assert paths == {field.path for field in FIELDS.values() if field.combine is combine}


# --- one value ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path, (one, other) in SCALARS.items() if one != other])
def test_the_stronger_value_replaces_the_weaker(path: str) -> None:
    weaker, stronger = SCALARS[path]
    alone = resolve(f"users: {{ada: {at(path, stronger)!r}}}")
    environment = layered(at(path, weaker), at(path, stronger))
    assert environment.get(path) == alone.get(path)
    assert environment.get(path) is not None
    assert environment.get(path) != resolve(f"defaults: {at(path, weaker)!r}").get(path)
    assert source(environment, path) == "users.ada"


@pytest.mark.parametrize("path", [path for path in SCALARS if FIELDS[path].nullable])
def test_null_removes_the_weaker_value(path: str) -> None:
    environment = layered(at(path, SCALARS[path][0]), at(path, None))
    assert environment.get(path) is None
    assert environment.says(path)


def test_a_list_replaces_whole() -> None:
    environment = layered({"image": {"pullSecrets": ["a", "b"]}}, {"image": {"pullSecrets": []}})
    assert plain(environment.get("image.pullSecrets")) == []


# --- image -------------------------------------------------------------------------------------------------


def test_an_image_string_is_name_tag_and_digest() -> None:
    environment = resolve(f"defaults: {{image: 'quay.io:5000/a/b:1.0@{DIGEST}'}}")
    assert environment.get("image.name") == "quay.io:5000/a/b"
    assert environment.get("image.tag") == "1.0"
    assert environment.get("image.digest") == DIGEST
    assert environment.image() == f"quay.io:5000/a/b:1.0@{DIGEST}"


@pytest.mark.parametrize("written", ["quay.io/c/d", "{name: quay.io/c/d}"])
def test_a_new_name_drops_tag_and_digest_beneath(written: str) -> None:
    text = f"{{defaults: {{image: 'quay.io/a/b:1.0@{DIGEST}'}}, users: {{ada: {{image: {written}}}}}}}"
    environment = resolve(text)
    assert environment.image() == "quay.io/c/d"
    assert source(environment, "image.tag") == "users.ada"


def test_a_new_name_comes_with_its_own_tag() -> None:
    text = "{defaults: {image: 'quay.io/a/b:1.0'}, users: {ada: {image: {tag: '2', name: quay.io/c/d}}}}"
    assert resolve(text).image() == "quay.io/c/d:2"


def test_a_new_tag_keeps_the_name_and_drops_the_digest() -> None:
    text = f"{{defaults: {{image: 'quay.io/a/b:1.0@{DIGEST}'}}, users: {{ada: {{image: {{tag: '2'}}}}}}}}"
    assert resolve(text).image() == "quay.io/a/b:2"


def test_removing_a_tag_keeps_the_digest() -> None:
    text = f"{{defaults: {{image: 'quay.io/a/b:1.0@{DIGEST}'}}, users: {{ada: {{image: {{tag: null}}}}}}}}"
    assert resolve(text).image() == f"quay.io/a/b@{DIGEST}"


def test_a_new_digest_keeps_name_and_tag() -> None:
    text = f"{{defaults: {{image: 'quay.io/a/b:1.0'}}, users: {{ada: {{image: {{digest: '{DIGEST}'}}}}}}}}"
    assert resolve(text).image() == f"quay.io/a/b:1.0@{DIGEST}"


def test_pull_policy_and_secrets_stay_with_a_new_name() -> None:
    text = """
        defaults: {image: {name: quay.io/a/b, tag: "1", pullPolicy: Always, pullSecrets: [key]}}
        users: {ada: {image: "quay.io/c/d:2"}}
        """
    environment = resolve(text)
    assert environment.get("image.pullPolicy") == "Always"
    assert plain(environment.get("image.pullSecrets")) == ["key"]


def test_a_tag_alone_stands_beside_kubespawners_own_name() -> None:
    layer = own_layer(own("image.name", "quay.io/a/b"), own("image.tag", "1"))
    assert resolve("defaults: {image: {tag: '2'}}", own=layer).image() == "quay.io/a/b:2"


def test_without_a_name_there_is_no_image_to_give() -> None:
    assert resolve("defaults: {image: {tag: '2'}}").image() is None


# --- by key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", KEYS)
def test_the_stronger_value_of_a_key_replaces_the_weaker(path: str) -> None:
    key, weaker, stronger = KEYS[path]
    environment = layered(at(path, {key: weaker}), at(path, {key: stronger}))
    assert keyed(environment, path) == keyed(resolve(f"defaults: {at(path, {key: stronger})!r}"), path)
    assert source(environment, f"{path}.{key}") == "users.ada"


@pytest.mark.parametrize("path", KEYS)
def test_null_removes_one_key(path: str) -> None:
    key, weaker, _ = KEYS[path]
    other = OTHER_KEYS.get(path, "other")
    environment = layered(at(path, {key: weaker, other: weaker}), at(path, {key: None}))
    assert list(keyed(environment, path)) == [other]


@pytest.mark.parametrize("path", KEYS)
def test_null_of_the_field_removes_every_key(path: str) -> None:
    key, weaker, _ = KEYS[path]
    environment = layered(at(path, {key: weaker}), at(path, None))
    assert keyed(environment, path) == {}


@pytest.mark.parametrize("path", KEYS)
def test_an_empty_mapping_adds_nothing(path: str) -> None:
    key, weaker, _ = KEYS[path]
    environment = layered(at(path, {key: weaker}), at(path, {}))
    assert list(keyed(environment, path)) == [key]


def test_null_of_a_field_removes_kubespawners_own_too() -> None:
    layer = own_layer(own("extraEnv", "x", "A"), own("nodeSelector", "x", "pool"))
    environment = resolve("defaults: {extraEnv: null}", own=layer)
    assert env(environment) == {}
    assert keyed(environment, "nodeSelector") == {"pool": "x"}


def test_keys_can_be_set_again_above_a_null() -> None:
    text = "{defaults: {extraEnv: {A: x}}, groups: {g: {extraEnv: null}}, users: {ada: {extraEnv: {A: y}}}}"
    assert env(resolve(text, groups=["g"])) == {"A": "y"}


# --- by identity -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NAMED)
def test_the_same_identity_replaces_whole_and_in_its_place(path: str) -> None:
    one, two, _ = identities(path)
    weaker = [named(path, one), named(path, two)]
    environment = layered(at(path, weaker), at(path, [named(path, one, stronger=True)]))
    assert listed(environment, path) == [named(path, one, stronger=True), named(path, two)]


@pytest.mark.parametrize("path", NAMED)
def test_other_identities_are_added(path: str) -> None:
    one, two, _ = identities(path)
    environment = layered(at(path, [named(path, one)]), at(path, {"x": named(path, two)}))
    assert listed(environment, path) == [named(path, one), named(path, two)]


@pytest.mark.parametrize("path", NAMED)
def test_labels_are_only_labels(path: str) -> None:
    one, two, three = identities(path)
    weaker = {"a": named(path, one), "b": named(path, two)}
    stronger = {"b": named(path, three), "c": named(path, one, stronger=True)}
    environment = layered(at(path, weaker), at(path, stronger))
    assert list(keyed(environment, path)) == [one, two, three]
    assert keyed(environment, path)[one] == named(path, one, stronger=True)


@pytest.mark.parametrize("path", NAMED)
def test_a_label_with_null_removes_what_was_written_under_it(path: str) -> None:
    one, two, _ = identities(path)
    weaker = {"a": named(path, one), "b": named(path, two)}
    environment = layered(at(path, weaker), at(path, {"a": None}))
    assert listed(environment, path) == [named(path, two)]


@pytest.mark.parametrize("path", NAMED)
def test_an_identity_with_null_removes_that_entry(path: str) -> None:
    one, two, _ = identities(path)
    environment = layered(at(path, [named(path, one), named(path, two)]), at(path, {one: None}))
    assert listed(environment, path) == [named(path, two)]


@pytest.mark.parametrize("path", NAMED)
def test_null_of_the_field_removes_every_entry(path: str) -> None:
    environment = layered(at(path, [named(path, identities(path)[0])]), at(path, None))
    assert listed(environment, path) == []


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize("empty", [[], {}])
def test_an_empty_list_or_mapping_adds_nothing(path: str, empty: Any) -> None:
    one = identities(path)[0]
    environment = layered(at(path, [named(path, one)]), at(path, empty))
    assert listed(environment, path) == [named(path, one)]


def test_a_label_is_looked_for_before_an_identity() -> None:
    text = """
        defaults:
          storage: {extraVolumes: {data: {name: shared, emptyDir: {}}, x: {name: data, emptyDir: {}}}}
        users: {ada: {storage: {extraVolumes: {data: null}}}}
        """
    assert list(keyed(resolve(text), "storage.extraVolumes")) == ["data"]


def test_a_label_of_several_entries_removes_all_of_them() -> None:
    text = """
        groups: {"p:*": {storage: {extraVolumes: {share: {name: "share-{match}", emptyDir: {}}}}}}
        users: {ada: {storage: {extraVolumes: {share: null}}}}
        """
    assert listed(resolve(text, groups=["p:a", "p:b"]), "storage.extraVolumes") == []
    assert len(listed(resolve(text, "bob", ["p:a", "p:b"]), "storage.extraVolumes")) == 2


def test_a_label_removed_before_does_not_hide_an_identity() -> None:
    text = """
        defaults: {storage: {extraVolumes: {x: {name: shared, emptyDir: {}}}}}
        groups:
          a: {storage: {extraVolumes: {x: null}}}
          b: {storage: {extraVolumes: [{name: x, emptyDir: {}}]}}
        users: {ada: {storage: {extraVolumes: {x: null}}}}
        """
    assert list(keyed(resolve(text, "bob", ["a", "b"]), "storage.extraVolumes")) == ["x"]
    assert listed(resolve(text, "ada", ["a", "b"]), "storage.extraVolumes") == []


def test_a_removed_entry_comes_back_in_its_place() -> None:
    text = """
        defaults: {initContainers: [{name: a, image: "a:1"}, {name: b, image: "b:1"}]}
        groups: {g: {initContainers: {a: null}}}
        users: {ada: {initContainers: [{name: a, image: "c:1"}]}}
        """
    assert list(keyed(resolve(text, groups=["g"]), "initContainers")) == ["a", "b"]


def test_identities_meet_after_placeholders_are_filled_in() -> None:
    text = """
        defaults: {storage: {extraVolumeMounts: [{name: home, mountPath: /data/ada}]}}
        groups: {"p:*": {storage: {extraVolumeMounts: [{name: home, mountPath: "/data/{match}"}]}}}
        users:
          ada:
            storage: {extraVolumeMounts: [{name: home, mountPath: "/data/{username}", readOnly: true}]}
        """
    environment = resolve(text, groups=["p:ada"])
    assert listed(environment, "storage.extraVolumeMounts") == [
        {"name": "home", "mountPath": "/data/ada", "readOnly": True}
    ]
    beaten = environment.entries["storage.extraVolumeMounts./data/ada"].beat
    assert beaten is not None
    assert beaten.source == "groups.p:*"


@pytest.mark.parametrize("path", NAMED)
def test_an_entry_replaces_kubespawners_own_of_that_identity_in_its_place(path: str) -> None:
    one, two, _ = identities(path)
    layer = own_layer(own(path, object(), one), own(path, object(), two))
    environment = resolve(f"defaults: {at(path, [named(path, one)])!r}", own=layer)
    entries = environment.by_field[path]
    assert [entry.key for entry in entries] == [one, two]
    assert entries[0].value == named(path, one)
    assert [entry.opaque for entry in entries] == [False, True]


def test_the_chart_blocks_metadata_until_its_name_is_null() -> None:
    layer = own_layer(own("initContainers", object(), "block-cloud-metadata"))
    first = resolve("defaults: {initContainers: [{name: mine, image: 'a:1'}]}", own=layer)
    assert list(keyed(first, "initContainers")) == ["block-cloud-metadata", "mine"]
    removed = resolve("defaults: {initContainers: {block-cloud-metadata: null}}", own=layer)
    assert listed(removed, "initContainers") == []


def test_null_for_what_nobody_defines_is_no_error() -> None:
    environment = resolve("defaults: {initContainers: {block-cloud-metadata: null}}")
    assert listed(environment, "initContainers") == []


# --- what grows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", APPENDED)
def test_what_the_stronger_layer_brings_is_added(path: str) -> None:
    weaker, stronger = APPENDED[path]
    assert listed(layered(at(path, [weaker]), at(path, [stronger])), path) == [weaker, stronger]


@pytest.mark.parametrize("path", APPENDED)
def test_the_same_thing_twice_is_there_once(path: str) -> None:
    weaker, _ = APPENDED[path]
    assert listed(layered(at(path, [weaker]), at(path, [weaker])), path) == [weaker]


@pytest.mark.parametrize("path", APPENDED)
def test_null_removes_what_has_grown_beneath(path: str) -> None:
    assert listed(layered(at(path, [APPENDED[path][0]]), at(path, None)), path) == []


def test_placeholders_in_what_grows_are_filled_in() -> None:
    text = """
        groups: {"p:*": {extraTolerations: [{key: pool, value: "{match}", effect: NoSchedule}]}}
        """
    environment = resolve(text, groups=["p:a", "p:b"])
    assert [toleration["value"] for toleration in listed(environment, "extraTolerations")] == ["a", "b"]


# --- storage and hooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weaker", "stronger"), [("static", "dynamic"), ("dynamic", "static")])
def test_a_new_storage_type_replaces_the_home(weaker: str, stronger: str) -> None:
    text = f"""
        defaults:
          storage:
            type: {weaker}
            static: {{pvcName: given, subPath: "{{username}}"}}
            dynamic: {{subPath: work}}
        users: {{ada: {{storage: {{type: {stronger}}}}}}}
        """
    home = resolve(text).home
    assert home.kind == stronger
    assert home.claim == {"static": "given", "dynamic": "claim-ada"}[stronger]
    assert home.sub_path == {"static": "ada", "dynamic": "work"}[stronger]


def test_no_storage_is_a_storage_type_too() -> None:
    text = "{defaults: {storage: {capacity: 5Gi}}, users: {ada: {storage: {type: none}}}}"
    assert resolve(text).home.kind == "none"
    assert resolve(text, "bob").home.kind == "dynamic"


def test_each_lifecycle_hook_is_replaced_apart_from_the_other() -> None:
    text = """
        defaults:
          lifecycleHooks: {postStart: {exec: {command: [a]}}, preStop: {exec: {command: [b]}}}
        users: {ada: {lifecycleHooks: {postStart: {httpGet: {port: 80}}}}}
        """
    environment = resolve(text)
    assert environment.get("lifecycleHooks.postStart") == {"httpGet": {"port": 80}}
    assert environment.get("lifecycleHooks.preStop") == {"exec": {"command": ["b"]}}
