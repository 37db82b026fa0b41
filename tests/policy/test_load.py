"""A whole policy: sections, several sources, all problems at once, each at its own place."""

from __future__ import annotations

import copy
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy.document import parse_document
from envspawner.policy.fields import FIELDS
from envspawner.policy.load import load_file, load_policy
from envspawner.policy.located import Source
from envspawner.policy.problems import Place, PolicyError
from envspawner.policy.sections import SHAPES

from .loading import from_traits, policy_of, problem_of, problems_of, trait_problems, values_of, warnings_of

relaxed = settings(deadline=None)
DESIGN = Path(__file__).with_name("policy.yaml")


def test_the_policy_of_the_documentation_is_fine() -> None:
    policy, warnings = load_file(DESIGN)
    assert list(policy.groups) == ["course::stat101", "staff", "project:*"]
    assert [profile.slug for profile in policy.profiles] == ["small", "gpu"]
    assert warnings == []


def test_a_file_goes_by_the_name_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("defaults: {memory: {limit: }}")
    policy, warnings = load_file(tmp_path / "x.yaml", "policy.yaml")
    assert policy.defaults is not None
    assert policy.defaults.place == Place("policy.yaml", 1, 1)
    assert [str(one.place) for one in warnings] == ["policy.yaml:1"]
    assert str(load_file(tmp_path / "x.yaml")[1][0].place) == f"{tmp_path}/x.yaml:1"


ALL_AT_ONCE = """\
version: 1
defaults:
  memroy: {limit: 1G}
  mem_limit: 1G
  image: quay.io/Jupyter/x:1
  extraEnv:
    JUPYTERHUB_USER: x
  extraLabels: {team: a b}
  kubespawnerOverride:
    start_tiemout: 5
groups:
  staff:
    memory: {guarantee: 2G, limit: 1G}
    memory: {limit: 3G}
users:
  ada:
    memory:
      limit: 8 Gib
"""


def test_every_problem_is_told_at_once_with_its_place_its_path_and_what_to_write() -> None:
    assert problems_of(ALL_AT_ONCE) == [
        "p.yaml:3:3: defaults.memroy: unknown key 'memroy' (did you mean memory?)",
        "p.yaml:4:3: defaults.mem_limit: unknown key 'mem_limit' (write memory.limit)",
        "p.yaml:5:10: defaults.image: the image name 'quay.io/Jupyter/x' must be lower-case "
        "(did you mean quay.io/jupyter/x?)",
        "p.yaml:7:5: defaults.extraEnv.JUPYTERHUB_USER: JupyterHub itself sets JUPYTERHUB_USER "
        "(choose another name)",
        "p.yaml:8:23: defaults.extraLabels.team: 'a b' cannot be the value of a label "
        "(write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends)",
        "p.yaml:10:5: defaults.kubespawnerOverride.start_tiemout: KubeSpawner has no trait 'start_tiemout' "
        "(did you mean start_timeout?)",
        "p.yaml:13:25: groups.staff.memory.guarantee: the guarantee is above the limit "
        "(lower it, or raise the limit)",
        "p.yaml:14:5: groups.staff.memory: this key stands here twice, first in line 13 (join the two)",
        "p.yaml:18:14: users.ada.memory.limit: '8 Gib' is not an amount of memory (did you mean 8Gi?)",
    ]


def test_warnings_about_the_text_come_with_its_problems_too() -> None:
    assert problems_of("defaults:\n  memory: {limit: }\n  memroy: 1") == [
        "p.yaml:2:19: warning: defaults.memory.limit: nothing is written here "
        "(write null to remove what is beneath, {} for a block without settings, or delete the line)",
        "p.yaml:3:3: defaults.memroy: unknown key 'memroy' (did you mean memory?)",
    ]


def test_what_is_wrong_in_a_block_does_not_hide_what_contradicts_itself_in_it() -> None:
    assert problems_of("defaults:\n  memory: {guarantee: 2G, limit: 1G, limits: 3}\n  cpu: 5") == [
        "p.yaml:2:23: defaults.memory.guarantee: the guarantee is above the limit "
        "(lower it, or raise the limit)",
        "p.yaml:2:38: defaults.memory.limits: unknown key 'limits' (did you mean limit?)",
        "p.yaml:3:8: defaults.cpu: expected a mapping, got a number (write cpu: {limit: 5})",
    ]


