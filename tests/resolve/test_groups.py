"""Several groups: the largest amount, else the group written later; globs once per group that matches."""

from __future__ import annotations

from typing import Any

import pytest

from envspawner.policy.globs import Glob
from envspawner.resolve.slugs import safe_slug

from .support import G, env, keyed, listed, own, own_layer, resolve, source, value


def groups(*blocks: str) -> str:
    """A policy with the groups a, b, c and so on, in this order."""
    return "groups:\n" + "\n".join(
        f"  {name}: {{{block}}}" for name, block in zip("abcdef", blocks, strict=False)
    )


def in_both(first: str, second: str, path: str) -> Any:
    """What a member of two groups gets, whichever of them is written first."""
    one = resolve(groups(first, second), groups=["a", "b"]).get(path)
    other = resolve(groups(second, first), groups=["a", "b"]).get(path)
    assert one == other
    return one


# --- amounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "small", "large", "found"),
    [
        ("memory.guarantee", "memory: {guarantee: 512M}", "memory: {guarantee: 2G}", 2 * G),
        ("memory.limit", "memory: {limit: 900M}", "memory: {limit: 1G}", G),
        ("cpu.guarantee", "cpu: {guarantee: 500m}", "cpu: {guarantee: 2}", 2),
        ("cpu.limit", "cpu: {limit: 2}", "cpu: {limit: 10}", 10),
        ("storage.capacity", "storage: {capacity: 9Gi}", "storage: {capacity: 10Gi}", "10Gi"),
        ("storage.capacity", "storage: {capacity: 10G}", "storage: {capacity: 10Gi}", "10Gi"),
    ],
)
def test_the_largest_amount_holds(path: str, small: str, large: str, found: Any) -> None:
    assert in_both(small, large, path) == found


def test_the_largest_share_holds() -> None:
    text = "defaults: {memory: {limit: 4G}}\n"
    text += groups("memory: {guarantee: 25%}", "memory: {guarantee: 50%}", "memory: {guarantee: 10%}")
    assert resolve(text, groups=["a", "b", "c"]).get("memory.guarantee") == 2 * G


@pytest.mark.parametrize("field", ["limits", "guarantees"])
def test_the_largest_extended_resource_holds(field: str) -> None:
    one = f"extraResource: {{{field}: {{nvidia.com/gpu: 1}}}}"
    four = f"extraResource: {{{field}: {{nvidia.com/gpu: 4}}}}"
    assert in_both(one, four, f"extraResource.{field}.nvidia.com/gpu") == 4


def test_quantities_compare_by_what_they_say() -> None:
    path = "extraResource.limits.ephemeral-storage"
    small = "extraResource: {limits: {ephemeral-storage: 900M}}"
    assert in_both(small, "extraResource: {limits: {ephemeral-storage: 1G}}", path) == "1G"


@pytest.mark.parametrize("word", ["memory", "cpu"])
def test_no_limit_is_the_largest_limit(word: str) -> None:
    text = f"defaults: {{{word}: {{limit: 1}}}}\n"
    for blocks in ((f"{word}: {{limit: null}}", f"{word}: {{limit: 2}}"),):
        for order in (blocks, blocks[::-1]):
            assert resolve(text + groups(*order), groups=["a", "b"]).get(f"{word}.limit") is None


@pytest.mark.parametrize(
    ("path", "null", "amount", "found"),
    [
        ("memory.guarantee", "memory: {guarantee: null}", "memory: {guarantee: 1G}", G),
        ("cpu.guarantee", "cpu: {guarantee: null}", "cpu: {guarantee: 1}", 1),
        ("storage.capacity", "storage: {capacity: null}", "storage: {capacity: 1Gi}", "1Gi"),
        (
            "extraResource.limits.nvidia.com/gpu",
            "extraResource: {limits: {nvidia.com/gpu: null}}",
            "extraResource: {limits: {nvidia.com/gpu: 1}}",
            1,
        ),
        (
            "extraResource.limits.nvidia.com/gpu",
            "extraResource: {limits: null}",
            "extraResource: {limits: {nvidia.com/gpu: 1}}",
            1,
        ),
    ],
)
def test_nothing_is_the_smallest_of_everything_else(path: str, null: str, amount: str, found: Any) -> None:
    assert in_both(null, amount, path) == found


def test_null_in_every_group_removes() -> None:
    text = "defaults: {memory: {limit: 1G}}\n" + groups("memory: {limit: null}", "memory: {limit: null}")
    assert resolve(text, groups=["a", "b"]).get("memory.limit") is None


def test_a_share_and_an_amount_cannot_be_compared_so_the_later_holds() -> None:
    text = "defaults: {memory: {limit: 4G}}\n"
    share, amount = "memory: {guarantee: 50%}", "memory: {guarantee: 1G}"
    assert resolve(text + groups(share, amount), groups=["a", "b"]).get("memory.guarantee") == G
    assert resolve(text + groups(amount, share), groups=["a", "b"]).get("memory.guarantee") == 2 * G


