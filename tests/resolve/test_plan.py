"""What is worked out once for many is what each of them would get alone."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envspawner.pod.traits import traits_of
from envspawner.policy.fields import FIELDS
from envspawner.policy.problems import Place
from envspawner.policy.rules import Profile, Rule
from envspawner.resolve.access import Refusal, Selection
from envspawner.resolve.home import Unusable
from envspawner.resolve.merge import Entry
from envspawner.resolve.record import written
from envspawner.resolve.request import OwnLayer, SpawnRequest
from envspawner.resolve.resolver import Resolver
from envspawner.resolve.result import ResolvedEnvironment
from envspawner.resolve.strings import Words

from .support import G, keyed, own, own_layer, policy_of, request
from .test_properties import Data, documents, facts, options, relaxed, requests
from .test_properties import policy_of as policy_from

ASKED = 3
"""How often something is asked for until a plan answers: it is made when it is asked for again."""


def everything(resolver: Resolver, asked: SpawnRequest, chosen: Any) -> tuple[Any, bool]:
    """All that a start is made of, and whether a plan had it ready."""
    try:
        found = resolver.resolve(asked, chosen)
        made = (
            facts(found),
            [(slot, plainly(entry)) for slot, entry in found.entries.items()],
            {path: [plainly(entry) for entry in entries] for path, entries in found.by_field.items()},
            traits_of(found, asked.own),
            written(found, asked, "safe"),
        )
    except (Refusal, Unusable) as error:
        return str(error), False
    return made, found.plan is not None


def plainly(entry: Entry | None) -> Any:
    """All of an entry; of the rule that made it, only which it is."""
    return entry and (*entry[:3], entry.layer, entry.source, entry.place, plainly(entry.beat), *entry[6:])


def like(asked: SpawnRequest, name: str) -> SpawnRequest:
    """The same start of somebody else."""
    other = request(name, asked.person.groups, admin=asked.person.admin, own=asked.own, homes=asked.homes)
    return other._replace(auth_state={"token": name})


def alike(rule: Data) -> Data:
    """A rule that says other things of the same."""
    found = deepcopy(rule)
    if found.get("uid") is not None:
        found["uid"] += 10
    if found.get("image") in ("a:1", "b"):
        found["image"] = {"a:1": "c:3", "b": "d"}[found["image"]]
    for name, value in (found.get("extraEnv") or {}).items():
        if value == "x":
            found["extraEnv"][name] = "other"
    for volume in found.get("storage", {}).get("extraVolumes") or ():
        if isinstance(volume, dict):
            volume["emptyDir"] = {"medium": "Memory"}
    return found


def test_whoever_asked_before_everybody_gets_what_they_would_get_alone() -> None:
    seen: Counter[bool] = Counter()

    @relaxed
    @given(documents(), requests(), options, st.sampled_from(["ada", "eve"]), st.booleans())
    def ask(document: Data, asked: SpawnRequest, chosen: Any, before: str, unfit: bool) -> None:
        if unfit:  # what no policy may say in one rule
            amounts = (own("memory.guarantee", 4 * G), own("memory.limit", 3 * G), own("cpu.guarantee", 5.0))
            asked = asked._replace(own=own_layer(*amounts))
        users = document["users"]
        if "ada" in users:
            users |= {"eve": alike(users["ada"]), "Zoë": alike(users["ada"]), "odd--name": users["ada"]}
        resolver = Resolver(policy_from(document))
        for name in (f"{before}", "Zoë", "odd--name"):
            everything(resolver, like(asked, name), chosen)
        for _ in range(ASKED):
            found, planned = everything(resolver, asked, chosen)
            alone, _ = everything(Resolver(policy_from(document)), asked, chosen)
            assert found == alone
            seen[planned] += 1

    ask()
    assert seen[True] > seen[False] / 4, seen


NAMES = """
    defaults:
      image: a:1
      extraEnv: {WHO: "{unescaped_username}", TOKEN: "{auth_state.token}", GONE: "{auth_state.gone}", PLAIN: x}
      extraLabels: {for: "{username}", course: none}
      storage: {dynamic: {volumeNameTemplate: "volume-{username}"}}
    groups:
      c-*: {extraEnv: {COURSE: "{match}"}, extraLabels: {course: "{group}"}}
