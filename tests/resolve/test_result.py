"""The answer: each value with its path, the rule and place that set it, and what it beat; secrets masked."""

from __future__ import annotations

import json
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from envspawner.policy.fields import FIELDS
from envspawner.resolve.merge import MASK, Entry
from envspawner.resolve.request import OwnLayer
from envspawner.resolve.resolver import without_policy
from envspawner.resolve.result import Overrode, Value, plain

from .support import env, has_templates, own, own_layer, request, resolve, value

LAYERED = """\
defaults:
  memory:
    limit: 2G
  extraEnv: {EDITOR: vim}
groups:
  course::stat101:
    memory: {limit: 4G}
    extraTolerations:
    - {key: pool, operator: Exists}
users:
  ada:
    extraEnv:
      EDITOR: nano
      SHELL: zsh
"""
IN_GROUP = ["course::stat101"]


# --- provenance --------------------------------------------------------------------------------------------


def test_a_value_knows_its_rule_its_line_and_what_it_beat() -> None:
    assert value(resolve(LAYERED, groups=IN_GROUP), "memory.limit") == Value(
        "memory.limit",
        4 * 2**30,
        "groups.course::stat101",
        "policy.yaml:7",
        (Overrode(2 * 2**30, "defaults", "policy.yaml:3"),),
    )


def test_a_value_that_beat_nothing() -> None:
    found = value(resolve(LAYERED), "extraEnv.SHELL")
    assert (found.source, found.location, found.overrode) == ("users.ada", "policy.yaml:14", ())


def test_paths_are_the_words_of_the_policy() -> None:
    paths = [found.path for found in resolve(LAYERED, groups=IN_GROUP).values()]
    assert paths == [
        "extraEnv.EDITOR",
        "extraEnv.SHELL",
        "memory.guarantee",
        "memory.limit",
        "storage.type",
        "storage.capacity",
        "storage.homeMountPath",
        "extraTolerations[0]",
    ]


def test_values_come_in_the_order_of_the_table_of_fields() -> None:
    text = "defaults: {uid: 1, image: 'a:1', kubespawnerOverride: {debug: true}, cpu: {limit: 1}}"
    order = list(FIELDS)
    paths = [found.path.removesuffix(".debug") for found in resolve(text).values()]
    assert paths == sorted(paths, key=order.index)


def test_a_chain_of_beaten_values_goes_down_to_the_weakest() -> None:
    text = """
        defaults: {uid: 1}
        groups: {a: {uid: 2}, b: {uid: 3}}
        users: {ada: {uid: null}}
        profiles: {p: {uid: 5}}
        """
    found = value(resolve(text, groups=["a", "b"], own=own_layer(own("uid", 0))), "uid")
    assert (found.value, found.source) == (5, "profiles.p")
    assert [(old.value, old.source) for old in found.overrode] == [
        (None, "users.ada"),
        (3, "groups.b"),
        (2, "groups.a"),
        (1, "defaults"),
        (0, "kubespawner"),
    ]


def test_a_removed_value_is_shown_with_the_rule_that_removed_it() -> None:
    found = value(resolve("{defaults: {uid: 1}, users: {ada: {uid: null}}}"), "uid")
    assert (found.value, found.source) == (None, "users.ada")


def test_what_a_null_of_a_whole_field_removed_names_that_null() -> None:
    text = "{defaults: {extraEnv: {A: x}}, users: {ada: {extraEnv: null}}}"
    found = value(resolve(text), "extraEnv.A")
    assert (found.value, found.source) == (None, "users.ada")
    assert [old.value for old in found.overrode] == ["x"]


def test_built_in_values_and_kubespawners_own_have_a_place_too() -> None:
    environment = resolve("defaults: {}", own=own_layer(own("uid", 1000)))
    assert value(environment, "memory.guarantee").location == "built-in"
    assert value(environment, "uid").location == "c.KubeSpawner"
    assert value(environment, "uid").source == "kubespawner"


