"""Which plan answers: what differs in anything that counts has plans of its own, and what is asked once has none."""

from __future__ import annotations

from envspawner.policy.problems import Place
from envspawner.policy.rules import Profile, Rule
from envspawner.resolve.plan import _MOST
from envspawner.resolve.resolver import Resolver

from .support import keyed, own, own_layer, policy_of, request
from .test_plan import ASKED, everything, planned


def test_own_layers_that_differ_in_a_value_or_its_type_have_plans_of_their_own() -> None:
    resolver = Resolver(policy_of("defaults: {image: a:1}"))
    for value in (1, True, "1", 2):
        layer = own_layer(own("kubespawnerOverride", value, "x"))
        for _ in range(ASKED):
            found = resolver.resolve(request(own=layer), None).get("kubespawnerOverride.x")
            assert (type(found), found) == (type(value), value)


def test_the_same_own_layer_with_and_without_storage_has_two_plans() -> None:
    resolver = Resolver(policy_of("defaults: {image: a:1}"))
    layer = own_layer(own("uid", 3))
    for _ in range(ASKED):
        for has_storage, kind in ((False, "dynamic"), (True, "own")):
            asked = request(own=layer._replace(has_storage=has_storage))
            assert resolver.resolve(asked, None).home.kind == kind


def test_own_layers_that_one_start_has_push_no_plan_out_and_are_not_kept() -> None:
    resolver = Resolver(policy_of("defaults: {image: a:1}"))
    for _ in range(ASKED):
        found = resolver.resolve(request(own=own_layer(own("uid", 0))), None)
    assert found.plan is not None
    for uid in range(1, 2 * _MOST):  # a hook puts a token of the user into `environment`, say
        assert resolver.resolve(request(own=own_layer(own("uid", uid))), None).get("uid") == uid
    assert list(resolver._plans._plans.values()) == [found.plan]
    assert resolver.resolve(request(own=own_layer(own("uid", 0))), None).plan is found.plan


def test_profiles_of_one_rule_have_plans_of_their_own() -> None:
    rule = Rule("profiles.a", Place("p.yaml"))
    resolver = Resolver(policy_of("defaults: {image: a:1, extraEnv: {P: '{profile}'}}"))
    resolver = resolver.offering([Profile(slug, slug, rule) for slug in "ab"])
    for slug in "ab" * ASKED:
        found = resolver.resolve(request(), {"profile": slug})
        assert keyed(found, "extraEnv") == {"P": slug}
    assert found.plan is not None


def test_a_plan_says_the_profile_as_each_value_takes_it() -> None:
    text = """
        defaults:
          extraEnv: {PROFILE: "{profile}", BOTH: "{profile} of {unescaped_username}, 100%"}
          extraAnnotations: {example.org/profile: "{profile}"}
          extraLabels: {profile: "{profile}", both: "{profile}.{username}"}
          storage: {home: "{profile}", extraVolumes: [{name: "for-{profile}", emptyDir: {}}]}
        groups: {g: {extraEnv: {GROUP: "{group} in {profile}"}}}
        profiles: {"GPU, large": {}, small: {}}
        """
    resolver, asked = Resolver(policy_of(text)), request("ada", ["g"])
    for profile in ("GPU, large", "small") * ASKED:
        chosen = {"profile": profile}
        found, ready = everything(resolver, asked, chosen)
        assert found == everything(Resolver(policy_of(text)), asked, chosen)[0]
    assert ready
    entries = resolver.resolve(asked, {"profile": "GPU, large"}).by_field
    assert [entry.value for entry in entries["extraEnv"]] == [
        "GPU, large",
        "GPU, large of ada, 100%",
        "g in GPU, large",
    ]


def test_a_plan_says_that_no_profile_was_picked() -> None:
    text = "defaults: {extraEnv: {PROFILE: 'is {profile}'}, extraLabels: {profile: '{profile}'}}"
    found = planned(Resolver(policy_of(text)), request())
    assert keyed(found, "extraEnv") == {"PROFILE": "is "}
    assert keyed(found, "extraLabels") == {"profile": ""}


def test_rules_for_one_person_push_no_plan_out() -> None:
    names = [f"u{number}" for number in range(2 * _MOST)]
    users = "".join(f"  {name}: {{cpu: {{limit: {number + 1}}}}}\n" for number, name in enumerate(names))
    resolver = Resolver(policy_of(f"defaults: {{image: a:1}}\nusers:\n{users}"))
    planned(resolver, request("ada"))
    for number, name in enumerate(names):
        assert resolver.resolve(request(name), None).get("cpu.limit") == number + 1
    assert resolver.resolve(request("ada"), None).plan is not None
    assert len(resolver._plans._asked) <= _MOST
    for name in names:
        for _ in range(ASKED):
            resolver.resolve(request(name), None)
    assert len(resolver._plans._plans) <= _MOST