"""


def planned(resolver: Resolver, asked: SpawnRequest, chosen: Any = None) -> ResolvedEnvironment:
    """What a plan answers that was made for others."""
    for name in ("zoe", "yan"):
        resolver.resolve(like(asked, name), chosen)
    found = resolver.resolve(asked, chosen)
    assert found.plan is not None
    return found


def test_a_plan_holds_no_name_and_no_secret_of_whom_it_was_made_for() -> None:
    resolver, asked = Resolver(policy_of(NAMES)), like(request("ada", ["c-math"]), "ada")
    found = planned(resolver, asked)
    variables = {entry.key: entry.value for entry in found.by_field["extraEnv"]}
    assert variables == {"WHO": "ada", "TOKEN": "ada", "PLAIN": "x", "COURSE": "math"}
    assert traits_of(found, request().own)["extra_labels"] == {"for": "ada", "course": "c-math"}
    alone = Resolver(policy_of(NAMES)).resolve(asked, None)
    assert written(found, asked, "safe") == written(alone, asked, "safe")
    plan = found.plan
    assert plan is not None
    assert not any(name in repr((plan._merged, plan.derived)) for name in ("'zoe'", "'yan'", "'ada'"))


def test_what_a_name_was_in_and_a_stronger_rule_removes_is_gone() -> None:
    policy = "defaults: {extraEnv: {WHO: '{username}', A: b}}\nadmins: {extraEnv: {WHO: null}}"
    resolver, asked = Resolver(policy_of(policy)), request(admin=True)
    for _ in range(ASKED):
        found = resolver.resolve(asked, None)
    alone = Resolver(policy_of(policy)).resolve(asked, None)
    assert found.plan is not None
    assert keyed(found, "extraEnv") == {"A": "b"}
    assert facts(found) == facts(alone)
    assert written(found, asked, "safe") == written(alone, asked, "safe")


def test_another_group_of_the_same_rule_has_a_plan_of_its_own() -> None:
    resolver = Resolver(policy_of(NAMES))
    for group in ("c-math", "c-law"):
        found = planned(resolver, request("ada", [group]))
        assert found.get("extraLabels.course") == group


POD_IP = """
    defaults:
      extraEnv: {A: {valueFrom: {fieldRef: {fieldPath: status.podIP}}}}
      extraLabels: {a: b}
