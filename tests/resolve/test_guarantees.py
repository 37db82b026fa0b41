"""A guarantee never exceeds its limit: the weaker layer's value yields, and bounds move both."""

from __future__ import annotations

from typing import Any

import pytest

from .support import G, keyed, own, own_layer, resolve, source, value


def memory(text: str, *groups: str, **more: Any) -> tuple[Any, Any]:
    """(guarantee, limit) in gigabytes."""
    environment = resolve(text, groups=groups, **more)
    amounts = [environment.get(f"memory.{word}") for word in ("guarantee", "limit")]
    guarantee, limit = (None if amount is None else amount / G for amount in amounts)
    return guarantee, limit


# --- the weaker layer yields -------------------------------------------------------------------------------


def test_a_weaker_guarantee_yields_to_a_limit() -> None:
    text = "{defaults: {memory: {guarantee: 4G, limit: 8G}}, users: {ada: {memory: {limit: 2G}}}}"
    assert memory(text) == (2, 2)


def test_a_weaker_limit_yields_to_a_guarantee() -> None:
    text = "{defaults: {memory: {limit: 2G}}, users: {ada: {memory: {guarantee: 4G}}}}"
    assert memory(text) == (4, 4)


def test_cpu_yields_alike() -> None:
    text = """
        defaults: {cpu: {guarantee: 1, limit: 2}}
        users: {ada: {cpu: {limit: 0.5}}, bob: {cpu: {guarantee: 3}}}
        """
    for user, found in (("ada", 0.5), ("bob", 3)):
        environment = resolve(text, user)
        assert environment.get("cpu.guarantee") == environment.get("cpu.limit") == found


def test_the_built_in_guarantee_yields_to_a_small_limit() -> None:
    assert memory("defaults: {memory: {limit: 512M}}") == (0.5, 0.5)


def test_a_guarantee_below_its_limit_stays() -> None:
    text = "{defaults: {memory: {limit: 8G}}, users: {ada: {memory: {guarantee: 4G}}}}"
    assert memory(text) == (4, 8)


def test_a_guarantee_without_a_limit_stays() -> None:
    text = "{defaults: {memory: {guarantee: 9G, limit: 9G}}, users: {ada: {memory: {limit: null}}}}"
    assert memory(text) == (9, None)


def test_a_removed_guarantee_stays_removed() -> None:
    assert memory("defaults: {memory: {guarantee: null, limit: 512M}}") == (None, 0.5)


def test_a_later_option_is_stronger_than_an_earlier_one() -> None:
    text = """
        profiles:
          p:
            options:
              first: {choices: {a: {memory: {guarantee: 4G, limit: 8G}}, b: {memory: {limit: 2G}}}}
              second: {choices: {a: {}, b: {memory: {limit: 2G}}, c: {memory: {guarantee: 4G}}}}
        """
    assert memory(text, options={"first": "a", "second": "b"}) == (2, 2)
    assert memory(text, options={"first": "b", "second": "c"}) == (4, 4)


def test_among_groups_the_larger_of_the_two_holds() -> None:
    asks, limits = "{memory: {guarantee: 4G}}", "{memory: {limit: 2G}}"
    assert memory(f"groups: {{a: {asks}, b: {limits}}}", "a", "b") == (4, 4)
    assert memory(f"groups: {{a: {limits}, b: {asks}}}", "a", "b") == (4, 4)


def test_kubespawners_own_guarantee_yields_to_its_own_limit() -> None:
    layer = own_layer(own("memory.guarantee", 4 * G), own("memory.limit", 2 * G))
    assert memory("defaults: {}", own=layer) == (2, 2)


def test_what_yielded_names_the_rule_that_won() -> None:
    text = "{defaults: {memory: {guarantee: 4G, limit: 8G}}, users: {ada: {memory: {limit: 2G}}}}"
    found = value(resolve(text), "memory.guarantee")
    assert (found.value, found.source) == (2 * G, "users.ada")
    assert [(old.value, old.source) for old in found.overrode] == [(4 * G, "defaults"), (G, "built-in")]