def test_groups_may_give_less_than_defaults() -> None:
    text = "defaults: {memory: {limit: 8G}}\n" + groups("memory: {limit: 1G}", "memory: {limit: 2G}")
    assert resolve(text, groups=["a", "b"]).get("memory.limit") == 2 * G


def test_only_groups_take_the_largest() -> None:
    text = groups("memory: {limit: 8G}") + "\nusers: {ada: {memory: {limit: 2G}}}"
    assert resolve(text, groups=["a"]).get("memory.limit") == 2 * G


def test_a_smaller_amount_of_another_group_is_reported_as_beaten() -> None:
    text = "defaults: {memory: {limit: 1G}}\n" + groups("memory: {limit: 8G}", "memory: {limit: 2G}")
    found = value(resolve(text, groups=["a", "b"]), "memory.limit")
    assert (found.value, found.source) == (8 * G, "groups.a")
    assert [(old.value, old.source) for old in found.overrode] == [(2 * G, "groups.b"), (G, "defaults")]


# --- everything else ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "first", "second", "found"),
    [
        ("uid", "uid: 9", "uid: 1", 1),
        ("startTimeout", "startTimeout: 900", "startTimeout: 60", 60),
        ("image.tag", 'image: "a:2"', 'image: "a:1"', "1"),
        ("image.tag", 'image: "a:2"', "image: b", None),
        ("defaultUrl", "defaultUrl: /lab", "defaultUrl: null", None),
        ("storage.type", "storage: {type: dynamic}", "storage: {type: none}", "none"),
        ("extraEnv.A", "extraEnv: {A: '9'}", "extraEnv: {A: '1'}", "1"),
        ("nodeSelector.pool", "nodeSelector: {pool: z}", "nodeSelector: {pool: a}", "a"),
    ],
)
def test_of_everything_else_the_group_written_later_wins(
    path: str, first: str, second: str, found: Any
) -> None:
    assert resolve(groups(first, second), groups=["b", "a"]).get(path) == found


def test_null_in_a_later_group_removes_keys_of_an_earlier_one() -> None:
    text = groups("extraEnv: {A: x}", "extraEnv: null", "extraEnv: {C: x}")
    assert env(resolve(text, groups=["a", "b", "c"])) == {"C": "x"}


def test_null_of_a_field_removes_what_is_beneath_the_groups_only() -> None:
    layer = own_layer(own("extraResource.limits", 8, "nvidia.com/gpu"))
    text = groups(
        "extraResource: {limits: {amd.com/gpu: 1}}",
        "extraResource: {limits: null}",
    )
    environment = resolve(text, groups=["a", "b"], own=layer)
    assert keyed(environment, "extraResource.limits") == {"amd.com/gpu": 1}


def test_groups_without_a_rule_and_rules_without_members_change_nothing() -> None:
    assert env(resolve(groups("extraEnv: {A: x}"), groups=["b", "aa", "A", ""])) == {}


# --- globs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "name", "match"),
    [
        ("project:*", "project:a", "a"),
        ("project:*", "project:", None),
        ("project:*", "xproject:a", None),
        ("*", "a", "a"),
        ("*", "", None),
        ("*-staff", "math-staff", "math"),
        ("*-staff", "-staff", None),
        ("*-staff", "math-staff-2", None),
        ("a*z", "az", None),
        ("a*z", "abz", "b"),
        ("ab*ba", "aba", None),
        ("*:*", "a:b", "a"),
        ("*:*", "a:b:c", "a"),
        ("*:*", "::b", ":"),
        ("*:*", "a:", None),
        ("*:*", ":b", None),
        ("*::*", "a::b", "a"),
        ("a*b*c", "aXbYbZc", "X"),
        ("a*b*c", "aXbc", None),
        ("a*b*c", "abc", None),
        ("a*b*c", "aXYc", None),
        ("**", "a", None),
        ("**", "ab", "a"),
        ("a**b", "axyb", "x"),
        ("course:*:ta", "course:stat:101:ta", "stat:101"),
        ("[a-z]*", "[a-z]x", "x"),
        ("[a-z]*", "bx", None),
        ("?*", "ab", None),
        ("p*", "pé\n", "é\n"),
        ("P*", "pa", None),
    ],
)
def test_a_star_stands_for_one_character_or_more_as_few_as_possible(
    pattern: str, name: str, match: str | None
) -> None:
    assert Glob(pattern).match(name) == match


def test_a_glob_of_many_stars_answers_at_once() -> None:
    assert Glob("*a" * 40 + "b").match("a" * 5000) is None


def test_names_without_a_star_are_exact() -> None:
    text = "groups: {'a.b': {extraEnv: {A: x}}, 'a?': {extraEnv: {B: x}}}"
    assert env(resolve(text, groups=["axb", "ab", "a.b.c"])) == {}
    assert env(resolve(text, groups=["a.b", "a?"])) == {"A": "x", "B": "x"}