def test_a_mistake_through_an_alias_is_told_where_it_was_written() -> None:
    said = problems_of("groups:\n  a: &a {memroy: 1}\n  b: *a\n  c:\n    <<: *a\n")
    assert said == [
        "p.yaml:2:10: groups.a.memroy: unknown key 'memroy' (did you mean memory?)",
        "p.yaml:2:10: groups.b.memroy: unknown key 'memroy' (did you mean memory?)",
        "p.yaml:2:10: groups.c.memroy: unknown key 'memroy' (did you mean memory?)",
    ]


@pytest.mark.parametrize("text", ["{}", "version: 1", "version: '1'", "version: null", "version:"])
def test_a_policy_may_say_nothing(text: str) -> None:
    policy = policy_of(text)
    assert (policy.defaults, policy.groups, policy.admins, policy.users, policy.profiles) == (
        None,
        {},
        None,
        {},
        (),
    )


@pytest.mark.parametrize("value", ["null", "~", "{}"])
def test_sections_may_be_null_or_empty(value: str) -> None:
    text = "".join(f"{name}: {value}\n" for name in ("defaults", "groups", "admins", "users", "profiles"))
    policy = policy_of(text)
    assert (policy.groups, policy.users, policy.profiles) == ({}, {}, ())
    assert warnings_of(text) == []


@pytest.mark.parametrize("version", ["2", "1.0", "true", "one", "[1]", "{1: 1}", "'1 '"])
def test_another_version_is_told(version: str) -> None:
    assert problem_of(f"version: {version}") == (
        "p.yaml:1:10: version: this version of the language is not known (write version: 1)"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("default: {}", "did you mean defaults?"),
        ("Users: {}", "did you mean users?"),
        ("memory: {}", "write defaults: {memory: ...}"),
        ("profile_list: {}", "did you mean profiles?"),
        ("mem_limit: 1G", "write memory.limit"),
        ("xyzzy: 1", "a policy has defaults, groups, admins, users and profiles"),
    ],
)
def test_an_unknown_section_is_told(text: str, hint: str) -> None:
    assert problem_of(text).endswith(f"({hint})")


@pytest.mark.parametrize("section", ["groups", "users", "profiles"])
@pytest.mark.parametrize(
    ("value", "kind"), [("[a]", "a list"), ("5", "a number"), ("x", "text"), ("yes", "true or false")]
)
def test_a_section_is_a_mapping(section: str, value: str, kind: str) -> None:
    assert problem_of(f"{section}: {value}") == (
        f"p.yaml:1:{len(section) + 3}: {section}: expected a mapping, got {kind} ({SHAPES[section]})"
    )


@pytest.mark.parametrize("section", SHAPES)
def test_what_a_section_is_told_to_look_like_is_a_policy(section: str) -> None:
    (written,) = re.findall(rf"({section}: {{.*}})", SHAPES[section])
    assert policy_of(written).rules()
    assert warnings_of(written) == []


@pytest.mark.parametrize("section", ["defaults", "admins"])
def test_a_list_of_names_is_no_rule(section: str) -> None:
    said = problem_of(f"{section}: [ada]")
    assert said.endswith(f"{section}: expected a mapping, got a list ({SHAPES[section]})")


@pytest.mark.parametrize(
    ("text", "kind"), [("abc", "text"), ("[a]", "a list"), ("5", "a number"), ("2026-12-20", "a date")]
)
def test_a_policy_is_a_mapping(text: str, kind: str) -> None:
    assert problem_of(text) == f"p.yaml:1:1: expected a mapping, got {kind} (begin with `defaults:`)"


def test_half_a_surrogate_pair_in_text_is_told() -> None:
    assert (
        problem_of("defaults: {note: \ud800}")
        == "p.yaml:1:18: byte 0xed is not UTF-8 (save the file as UTF-8)"
    )


# several sources