def test_profiles_and_choices_are_named_as_in_the_policy() -> None:
    text = "profiles: {gpu: {uid: 1, options: {size: {choices: {l: {gid: 1}}}}}}"
    environment = resolve(text)
    assert value(environment, "uid").source == "profiles.gpu"
    assert value(environment, "gid").source == "profiles.gpu.options.size.choices.l"


# --- reading -----------------------------------------------------------------------------------------------


def test_reading_values() -> None:
    text = (
        "{defaults: {uid: 1, gid: 1, extraEnv: {A: x, B: x}}, users: {ada: {uid: null, extraEnv: {B: null}}}}"
    )
    environment = resolve(text)
    assert (environment.get("uid"), environment.get("gid"), environment.get("fsGid")) == (None, 1, None)
    assert [environment.says(path) for path in ("uid", "gid", "fsGid")] == [True, True, False]
    assert env(environment) == {"A": "x"}
    assert environment.by_field is environment.by_field


@pytest.mark.parametrize("image", ["a", "a:1", f"a@sha256:{'0' * 64}", f"r.io:5000/a/b:1@sha256:{'0' * 64}"])
def test_the_image_as_kubernetes_takes_it(image: str) -> None:
    assert resolve(f"defaults: {{image: '{image}'}}").image() == image


def test_the_answer_knows_whom_it_is_for_and_by_which_policy() -> None:
    environment = resolve("defaults: {}", "grace", ["staff"], admin=True)
    assert environment.person == request("grace", ["staff"], admin=True).person
    assert len(environment.digest) == 16


def test_an_entry_knows_its_own_label_and_layer() -> None:
    environment = resolve("defaults: {storage: {extraVolumes: {data: {name: x, emptyDir: {}}}}}")
    (entry,) = environment.by_field["storage.extraVolumes"]
    assert isinstance(entry, Entry)
    assert (entry.key, entry.field.path, entry.opaque, entry.secret) == (
        "x",
        "storage.extraVolumes",
        False,
        False,
    )


def test_what_a_bound_made_is_not_kubespawners_own() -> None:
    environment = resolve("defaults: {atMost: {cpu: 1}}", own=own_layer(own("cpu.limit", 2.0)))
    assert not environment.entries["cpu.limit"].opaque
    assert environment.entries["cpu.limit"].beat is not None
    assert environment.entries["cpu.limit"].beat.opaque


# --- strings -----------------------------------------------------------------------------------------------


def test_every_placeholder_is_filled_in_wherever_a_string_stands() -> None:
    text = """
        defaults:
          image: "quay.io/{namespace}/nb:1"
          extraEnv:
            ALL: "{username} {servername} {user_server} {unescaped_username} {userid} {hubnamespace}"
            POD: "{pod_name}"
            REF: {valueFrom: {secretKeyRef: {name: "keys-{username}", key: "{userid}"}}}
          initContainers: [{name: "init-{username}", image: "a:1", args: ["--user={username}"]}]
          cmd: [start, "--name={username}"]
          extraPodConfig: {hostname: "{username}"}
          nodeSelector: {user: "{username}"}
        """
    environment = resolve(text, "Ada L", server="lab")
    assert not any(has_templates(entry.value) for entry in environment.entries.values())
    variables = env(environment)
    slug = "ada-l---"
    assert variables["ALL"].startswith(slug)
    assert variables["ALL"].endswith(" Ada L 7 hub")
    assert variables["POD"].startswith("jupyter-ada-l--")
    assert variables["REF"]["valueFrom"]["secretKeyRef"]["name"].startswith("keys-ada-l---")
    assert environment.image() == "quay.io/jupyter/nb:1"


def test_other_braces_stay_byte_for_byte() -> None:
    texts = ['{"a": 1}', "${HOME}", "${username}", "{{x}}", "^[a-z]{2,5}$", "{", "}}", "{nobody}", "{0}"]
    yaml = json.dumps({f"V{index}": text for index, text in enumerate(texts)})
    assert list(env(resolve(f"defaults: {{extraEnv: {yaml}}}")).values()) == texts


