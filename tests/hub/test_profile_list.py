"""A `profile_list` is read as profiles of a policy, and what in it nobody can mean is told with its place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from kubespawner import KubeSpawner
from traitlets import Unicode
from traitlets.config import Config

from envspawner.hub.profile_list import ProfileList, profiles_of
from envspawner.hub.profile_traits import Traits
from envspawner.hub.spawner import EnvSpawner
from envspawner.policy.rules import Allow, Choice, Policy, Profile
from envspawner.resolve.access import Menu
from envspawner.resolve.request import Person

from .support import spawner_for


class Special(EnvSpawner):
    """A spawner class with a setting of its own."""

    flavour = Unicode(config=True, help="What it tastes of.")


def read(*profiles: Any, bounded: bool = False, strict: bool = True) -> ProfileList:
    return profiles_of(list(profiles), Traits(Special, bounded), strict=strict)


def override(name: str, value: Any) -> dict[str, Any]:
    return {"display_name": "x", "kubespawner_override": {name: value}}


def option(**words: Any) -> dict[str, Any]:
    return {"display_name": "x", "profile_options": {"o": words}}


def typed(**override: Any) -> dict[str, Any]:
    unlisted = {"enabled": True, "kubespawner_override": override}
    return option(unlisted_choice=unlisted)


def said(profile: Profile) -> dict[str, Any]:
    return {one.slot or one.field.path: one.value for one in profile.rule.settings}


async def test_a_missing_slug_is_made_as_kubespawner_makes_it() -> None:
    names = ["Something without a slug", "Größe & Länge", "A_b.c", "数据"]
    with spawner_for(Config(), spawner_class=KubeSpawner) as spawner:
        theirs = spawner._get_initialized_profile_list([{"display_name": name} for name in names])
    found = read(*({"display_name": name} for name in names))
    assert [one.slug for one in found.profiles] == [one["slug"] for one in theirs]
    assert [read({"display_name": "x", "slug": "given"}).profiles[0].slug] == ["given"]


async def test_fields_that_kubespawner_would_take_for_those_of_another_profile_are_an_error() -> None:
    with spawner_for(Config(), spawner_class=KubeSpawner) as spawner:
        form = {"profile": ["a"], "profile-option-a--b--o": ["c"]}
        assert spawner._options_from_form(form) == {"profile": "a", "b--o": "c"}
    both = [{"display_name": "A", "slug": "a"}, {**option(choices={"c": {}}), "slug": "a--b"}]
    error = "profile_list.a--b: in a form, the options of a--b would be taken for options of a"
    assert [f"{one.path}: {one.message}" for one in read(*both).errors] == [error]
    found = read(*both, strict=False)
    assert found.errors == ()
    assert [f"{one.path}: {one.message}" for one in found.warnings if one.warning] == [error]


def test_a_choice_that_is_called_as_a_typed_text_is_that_choice_where_a_function_makes_the_list() -> None:
    words = {"choices": {"unlisted-choice": {"display_name": "c"}}, "unlisted_choice": {"enabled": True}}
    error = "profile_list.x.profile_options.o.choices.unlisted-choice: unlisted-choice is what forms send"
    assert [f"{one.path}: {one.message}"[: len(error)] for one in read(option(**words)).errors] == [error]
    found = read(option(**words), strict=False)
    assert found.errors == ()
    menu = Menu(Policy("", profiles=found.profiles))
    [(_, choice)] = menu.choose(Person("ada"), {"profile": "x", "o": "unlisted-choice"}, {}).choices
    assert isinstance(choice, Choice)


def test_a_mapping_of_profiles_is_in_the_order_of_its_keys() -> None:
    found = profiles_of({"b": {"display_name": "B"}, "a": {"display_name": "A"}}, Traits(Special, False))
    assert [one.slug for one in found.profiles] == ["a", "b"]
    wrong = profiles_of({"b": {}}, Traits(Special, False))
    assert str(wrong.errors[0]).startswith("c.KubeSpawner.profile_list.b: a profile needs a display_name")


def test_everything_that_a_list_says_is_in_the_profiles() -> None:
    found = read(
        {
            "display_name": "Large",
            "description": "A lot.",
            "default": True,
            "allowed_groups": ["staff"],
            "profile_options": {
                "image": {
                    "display_name": "Image",
                    "choices": {
                        "a": {"display_name": "A", "default": True, "allowed_groups": ["x"]},
                        "b": {},
                    },
                    "unlisted_choice": {
                        "enabled": True,
                        "display_name_in_choices": "Type one",
                        "validation_regex": "^a/.+$",
                        "validation_message": "Something of a.",
                        "allowed_groups": ["y"],
                    },
                }
            },
        }
    )
    assert not found.errors
    assert not found.warnings
    profile = found.profiles[0]
    assert (profile.slug, profile.display_name, profile.description) == ("large", "Large", "A lot.")
    assert (profile.default, profile.allow) == (True, Allow(groups=("staff",)))
    image = profile.options[0]
    assert (image.slug, image.display_name) == ("image", "Image")
    assert [(c.slug, c.display_name, c.default) for c in image.choices] == [
        ("a", "A", True),
        ("b", "b", False),
    ]
    assert image.choices[0].allow == Allow(groups=("x",))
    other = image.other
    assert other is not None
    assert (other.display_name, other.message) == ("Type one", "Something of a.")
    assert other.allow == Allow(groups=("y",))
    assert other.pattern is not None
    assert other.pattern.matches("a/b")
    assert not other.pattern.matches("a/b\n")


def test_values_are_those_that_the_traits_would_hold() -> None:
    found = read(
        {
            "display_name": "x",
            "kubespawner_override": {
                "mem_limit": "2G",
                "cpu_limit": 1,
                "image": "quay.io/a/b:1",
                "cmd": "start",
                "environment": {"A": 1, "B": True, "C": None, "D": "{username}"},
            },
        }
    )
    assert not found.errors
    assert said(found.profiles[0]) == {
        "memory.limit": 2**31,
        "cpu.limit": 1.0,
        "image.name": "quay.io/a/b",
        "image.tag": "1",
        "cmd": ["start"],
        "extraEnv.A": "1",
        "extraEnv.B": "true",
        "extraEnv.C": None,
        "extraEnv.D": "{username}",
    }


def test_a_null_override_and_null_options_say_nothing() -> None:
    found = read({"display_name": "x", "kubespawner_override": None, "profile_options": None})
    assert not found.errors
    assert found.profiles[0].rule.settings == ()


def test_free_text_that_is_not_enabled_is_no_choice() -> None:
    found = read(option(choices={"a": {}}, unlisted_choice={"kubespawner_override": {"image": "{value}"}}))
    assert found.profiles[0].options[0].other is None


def test_a_setting_of_a_subclass_can_be_overridden() -> None:
    found = read(override("flavour", "sweet"))
    assert not found.errors
    assert said(found.profiles[0]) == {"kubespawnerOverride.flavour": "sweet"}


ERRORS: dict[str, tuple[Any, str]] = {
    "no mapping": (3, "expected a mapping, got a number"),
    "no name": ({"slug": "a"}, "a profile needs a display_name"),
    "a name that is no text": ({"display_name": 3}, "display_name: expected text, got a number"),
    "a slug that is no word": ({"display_name": "x", "slug": " "}, "slug: ' ' cannot name a profile"),
    "an empty slug": ({"display_name": "???"}, "slug: '' cannot name a profile"),
    "a default that is a word": ({"display_name": "x", "default": "no"}, "default: expected true or false"),
    "an unknown key": (
        {"display_name": "x", "desription": "y"},
        r"'desription' \(did you mean description\?\)",
    ),
    "a trait beside the override": (
        {"display_name": "x", "mem_limit": "1G"},
        r"'mem_limit' \(write it below kubespawner_override\)",
    ),
    "allow": ({"display_name": "x", "allow": {}}, r"'allow' \(write allowed_groups: \[\.\.\.\]\)"),
    "a group that is no list": (
        {"display_name": "x", "allowed_groups": "staff"},
        r"allowed_groups: expected a list of group names, got text \(write \['staff'\]\)",
    ),
    "no trait": (override("mem_limitt", 1), r"no trait 'mem_limitt' \(did you mean mem_limit\?\)"),
    "a trait in camelCase": (override("memLimit", 1), r"no trait 'memLimit' \(did you mean mem_limit\?\)"),
    "a policy's word": (override("extraEnv", {}), r"no trait 'extraEnv' \(write environment\)"),
    "a method": (override("start", 1), "no trait 'start'"),
    "an attribute": (override("api_token", "x"), "no trait 'api_token'"),
    "the claim's name": (override("pvc_name", "x"), r"no trait 'pvc_name' \(write the profile as"),
    "the policy": (override("users", {}), r"no trait 'users' \(it belongs to the policy"),
    "a key that is no text": (override(3, 1), "a key must be text"),  # type: ignore[arg-type]
    "no amount": (override("mem_limit", "lots"), "mem_limit: lots is not a valid memory"),
    "an amount of another unit": (override("mem_limit", "2Gi"), r"mem_limit: .*\(write 2147483648\)"),
    "cores as text": (override("cpu_limit", "0.5"), r"cpu_limit: .*\(write 0\.5\)"),
    "thousandths": (override("cpu_limit", "500m"), r"cpu_limit: .*\(write 0\.5\)"),
    "null where it may not be": (override("image", None), "image: The 'image' trait expected"),
    "no image": (override("image", "a b"), r"image: the image 'a b' has a blank"),
    "a list for a mapping": (override("environment", ["A"]), "environment: The 'environment' trait"),
    "an environment's key": (override("environment", {1: "x"}), "environment.1: a key must be text"),
    "a hook that is none": (override("lifecycle_hooks", {"onStart": {}}), "there is no hook 'onStart'"),
    "a label that is no text": (override("volumes", {1: {"name": "a"}}), "volumes: a label must be text"),
    "two mounts at one path": (
        override("volume_mounts", [{"name": n, "mountPath": "/a"} for n in "xy"]),
        r"volume_mounts\[1\]: there is another with this mountPath",
    ),
    "a brace that is no template": (
        override("environment", {"JSON": '{"a": 1}'}),
        r"environment.JSON: KubeSpawner cannot format this text \(KeyError.*write \{\{ and \}\}",
    ),
    "an option of a forbidden name": (
        {"display_name": "x", "profile_options": {"profile": {"choices": {"a": {}}}}},
        "profile_options.profile: no option may be called 'profile'",
    ),
    "an option that is no mapping": (
        {"display_name": "x", "profile_options": {"o": 1}},
        "profile_options.o: expected a mapping",
    ),
    "an option with nothing": (option(), "profile_options.o: nothing to choose from"),
    "a choice whose name is a number": (option(choices={1: {}}), "choices.1: a name must be text"),
    "a trait in a choice": (
        option(choices={"a": {"kubespawner_override": {"cmdd": []}}}),
        r"choices.a.kubespawner_override.cmdd: .*\(did you mean cmd\?\)",
    ),
    "no regular expression": (
        option(unlisted_choice={"enabled": True, "validation_regex": "(.*"}),
        "validation_regex: this is no regular expression",
    ),
    "typed text in a command": (typed(cmd=["{value}"]), r"cmd: \{value\} may not stand here"),
    "typed text in an amount": (typed(mem_limit="{value}"), r"mem_limit: \{value\} may not stand here"),
    "typed text in a name": (typed(environment={"{value}": "x"}), r"\{value\} may not stand here"),
    "typed text deep in a variable": (typed(environment={"A": {"x": "{value}"}}), r"\{value\} may not stand"),
}


@pytest.mark.parametrize(("profile", "message"), ERRORS.values(), ids=ERRORS)
def test_what_nobody_can_mean_is_an_error_with_its_place(profile: Any, message: str) -> None:
    found = read({"display_name": "Fine"}, profile)
    assert len(found.errors) == 1, found.errors
    text = str(found.errors[0])
    assert text.startswith("c.KubeSpawner.profile_list[1]: ")
    assert re.search(message, text), text


def test_templates_are_left_to_a_subclass_that_fills_them_itself() -> None:
    class Filling(EnvSpawner):
        def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
            return template.replace("{course}", "stat101")

    listed = [override("environment", {"COURSE": "{course}"})]
    assert profiles_of(listed, Traits(EnvSpawner, False)).errors
    assert not profiles_of(listed, Traits(Filling, False)).errors


def test_a_list_that_is_none_is_an_error() -> None:
    found = profiles_of("small", Traits(Special, False))
    assert [str(e) for e in found.errors] == [
        "c.KubeSpawner.profile_list: expected a list of profiles, got text (write a list of mappings)"
    ]


def test_two_profiles_of_one_slug_are_an_error() -> None:
    found = read({"display_name": "a b"}, {"display_name": "x", "slug": "a-b"})
    assert "the slug a-b is also that of c.KubeSpawner.profile_list[0]" in str(found.errors[0])


WARNINGS: dict[str, tuple[Any, str]] = {
    "an old name": (override("image_spec", "a:1"), "image_spec is an old name (write image)"),
    "a setting of the hub": (override("common_labels", {}), "is a setting of the hub, not of one server"),
    "a trait that comes too late": (override("pvc_name_template", "x"), "has no effect here"),
    "a list in the list": (override("profile_list", []), "has no effect here"),
    "nobody": ({"display_name": "x", "allowed_groups": []}, "allowed_groups: admits nobody"),
    "a page's own key": (option(choices={"a": {}}, dynamic_image_building={"enabled": True}), "passed over"),
    "an expression without an end": (
        option(unlisted_choice={"enabled": True, "validation_regex": "^a/"}),
        "here the whole text must match",
    ),
    "two default choices": (
        option(choices={"a": {"default": True}, "b": {"default": True}}),
        "choices.a is the default already",
    ),
}


@pytest.mark.parametrize(("profile", "message"), WARNINGS.values(), ids=WARNINGS)
def test_what_may_not_be_meant_is_a_warning(profile: Any, message: str) -> None:
    found = read(profile)
    assert not found.errors
    assert len(found.warnings) == 1
    assert "warning: " in str(found.warnings[0])
    assert message in str(found.warnings[0])


def test_a_second_default_is_a_warning_unless_the_first_is_for_some_only() -> None:
    first, second = {"display_name": "a", "default": True}, {"display_name": "b", "default": True}
    assert "is the default already" in str(read(first, second).warnings[0])
    assert not read({**first, "allowed_groups": ["x"]}, second).warnings


def test_an_unknown_key_of_a_list_that_a_function_made_is_a_warning() -> None:
    found = read({"display_name": "x", "users": ["ada"]}, strict=False)
    assert not found.errors
    assert "unknown key 'users'" in str(found.warnings[0])


AMOUNTS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "memory": ("extra_resource_limits", {"memory": "64Gi"}, {"memory.limit": 2**36}),
    "memory by thousands": ("extra_resource_limits", {"memory": "1G"}, {"memory.limit": 10**9}),
    "memory in bytes": ("extra_resource_guarantees", {"memory": 7}, {"memory.guarantee": 7}),
    "cpu": ("extra_resource_guarantees", {"cpu": "500m"}, {"cpu.guarantee": 0.5}),
    "nothing": ("extra_resource_limits", {"memory": None}, {"memory.limit": None}),
    "a GPU": ("extra_resource_limits", {"g/gpu": "1"}, {"extraResource.limits.g/gpu": "1"}),
    "a claim": ("storage_pvc_ensure", True, {"storage.type": "dynamic"}),
    "no claim": ("storage_pvc_ensure", False, {"storage.type": "none"}),
}


@pytest.mark.parametrize(("name", "value", "meant"), AMOUNTS.values(), ids=AMOUNTS)
def test_beside_a_policy_amounts_are_where_its_bounds_see_them(name: str, value: Any, meant: Any) -> None:
    found = read(override(name, value), bounded=True)
    assert not found.errors
    assert said(found.profiles[0]) == meant


UNSEEN: dict[str, tuple[str, Any]] = {
    "limits of the container": ("extra_container_config", {"resources": {"limits": {"memory": "1Gi"}}}),
    "limits of the pod": ("extra_pod_config", {"resources": {}}),
    "another notebook": ("extra_pod_config", {"containers": []}),
    "a policy of resizing": ("extra_container_config", {"resizePolicy": []}),
    "an amount that is none": ("extra_resource_limits", {"memory": "much"}),
    "cores that are none": ("extra_resource_limits", {"cpu": "many"}),
}


@pytest.mark.parametrize(("name", "value"), UNSEEN.values(), ids=UNSEEN)
def test_beside_a_policy_what_its_bounds_cannot_see_is_an_error(name: str, value: Any) -> None:
    assert len(read(override(name, value), bounded=True).errors) == 1
    assert not read(override(name, value)).errors
