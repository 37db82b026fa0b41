"""Comparing kinds of people gives everybody the changes that comparing them one by one gives."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envspawner.cli.alike import Asked, Comparison
from envspawner.cli.changes import Change, Picks, compare
from envspawner.policy.load import load_text
from envspawner.policy.problems import PolicyError
from envspawner.policy.rules import Policy
from envspawner.resolve.request import Person, Start
from envspawner.resolve.resolver import Resolver
from tests.generated.policies import PEOPLE, documents

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
ASKED = Asked(NOW)
SOME = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def one_by_one(old: Policy, new: Policy, person: Person, server: str = "") -> set[Change]:
    """The changes of one person, by the resolver alone."""
    secrets = {"token": "token", "a": {"b": "a.b"}}

    def resolve(policy: Policy) -> Any:
        resolver = Resolver(policy)

        def one(options: dict[str, str]) -> Any:
            request = Start(person, server, options, NOW).request()
            return resolver.resolve(request._replace(auth_state=secrets), options)

        return one

    return set(compare(resolve(old), resolve(new), Picks(old, new)).changes)


def by_kinds(old: Policy, new: Policy, people: list[Person], server: str = "") -> dict[str, set[Change]]:
    comparison = Comparison(old, new, Asked(NOW, server))
    return {person.name: {mine for _, mine in comparison.changes(person)} for person in people}


NAMES = ["ada", "bob", "ada-x", "a.b@c", "zoe"]
GROUPS = ["staff", "x:a", "x:b", "x:ada", "y:a", "ta"]
TEXTS = st.sampled_from(
    ["ada", "a", "{username}", "{username}a", "a{username}", "u-{unescaped_username}", "{user_server}", "{profile}"]
)  # fmt: skip
GROUP_TEXTS = TEXTS | st.sampled_from(["{group}", "{match}", "{match}a", "x-{match}", "{group}-{username}"])
SECRETS = st.sampled_from(["{auth_state.token}", "{auth_state.a.b}"])
PATHS = st.sampled_from(["/a", "/ada", "/{username}", "/{user_server}", "/{profile}", "/small"])
GROUP_PATHS = PATHS | st.sampled_from(["/{match}", "/{group}"])
AMOUNTS = st.sampled_from(["1G", "2G", "4G", "50%"])


@st.composite
def environments(draw: st.DrawFn, group: bool = False) -> dict[str, Any]:
    texts, paths = (GROUP_TEXTS, GROUP_PATHS) if group else (TEXTS, PATHS)
    parts: dict[str, st.SearchStrategy[Any]] = {
        "extraEnv": st.dictionaries(st.sampled_from("ABC"), texts | SECRETS | st.none(), max_size=2)
        | st.none(),
        "memory": st.fixed_dictionaries({"limit": st.sampled_from(["1G", "4G", None])}),
        "cpu": st.just({"limit": 2}),
        "extraResource": st.fixed_dictionaries(
            {
                "limits": st.dictionaries(st.sampled_from(["x/a", "x/b"]), st.sampled_from([1, 2, None]))
                | st.none()
            }
        ),
        "image": st.sampled_from(["a:1", {"tag": "2"}, {"name": "b"}]),
        "uid": st.sampled_from([1, 2, None]),
        "defaultUrl": texts | st.just("{pvc_name}"),
        "extraLabels": st.dictionaries(
            st.sampled_from("ab"), st.just("x") | st.just("{username}"), max_size=2
        ),
        "extraTolerations": st.lists(
            st.sampled_from(
                [{"key": "ada", "operator": "Exists"}, {"key": "{username}", "operator": "Exists"}]
            ),
            max_size=2,
        ),
        "storage": st.fixed_dictionaries(
            {},
            optional={
                "capacity": st.sampled_from(["1Gi", "2Gi"]),
                "type": st.sampled_from(["none", "dynamic"]),
                "dynamic": st.fixed_dictionaries(
                    {},
                    optional={
                        "pvcNameTemplate": st.sampled_from(
                            ["c-{username}", "c-{user_server}", "c-ada", "c-{escaped_user_server}"]
                        ),
                        "volumeNameTemplate": st.sampled_from(["v-{username}", "v" * 20 + "-{username}" * 2]),
                    },
                ),
                "extraVolumeMounts": st.lists(
                    paths.map(lambda path: {"name": "home", "mountPath": path}), max_size=2, unique_by=str
                ),
            },
        ),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(parts)), max_size=3, unique=True))
    return {name: draw(parts[name]) for name in chosen}


@st.composite
def rules(draw: st.DrawFn, group: bool = False) -> dict[str, Any]:
    found = draw(environments(group))
    if draw(st.integers(0, 3)) == 0:
        found["atMost"] = draw(st.sampled_from([{"memory": "2G"}, {"memory": "8G"}, {"memory": None}]))
    if draw(st.integers(0, 3)) == 0:
        found["atLeast"] = {"memory": "2G"}
    if draw(st.integers(0, 5)) == 0:
        found["until"] = draw(st.sampled_from(["2020-01-01", "2030-01-01"]))
    return found


ALLOW = st.sampled_from(
    [{"users": ["ada", "zoe"]}, {"groups": ["staff"]}, {"groups": ["x:*"]}, {"admins": True}]
)


@st.composite
def choices(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(environments())
    if draw(st.integers(0, 3)) == 0:
        found["allow"] = draw(ALLOW)
    if draw(st.integers(0, 3)) == 0:
        found["default"] = True
    return found


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(choices())
    if draw(st.integers(0, 2)) == 0:
        found["options"] = {
            "o": {"choices": draw(st.dictionaries(st.sampled_from("st"), choices(), min_size=1, max_size=2))}
        }
        if draw(st.booleans()):
            found["options"]["o"]["other"] = {"pattern": "[a-z]+", **draw(environments())}
    if draw(st.integers(0, 5)) == 0:
        found["aliases"] = ["was"]
    return found


@st.composite
def written(draw: st.DrawFn) -> dict[str, Any]:
    patterns = draw(st.lists(st.sampled_from(["staff", "x:*", "x:a", "*:a", "*"]), max_size=3, unique=True))
    return {
        "defaults": draw(rules()),
        "groups": {name: draw(rules("*" in name)) for name in patterns},
        "admins": draw(rules()),
        "users": draw(st.dictionaries(st.sampled_from(["ada", "bob"]), rules(), max_size=2)),
        "profiles": draw(st.dictionaries(st.sampled_from(["small", "gpu", "was"]), profiles(), max_size=2)),
    }


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two policies: mostly with one or two sections that differ."""
    old, other = draw(written()), draw(written())
    new = copy.deepcopy(old)
    for section in draw(st.lists(st.sampled_from(sorted(old)), min_size=1, max_size=2)):
        if draw(st.integers(0, 3)) == 0:
            new[section] = dict(reversed(new[section].items()))
        elif draw(st.booleans()):
            new[section] = {**new[section], **other[section]}
        else:
            new[section] = other[section]
    return old, new


