"""Values of KubeSpawner's `profile_list` go over what is beneath in KubeSpawner's way, not in a policy's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from envspawner.policy.fields import FIELDS
from envspawner.policy.problems import Place
from envspawner.policy.rules import Policy, Profile, Rule, Setting
from envspawner.policy.templates import compile_text
from envspawner.resolve.merge import updated
from envspawner.resolve.request import OwnLayer
from envspawner.resolve.resolver import Resolver
from envspawner.resolve.result import ResolvedEnvironment

from .support import policy_of, request

PLACE = Place("here")


def setting(
    path: str, value: Any, key: Any = None, *, label: str | None = None, deep: bool = False
) -> Setting:
    dynamic = not isinstance(key, str | None)
    slot = None if dynamic else path if key is None else f"{path}.{key}"
    return Setting(FIELDS[path], value, PLACE, key, slot, dynamic, label, True, deep)


def resolved(own: list[Setting], *picked: Setting, policy: str = "") -> ResolvedEnvironment:
    base = policy_of(policy) if policy else Policy("", built_in=False)
    profile = Profile("p", "P", Rule("profile_list.p", PLACE, picked))
    layer = OwnLayer(Rule("kubespawner", PLACE, tuple(own)))
    return Resolver(replace(base, profiles=(profile,))).resolve(request(own=layer), {})


def keys(environment: ResolvedEnvironment, path: str) -> list[str | None]:
    return [entry.key for entry in environment.by_field.get(path, [])]


VOLUMES = "storage.extraVolumes"
GONE = setting(VOLUMES, None)
INTO = setting(VOLUMES, None, deep=True)


def volume(name: str, label: str | None = None, **more: Any) -> Setting:
    return setting(VOLUMES, {"name": name, **more}, name, label=label, deep=label is not None)


def test_a_list_replaces_a_list_and_keeps_its_own_order() -> None:
    found = resolved([volume("a"), volume("b")], GONE, volume("c"), volume("b"))
    assert keys(found, VOLUMES) == ["c", "b"]


def test_a_mapping_replaces_a_list() -> None:
    assert keys(resolved([volume("a")], INTO, volume("b", "x")), VOLUMES) == ["b"]


def test_a_mapping_goes_into_a_mapping_by_its_labels_which_also_sort_it() -> None:
    own = [volume("a", "x", emptyDir={}), volume("b", "y")]
    found = resolved(own, INTO, volume("a2", "x", secret={}), volume("c", "w"))
    entries = found.by_field[VOLUMES]
    assert keys(found, VOLUMES) == ["c", "a2", "b"]
    assert entries[1].value == {"name": "a2", "emptyDir": {}, "secret": {}}


def test_an_entry_without_a_name_has_that_of_the_one_it_goes_into() -> None:
    nameless = volume("", "x")._replace(value={"secret": {}}, key=None, slot="nowhere")
    found = resolved([volume("a", "x")], INTO, nameless)
    assert keys(found, VOLUMES) == ["a"]
    assert found.by_field[VOLUMES][0].value == {"name": "a", "secret": {}}


def test_a_null_removes_what_has_its_label() -> None:
    gone = setting(VOLUMES, None, "x")._replace(label="x")
    assert keys(resolved([volume("a", "x"), volume("b", "y")], INTO, gone), VOLUMES) == ["b"]


def test_names_in_a_list_are_filled_in_so_that_they_meet_their_mounts() -> None:
    named = setting(VOLUMES, {"name": "v-{username}"}, compile_text("v-{username}"))
    found = resolved([], GONE, named)
    assert keys(found, VOLUMES) == ["v-ada"]
    assert found.by_field[VOLUMES][0].value == {"name": "v-{username}"}


def test_a_list_leaves_what_a_policy_defines_where_it_is_a_mapping() -> None:
    policy = "defaults: {storage: {extraVolumes: [{name: data, emptyDir: {}}]}}"
    assert keys(resolved([volume("a")], INTO, volume("b", "x"), policy=policy), VOLUMES) == ["data", "b"]
    assert keys(resolved([volume("a")], GONE, volume("b"), policy=policy), VOLUMES) == ["b"]


def test_labelled_tolerations_go_into_each_other_too() -> None:
    path = "extraTolerations"

    def one(label: str, value: dict[str, Any]) -> Setting:
        return setting(path, value, repr(value), label=label, deep=True)

    found = resolved(
        [one("a", {"key": "k"})], setting(path, None, deep=True), one("a", {"effect": "NoExecute"})
    )
    assert [entry.value for entry in found.by_field[path]] == [{"key": "k", "effect": "NoExecute"}]


def test_mappings_in_mappings_are_merged_and_other_values_replaced() -> None:
    own = setting("extraPodConfig", {"runAsUser": 1, "fsGroup": 2}, "securityContext")
    more = setting("extraPodConfig", {"fsGroup": None, "x": 3}, "securityContext", deep=True)
    name = setting("extraPodConfig", "h", "hostname")
    found = resolved([own], more, name)
    assert [e.value for e in found.by_field["extraPodConfig"]] == [{"runAsUser": 1, "x": 3}, "h"]


def test_without_a_policy_there_are_no_built_in_values_no_fitting_and_no_digest() -> None:
    found = resolved([setting("memory.guarantee", 2**30)], setting("memory.limit", 2**20))
    assert (found.get("memory.guarantee"), found.get("memory.limit")) == (2**30, 2**20)
    assert found.home.kind == "own"
    assert found.digest == ""


def test_updating_changes_neither_side() -> None:
    base, changes = {"a": {"b": 1}, "c": 2}, {"a": {"b": None, "d": 3}, "c": {"e": None}}
    assert updated(base, changes) == {"a": {"d": 3}, "c": {}}
    assert (base, changes) == ({"a": {"b": 1}, "c": 2}, {"a": {"b": None, "d": 3}, "c": {"e": None}})


def test_a_resolver_can_offer_other_profiles_to_the_same_people() -> None:
    resolver = Resolver(policy_of("defaults: {cmd: start, startTimeout: 9}"))
    other = resolver.offering([Profile("q", "Q", Rule("profile_list.q", PLACE, (setting("uid", 5),)))])
    found = other.resolve(request(), {"profile": "q"})
    assert (found.get("cmd"), found.get("uid")) == (["start"], 5)
    assert other.sets_start_timeout
    assert resolver.policy.profiles == ()
