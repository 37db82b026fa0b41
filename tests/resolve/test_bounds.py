"""atMost and atLeast: which of them hold, and what they do to what was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from envspawner.resolve.resolver import Resolver

from .support import G, keyed, own, own_layer, policy_of, refused, request, resolve, source, value

SPECIFIC = {
    "defaults": "defaults: {%s}",
    "groups": "groups: {g: {%s}}",
    "admins": "admins: {%s}",
    "users": "users: {ada: {%s}}",
}
"""Sections whose rules may hold bounds, the least specific first."""


def with_bounds(weaker: str, stronger: str, word: str, amounts: tuple[str, str]) -> Any:
    """The memory limit where two sections bound it."""
    asked = "profiles: {p: {memory: {limit: %s}}}" % ("1M" if word == "atLeast" else "null")
    blocks = [
        SPECIFIC[section] % f"{word}: {{memory: {amount}}}"
        for section, amount in zip((weaker, stronger), amounts, strict=True)
    ]
    text = "\n".join([*blocks, asked])
    return resolve(text, groups=["g"], admin=True).get("memory.limit")


def among_groups(first: str, second: str, beneath: str = "cpu: {limit: 8}") -> list[Any]:
    """The CPU limit of a member of two groups with these bounds, in both orders."""
    return [
        resolve(f"defaults: {{{beneath}}}\ngroups: {{a: {{{one}}}, b: {{{two}}}}}", groups=["a", "b"]).get(
            "cpu.limit"
        )
        for one, two in ((first, second), (second, first))
    ]


# --- which bound holds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["atMost", "atLeast"])
@pytest.mark.parametrize("amounts", [("1G", "2G"), ("2G", "1G")])
@pytest.mark.parametrize(
    ("weaker", "stronger"), [("defaults", "groups"), ("groups", "admins"), ("admins", "users")]
)
def test_the_most_specific_rule_that_names_the_resource_holds(
    weaker: str, stronger: str, word: str, amounts: tuple[str, str]
) -> None:
    assert with_bounds(weaker, stronger, word, amounts) == int(amounts[1][0]) * G


def test_a_rule_that_names_another_resource_leaves_the_bound_beneath() -> None:
    text = """
        defaults: {memory: {limit: 9G}, cpu: {limit: 9}, atMost: {memory: 2G, cpu: 2}}
        users: {ada: {atMost: {cpu: 4}}}
        """
    environment = resolve(text)
    assert (environment.get("memory.limit"), environment.get("cpu.limit")) == (2 * G, 4)


def test_among_groups_the_most_generous_cap_holds() -> None:
    assert among_groups("atMost: {cpu: 2}", "atMost: {cpu: 4}") == [4, 4]


def test_among_groups_the_largest_floor_holds() -> None:
    assert among_groups("atLeast: {cpu: 2}", "atLeast: {cpu: 4}", "cpu: {limit: 1}") == [4, 4]


def test_among_groups_no_cap_is_the_most_generous() -> None:
    assert among_groups("atMost: {cpu: null}", "atMost: {cpu: 4}") == [8, 8]


def test_among_groups_no_floor_is_the_least() -> None:
    assert among_groups("atLeast: {cpu: null}", "atLeast: {cpu: 4}", "cpu: {limit: 1}") == [4, 4]


@pytest.mark.parametrize("word", ["atLeast", "atMost"])
def test_null_in_several_groups_is_null(word: str) -> None:
    assert among_groups(f"{word}: {{cpu: null}}", f"{word}: {{cpu: null}}") == [8, 8]


def test_null_lifts_a_cap() -> None:
    text = "{defaults: {memory: {limit: 9G}, atMost: {memory: 2G}}, users: {ada: {atMost: {memory: null}}}}"
    assert resolve(text).get("memory.limit") == 9 * G
    assert resolve(text, "bob").get("memory.limit") == 2 * G


def test_null_lifts_a_floor() -> None:
    text = "{defaults: {memory: {limit: 1G}, atLeast: {memory: 2G}}, users: {ada: {atLeast: {memory: null}}}}"
    assert resolve(text).get("memory.limit") == G
    assert resolve(text, "bob").get("memory.limit") == 2 * G


def test_a_glob_bounds_each_member() -> None:
    text = "{defaults: {cpu: {limit: 8}}, groups: {'course:*': {atMost: {cpu: 1}}}}"
    assert resolve(text, groups=["course:a", "course:b"]).get("cpu.limit") == 1


# --- atMost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "most", "path", "found"),
    [
        ("memory: {limit: 9G}", "memory: 8G", "memory.limit", 8 * G),
        ("memory: {limit: 8G}", "memory: 8G", "memory.limit", 8 * G),
        ("memory: {limit: 7G}", "memory: 8G", "memory.limit", 7 * G),
        ("cpu: {limit: 4.5}", "cpu: 4", "cpu.limit", 4),
        ("storage: {capacity: 20Gi}", "storage: 10Gi", "storage.capacity", "10Gi"),
        ("storage: {capacity: 10G}", "storage: 10Gi", "storage.capacity", "10G"),
        ("uid: 0", "storage: 5Gi", "storage.capacity", "5Gi"),
    ],
)
def test_what_is_above_at_most_is_lowered(asked: str, most: str, path: str, found: Any) -> None:
    assert resolve(f"users: {{ada: {{{asked}, atMost: {{{most}}}}}}}").get(path) == found


@pytest.mark.parametrize(("word", "amount", "found"), [("memory", "8G", 8 * G), ("cpu", "4", 4)])
@pytest.mark.parametrize("limit", ["uid: 0", "memory: {limit: null}, cpu: {limit: null}"])
def test_no_limit_at_all_is_lowered(word: str, amount: str, found: Any, limit: str) -> None:
    environment = resolve(f"defaults: {{{limit}, atMost: {{{word}: {amount}}}}}")
    assert environment.get(f"{word}.limit") == found
    assert source(environment, f"{word}.limit") == "defaults.atMost"


def test_no_capacity_stays_none() -> None:
    text = "defaults: {storage: {capacity: null}, atMost: {storage: 1Gi}}"
    assert resolve(text).get("storage.capacity") is None


def test_extended_resources_are_lowered_but_nobody_gets_them_by_a_cap() -> None:
    text = """
        defaults: {atMost: {nvidia.com/gpu: 2, amd.com/gpu: 2}}
        users: {ada: {extraResource: {limits: {nvidia.com/gpu: 8}}}}
        """
    assert keyed(resolve(text), "extraResource.limits") == {"nvidia.com/gpu": 2}


def test_an_extended_resource_that_no_bound_names_is_free() -> None:
    text = """
        defaults: {atMost: {nvidia.com/gpu: 2}}
        users: {ada: {extraResource: {limits: {amd.com/gpu: 8}}}}
        """
    assert keyed(resolve(text), "extraResource.limits") == {"amd.com/gpu": 8}


def test_kubespawners_own_limits_are_lowered_too() -> None:
    layer = own_layer(
        own("memory.limit", 9 * G),
        own("cpu.limit", 9.0),
        own("storage.capacity", "90Gi"),
        own("extraResource.limits", "9", "nvidia.com/gpu"),
    )
    text = "defaults: {atMost: {memory: 8G, cpu: 4, storage: 10Gi, nvidia.com/gpu: 2}}"
    environment = resolve(text, own=layer)
    assert environment.get("memory.limit") == 8 * G
    assert environment.get("cpu.limit") == 4
    assert environment.get("storage.capacity") == "10Gi"
    assert keyed(environment, "extraResource.limits") == {"nvidia.com/gpu": 2}


@pytest.mark.parametrize(("word", "most"), [("memory", "8G"), ("cpu", "4")])
def test_a_limit_of_0_is_none_to_kubespawner_and_is_lowered_too(word: str, most: str) -> None:
    layer = own_layer(own(f"{word}.limit", 0))
    environment = resolve(f"defaults: {{atMost: {{{word}: {most}}}}}", own=layer)
    assert environment.get(f"{word}.limit") == {"8G": 8 * G, "4": 4}[most]


def test_what_nobody_can_read_counts_as_more_than_anything() -> None:
    layer = own_layer(own("storage.capacity", "10 Gb"), own("extraResource.limits", "many", "a.b/c"))
    environment = resolve("defaults: {atMost: {storage: 1Gi, a.b/c: 2}}", own=layer)
    assert environment.get("storage.capacity") == "1Gi"
    assert keyed(environment, "extraResource.limits") == {"a.b/c": 2}


def test_a_lowered_value_names_the_bound_and_what_it_lowered() -> None:
    text = """
        defaults:
          memory: {limit: 9G}
          atMost:
            memory: 8G
        """
    found = value(resolve(text), "memory.limit")
    assert (found.value, found.source, found.location) == (8 * G, "defaults.atMost", "policy.yaml:5")
    assert [(old.value, old.source) for old in found.overrode] == [(9 * G, "defaults")]


def test_a_bound_on_storage_brings_no_home_to_a_hub_with_storage_of_its_own() -> None:
    layer = own_layer(has_storage=True)
    environment = resolve("defaults: {atMost: {storage: 5Gi}, atLeast: {storage: 1Gi}}", own=layer)
    assert environment.home.kind == "own"
    assert not environment.says("storage.capacity")


# --- atLeast -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "least", "path", "found"),
    [
        ("memory: {limit: 1G}", "memory: 2G", "memory.limit", 2 * G),
        ("memory: {limit: 3G}", "memory: 2G", "memory.limit", 3 * G),
        ("cpu: {limit: 0.5}", "cpu: 1", "cpu.limit", 1),
        ("storage: {capacity: 1Gi}", "storage: 10Gi", "storage.capacity", "10Gi"),
        ("storage: {capacity: 1Ti}", "storage: 10Gi", "storage.capacity", "1Ti"),
        ("uid: 0", "storage: 20Gi", "storage.capacity", "20Gi"),
    ],
)
def test_at_least_raises_limit_and_capacity(asked: str, least: str, path: str, found: Any) -> None:
    assert resolve(f"users: {{ada: {{{asked}, atLeast: {{{least}}}}}}}").get(path) == found


@pytest.mark.parametrize("word", ["memory", "cpu"])
def test_no_limit_is_above_any_floor(word: str) -> None:
    assert resolve(f"defaults: {{atLeast: {{{word}: 2}}}}").get(f"{word}.limit") is None


def test_at_least_gives_an_extended_resource_to_who_has_none() -> None:
    text = """
        defaults:
          extraResource: {limits: {a.b/c: 3, d.e/f: null}}
          atLeast: {a.b/c: 1, d.e/f: 1, g.h/i: 1}
        """
    assert keyed(resolve(text), "extraResource.limits") == {"a.b/c": 3, "d.e/f": 1, "g.h/i": 1}


def test_a_floor_does_not_raise_a_guarantee() -> None:
    text = "defaults: {memory: {guarantee: 1G, limit: 2G}, atLeast: {memory: 4G}}"
    assert resolve(text).get("memory.guarantee") == G


def test_a_floor_is_never_above_the_cap() -> None:
    text = """
        defaults:
          memory: {limit: 1G}
          storage: {capacity: 1Gi}
          atMost: {memory: 4G, storage: 4Gi, a.b/c: 1}
        groups: {exam: {atLeast: {memory: 8G, storage: 8Gi, a.b/c: 2}}}
        """
    environment = resolve(text, groups=["exam"])
    assert environment.get("memory.limit") == 4 * G
    assert environment.get("storage.capacity") == "4Gi"
    assert keyed(environment, "extraResource.limits") == {"a.b/c": 1}
    found = value(environment, "memory.limit")
    assert found.source == "defaults.atMost"
    assert [old.source for old in found.overrode] == ["groups.exam.atLeast", "defaults"]


def test_a_profile_below_the_floor_is_raised() -> None:
    text = "{defaults: {atLeast: {memory: 2G}}, profiles: {small: {memory: {limit: 1G}}}}"
    assert resolve(text).get("memory.limit") == 2 * G


# --- over-bound --------------------------------------------------------------------------------------------


CAPS = {"memory": "4G", "cpu": "2", "storage": "10Gi", "nvidia.com/gpu": "1"}
CAPPED = f"defaults: {{atMost: {{{', '.join(f'{name}: {amount}' for name, amount in CAPS.items())}}}}}\n"


@pytest.mark.parametrize(
    "asked",
    [
        "memory: {limit: 8G}",
        "memory: {guarantee: 8G}",
        "cpu: {limit: 4}",
        "cpu: {guarantee: 4}",
        "storage: {capacity: 11Gi}",
        "extraResource: {limits: {nvidia.com/gpu: 2}}",
        "extraResource: {guarantees: {nvidia.com/gpu: 2}}",
    ],
)
def test_a_profile_or_choice_that_asks_for_more_is_not_offered(asked: str) -> None:
    profile = f"{CAPPED}profiles: {{small: {{}}, big: {{{asked}}}}}"
    refusal = refused(profile, options={"profile": "big"})
    assert refusal.reason == "over-bound"
    resource, amount = refusal.detail.removeprefix("profiles.big asks for more ").split(" than the ")
    assert resource in asked
    assert amount == f"{CAPS[resource]} of defaults.atMost (policy.yaml:1)"
    choices = f"{{s: {{}}, b: {{{asked}}}}}"
    choice = f"{CAPPED}profiles: {{p: {{options: {{size: {{choices: {choices}}}}}}}}}"
    assert refused(choice, options={"size": "b"}).reason == "over-bound"
    assert resolve(profile).selection.slug == "small"
    assert [c.slug for _, c in resolve(choice).selection.choices] == ["s"]


@pytest.mark.parametrize(
    "asked",
    [
        "memory: {limit: 4G, guarantee: 4G}",
        "memory: {limit: null}",
        "memory: {guarantee: 100%}",
        "memory: null",
        "cpu: {limit: null}",
        "storage: {capacity: 10Gi}",
        "storage: {type: none}",
        "extraResource: {limits: {nvidia.com/gpu: 1, amd.com/gpu: 9}}",
        "extraResource: {limits: {nvidia.com/gpu: null}}",
    ],
)
def test_what_is_within_bounds_is_offered(asked: str) -> None:
    text = f"{CAPPED}profiles: {{small: {{}}, big: {{{asked}}}}}"
    environment = resolve(text, options={"profile": "big"})
    assert environment.get("memory.limit") == 4 * G
    assert environment.get("cpu.limit") == 2


def test_a_profile_over_a_lifted_cap_is_offered() -> None:
    text = CAPPED + "users: {ada: {atMost: {memory: null}}}\nprofiles: {big: {memory: {limit: 64G}}}"
    assert resolve(text).get("memory.limit") == 64 * G
    assert refused(text, "bob").reason == "no-profile"


def test_which_profiles_are_offered_depends_on_the_person() -> None:
    ready = Resolver(
        policy_of(
            """
            defaults: {atMost: {memory: 2G}}
            groups: {staff: {atMost: {memory: 64G}}}
            profiles:
              big: {memory: {limit: 8G}}
              small: {memory: {limit: 1G}, default: true}
              odd: {options: {size: {choices: {l: {memory: {limit: 8G}}}}}}
              free: {options: {size: {choices: {l: {memory: {limit: 8G}}, s: {}}}}}
            """
        )
    )
    assert [o.profile.slug for o in ready.menu(request())] == ["small", "free"]
    staff = request(groups=["staff"])
    assert [o.profile.slug for o in ready.menu(staff)] == ["big", "small", "odd", "free"]


def test_rules_about_people_are_lowered_not_refused() -> None:
    text = CAPPED + "groups: {g: {memory: {limit: 8G}}}\nusers: {ada: {cpu: {limit: 9}}}"
    environment = resolve(text, groups=["g"])
    assert (environment.get("memory.limit"), environment.get("cpu.limit")) == (4 * G, 2)