# --- bounds move guarantees --------------------------------------------------------------------------------


def test_a_lowered_limit_lowers_its_guarantee() -> None:
    text = "defaults: {memory: {guarantee: 4G, limit: 8G}, atMost: {memory: 2G}}"
    assert memory(text) == (2, 2)
    assert source(resolve(text), "memory.guarantee") == "defaults.atMost"


def test_a_cap_lowers_a_guarantee_that_has_no_limit() -> None:
    assert memory("defaults: {memory: {guarantee: 4G}, atMost: {memory: 2G}}") == (2, 2)


def test_a_guarantee_cannot_lift_a_limit_above_the_cap() -> None:
    text = "{defaults: {memory: {limit: 1G}, atMost: {memory: 2G}}, users: {ada: {memory: {guarantee: 4G}}}}"
    assert memory(text) == (2, 2)


# --- shares ------------------------------------------------------------------------------------------------


def test_a_share_is_of_the_limit() -> None:
    assert memory("defaults: {memory: {guarantee: 25%, limit: 8G}}") == (2, 8)


def test_a_share_is_of_the_final_limit() -> None:
    text = """
        defaults: {memory: {guarantee: 50%, limit: 8G}, atMost: {memory: 6G}}
        profiles: {small: {memory: {limit: 1G}, default: true}, free: {memory: {limit: null}}}
        """
    assert memory(text) == (0.5, 1)
    assert memory(text, options={"profile": "free"}) == (3, 6)


def test_a_share_of_a_raised_limit_is_raised() -> None:
    assert memory("defaults: {memory: {guarantee: 50%, limit: 1G}, atLeast: {memory: 4G}}") == (2, 4)


def test_a_share_without_a_limit_falls_away() -> None:
    environment = resolve("defaults: {memory: {guarantee: 50%}, cpu: {guarantee: 50%}}")
    assert environment.get("memory.guarantee") is None
    assert environment.get("cpu.guarantee") is None
    assert environment.says("memory.guarantee")


def test_a_share_falls_away_when_a_stronger_layer_removes_the_limit() -> None:
    text = "{defaults: {memory: {guarantee: 50%, limit: 8G}}, users: {ada: {memory: {limit: null}}}}"
    assert memory(text) == (None, None)


@pytest.mark.parametrize(
    ("share", "limit", "found"),
    [("50%", "0.3", 0.15), ("33.3%", "1", 0.333), ("100%", "1.5", 1.5), ("0.1%", "0.1", 0.0)],
)
def test_a_share_of_cpu_is_in_thousandths_of_a_core(share: str, limit: str, found: float) -> None:
    environment = resolve(f"defaults: {{cpu: {{guarantee: {share}, limit: {limit}}}}}")
    assert environment.get("cpu.guarantee") == found


def test_a_rounded_share_is_not_above_its_limit() -> None:
    environment = resolve("defaults: {cpu: {guarantee: 100%, limit: 1.0006}}")
    assert environment.get("cpu.guarantee") == environment.get("cpu.limit") == 1.0006


def test_a_share_of_memory_is_whole_bytes() -> None:
    guarantee = resolve("defaults: {memory: {guarantee: 33%, limit: 1001}}").get("memory.guarantee")
    assert (guarantee, type(guarantee)) == (330, int)


def test_a_share_is_reported_beneath_its_amount() -> None:
    found = value(resolve("defaults: {memory: {guarantee: 50%, limit: 8G}}"), "memory.guarantee")
    assert (found.value, found.source) == (4 * G, "defaults")
    assert [(old.value, old.source) for old in found.overrode] == [("50%", "defaults"), (G, "built-in")]


# --- extended resources ------------------------------------------------------------------------------------