def test_a_glob_applies_once_for_each_group_that_matches() -> None:
    text = """
        groups:
          "project:*":
            storage:
              extraVolumes: [{name: "p-{match}", emptyDir: {}}]
        """
    environment = resolve(text, groups=["project:b", "project:a", "other"])
    assert list(keyed(environment, "storage.extraVolumes")) == ["p-a", "p-b"]


def test_among_groups_of_one_glob_the_last_by_name_wins() -> None:
    text = "groups: {'p:*': {extraEnv: {P: '{match}'}}}"
    assert env(resolve(text, groups=["p:b", "p:c", "p:a"])) == {"P": "c"}


def test_globs_and_names_apply_in_the_order_written() -> None:
    text = """
        groups:
          "*:x": {extraEnv: {A: star, B: star, C: star}}
          "p:x": {extraEnv: {B: name, C: name}}
          "p:*": {extraEnv: {C: glob}}
        """
    environment = resolve(text, groups=["p:x"])
    assert env(environment) == {"A": "star", "B": "name", "C": "glob"}
    assert source(environment, "extraEnv.C") == "groups.p:*"


def test_a_glob_is_for_whole_names() -> None:
    text = "groups: {'p*z': {extraEnv: {A: x}}}"
    assert env(resolve(text, groups=["pa", "paza"])) == {}
    assert env(resolve(text, groups=["paz"])) == {"A": "x"}


def test_a_short_group_is_not_asked_for_long_prefixes() -> None:
    text = "groups: {'*': {extraEnv: {A: x}}, 'course:*': {extraEnv: {B: x}}}"
    assert env(resolve(text, groups=["c"])) == {"A": "x"}


# --- {group} and {match} -----------------------------------------------------------------------------------


ODD = "Équipe: Data/2026"


@pytest.fixture
def odd() -> Any:
    """What a member of a group with an odd name gets where `{group}` and `{match}` may stand."""
    text = """
        groups:
          "t:*":
            extraEnv: {GROUP: "{group}", MATCH: "in {match}", RAW: '{"a": "{match}"}'}
            extraAnnotations: {example.org/team: "{group}"}
            extraLabels: {team: "{match}"}
            nodeSelector: {pool: "{match}"}
            extraTolerations: [{key: pool, value: "{match}", effect: NoSchedule}]
            storage:
              extraVolumes: [{name: "v-{match}", persistentVolumeClaim: {claimName: "team-{match}"}}]
              extraVolumeMounts: [{name: "v-{match}", mountPath: "/teams/{match}", subPath: "x/{match}"}]
            initContainers: [{name: prepare, image: "a:1", env: [{name: TEAM, value: "{match}"}]}]
        """
    return resolve(text, groups=["t:" + ODD])


def test_group_and_match_stand_raw_in_variables(odd: Any) -> None:
    assert env(odd) == {"GROUP": f"t:{ODD}", "MATCH": f"in {ODD}", "RAW": f'{{"a": "{ODD}"}}'}


def test_group_and_match_stand_raw_in_annotations(odd: Any) -> None:
    assert keyed(odd, "extraAnnotations") == {"example.org/team": f"t:{ODD}"}


def test_group_and_match_are_slugs_everywhere_else(odd: Any) -> None:
    slug = safe_slug(ODD, 48)
    assert slug != ODD
    assert keyed(odd, "extraLabels") == {"team": slug}
    assert keyed(odd, "nodeSelector") == {"pool": slug}
    assert listed(odd, "extraTolerations")[0]["value"] == slug
    assert keyed(odd, "storage.extraVolumes") == {
        f"v-{slug}": {"name": f"v-{slug}", "persistentVolumeClaim": {"claimName": f"team-{slug}"}}
    }
    assert keyed(odd, "storage.extraVolumeMounts") == {
        f"/teams/{slug}": {"name": f"v-{slug}", "mountPath": f"/teams/{slug}", "subPath": f"x/{slug}"}
    }
    assert listed(odd, "initContainers")[0]["env"] == [{"name": "TEAM", "value": slug}]


def test_a_name_that_needs_no_slug_stays() -> None:
    text = "groups: {'t:*': {extraLabels: {team: '{match}'}}}"
    assert keyed(resolve(text, groups=["t:data-science"]), "extraLabels") == {"team": "data-science"}


def test_group_stands_in_rules_without_a_star_too() -> None:
    text = "groups: {'course::stat': {extraEnv: {G: '{group}'}, extraLabels: {g: '{group}'}}}"
    environment = resolve(text, groups=["course::stat"])
    assert env(environment) == {"G": "course::stat"}
    assert keyed(environment, "extraLabels") == {"g": safe_slug("course::stat", 48)}


def test_a_groups_name_is_not_expanded_again() -> None:
    text = "groups: {'p:*': {extraEnv: {P: '{match}'}}}"
    assert env(resolve(text, groups=["p:{username}{pvc_name}"])) == {"P": "{username}{pvc_name}"}