def of_two(file: str, traits: dict[str, Any], volumes: frozenset[str] | None = frozenset()) -> Any:
    source, _ = parse_document(file.encode(), "policy.yaml")
    return load_policy([source, Source("c.EnvSpawner", traits)], volumes)


def test_a_file_and_traits_are_one_policy() -> None:
    policy, warnings = of_two(
        "defaults: {uid: 1}\ngroups: {b: {}}\nprofiles: {p: {}}",
        {"groups": {"a": {}}, "users": {"ada": {"memory": {"limit": "1G"}}}, "profiles": {"q": {}}},
    )
    assert [rule.source for rule in policy.rules()] == [
        "defaults",
        "groups.b",
        "groups.a",
        "users.ada",
        "profiles.p",
        "profiles.q",
    ]
    assert str(policy.users["ada"].place) == "c.EnvSpawner"
    assert warnings == []


def test_the_same_entry_in_both_is_an_error_that_names_both() -> None:
    with pytest.raises(PolicyError) as caught:
        of_two(
            "defaults: {}\nadmins: {}\ngroups:\n  staff: {}\nusers: {ada: {}}\nprofiles: {p: {}}",
            {name: {} for name in ("defaults", "admins")}
            | {"groups": {"staff": {}}, "users": {"ada": {}}, "profiles": {"p": {}}},
        )
    assert str(caught.value).splitlines() == [
        "c.EnvSpawner: admins: admins is also in policy.yaml:2 (keep one of the two)",
        "c.EnvSpawner: defaults: defaults is also in policy.yaml:1 (keep one of the two)",
        "c.EnvSpawner: groups.staff: groups.staff is also in policy.yaml:4 (keep one of the two)",
        "c.EnvSpawner: profiles.p: profiles.p is also in policy.yaml:6 (keep one of the two)",
        "c.EnvSpawner: users.ada: users.ada is also in policy.yaml:5 (keep one of the two)",
    ]


def test_problems_of_traits_are_told_by_their_path() -> None:
    assert trait_problems({"groups": {"staff": {"memroy": {}}}, "users": 5, None: 1, 7: 2}) == [
        "c.EnvSpawner: (NoneType): unknown key '(NoneType)' "
        "(a policy has defaults, groups, admins, users and profiles)",
        "c.EnvSpawner: [7]: unknown key '7' (a policy has defaults, groups, admins, users and profiles)",
        "c.EnvSpawner: groups.staff.memroy: unknown key 'memroy' (did you mean memory?)",
        "c.EnvSpawner: users: expected a mapping, got a number "
        "(write each user and what they get: users: {ada: {memory: {limit: 4G}}})",
    ]


@pytest.mark.parametrize("data", [5, None, [], "x", object()], ids=lambda data: type(data).__name__)
def test_traits_that_are_no_mapping_are_told(data: object) -> None:
    (said,) = trait_problems(data)
    assert said.startswith("c.EnvSpawner: expected a mapping, got ")


def test_other_mappings_than_dicts_are_mappings() -> None:
    policy, _ = from_traits(
        MappingProxyType({"defaults": MappingProxyType({"extraEnv": MappingProxyType({"A": 1})})})
    )
    assert policy.defaults is not None
    assert values_of(policy.defaults) == {"extraEnv.A": "1"}


def test_loading_changes_nothing_that_it_was_given() -> None:
    data = {
        "defaults": {"copyOnce": "/a", "cmd": "x", "extraEnv": {"A": 1}, "image": "a:1"},
        "users": {"ada": None},
    }
    before = copy.deepcopy(data)
    from_traits(data)
    assert data == before


def test_a_policy_is_frozen() -> None:
    policy = policy_of("defaults: {uid: 1}")
    with pytest.raises(FrozenInstanceError):
        policy.digest = "x"  # type: ignore[misc]


# volumes


def test_a_mount_of_nothing_is_an_error_unless_the_hub_s_volumes_are_not_known() -> None:
    rule = {"defaults": {"storage": {"extraVolumeMounts": [{"name": "v", "mountPath": "/v"}]}}}
    with pytest.raises(PolicyError, match="mounts the volume v, which nothing defines"):
        of_two("{}", rule)
    assert of_two("{}", rule, frozenset({"v"}))[1] == []
    assert of_two("{}", rule, None)[1] == []


