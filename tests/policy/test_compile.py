"""From blocks to settings: one for each value, with its place, its slot and its placeholders."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

import pytest

from envspawner.policy.fields import FIELDS, Combine
from envspawner.policy.rules import Setting
from envspawner.policy.templates import Placeholder, Template

from .loading import defaults_of, policy_of, problem_of, problems_of, values_of


def settings_of(text: str) -> list[Setting]:
    return list(defaults_of(text).settings)


def test_a_value_is_one_setting_with_its_place() -> None:
    (setting,) = settings_of("memory:\n  limit: 1G")
    assert (setting.field, setting.value, setting.place.full) == (
        FIELDS["memory.limit"],
        2**30,
        "p.yaml:3:12",
    )
    assert (setting.key, setting.slot, setting.dynamic, setting.label) == (None, "memory.limit", False, None)


def test_settings_come_in_the_order_of_the_table() -> None:
    paths = [s.field.path for s in settings_of("uid: 1\ncpu: {limit: 1}\nextraEnv: {A: b}\nimage: a:1")]
    assert paths == ["image.name", "image.tag", "extraEnv", "cpu.limit", "uid"]


def test_each_key_is_a_setting_of_its_own() -> None:
    a, b = settings_of("extraEnv:\n  B: x\n  A: null")
    assert [(s.key, s.slot, s.value, s.place.line) for s in (a, b)] == [
        ("B", "extraEnv.B", "x", 3),
        ("A", "extraEnv.A", None, 4),
    ]


def test_a_template_is_dynamic() -> None:
    plain, dynamic = settings_of("extraEnv: {A: '{{username}}', B: 'x-{username}'}")
    assert (plain.value, plain.dynamic) == ("{username}", False)
    assert (dynamic.value, dynamic.dynamic) == (Template(("x-", Placeholder("username"))), True)


def test_an_entry_is_known_by_its_name_whatever_its_label() -> None:
    listed, labelled, removed = (
        settings_of("initContainers: [{name: a, image: b}]")[0],
        *settings_of("initContainers:\n  01-x: {name: a, image: b}\n  02-y: null"),
    )
    assert (listed.key, listed.slot, listed.label) == ("a", "initContainers.a", None)
    assert (labelled.key, labelled.slot, labelled.label) == ("a", "initContainers.a", "01-x")
    assert (removed.key, removed.slot, removed.label, removed.value) == (
        "02-y",
        "initContainers.02-y",
        "02-y",
        None,
    )
    assert (labelled.place.full, removed.place.full) == ("p.yaml:3:11", "p.yaml:4:11")


def test_a_mount_is_known_by_its_path() -> None:
    (setting,) = settings_of("storage: {extraVolumeMounts: [{name: home, mountPath: /x}]}")
    assert (setting.key, setting.slot) == ("/x", "storage.extraVolumeMounts./x")


def test_an_identity_with_placeholders_is_known_only_at_spawn() -> None:
    (setting,) = (
        policy_of("groups: {'p:*': {storage: {extraVolumeMounts: [{name: home, mountPath: '/{match}'}]}}}")
        .groups["p:*"]
        .settings
    )
    assert (setting.key, setting.slot, setting.dynamic) == (Template(("/", Placeholder("match"))), None, True)


def test_what_is_appended_is_told_apart_by_what_it_says() -> None:
    one, two, template = settings_of(
        "extraTolerations: [{key: a, operator: Exists}, {key: b, operator: Exists}, {key: a, value: '{username}'}]"
    )
    assert one.slot is not None
    assert one.slot != two.slot
    assert (template.key, template.slot, template.dynamic) == (None, None, True)
    assert settings_of("extraTolerations: [{operator: Exists, key: a}]")[0].value == one.value


@pytest.mark.parametrize("path", [path for path, field in FIELDS.items() if field.nullable])
def test_null_removes_what_may_be_removed(path: str) -> None:
    *outer, last = path.split(".")
    text = "".join(f"{word}: {{" for word in outer) + f"{last}: null" + "}" * len(outer)
    (setting,) = settings_of(text)
    assert (setting.field.path, setting.value, setting.key, setting.slot) == (path, None, None, path)


@pytest.mark.parametrize("path", [path for path, field in FIELDS.items() if not field.nullable])
def test_null_removes_nothing_that_a_server_needs(path: str) -> None:
    *outer, last = path.split(".")
    text = "".join(f"{word}: {{" for word in outer) + f"{last}: null" + "}" * len(outer)
    assert problem_of(f"defaults: {{{text}}}").startswith(
        f"p.yaml:1:{problem_column(text)}: defaults.{path}: null"
    )


def problem_column(text: str) -> int:
    return len("defaults: {") + text.index("null") + 1


@pytest.mark.parametrize(
    "name", ["memory", "cpu", "extraResource", "lifecycleHooks", "extraNodeAffinity", "extraPodAffinity"]
)
def test_null_for_a_block_is_null_for_all_in_it(name: str) -> None:
    assert values_of(defaults_of(f"{name}: null")) == {
        path: None for path in FIELDS if path.startswith(f"{name}.")
    }


def test_fields_of_a_block_within_a_block_are_removed_together() -> None:
    assert set(values_of(defaults_of("storage: {dynamic: null}"))) == {
        path for path in FIELDS if path.startswith("storage.dynamic.")
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "storage: {extraVolumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]}",
            "p.yaml:1:62: defaults.storage.extraVolumes: the name a is also that of the entry in p.yaml:1",
        ),
        (
            "storage: {extraVolumeMounts: [{name: home, mountPath: /a}, {name: home, mountPath: /a}]}",
            "p.yaml:1:71: defaults.storage.extraVolumeMounts: the mountPath /a is also that of the entry in p.yaml:1",
        ),
        (
            "initContainers: {x: {name: '{username}', image: b}, y: {name: '{username}', image: b}}",
            "p.yaml:1:67: defaults.initContainers: the name {username} is also that of the entry in p.yaml:1",
        ),
    ],
)
def test_a_rule_has_no_two_entries_of_one_name(text: str, complaint: str) -> None:
    assert problem_of(f"defaults: {{{text}}}") == f"{complaint} (a rule has each of them once)"


def test_one_volume_may_be_mounted_in_several_places() -> None:
    assert defaults_of(
        "storage: {extraVolumeMounts: [{name: home, mountPath: /a}, {name: home, mountPath: /b}]}"
    )


def test_a_label_called_home_may_remove_something() -> None:
    assert defaults_of("storage: {extraVolumes: {home: null}}")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "memory: {guarantee: 2G, limit: 1G}",
            "memory.guarantee: the guarantee is above the limit (lower it, or raise the limit)",
        ),
        (
            "cpu: {guarantee: 2, limit: 500m}",
            "cpu.guarantee: the guarantee is above the limit (lower it, or raise the limit)",
        ),
        (
            "memory: {guarantee: 50%, limit: null}",
            "memory.guarantee: a share of no limit (set memory.limit, or write an amount)",
        ),
        (
            "cpu: {guarantee: 50%, limit: null}",
            "cpu.guarantee: a share of no limit (set cpu.limit, or write an amount)",
        ),
        (
            "extraResource: {guarantees: {x.org/y: 1}, limits: {x.org/y: 2}}",
            "extraResource.guarantees.x.org/y: differs from the limit (Kubernetes wants them equal; the limit alone is enough)",
        ),
        (
            "extraResource: {guarantees: {ephemeral-storage: 2Gi}, limits: {ephemeral-storage: 1Gi}}",
            "extraResource.guarantees.ephemeral-storage: the guarantee is above the limit (lower it, or raise the limit)",
        ),
        (
            "copyOnce: /a, lifecycleHooks: {postStart: {httpGet: {port: 80}}}",
            "lifecycleHooks.postStart: cannot be joined with copyOnce "
            "(make it an exec hook, or write when: initContainer in copyOnce)",
        ),
    ],
)
def test_what_contradicts_itself_in_one_rule_is_an_error(text: str, complaint: str) -> None:
    assert problem_of(f"defaults: {{{text}}}").split(": ", 1)[1] == f"defaults.{complaint}"


@pytest.mark.parametrize(
    "text",
    [
        "memory: {guarantee: 1G, limit: 1G}",
        "memory: {guarantee: 2G, limit: null}",
        "memory: {guarantee: null, limit: 1G}",
        "memory: {guarantee: 50%}",
        "extraResource: {guarantees: {x.org/y: 1}, limits: {x.org/y: 1}}",
        "extraResource: {guarantees: {x.org/y: 1, x.org/z: null}, limits: {x.org/y: null, x.org/z: 1}}",
        "extraResource: {guarantees: {ephemeral-storage: 1Gi}, limits: {ephemeral-storage: 2Gi}}",
        "extraResource: {guarantees: null, limits: {}}",
        "copyOnce: /a, lifecycleHooks: {postStart: {exec: {command: [a]}}}",
        "copyOnce: [{to: /a}, {to: /b}], lifecycleHooks: {postStart: null}",
        "lifecycleHooks: {postStart: {httpGet: {port: 80}}}",
    ],
)
def test_what_fits_together_is_fine(text: str) -> None:
    assert policy_of(f"defaults: {{{text}}}").defaults


def test_contradictions_are_found_in_choices_too() -> None:
    said = problems_of("profiles: {p: {options: {o: {choices: {c: {memory: {guarantee: 2G, limit: 1G}}}}}}}")
    assert said[0].startswith(
        "p.yaml:1:64: profiles.p.options.o.choices.c.memory.guarantee: the guarantee is above"
    )


def test_every_field_combines_in_one_of_the_four_ways_and_named_ones_have_an_identity() -> None:
    for field in FIELDS.values():
        assert bool(field.identity) == (field.combine is Combine.NAMED)