@st.composite
def crowds(draw: st.DrawFn) -> list[Person]:
    return [
        Person(name, frozenset(draw(st.lists(st.sampled_from(GROUPS), max_size=3))), draw(st.booleans()))
        for name in NAMES
    ]


def loaded(data: dict[str, Any]) -> Policy | None:
    try:
        return load_text(yaml.safe_dump(data, sort_keys=False))[0]
    except PolicyError:
        return None


@SOME
@given(pairs(), crowds(), st.sampled_from(["", "lab"]))
def test_everybody_gets_the_changes_of_a_comparison_of_their_own(
    pair: tuple[dict[str, Any], dict[str, Any]], people: list[Person], server: str
) -> None:
    old, new = map(loaded, pair)
    if old is None or new is None:
        return
    found = by_kinds(old, new, people, server)
    for person in people:
        assert found[person.name] == one_by_one(old, new, person, server), person


@settings(SOME, max_examples=40)
@given(documents(), documents(), st.booleans())
def test_it_does_so_for_policies_over_the_whole_language(
    one: dict[str, Any], other: dict[str, Any], partly: bool
) -> None:
    old, new = (
        loaded(one),
        loaded({**one, "groups": other.get("groups"), "defaults": other["defaults"]} if partly else other),
    )
    if old is None or new is None:
        return
    found = by_kinds(old, new, list(PEOPLE))
    for person in PEOPLE:
        assert found[person.name] == one_by_one(old, new, person), person


