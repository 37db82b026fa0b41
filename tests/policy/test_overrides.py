"""Every trait of KubeSpawner has its place: a key, a type for `kubespawnerOverride`, or a reason why not."""

from __future__ import annotations

from typing import Any, Final

import pytest
from kubespawner import KubeSpawner
from traitlets import HasTraits

from envspawner.policy.fields import FIELDS
from envspawner.policy.overrides import ADMITTED, KEYS, REFUSED, hint_for
from envspawner.policy.problems import Fault, Faults

from .loading import defaults_of, problem_of, values_of

TRAITS: Final[dict[str, Any]] = KubeSpawner.class_traits(config=True)
NOT_EVERYWHERE: Final[frozenset[str]] = frozenset()
"""Traits that only some supported versions have: none between JupyterHub 5.5 and 6.1, KubeSpawner 7.1."""


def test_every_trait_has_exactly_one_place_in_the_table() -> None:
    known = [*KEYS, *ADMITTED, *REFUSED]
    assert len(known) == len(set(known))
    assert set(TRAITS) - set(known) == set(), "traits that nobody decided on"
    assert set(known) - set(TRAITS) <= NOT_EVERYWHERE, "traits that are no more"


def test_every_trait_that_a_field_becomes_has_that_field_as_its_key() -> None:
    by_trait = {field.trait: path for path, field in FIELDS.items() if field.trait}
    assert {trait: KEYS[trait] for trait in by_trait} == by_trait


def test_keys_that_are_no_single_field_are_blocks_or_sections() -> None:
    blocks = {path.split(".")[0] for path in FIELDS}
    assert {key for key in KEYS.values() if key not in FIELDS} - blocks == {"profiles"}


SAMPLES: Final[dict[str, list[Any]]] = {
    "args": [["--debug"], "--debug", [1, True]],
    "automount_service_account_token": [True, False],
    "container_security_context": [{"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}}, {}],
    "debug": [True],
    "delete_grace_period": [0, 1, 3600],
    "disable_user_config": [False],
    "http_timeout": [1, "60"],
    "notebook_dir": ["~/work", "/home/{username}"],
    "pod_security_context": [{"fsGroup": 100, "supplementalGroups": [1]}],
    "privileged": [False],
    "storage_extra_annotations": [{"example.org/a": "b", "c": 1}],
    "storage_selector": [{"matchLabels": {"content": "jupyter"}}],
    "working_dir": ["/home/jovyan"],
}


def test_every_admitted_trait_is_tried() -> None:
    assert set(SAMPLES) == set(ADMITTED)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in SAMPLES.items() for value in values]
)
def test_what_is_admitted_is_taken_by_kubespawner_itself(name: str, value: Any) -> None:
    converted = ADMITTED[name](value)
    TRAITS[name]._validate(HasTraits(), converted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("args", [{}]),
        ("automount_service_account_token", "yes"),
        ("container_security_context", {"runAsUsr": 1}),
        ("debug", 1),
        ("delete_grace_period", -1),
        ("disable_user_config", "no"),
        ("http_timeout", 0),
        ("notebook_dir", ""),
        ("pod_security_context", []),
        ("privileged", "true"),
        ("storage_extra_annotations", {"hub.jupyter.org/username": "x"}),
        ("storage_selector", {"matchLabels": ["a"]}),
        ("working_dir", "work"),
    ],
)
def test_what_a_trait_cannot_be_is_a_fault(name: str, value: Any) -> None:
    with pytest.raises((Fault, Faults)):
        ADMITTED[name](value)


def test_overrides_are_settings_of_their_own() -> None:
    values = values_of(defaults_of("kubespawnerOverride:\n  args: [-x, '{username}']\n  working_dir: null"))
    assert values == {
        "kubespawnerOverride.args": ["-x", "{username}"],
        "kubespawnerOverride.working_dir": None,
    }


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_trait_with_a_key_is_told_its_key(name: str) -> None:
    assert problem_of(f"defaults: {{kubespawnerOverride: {{{name}: x}}}}") == (
        f"p.yaml:1:34: defaults.kubespawnerOverride.{name}: {name} has a key of its own (write {KEYS[name]})"
    )


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_trait_of_the_hub_is_refused_with_a_reason(name: str) -> None:
    assert problem_of(f"defaults: {{kubespawnerOverride: {{{name}: x}}}}") == (
        f"p.yaml:1:34: defaults.kubespawnerOverride.{name}: {name} may not stand in a policy: "
        f"{REFUSED[name]} (set c.KubeSpawner.{name})"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "{notebok_dir: x}",
            ".notebok_dir: KubeSpawner has no trait 'notebok_dir' (did you mean notebook_dir?)",
        ),
        ("{memLimit: x}", ".memLimit: KubeSpawner has no trait 'memLimit' (write memory.limit)"),
        ("{xyzzy: x}", ".xyzzy: KubeSpawner has no trait 'xyzzy'"),
        ("{start: x}", ".start: KubeSpawner has no trait 'start'"),
        ("[debug]", ": expected a mapping, got a list (write `name: value` lines)"),
        (
            "{http_timeout: long}",
            ".http_timeout: expected a whole number, got 'long' (write it in decimal digits)",
        ),
        ("{args: [a, [b]]}", ".args[1]: expected text, got a list"),
        (
            "{pod_security_context: {fsgroup: 1}}",
            ".pod_security_context.fsgroup: unknown key 'fsgroup' (did you mean fsGroup?)",
        ),
    ],
)
def test_an_unknown_trait_or_a_wrong_value_is_told(text: str, complaint: str) -> None:
    said = problem_of(f"defaults: {{kubespawnerOverride: {text}}}")
    assert said.split(": ", 1)[1].removeprefix("defaults.kubespawnerOverride") == complaint


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("mem_limit", "write memory.limit"),
        ("memLimit", "write memory.limit"),
        ("environment", "write extraEnv"),
        ("args", "write kubespawnerOverride: {args: ...}"),
        ("httpTimeout", "write kubespawnerOverride: {http_timeout: ...}"),
        ("modify_pod_hook", "set c.KubeSpawner.modify_pod_hook: a hook runs in the hub"),
        ("memory", None),
    ],
)
def test_a_trait_s_name_among_the_keys_gets_a_hint(key: str, hint: str | None) -> None:
    assert hint_for(key) == hint