def test_doubled_braces_keep_a_placeholder() -> None:
    assert env(resolve("defaults: {extraEnv: {A: '{{username}} is {username}'}}")) == {
        "A": "{username} is ada"
    }


def test_what_was_filled_in_is_not_expanded_again() -> None:
    text = "defaults: {extraEnv: {A: '{unescaped_username}'}}"
    assert env(resolve(text, "{userid}")) == {"A": "{userid}"}


# --- auth state --------------------------------------------------------------------------------------------


TOKEN = "defaults: {extraEnv: {TOKEN: 'Bearer {auth_state.tokens.api}', PLAIN: x}}"
STATE = {"tokens": {"api": "s3cret", "port": 80, "ok": True, "ratio": 0.5, "list": [1], "null": None}}


def test_auth_state_reaches_a_variable() -> None:
    assert env(resolve(TOKEN, auth_state=STATE)) == {"TOKEN": "Bearer s3cret", "PLAIN": "x"}


def test_what_came_from_auth_state_is_masked_in_every_report() -> None:
    environment = resolve(TOKEN, auth_state=STATE)
    assert value(environment, "extraEnv.TOKEN").value == MASK
    assert value(environment, "extraEnv.PLAIN").value == "x"
    assert "s3cret" not in json.dumps([found.__dict__ for found in environment.values()], default=vars)


def test_that_a_new_image_drops_the_old_tag_is_told_only_where_it_sets_none() -> None:
    text = "defaults: {image: 'a/b:1'}\nusers: {ada: {image: 'a/c:2'}, bob: {image: a/c}}"
    tag = value(resolve(text), "image.tag")
    assert (tag.value, [old.value for old in tag.overrode]) == ("2", ["1"])
    tag = value(resolve(text, user="bob"), "image.tag")
    assert (tag.value, tag.source, [old.value for old in tag.overrode]) == (None, "users.bob", ["1"])


def test_a_beaten_secret_is_masked_too() -> None:
    text = TOKEN + "\nusers: {ada: {extraEnv: {TOKEN: mine}}}"
    found = value(resolve(text, auth_state=STATE), "extraEnv.TOKEN")
    assert found.value == "mine"
    assert found.overrode[0].value == MASK


@pytest.mark.parametrize(
    "auth_state",
    [
        {},
        {"tokens": None},
        {"tokens": "text"},
        {"tokens": {}},
        {"tokens": {"api": None}},
        {"tokens": {"api": ["x"]}},
        {"tokens": {"api": {"a": "b"}}},
        {"tokens.api": "x"},
    ],
)
def test_missing_auth_state_leaves_the_variable_out(auth_state: Any) -> None:
    assert env(resolve(TOKEN, auth_state=auth_state)) == {"PLAIN": "x"}


def test_missing_auth_state_leaves_the_variable_out_of_weaker_layers_too() -> None:
    text = "{defaults: {extraEnv: {A: x}}, users: {ada: {extraEnv: {A: '{auth_state.a}'}}}}"
    environment = resolve(text, auth_state={})
    assert env(environment) == {}
    assert value(environment, "extraEnv.A").value is None


def test_one_missing_part_leaves_the_whole_variable_out() -> None:
    text = "defaults: {extraEnv: {A: '{auth_state.tokens.api}{auth_state.tokens.none}'}}"
    assert env(resolve(text, auth_state=STATE)) == {}


@pytest.mark.parametrize(("name", "found"), [("port", "80"), ("ok", "true"), ("ratio", "0.5")])
def test_plain_values_of_auth_state_become_text(name: str, found: str) -> None:
    text = f"defaults: {{extraEnv: {{A: '{{auth_state.tokens.{name}}}'}}}}"
    assert env(resolve(text, auth_state=STATE)) == {"A": found}
    state = {"tokens": {"ok": False}}
    assert env(resolve(text.replace(name, "ok"), auth_state=state)) == {"A": "false"}