"""


def test_what_a_start_changes_in_its_traits_is_not_in_the_next() -> None:
    resolver = Resolver(policy_of(POD_IP))
    asked = request()
    first = traits_of(planned(resolver, asked), asked.own)
    first["environment"]["A"]["valueFrom"]["fieldRef"]["fieldPath"] = "other"
    first["extra_labels"]["a"] = "other"
    first["volumes"][0]["name"] = "other"
    planned(resolver, asked).entries.clear()
    again = traits_of(planned(resolver, asked), asked.own)
    assert again["environment"]["A"] == {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert again["extra_labels"] == {"a": "b"}
    assert again["volumes"][0]["name"] == "home"


@pytest.mark.parametrize(
    "policy",
    [
        'defaults: {storage: {extraVolumes: [{name: "v-{username}", emptyDir: {}}]}}',
        'defaults: {extraTolerations: [{key: "{username}", operator: Exists}]}',
        'defaults: {storage: {extraVolumes: [{name: "v-{username}", emptyDir: {}}]}}\n'
        "admins: {storage: {extraVolumes: null}}",
    ],
)
def test_slots_that_are_named_by_a_person_are_never_planned(policy: str) -> None:
    """Two of them may turn out to be one."""
    resolver = Resolver(policy_of(policy))
    for name in ("zoe", "yan", "ada", "ada"):
        assert resolver.resolve(request(name, admin=True), None).plan is None


def chart(user: str, image: str = "a:1") -> OwnLayer:
    """What a hub on the chart holds for a user: objects of their spawner, and names with theirs in it."""
    volume = {"name": f"volume-{user}", "persistentVolumeClaim": {"claimName": f"claim-{user}"}}
    return own_layer(
        own("image.name", image),
        own("extraLabels", "true", "network"),
        own("extraTolerations", {"key": "a"}, "{'key': 'a'}"),
        own("initContainers", {"name": "block"}, "block"),
        own("storage.extraVolumes", volume, f"volume-{user}")._replace(label="home"),
        own("storage.dynamic.volumeNameTemplate", f"volume-{user}"),
        has_storage=True,
        home_volume=f"volume-{user}",
    )


@pytest.mark.parametrize(
    "policy", ["memory: {limit: 2G}", "storage: {capacity: 2Gi}", "storage: {type: none}"]
)
def test_what_an_own_layer_holds_is_that_spawners_own(policy: str) -> None:
    resolver = Resolver(policy_of(f"defaults: {{{policy}}}"))
    for name in ("zoe", "yan", "ada"):
        asked = request(name, own=chart(name))
        found = resolver.resolve(asked, None)
    alone = Resolver(policy_of(f"defaults: {{{policy}}}")).resolve(asked, None)
    assert found.plan is not None
    assert alone.plan is None
    assert facts(found) == facts(alone)
    assert traits_of(found, asked.own) == traits_of(alone, asked.own)
    assert written(found, asked, "safe") == written(alone, asked, "safe")
    rule = asked.own.rule
    assert rule is not None
    assert found.entries["storage.extraVolumes.volume-ada"].value is rule.settings[4].value
    assert not any(name in repr((found.plan._merged, found.plan.derived)) for name in ("-zoe", "-yan"))


@pytest.mark.parametrize(
    "policy",
    [
        "initContainers: [{name: block, image: b}]",
        "storage: {extraVolumes: null}",
        "storage: {dynamic: {volumeNameTemplate: home}}",
        "extraTolerations: null",
    ],
)
def test_a_rule_over_what_one_spawner_holds_is_never_planned(policy: str) -> None:
    resolver = Resolver(policy_of(f"defaults: {{{policy}}}"))
    for name in ("zoe", "yan", "ada"):
        assert resolver.resolve(request(name, own=chart(name)), None).plan is None


def test_an_own_volume_that_is_called_like_one_of_the_policy_for_one_user_only() -> None:
    resolver = Resolver(policy_of("defaults: {storage: {extraVolumes: [{name: volume-ada, emptyDir: {}}]}}"))
    for name in ("zoe", "yan", "zed"):
        found = resolver.resolve(request(name, own=chart(name)), None)
        assert keyed(found, "storage.extraVolumes").keys() == {f"volume-{name}", "volume-ada"}
    assert found.plan is not None
    hers = resolver.resolve(request("ada", own=chart("ada")), None)
    assert hers.plan is None
    assert keyed(hers, "storage.extraVolumes") == {"volume-ada": {"name": "volume-ada", "emptyDir": {}}}


def test_a_profile_of_kubespawners_profile_list_is_never_planned() -> None:
    """What it says may go into what is beneath."""
    profile = Profile("p", "P", Rule("profile_list.p", Place("c.KubeSpawner"), (own("uid", 3),)))
    resolver = Resolver(policy_of("defaults: {image: a:1}")).offering([profile])
    for _ in range(ASKED):
        found = resolver.resolve(request(), {"profile": "p"})
        assert found.plan is None
        assert found.get("uid") == 3


def test_an_own_amount_that_is_no_plain_one_is_never_planned() -> None:
    resolver = Resolver(policy_of("defaults: {image: a:1}"))
    layer = own_layer(own("extraResource.limits", ["odd"], "example.org/a"))
    for _ in range(ASKED):
        assert resolver._plans.find(layer, [], Selection()).filled(Words({}, "", None), layer, None) is None


@pytest.mark.parametrize(
    ("guarantee", "limit", "amounts"),
    [
        ("memory.guarantee", "memory.limit", (4 * G, 3 * G)),
        ("cpu.guarantee", "cpu.limit", (2.0, 1.0)),
        ("extraResource.guarantees.gpu", "extraResource.limits.gpu", (1, 2)),
    ],
)
def test_own_amounts_that_do_not_fit_are_made_to_fit_in_a_plan_too(
    guarantee: str, limit: str, amounts: tuple[float, float]
) -> None:
    layer = own_layer(
        *(own(*_path(slot, amount)) for slot, amount in zip((guarantee, limit), amounts, strict=True))
    )
    resolver = Resolver(policy_of("defaults: {image: a:1}"))
    alone = Resolver(policy_of("defaults: {image: a:1}")).resolve(request(own=layer), None)
    for name in ("zoe", "yan", "ada"):
        found = resolver.resolve(request(name, own=layer), None)
        assert (found.get(guarantee), found.get(limit)) == (alone.get(guarantee), alone.get(limit))
    assert found.plan is not None


def _path(slot: str, amount: float) -> tuple[Any, ...]:
    path, _, key = slot.rpartition(".")
    return (slot, amount) if slot in FIELDS else (path, amount, key)