def test_a_mount_is_not_called_wrong_while_a_volume_is() -> None:
    text = "defaults: {storage: {extraVolumes: [{name: v}], extraVolumeMounts: [{name: v, mountPath: /v}]}}"
    assert "it does not say what it is" in problem_of(text)


def test_a_mount_of_nothing_is_told_together_with_other_problems() -> None:
    assert (
        len(problems_of("defaults: {memroy: 1, storage: {extraVolumeMounts: [{name: v, mountPath: /v}]}}"))
        == 2
    )


# the digest


def test_the_digest_changes_with_what_the_policy_says() -> None:
    digests = [
        policy_of(text).digest
        for text in ("{}", "defaults: {uid: 1}", "defaults: {uid: 2}", "admins: {uid: 1}")
    ]
    assert len(set(digests)) == 4
    assert all(len(digest) == 16 and int(digest, 16) >= 0 for digest in digests)


def test_the_digest_does_not_change_with_comments_and_blanks() -> None:
    assert (
        policy_of("defaults: {uid: 1}").digest
        == policy_of("# why\ndefaults:\n\n    uid: 1 # because\n").digest
    )


def test_the_digest_holds_dates_of_python_too() -> None:
    from datetime import date

    assert from_traits({"defaults": {"until": date(2026, 1, 1)}})[0].digest


# auth state


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("defaults: {extraEnv: {A: '{auth_state.token}'}}", True),
        ("profiles: {a: {options: {o: {choices: {c: {extraEnv: {A: 'x{auth_state.a.b}'}}}}}}}", True),
        ("defaults: {extraEnv: {A: '{username}', B: '{{auth_state.x}}'}}", False),
    ],
)
def test_a_policy_says_whether_it_reads_auth_state(text: str, uses: bool) -> None:
    assert policy_of(text).uses_auth_state is uses


# anything


def test_a_hundred_thousand_unknown_keys_are_told_in_a_moment() -> None:
    text = (
        "".join(f"k{n}: 1\n" for n in range(30_000))
        + "defaults:\n"
        + "".join(f"  memor{n}: 1\n" for n in range(30_000))
    )
    said = problems_of(text)
    assert len(said) == 60_000
    assert sum("did you mean" in line for line in said) == 50


WORDS = sorted(
    {word for path in FIELDS for word in path.split(".")}
    | {
        "version",
        "defaults",
        "groups",
        "admins",
        "users",
        "profiles",
        "options",
        "choices",
        "allow",
        "atMost",
    }
    | {"until", "name", "mountPath", "1G", "50%", "{username}", "{group}", "/a", "exec", "command", "latest"}
)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=30,
)


@relaxed
@given(
    st.dictionaries(
        st.sampled_from(["defaults", "groups", "admins", "users", "profiles", "version"]), anything
    )
)
def test_arbitrary_data_is_a_policy_or_has_problems(data: Any) -> None:
    loaded_or_refused(data)


mutated = st.tuples(st.integers(0, 200), anything)


@relaxed
@given(st.lists(mutated, min_size=1, max_size=3))
def test_a_good_policy_with_something_exchanged_is_a_policy_or_has_problems(
    changes: list[tuple[int, Any]],
) -> None:
    data = yaml.safe_load(DESIGN.read_text())
    for at, value in changes:
        places = list(_places(data))
        holder, key = places[at % len(places)]
        holder[key] = value
    loaded_or_refused(data)


def _places(data: Any) -> Any:
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


def loaded_or_refused(data: Any) -> None:
    """From traits and from YAML: a policy with warnings, or PolicyError with problems, and nothing else."""
    source, _ = parse_document(yaml.safe_dump(data).encode(), "p.yaml")
    for one in (Source("c.EnvSpawner", data), source):
        try:
            policy, said = load_policy([one])
        except PolicyError as error:
            policy, said = None, list(error.problems)
        assert all(problem.warning for problem in said) == (policy is not None)
        rules = policy.rules() if policy is not None else []
        assert all(setting.slot or setting.dynamic for rule in rules for setting in rule.settings)
