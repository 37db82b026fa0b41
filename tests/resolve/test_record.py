"""What a pod says of its start, and what of it a restart would change."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from envspawner.policy.fields import FIELDS
from envspawner.policy.problems import Place
from envspawner.policy.rules import Rule, Setting
from envspawner.resolve.match import PROFILE, Applied
from envspawner.resolve.merge import merge
from envspawner.resolve.record import digest_of, written
from envspawner.resolve.recorded import AS_CONFIGURED, NOT_KEPT, NoRecord, compare, read
from envspawner.resolve.request import OwnLayer, Person, SpawnRequest
from envspawner.resolve.resolver import Resolver
from envspawner.resolve.result import ResolvedEnvironment
from envspawner.resolve.strings import Words

from .support import NOW, G, own, own_layer, policy_of, request

Changes = list[tuple[str, Any, Any]]


def kept(policy: str, asked: SpawnRequest, options: Any = None) -> str:
    """What the pod of a start says."""
    return written(Resolver(policy_of(policy)).resolve(asked, options), asked, "safe")


def changes(
    text: str,
    policy: str,
    groups: Collection[str] = (),
    *,
    at: datetime = NOW,
    options: Any = None,
    server: str = "",
) -> Changes:
    """(path, then, now) of what a restart by another policy would change."""
    record = read(text)
    person = Person("ada", frozenset(groups))
    asked = record.request(person, at, server=server, namespace="jupyter", pod="jupyter-ada", userid="7")
    found = compare(record, Resolver(policy_of(policy)).resolve(asked, options))
    return [
        (one.path, old and old.value, new and new.value)
        for old, new in found
        for one in [old or new]
        if one is not None
    ]


def restarted(old: str, new: str, groups: Collection[str] = (), **how: Any) -> Changes:
    own = how.pop("own", None)
    return changes(kept(old, request(groups=groups, own=own, **how)), new, groups)


EVERYTHING = """
    defaults:
      image: quay.io/a/b:1
      memory: {guarantee: 50%, limit: 2G}
      extraEnv: {WHO: "{username} {userid}", NOBODY: null}
      extraTolerations: [{key: a}, {key: b}, {key: a}]
      initContainers: [{name: i, image: a/b:1, command: [sh]}]
      storage: {extraVolumes: [{name: s, emptyDir: {}}], extraVolumeMounts: [{name: s, mountPath: /s}]}
      kubespawnerOverride: {notebook_dir: /x}
    groups:
      "g:*": {extraLabels: {g: "{match}"}, cpu: {limit: 2}}
    profiles:
      p: {options: {size: {choices: {s: {uid: 5}, l: {uid: 6}}}}}
