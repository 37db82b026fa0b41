"""One ordered tuple of layers: whatever the field, the stronger layer wins."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from envspawner.resolve import match
from envspawner.resolve.match import LAYERS

from .support import env, keyed, own, own_layer, resolve, source


@dataclass(frozen=True)
class Where:
    """How a layer says `defaultUrl`, and what makes it hold."""

    yaml: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] | None = None


def says(word: str) -> dict[str, Where]:
    """Ways for each layer to set the same field to a word of its own."""
    profile = "profiles: {big: {%s}}"
    choice = f"options: {{size: {{choices: {{a: {{defaultUrl: {word}}}}}}}}}"
    return {
        "kubespawner": Where(request={"own": own_layer(own("defaultUrl", word))}),
        "defaults": Where(f"defaults: {{defaultUrl: {word}}}"),
        "groups": Where(f"groups: {{staff: {{defaultUrl: {word}}}}}", {"groups": ["staff"]}),
        "admins": Where(f"admins: {{defaultUrl: {word}}}", {"admin": True}),
        "users": Where(f"users: {{ada: {{defaultUrl: {word}}}}}"),
        "profile": Where(profile % f"defaultUrl: {word}"),
        "options": Where(profile % choice),
    }


def both(weaker: str, stronger: str) -> Any:
    """What a policy gives in which two layers each say their own name."""
    weak, strong = says("/weaker")[weaker], says("/stronger")[stronger]
    text = f"{weak.yaml}\n{strong.yaml}"
    if {weaker, stronger} == {"profile", "options"}:
        text = (
            "profiles: {big: {defaultUrl: /weaker, options: {size: {choices: {a: {defaultUrl: /stronger}}}}}}"
        )
    return resolve(text, **weak.request, **strong.request).get("defaultUrl")


def test_the_layers_are_these_weakest_first() -> None:
    assert LAYERS == (
        "built-in",
        "kubespawner",
        "defaults",
        "groups",
        "admins",
        "users",
        "profile",
        "options",
        "bounds",
    )


def test_every_layer_has_its_index_by_name() -> None:
    names = [
        "BUILT_IN",
        "KUBESPAWNER",
        "DEFAULTS",
        "GROUPS",
        "ADMINS",
        "USERS",
        "PROFILE",
        "OPTIONS",
        "BOUNDS",
    ]
    assert [getattr(match, name) for name in names] == list(range(len(LAYERS)))


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [pytest.param(w, s, id=f"{s}_beats_{w}") for w, s in pairwise(LAYERS[1:-1])],
)
def test_the_stronger_of_two_neighbours_wins(weaker: str, stronger: str) -> None:
    assert both(weaker, stronger) == "/stronger"


def test_kubespawner_beats_built_in() -> None:
    layer = own_layer(own("memory.guarantee", 2**20))
    assert resolve("defaults: {}", own=layer).get("memory.guarantee") == 2**20


def test_bounds_beat_options() -> None:
    choice = "options: {size: {choices: {a: {cpu: {limit: null}}}}}"
    environment = resolve(f"defaults: {{atMost: {{cpu: 2}}}}\nprofiles: {{big: {{{choice}}}}}")
    assert environment.get("cpu.limit") == 2
    assert environment.entries["cpu.limit"].layer == match.BOUNDS


def test_every_entry_knows_its_layer() -> None:
    environment = resolve(
        """
        defaults: {extraEnv: {D: "1"}}
        groups: {staff: {extraEnv: {G: "1"}}}
        admins: {extraEnv: {A: "1"}}
        users: {ada: {extraEnv: {U: "1"}}}
        profiles: {p: {extraEnv: {P: "1"}, options: {o: {choices: {c: {extraEnv: {O: "1"}}}}}}}
        """,
        groups=["staff"],
        admin=True,
        own=own_layer(own("extraEnv", "1", "K")),
    )
    layers = {entry.key: LAYERS[entry.layer] for entry in environment.by_field["extraEnv"]}
    assert layers == {
        "K": "kubespawner",
        "D": "defaults",
        "G": "groups",
        "A": "admins",
        "U": "users",
        "P": "profile",
        "O": "options",
    }


# --- built-in ----------------------------------------------------------------------------------------------


def test_built_in_is_a_gigabyte_guaranteed_and_a_home_of_10gi() -> None:
    environment = resolve("defaults: {}")
    assert environment.get("memory.guarantee") == 2**30
    assert environment.get("storage.type") == "dynamic"
    assert environment.get("storage.capacity") == "10Gi"
    assert environment.get("storage.homeMountPath") == "/home/jovyan"
    assert environment.get("memory.limit") is None


def test_null_removes_what_is_built_in() -> None:
    assert resolve("defaults: {memory: {guarantee: null}}").get("memory.guarantee") is None


def test_there_is_no_built_in_home_beside_the_hubs_own_storage() -> None:
    environment = resolve("defaults: {cpu: {limit: 1}}", own=own_layer(has_storage=True))
    assert not any(path.startswith("storage.") for path in environment.entries)
    assert environment.get("memory.guarantee") == 2**30


def test_the_built_in_home_completes_what_a_policy_says_of_the_home() -> None:
    environment = resolve("defaults: {storage: {capacity: 5Gi}}", own=own_layer(has_storage=True))
    assert environment.get("storage.capacity") == "5Gi"
    assert environment.get("storage.homeMountPath") == "/home/jovyan"


# --- absent and null ---------------------------------------------------------------------------------------


def test_absent_means_as_beneath() -> None:
    environment = resolve("{defaults: {uid: 1000, gid: 100}, users: {ada: {uid: 1001}}}")
    assert (environment.get("uid"), environment.get("gid")) == (1001, 100)


def test_null_removes_what_is_beneath() -> None:
    environment = resolve("{defaults: {uid: 1000}, users: {ada: {uid: null}}}")
    assert environment.get("uid") is None
    assert environment.says("uid")


def test_what_nobody_speaks_of_is_not_said() -> None:
    assert not resolve("defaults: {uid: 1000}").says("gid")


def test_a_stronger_value_stands_above_a_null() -> None:
    text = "{defaults: {uid: 1000}, groups: {g: {uid: null}}, users: {ada: {uid: 5}}}"
    assert resolve(text, groups=["g"]).get("uid") == 5


def test_null_of_a_whole_block_removes_all_of_it() -> None:
    text = "{defaults: {memory: {guarantee: 1G, limit: 2G}}, users: {ada: {memory: null}}}"
    environment = resolve(text)
    assert environment.get("memory.guarantee") is None
    assert environment.get("memory.limit") is None


# --- people ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("admin", "role"), [(True, "admin"), (False, None)])
def test_the_rule_of_admins_is_for_hub_admins_only(admin: bool, role: str | None) -> None:
    assert env(resolve("admins: {extraEnv: {ROLE: admin}}", admin=admin)).get("ROLE") == role


def test_there_need_not_be_a_rule_for_admins() -> None:
    assert env(resolve("defaults: {extraEnv: {A: x}}", admin=True)) == {"A": "x"}


def test_a_users_rule_is_for_that_name_exactly() -> None:
    text = "users: {ada: {extraEnv: {A: x}}}"
    assert env(resolve(text, "ada")) == {"A": "x"}
    assert env(resolve(text, "adam")) == {}
    assert env(resolve(text, "Ada")) == {}


def test_a_policy_without_rules_gives_what_is_built_in() -> None:
    environment = resolve("version: 1", groups=["staff"])
    assert {entry.source for entry in environment.entries.values()} == {"built-in"}


# --- what was picked ---------------------------------------------------------------------------------------


def test_options_apply_in_the_order_written_not_in_the_order_chosen() -> None:
    text = """
        profiles:
          p:
            options:
              first: {choices: {a: {defaultUrl: /first, uid: 1}}}
              second: {choices: {b: {defaultUrl: /second}}}
        """
    environment = resolve(text, options={"second": "b", "profile": "p", "first": "a"})
    assert environment.get("defaultUrl") == "/second"
    assert environment.get("uid") == 1
    assert source(environment, "defaultUrl") == "profiles.p.options.second.choices.b"


def test_other_profiles_and_choices_do_not_apply() -> None:
    text = """
        profiles:
          p: {extraEnv: {P: x}, options: {o: {choices: {a: {extraEnv: {A: x}}, b: {extraEnv: {B: x}}}}}}
          q: {extraEnv: {Q: x}}
        """
    assert env(resolve(text, options={"profile": "p", "o": "b"})) == {"P": "x", "B": "x"}


def test_keys_of_all_layers_come_together() -> None:
    text = "{defaults: {nodeSelector: {a: x, b: x}}, users: {ada: {nodeSelector: {b: y, c: y}}}}"
    assert keyed(resolve(text), "nodeSelector") == {"a": "x", "b": "y", "c": "y"}
