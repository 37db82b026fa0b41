"""Whatever the policy: nothing is changed, order and pickling do not matter, amounts keep their bounds."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from copy import deepcopy
from fractions import Fraction
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy.globs import Glob
from envspawner.policy.load import load_text
from envspawner.policy.rules import Policy
from envspawner.resolve.access import Refusal
from envspawner.resolve.merge import Entry
from envspawner.resolve.request import SpawnRequest
from envspawner.resolve.resolver import Resolver
from envspawner.resolve.result import ResolvedEnvironment

from .support import G, own, own_layer, request

Data = dict[str, Any]
GPU = "nvidia.com/gpu"
GROUPS = ("staff", "p:a", "p:b", "x-y", "odd Group")
PATTERNS = ("staff", "p:*", "*", "p:a", "x*y", "nobody")
# Whether a rule with this end still holds at support.NOW.
ENDS = {"2026-11-22": False, "2026-11-23": True, "2026-11-23T11:00": False, "2027-01-01": True}
relaxed = settings(deadline=None, max_examples=50)

gigabytes = st.integers(1, 8)
texts = st.sampled_from(["x", "{username}", '{"a": 1}', "{pvc_name}", "{profile}", "{{username}}"])
in_groups = st.sampled_from(["x", "{group}", "to {group}"])


@st.composite
def amounts(draw: st.DrawFn, unit: str) -> Data:
    """`memory` or `cpu` of one rule; the guarantee is at most the limit."""
    found: Data = {}
    limit = draw(st.none() | gigabytes)
    if draw(st.booleans()):
        found["limit"] = None if limit is None else f"{limit}{unit}"
    kind = draw(st.sampled_from(["absent", "null", "amount", "share"]))
    if kind == "null":
        found["guarantee"] = None
    elif kind == "amount":
        found["guarantee"] = f"{draw(st.integers(1, limit or 8))}{unit}"
    elif kind == "share" and found.get("limit", ...) is not None:
        found["guarantee"] = draw(st.sampled_from(["10%", "50%", "100%"]))
    return found


@st.composite
def extended(draw: st.DrawFn) -> Data:
    found: Data = {}
    amount = draw(st.integers(0, 4))
    for word in draw(st.sets(st.sampled_from(["limits", "guarantees"]))):
        found[word] = draw(st.sampled_from([{GPU: amount}, {GPU: None}, {}, None]))
    return found


@st.composite
def storage(draw: st.DrawFn) -> Data:
    names = st.sampled_from(["a", "b", "home-{username}"])
    volumes = st.lists(names, unique=True).map(lambda found: [{"name": n, "emptyDir": {}} for n in found])
    labels = st.dictionaries(
        st.sampled_from(["a", "label"]),
        st.none() | st.sampled_from(["a", "c"]).map(lambda name: {"name": name, "emptyDir": {}}),
        max_size=1,
    )
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "capacity": gigabytes.map(lambda amount: f"{amount}Gi"),
                "type": st.sampled_from(["dynamic", "none"]),
                "home": st.sampled_from(["work", "{username}"]),
                "extraVolumes": st.none() | volumes | labels,
            },
        )
    )


def environments(variables: st.SearchStrategy[str] = texts) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries(
        {},
        optional={
            "uid": st.none() | st.integers(0, 9),
            "image": st.sampled_from(["a:1", "b", {"tag": "2"}, {"tag": None}]),
            "extraEnv": st.none() | st.dictionaries(st.sampled_from("ABC"), st.none() | variables),
            "memory": st.none() | amounts("G"),
            "cpu": st.none() | amounts(""),
            "extraResource": extended(),
            "storage": storage(),
        },
    )


@st.composite
def rules(draw: st.DrawFn, variables: st.SearchStrategy[str] = texts) -> Data:
    found = dict(draw(environments(variables)))
    for name in draw(st.sets(st.sampled_from(["memory", "cpu", "storage", GPU]))):
        least, most = sorted((draw(gigabytes), draw(gigabytes)))
        unit = {"memory": "G", "storage": "Gi"}.get(name, "")
        for word, amount in (("atLeast", least), ("atMost", most)):
            if draw(st.booleans()):
                lifted = draw(st.integers(0, 4)) == 0
                found.setdefault(word, {})[name] = None if lifted else f"{amount}{unit}"
    if draw(st.booleans()):
        found["until"] = draw(st.sampled_from(sorted(ENDS)))
    return found


@st.composite
def profiles(draw: st.DrawFn) -> Data:
    allows = st.sampled_from([{"groups": ["p:*"]}, {"users": ["ada"]}, {"admins": True}])
    found = {}
    for slug in draw(st.lists(st.sampled_from(["small", "Big One"]), unique=True)):
        profile = dict(draw(environments()))
        if draw(st.booleans()):
            profile["allow"] = draw(allows)
        choices = draw(st.dictionaries(st.sampled_from("st"), environments(), max_size=2))
        if choices:
            profile["options"] = {"size": {"choices": choices}}
        found[slug] = profile
    return found


@st.composite
def documents(draw: st.DrawFn) -> Data:
    """A policy over people, resources, variables, volumes, homes and bounds, as YAML would give it."""
    patterns = draw(st.lists(st.sampled_from(PATTERNS), unique=True))
    return {
        "defaults": draw(rules()),
        "groups": {pattern: draw(rules(in_groups)) for pattern in patterns},
        "admins": draw(rules()),
        "users": draw(st.dictionaries(st.sampled_from(["ada", "bob"]), rules())),
        "profiles": draw(profiles()),
    }


@st.composite
def requests(draw: st.DrawFn) -> SpawnRequest:
    layers = st.sampled_from(
        [
            None,
            own_layer(
                own("uid", 99),
                own("memory.limit", 3 * G),
                own("extraResource.limits", "2", GPU),
                own("storage.extraVolumes", {"name": "a"}, "a"),
                has_storage=True,
            ),
        ]
    )
    groups = draw(st.sets(st.sampled_from(GROUPS)))
    homes = draw(st.sampled_from([{}, {"default": "old", "work": "w"}]))
    return request(
        draw(st.sampled_from(["ada", "eve"])),
        groups,
        admin=draw(st.booleans()),
        own=draw(layers),
        homes=homes,
    )


options = st.sampled_from(
    [None, {}, {"profile": "small"}, {"profile": "Big One", "size": "t"}, {"size": "s"}]
)


def policy_of(document: Data) -> Policy:
    return load_text(json.dumps(document))[0]


def facts(environment: ResolvedEnvironment) -> Any:
    """All of an answer, to be compared."""

    def said(entry: Entry | None) -> Any:
        if entry is None:
            return None
        return (entry.key, entry.value, entry.layer, entry.source, str(entry.place), said(entry.beat))

    entries = [(slot, said(entry)) for slot, entry in environment.entries.items()]
    return entries, environment.home, environment.selection.slug, list(environment.values())


def answer(policy: Policy, asked: SpawnRequest, chosen: Any) -> Any:
    """What comes out, be it a refusal."""
    try:
        return facts(Resolver(policy).resolve(asked, chosen))
    except Refusal as refusal:
        return refusal.reason, refusal.detail


def given_to(policy: Policy, asked: SpawnRequest) -> ResolvedEnvironment | None:
    try:
        return Resolver(policy).resolve(asked, {})
    except Refusal:
        return None


def people_of(document: Data, asked: SpawnRequest) -> Iterator[tuple[str, Data]]:
    """(section, rule) of all rules about a person that hold today, weakest first, found the long way."""
    person = asked.person
    found = [("defaults", document["defaults"])]
    for pattern, rule in document["groups"].items():
        for name in sorted(person.groups):
            if matches(pattern, name):
                found.append(("groups", rule))
    if person.admin:
        found.append(("admins", document["admins"]))
    found += [("users", rule) for name, rule in document["users"].items() if name == person.name]
    return (one for one in found if "until" not in one[1] or ENDS[one[1]["until"]])


def matches(pattern: str, name: str) -> bool:
    return Glob(pattern).match(name) is not None if "*" in pattern else name == pattern


def bound_on(document: Data, asked: SpawnRequest, name: str) -> int | None:
    """The atMost of a resource, in the unit of the documents."""
    by_section: dict[str, list[int | None]] = {}
    for section, rule in people_of(document, asked):
        bounds: Mapping[str, str | None] = rule.get("atMost", {})
        if name in bounds:
            text = bounds[name]
            by_section.setdefault(section, []).append(None if text is None else int(text.rstrip("Gi")))
    for section in ("users", "admins", "groups", "defaults"):
        if section in by_section:
            amounts = by_section[section]
            return None if None in amounts else max(cast("list[int]", amounts))
    return None


# --- purity ------------------------------------------------------------------------------------------------


@relaxed
@given(documents(), requests(), options)
def test_neither_policy_nor_request_is_changed(document: Data, asked: SpawnRequest, chosen: Any) -> None:
    policy = policy_of(document)
    before = deepcopy((policy, asked, chosen))
    answer(policy, asked, chosen)
    assert (policy, asked, chosen) == before


@relaxed
@given(documents(), requests(), options, st.data())
def test_the_order_in_which_groups_arrive_does_not_matter(
    document: Data, asked: SpawnRequest, chosen: Any, data: st.DataObject
) -> None:
    policy = policy_of(document)
    order = data.draw(st.permutations(sorted(asked.person.groups)))
    groups = cast("frozenset[str]", tuple(order))  # a set would hide the order
    other = asked._replace(person=asked.person._replace(groups=groups))
    assert answer(policy, other, chosen) == answer(policy, asked, chosen)


@relaxed
@given(documents(), requests(), options)
def test_a_pickled_policy_gives_the_same(document: Data, asked: SpawnRequest, chosen: Any) -> None:
    policy = policy_of(document)
    assert answer(pickle.loads(pickle.dumps(policy)), asked, chosen) == answer(policy, asked, chosen)


@relaxed
@given(documents(), st.lists(st.tuples(requests(), options), min_size=2, max_size=4))
def test_what_was_asked_before_does_not_matter(
    document: Data, starts: list[tuple[SpawnRequest, Any]]
) -> None:
    resolver, policy = Resolver(policy_of(document)), policy_of(document)
    for asked, chosen in starts:
        try:
            found: Any = facts(resolver.resolve(asked, chosen))
        except Refusal as refusal:
            found = refusal.reason, refusal.detail
        assert found == answer(policy, asked, chosen)


# --- amounts -----------------------------------------------------------------------------------------------


@relaxed
@given(documents(), requests())
def test_nobody_gets_more_than_their_bound(document: Data, asked: SpawnRequest) -> None:
    environment = given_to(policy_of(document), asked)
    if environment is None:
        return
    for name, unit in (("memory", G), ("cpu", 1)):
        most = bound_on(document, asked, name)
        limit, guarantee = (environment.get(f"{name}.{word}") for word in ("limit", "guarantee"))
        if most is not None:
            assert limit <= most * unit
            assert guarantee is None or guarantee <= most * unit
    most = bound_on(document, asked, "storage")
    if most is not None and environment.get("storage.capacity") is not None:
        assert int(environment.get("storage.capacity").removesuffix("Gi")) <= most
    most = bound_on(document, asked, GPU)
    for word in ("limits", "guarantees"):
        amount = environment.get(f"extraResource.{word}.{GPU}")
        assert most is None or amount is None or int(amount) <= most


@relaxed
@given(documents(), requests())
def test_a_guarantee_never_exceeds_its_limit(document: Data, asked: SpawnRequest) -> None:
    environment = given_to(policy_of(document), asked)
    if environment is None:
        return
    for name in ("memory", "cpu"):
        guarantee, limit = (environment.get(f"{name}.{word}") for word in ("guarantee", "limit"))
        assert not isinstance(guarantee, Fraction)
        assert guarantee is None or limit is None or guarantee <= limit
    guarantee, limit = (environment.get(f"extraResource.{word}.{GPU}") for word in ("guarantees", "limits"))
    assert guarantee is None or int(guarantee) == int(limit)


# --- provenance --------------------------------------------------------------------------------------------


@relaxed
@given(documents(), requests())
def test_every_value_names_a_rule_that_applied(document: Data, asked: SpawnRequest) -> None:
    environment = given_to(policy_of(document), asked)
    if environment is None:
        return
    sources = {"built-in", "kubespawner", "defaults", "admins", f"users.{asked.person.name}"}
    sources |= {
        f"groups.{pattern}"
        for pattern in document["groups"]
        if any(matches(pattern, name) for name in asked.person.groups)
    }
    if environment.selection.profile is not None:
        sources.add(environment.selection.profile.rule.source)
    sources |= {choice.rule.source for _, choice in environment.selection.choices}
    bounds = {f"{source}.{word}" for source in sources for word in ("atLeast", "atMost")}
    for found in environment.values():
        assert found.source in sources | bounds
        assert {old.source for old in found.overrode} <= sources | bounds


@relaxed
@given(documents(), requests())
def test_the_strongest_layer_that_names_a_scalar_wins(document: Data, asked: SpawnRequest) -> None:
    environment = given_to(policy_of(document), asked)
    if environment is None:
        return
    rules = [rule for _, rule in people_of(document, asked)]
    selection = environment.selection
    if selection.profile is not None:
        profile = document["profiles"][selection.slug]
        rules.append(profile)
        for option, choice in selection.choices:
            rules.append(profile["options"][option.slug]["choices"][choice.slug])
    own_uid = 99 if asked.own.rule is not None else None
    named = [own_uid, *(rule["uid"] for rule in rules if "uid" in rule)]
    assert environment.get("uid") == named[-1]


@relaxed
@given(documents(), requests())
def test_every_report_is_json(document: Data, asked: SpawnRequest) -> None:
    environment = given_to(policy_of(document), asked)
    if environment is not None:
        json.dumps([vars(found) for found in environment.values()], default=vars)
