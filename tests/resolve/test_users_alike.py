"""Users with rules of their own share a plan where these say other things of the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from envspawner.policy.fields import Combine
from envspawner.policy.problems import Place, PolicyError
from envspawner.policy.rules import Rule
from envspawner.resolve.resolver import Resolver
from tests.generated.policies import Written
from tests.generated.policies import policies as written_policies

from .support import G, policy_of, request
from .test_plan import everything, planned
from .test_properties import relaxed


def of_user(number: int, image: str, memory: int = 2, cpu: int = 3) -> str:
    return (
        f"{{uid: {number}, image: {image}:1, extraEnv: {{A: {image}, C: '{{username}}'}}, "
        f"memory: {{limit: {memory}G}}, atMost: {{cpu: {cpu}}}, extraTolerations: [{{key: k}}]}}"
    )


USERS = f"""
    defaults: {{image: a:1, memory: {{guarantee: 1G}}, extraEnv: {{WHO: "{{username}}", B: b}}}}
    users:
      zoe: {of_user(1, "z")}
      yan: {of_user(2, "y")}
      ada: {of_user(3, "a")}
      mia: {of_user(3, "a", memory=4)}
      max: {of_user(3, "a", cpu=4)}
    profiles:
      small: {{displayName: Small, extraEnv: {{A: small}}}}
"""


@pytest.mark.parametrize("chosen", [None, {"profile": "small"}])
def test_users_whose_rules_say_other_things_of_the_same_share_a_plan(chosen: Any) -> None:
    resolver, asked = Resolver(policy_of(USERS)), request("ada")
    found = planned(resolver, asked, chosen)
    alone = Resolver(policy_of(USERS)).resolve(asked, chosen)
    assert alone.plan is None
    assert everything(resolver, asked, chosen)[0] == everything(Resolver(policy_of(USERS)), asked, chosen)[0]
    assert (found.get("uid"), found.get("image.name"), found.get("extraEnv.C")) == (3, "a", "ada")
    sources = {entry.source for entry in found.entries.values()}
    assert {"users.ada", "users.ada.atMost"} <= sources
    assert [entry.value for entry in found.by_field["extraTolerations"]] == [{"key": "k"}]
    assert found.plan is not None
    kept = repr((found.plan._merged, found.plan.derived))
    assert not any(name in kept for name in ("zoe", "'yan'", "users.", "'z'", "'y'"))


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, dict):
        return {key: other(item) for key, item in value.items()}
    if isinstance(value, list):
        return [other(item) for item in value]
    if isinstance(value, bool):
        return not value
    return value + "x" if isinstance(value, str) else value + 1 if isinstance(value, int) else value


def of_others(rule: Rule, name: str) -> Rule:
    """A rule that has other values in the same places; in a list the value is the place."""
    settings = [
        one if one.field.combine is Combine.APPEND else one._replace(value=other(one.value))
        for one in rule.settings
    ]
    return replace(rule, source=f"users.{name}", place=Place("others"), settings=tuple(settings), note=None)


def test_a_rule_of_a_user_is_what_it_is_alone_whatever_those_of_others_say() -> None:
    """Over the whole language: what holds for everybody is said of one user, and of others with other values."""
    seen: Counter[bool] = Counter()

    @relaxed
    @given(written_policies())
    def ask(text: Written) -> None:
        try:
            policy = policy_of(text.text)
        except PolicyError:
            return
        assert policy.defaults is not None
        hers = replace(policy.defaults, source="users.ada", note=None)
        users = {"ada": hers, "zoe": of_others(hers, "zoe"), "yan": of_others(hers, "yan")}
        policy = replace(policy, defaults=None, users=users, profiles=())
        resolver, asked = Resolver(policy), request("ada")
        for name in ("zoe", "yan", "ada"):
            everything(resolver, request(name), None)
        found, planned = everything(resolver, asked, None)
        assert found == everything(Resolver(policy), asked, None)[0]
        seen[planned] += 1

    ask()
    assert seen[True] > seen[False] / 4, seen


@pytest.mark.parametrize("user", ["mia", "max"])
def test_users_with_another_amount_or_bound_have_another_plan(user: str) -> None:
    resolver = Resolver(policy_of(USERS))
    planned(resolver, request("ada"))
    found = resolver.resolve(request(user), None)
    assert found.plan is None
    assert found.get("memory.limit") == (4 if user == "mia" else 2) * G
    assert found.get("cpu.limit") == (4 if user == "max" else 3)


@pytest.mark.parametrize(
    "says",
    [
        "note: why",
        'storage: {extraVolumes: [{name: "v-{username}", emptyDir: {}}]}',
        'extraEnv: {A: {valueFrom: {secretKeyRef: {name: "{username}", key: k}}}}',
        "storage: {dynamic: {storageAccessModes: [ReadWriteMany]}}",
    ],
)
def test_a_rule_of_a_user_that_is_unlike_others_is_worked_out_for_them(says: str) -> None:
    users = "".join(f"  {name}: {{{says}}}\n" for name in ("zoe", "yan", "ada"))
    resolver, asked = Resolver(policy_of(f"users:\n{users}")), request("ada")
    for name in ("zoe", "yan"):
        resolver.resolve(request(name), None)
    found, ready = everything(resolver, asked, None)
    assert not ready
    assert found == everything(Resolver(policy_of(f"users:\n{users}")), asked, None)[0]
    assert [rule.source for rule in resolver.resolve(asked, None).noted] == ["users.ada"] * says.startswith(
        "note"
    )