"""


def test_a_restart_by_the_same_policy_changes_nothing() -> None:
    text = kept(EVERYTHING, request(groups=["g:x"]), {"size": "l"})
    assert changes(text, EVERYTHING, ["g:x"], options={"profile": "p", "size": "l"}) == []
    record = read(text)
    assert (record.profile, record.options, record.userid) == ("p", {"size": "l"}, "7")


def test_a_record_is_compact_json_of_values_by_path() -> None:
    data = json.loads(kept("{defaults: {memory: {limit: 2G}, extraEnv: {A: b}}}", request()))
    assert data["values"] == {
        "memory.guarantee": G,
        "storage.type": "dynamic",
        "storage.capacity": "10Gi",
        "storage.homeMountPath": "/home/jovyan",
        "memory.limit": 2 * G,
        "extraEnv.A": "b",
    }
    assert "userid" not in data


def test_the_names_of_a_restart_are_those_of_the_start() -> None:
    for server in ("", "lab"):
        asked = request(server=server)
        record = read(written(Resolver(policy_of("defaults: {}")).resolve(asked, None), asked, "safe"))
        again = record.request(
            asked.person,
            NOW,
            server=server,
            namespace="jupyter",
            pod=asked.names["pod_name"],
            userid="7",
            homes={"other": "c"},
            shared_homes={"third": "d"},
        )
        assert again.names == asked.names
        assert again.homes == {"default": asked.own.claim, "other": "c"}
        assert again.shared_homes == {"third": "d"}


def test_what_changed_is_told_with_both_values() -> None:
    old = "{defaults: {memory: {limit: 2G}, extraEnv: {A: b, B: c}, extraTolerations: [{key: a}]}}"
    new = "{defaults: {memory: {limit: 3G}, extraEnv: {A: b, C: d}, extraTolerations: [{key: x}, {key: a}]}}"
    assert restarted(old, new) == [
        ("extraEnv.B", "c", None),
        ("extraEnv.C", None, "d"),
        ("memory.limit", 2 * G, 3 * G),
        ("extraTolerations", None, {"key": "x"}),
    ]


def test_a_rule_that_has_ended_counts_no_more() -> None:
    policy = "{defaults: {uid: 5}, groups: {g: {uid: 6, until: 2026-11-24}}}"
    text = kept(policy, request(groups=["g"]))
    assert changes(text, policy, ["g"]) == []
    assert changes(text, policy, ["g"], at=NOW.replace(year=2027)) == [("uid", 6, 5)]


def test_groups_of_today_count() -> None:
    policy = "groups: {g: {uid: 6}}"
    assert changes(kept(policy, request()), policy, ["g"]) == [("uid", None, 6)]


def test_what_auth_state_gave_is_compared_by_its_rule_and_stands_nowhere() -> None:
    policy = 'defaults: {extraEnv: {T: "x{auth_state.t}"}}'
    for state in ({"t": "sesame"}, {}):
        text = kept(policy, request(auth_state=state))
        assert "sesame" not in text
        assert changes(text, policy) == []
    (path, old, new), *others = changes(text, 'defaults: {extraEnv: {T: "y{auth_state.t}"}}')
    assert (path, others) == ("extraEnv.T", [])
    assert old != new
    assert changes(text, "defaults: {extraEnv: {T: plain}}")[0][2] == "plain"


# --- what lies beneath ---------------------------------------------------------------------------------------

BENEATH = own_layer(
    own("memory.limit", 4 * G),
    own("image.name", "own/image"),
    own("extraEnv", "hook-made-token", "TOKEN"),
    own("extraTolerations", {"key": "own"}, "{'key': 'own'}"),
    own("extraContainers", {"image": "no/name"}, "{'image': 'no/name'}"),
    claim="claim-ada",
)


def test_what_a_hook_sets_makes_no_server_stale_and_is_not_written_down() -> None:
    policy = "{defaults: {memory: {guarantee: 50%}, extraEnv: {A: b}}}"
    text = kept(policy, request(own=BENEATH))
    assert "hook-made-token" not in text
    assert changes(text, policy) == []


def test_without_a_policys_value_what_lies_beneath_counts_again() -> None:
    old = "{defaults: {memory: {limit: 2G}, extraEnv: {TOKEN: x}, extraTolerations: null}}"
    assert restarted(old, "defaults: {}", own=BENEATH) == [
        ("extraEnv.TOKEN", "x", AS_CONFIGURED),
        ("memory.limit", 2 * G, 4 * G),
        ("extraTolerations.#3", None, AS_CONFIGURED),
    ]


def test_a_policy_that_removes_or_replaces_what_lies_beneath_changes_it() -> None:
    new = "{defaults: {memory: {limit: 3G}, extraEnv: {TOKEN: null}, extraContainers: null}}"
    assert restarted("defaults: {}", new, own=BENEATH) == [
        ("extraEnv.TOKEN", AS_CONFIGURED, None),
        ("memory.limit", 4 * G, 3 * G),
        ("extraContainers.#4", AS_CONFIGURED, None),
    ]


def test_a_share_and_a_bound_hold_for_the_limit_that_lies_beneath() -> None:
    policy = "{defaults: {memory: {guarantee: 50%}, atLeast: {memory: 5G}}}"
    assert restarted(policy, policy, own=BENEATH) == []


def test_a_hubs_own_home_stays_what_it_is() -> None:
    assert restarted("defaults: {}", "defaults: {}", own=OwnLayer(has_storage=True, claim="c")) == []


# --- homes ---------------------------------------------------------------------------------------------------


def test_what_only_a_new_claim_would_get_changes_nothing() -> None:
    new = "defaults: {storage: {capacity: 20Gi, dynamic: {storageClass: fast, pvcNameTemplate: 'x-{username}'}}}"
    assert restarted("defaults: {}", new) == []
    grow = "defaults: {storage: {capacity: 20Gi, expand: grow}}"
    assert restarted("defaults: {}", grow) == [("storage.capacity", "10Gi", "20Gi")]


def test_another_home_is_told_with_its_claim() -> None:
    new = "users: {ada: {storage: {dynamic: {pvcNameTemplate: 'other-{username}'}}}}"
    assert restarted("defaults: {}", new) == [
        ("storage.dynamic.pvcNameTemplate", None, "other-ada"),
        ("home.claim", "claim-ada", "other-ada"),
    ]
    none = "defaults: {storage: {type: none}}"
    assert ("home.claim", "claim-ada", None) in restarted("defaults: {}", none)


# --- the size, and what cannot be read -----------------------------------------------------------------------


def test_long_values_of_a_long_record_are_hashed_and_still_compared() -> None:
    old = json.dumps({"defaults": {"extraEnv": {"A": "x" * 9000, "B": "short"}}})
    new = json.dumps({"defaults": {"extraEnv": {"A": "y" * 9000, "B": "short"}}})
    text = kept(old, request())
    assert len(text) < 1000
    assert changes(text, old) == []
    assert changes(text, new) == [("extraEnv.A", NOT_KEPT, "y" * 9000)]


def test_a_list_with_a_long_value_is_still_compared() -> None:
    old = json.dumps({"defaults": {"extraTolerations": [{"key": "a", "value": "x"}]}})
    asked = request()
    environment = Resolver(policy_of(old)).resolve(asked, None)
    data = json.loads(written(environment, asked, "safe"))
    value = data["values"].pop("extraTolerations[0]")
    data["long"] = {"extraTolerations[0]": digest_of(value)}
    assert changes(json.dumps(data), old) == []


def test_a_record_that_is_too_long_says_so() -> None:
    many = {f"A{number}": "x" * 100 for number in range(1000)}
    text = kept(json.dumps({"defaults": {"extraEnv": many}}), request())
    assert len(text) < 100
    with pytest.raises(NoRecord, match="it is longer than 64 KiB"):
        read(text)


def with_value(environment: ResolvedEnvironment, value: Any) -> ResolvedEnvironment:
    entry = environment.entries["uid"]._replace(value=value)
    return replace(environment, entries={**environment.entries, "uid": entry})


def test_what_is_no_plain_data_ends_no_start() -> None:
    asked = request()
    environment = Resolver(policy_of("defaults: {uid: 5}")).resolve(asked, None)
    with pytest.raises(NoRecord, match="a value is no plain data"):
        read(written(with_value(environment, {(1, 2): 3}), asked, "safe"))
    assert "a Python object" in written(with_value(environment, object()), asked, "safe")


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"version":1}', '{"version":1,"storage":[1,2,3,4,5],"own":[["x",null,1]]}']
)
def test_what_cannot_be_read_is_no_record(text: str) -> None:
    with pytest.raises(NoRecord, match="it cannot be read"):
        read(text)


def test_another_version_is_no_record() -> None:
    with pytest.raises(NoRecord, match="another version"):
        read('{"version":2}')


def test_what_an_override_merges_into_is_compared_by_the_override() -> None:
    """KubeSpawner's `profile_list` puts mappings into those that the hub holds, which are not written down."""

    def resolved(text: str, layer: OwnLayer) -> ResolvedEnvironment:
        place = Place("x")
        field = FIELDS["extraPodConfig"]
        setting = Setting(field, {"a": text}, place, "k", "extraPodConfig.k", opaque=True, deep=True)
        asked = request(own=layer)
        environment = Resolver(policy_of("defaults: {}")).resolve(asked, None)
        assert layer.rule is not None
        entries = merge(
            [Applied(1, layer.rule), Applied(PROFILE, Rule("p", place, (setting,)))],
            Words(asked.names, "", None),
        )
        return replace(environment, entries=entries)

    layer = own_layer(own("extraPodConfig", {"hook": "made"}, "k"), claim="claim-ada")
    text = written(resolved("x", layer), request(own=layer), "safe")
    record = read(text)
    assert "made" not in text
    assert compare(record, resolved("x", record.own)) == []
    assert [old and old.hidden for old, _ in compare(record, resolved("y", record.own))] == [True]