def extended(guarantees: str, limits: str, name: str = "nvidia.com/gpu", bounds: str = "") -> tuple[Any, Any]:
    """(guarantee, limit) where two rules speak of an extended resource."""
    environment = resolve(f"""
        defaults: {{extraResource: {{{guarantees}}}}}
        users: {{ada: {{extraResource: {{{limits}}}{bounds}}}}}
        """)
    return tuple(keyed(environment, f"extraResource.{field}").get(name) for field in ("guarantees", "limits"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("weaker", "stronger", "found"),
    [
        ("guarantees: {nvidia.com/gpu: 1}", "limits: {nvidia.com/gpu: 2}", 2),
        ("guarantees: {nvidia.com/gpu: 2}", "limits: {nvidia.com/gpu: 1}", 1),
        ("limits: {nvidia.com/gpu: 1}", "guarantees: {nvidia.com/gpu: 2}", 2),
        ("limits: {nvidia.com/gpu: 2}", "guarantees: {nvidia.com/gpu: 1}", 1),
        ("guarantees: {nvidia.com/gpu: 2}", "", 2),
        ("", "guarantees: {nvidia.com/gpu: 2}", 2),
        ("guarantees: {nvidia.com/gpu: 2}", "limits: {nvidia.com/gpu: null}", None),
        ("limits: null", "guarantees: {nvidia.com/gpu: 2}", 2),
    ],
)
def test_an_extended_guarantee_is_its_limit(weaker: str, stronger: str, found: Any) -> None:
    assert extended(weaker, stronger) == (found, found)


def test_an_extended_limit_needs_no_guarantee() -> None:
    assert extended("guarantees: {nvidia.com/gpu: null}", "limits: {nvidia.com/gpu: 1}") == (None, 1)


def test_among_groups_the_larger_extended_amount_holds() -> None:
    asks, has = "{extraResource: {guarantees: {a.b/c: %d}}}", "{extraResource: {limits: {a.b/c: %d}}}"
    for asked, allowed in ((1, 2), (2, 1)):
        for text in (
            f"groups: {{a: {asks % asked}, b: {has % allowed}}}",
            f"groups: {{a: {has % allowed}, b: {asks % asked}}}",
        ):
            environment = resolve(text, groups=["a", "b"])
            assert keyed(environment, "extraResource.guarantees") == {"a.b/c": 2}
            assert keyed(environment, "extraResource.limits") == {"a.b/c": 2}


def test_a_capped_extended_guarantee_follows_its_limit() -> None:
    most = ", atMost: {nvidia.com/gpu: 1}"
    assert extended("guarantees: {nvidia.com/gpu: 2}", "", bounds=most) == (1, 1)


def test_a_raised_extended_guarantee_follows_its_limit() -> None:
    least = ", atLeast: {nvidia.com/gpu: 4}"
    assert extended("guarantees: {nvidia.com/gpu: 2}", "", bounds=least) == (4, 4)


def test_huge_pages_are_not_overcommitted_either() -> None:
    found = extended("guarantees: {hugepages-2Mi: 2Mi}", "limits: {hugepages-2Mi: 4Mi}", "hugepages-2Mi")
    assert found == ("4Mi", "4Mi")


@pytest.mark.parametrize(
    ("weaker", "stronger", "found"),
    [
        ("guarantees: {ephemeral-storage: 1G}", "limits: {ephemeral-storage: 2G}", ("1G", "2G")),
        ("guarantees: {ephemeral-storage: 1G}", "", ("1G", None)),
        ("guarantees: {ephemeral-storage: 2G}", "limits: {ephemeral-storage: 1G}", ("1G", "1G")),
        ("limits: {ephemeral-storage: 1G}", "guarantees: {ephemeral-storage: 2G}", ("2G", "2G")),
    ],
)
def test_ephemeral_storage_may_be_overcommitted(weaker: str, stronger: str, found: Any) -> None:
    assert extended(weaker, stronger, "ephemeral-storage") == found