@SOME
@given(written(), crowds())
def test_nobody_changes_where_nothing_does(data: dict[str, Any], people: list[Person]) -> None:
    policy = loaded(data)
    if policy is not None:
        again = loaded(copy.deepcopy(data))
        assert again is not None
        assert by_kinds(policy, again, people) == {person.name: set() for person in people}


EXCEPTIONS = {
    "a mount that meets another rule's for one name only": (
        "defaults: {storage: {extraVolumeMounts: [{name: home, mountPath: '/{username}'}]}}",
        "defaults: {storage: {extraVolumeMounts: [{name: home, mountPath: /ada}]}}",
    ),
    "a claim's name that only some names make too long": (
        "defaults: {}",
        "profiles: {p: {storage: {dynamic: {pvcNameTemplate: '%s-{username}'}}}}" % ("c" * 240),
    ),
    "a claim's name that only a short name makes short enough": (
        "defaults: {}",
        "profiles: {p: {storage: {dynamic: {pvcNameTemplate: '%s-{username}'}}}}" % ("c" * 249),
    ),
    "a value that is the same for one name": ("defaults: {defaultUrl: '/{username}'}", "defaults: {defaultUrl: /ada}"),
    "a toleration that is the same for one name": (
        "defaults: {extraTolerations: [{key: '{username}', operator: Exists}]}",
        "defaults: {extraTolerations: [{key: ada, operator: Exists}]}",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_whoever_is_an_exception_is_one(old: str, new: str) -> None:
    policies = load_text(old)[0], load_text(new)[0]
    people = [Person(name) for name in ("ada", "bob", "al", "a-name-of-many-characters")]
    found = by_kinds(*policies, people)
    assert found == {person.name: one_by_one(*policies, person) for person in people}
    assert len({frozenset(one) for one in found.values()}) > 1


def test_the_order_of_groups_counts() -> None:
    groups = ("a: {uid: 1, gid: 7}", "b: {uid: 2, gid: 7}")
    old, new = (load_text(f"groups: {{{one}, {other}}}")[0] for one, other in (groups, groups[::-1]))
    people = [Person("ada", frozenset("ab")), Person("bob", frozenset("a"))]
    assert by_kinds(old, new, people) == {"ada": {Change((), "uid", "2", "1")}, "bob": set()}


def test_many_people_are_few_comparisons() -> None:
    rules = "groups: {x: {memory: {limit: 4G}}, 'p:*': {extraEnv: {P: '{match}'}}}"
    old, new = (load_text(f"defaults: {{defaultUrl: '/{url}/{{username}}'}}\n{rules}")[0] for url in "ab")
    comparison = Comparison(old, new, ASKED)
    people = [Person(f"user{n}", frozenset({f"p:{n}", *(["x"] if n % 2 else [])})) for n in range(100)]
    changed = [comparison.changes(person) for person in people]
    assert {one.old for found in changed for one, _ in found} == {next(iter(changed[0]))[0].old}
    assert changed[7][0][1][2:] == ('"/a/user7"', '"/b/user7"')
    assert comparison.compared == 1


def test_secrets_are_compared_and_never_shown() -> None:
    old, new = (load_text(f"defaults: {{extraEnv: {{T: '{{auth_state.{name}}}'}}}}")[0] for name in "ab")
    assert by_kinds(old, new, [Person("ada")])["ada"] == {Change((), "extraEnv.T", '"***"', '"***"')}