def test_auth_state_may_stand_in_a_reference() -> None:
    text = "defaults: {extraEnv: {A: {valueFrom: {secretKeyRef: {name: '{auth_state.tokens.api}', key: k}}}}}"
    environment = resolve(text, auth_state=STATE)
    assert env(environment)["A"]["valueFrom"]["secretKeyRef"]["name"] == "s3cret"
    assert value(environment, "extraEnv.A").value == MASK


def test_auth_state_that_nobody_knows_is_shown_as_stars() -> None:
    environment = resolve(TOKEN, auth_state=None)
    assert env(environment)["TOKEN"] == "Bearer ***"
    assert value(environment, "extraEnv.TOKEN").value == MASK


def test_auth_state_is_not_expanded_again() -> None:
    text = "groups: {g: {extraEnv: {A: '{auth_state.a} of {group}'}}}"
    found = env(resolve(text, groups=["g"], auth_state={"a": "{group}{username}"}))
    assert found == {"A": "{group}{username} of g"}


# --- plain data --------------------------------------------------------------------------------------------


def test_every_report_is_plain_data() -> None:
    names = {"name": "name", "image": "image", "args": "args", "security_context": "securityContext"}
    context = SimpleNamespace(attribute_map={"run_as_user": "runAsUser", "privileged": "privileged"})
    context.run_as_user, context.privileged = 0, None
    container = SimpleNamespace(attribute_map=names, name="block", image=None, args=("a",))
    container.security_context = context
    layer = own_layer(
        own("initContainers", container, "block"),
        own("uid", lambda spawner: 1000),
        own("extraPodConfig", {1: (2, 3)}, "x"),
    )
    text = """
        defaults: {memory: {guarantee: 50%, limit: 2G}, image: {pullSecrets: [a]}, supplementalGids: [1]}
        users: {ada: {uid: 5, memory: {guarantee: 12.5%}}}
        """
    environment = resolve(text, own=layer)
    facts = json.loads(json.dumps([vars(found) for found in environment.values()], default=vars))
    shown = {fact["path"]: fact for fact in facts}
    assert shown["initContainers.block"]["value"] == {
        "name": "block",
        "args": ["a"],
        "securityContext": {"runAsUser": 0},
    }
    assert shown["uid"]["overrode"][0]["value"] == "a Python function"
    assert shown["extraPodConfig.x"]["value"] == {"1": [2, 3]}
    assert [old["value"] for old in shown["memory.guarantee"]["overrode"]] == ["12.5%", "50%", 2**30]
    assert shown["image.pullSecrets"]["value"] == ["a"]


@pytest.mark.parametrize(
    ("anything", "found"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        ("x", "x"),
        (Fraction(1, 3), "33.3333%"),
        (MappingProxyType({"a": [(1,)]}), {"a": [[1]]}),
        (object(), "a Python object"),
    ],
)
def test_plain_values(anything: Any, found: Any) -> None:
    assert plain(anything) == found


# --- without a policy --------------------------------------------------------------------------------------


def test_without_a_policy_there_is_only_kubespawners_own() -> None:
    layer = own_layer(
        own("uid", 1000), has_storage=True, claim="claim-ada", claim_template="claim-{username}"
    )
    environment = without_policy(request(own=layer, homes={"default": "old"}))
    assert [(found.path, found.value) for found in environment.values()] == [("uid", 1000)]
    assert (environment.home.kind, environment.home.claim) == ("own", "old")
    assert (environment.digest, environment.selection.slug) == ("", "")


def test_without_a_policy_and_without_storage_there_is_no_home() -> None:
    environment = without_policy(request(own=OwnLayer()))
    assert environment.entries == {}
    assert environment.home.kind == "none"
