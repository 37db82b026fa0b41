"""Policies over the whole language, as hypothesis writes them: mostly right, with edge values and slips in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import yaml
from hypothesis import strategies as st

from envspawner.policy.sections import UNLISTED
from envspawner.resolve.request import Person, Start

from .environments import bounds, environments
from .pieces import Data, picked, some, subset, texts, wrong

NOW: Final = datetime(2026, 11, 23, tzinfo=timezone.utc)
PATTERNS: Final = ("staff", "course::stat101", "project:*", "*:ta", "dépt *", "*")
PEOPLE: Final = (
    Person("eve", frozenset()),
    Person("ada", frozenset({"staff", "project:alpha"})),
    Person("al.b+c@example.org", frozenset({"course::stat101", "stat:ta", "project:Ünï/..;$(rm)"}), True),
    Person("Zoë " + "z" * 60, frozenset({"dépt 7", "project:" + "x" * 80, "project:beta"})),
)
"""Who starts servers: nobody's friend, a member, an admin with text that bites, and somebody with a long name."""
SERVERS: Final = ("", "", "", "second", "Ünï server")


@dataclass(frozen=True)
class Written:
    """A policy as plain data and as the text of a file."""

    data: Data
    text: str

    def starts(self) -> Iterator[Start]:
        """Some starts: everybody with what is first or with some of what is offered, and one with typed text."""
        for number, person in enumerate(PEOPLE):
            server = SERVERS[(len(self.text) + number) % len(SERVERS)]
            yield Start(person, server, {}, NOW, "hub")
            picks = list(_picks(self.data))
            if picks:
                yield Start(person, server, picks[(len(self.text) + number) % len(picks)], NOW, "hub")
        for pick in [pick for pick in _picks(self.data) if any(key.endswith(UNLISTED) for key in pick)][:1]:
            yield Start(PEOPLE[1], "", pick, NOW, "hub")


def _picks(data: Data) -> Iterator[dict[str, str]]:
    profiles = data.get("profiles")
    for slug, profile in (profiles if isinstance(profiles, dict) else {}).items():
        yield {"profile": slug}
        options = profile.get("options") if isinstance(profile, dict) else None
        for last in (False, True):
            chosen = {"profile": slug}
            for name, option in (options or {}).items():
                choices = list((option or {}).get("choices") or ())
                if last and "other" in (option or {}):
                    chosen[f"{name}{UNLISTED}"] = TYPED
                elif choices:
                    chosen[name] = choices[-1 if last else 0]
            if len(chosen) > 1:
                yield chosen


# --- rules and profiles --------------------------------------------------------------------------------------


RICH: Final = (
    *("extraContainers", "initContainers", "extraPodConfig", "extraContainerConfig", "storage", "extraEnv"),
    *("kubespawnerOverride", "lifecycleHooks", "initContainers", "extraContainers", "extraPodConfig"),
)
"""Keys in which most can stand, and go wrong: they are written oftener."""


@st.composite
def environment(draw: st.DrawFn, most: int, group: bool, new: bool, slips: bool) -> Data:
    strategies = environments(group, new, slips)
    chosen = draw(subset([*strategies, *RICH], most // 2, most))
    found: Data = {key: draw(strategies[key]) for key in chosen}
    if slips and draw(st.integers(0, 12)) == 12:
        found[draw(some(*found, "memoryy", "mem_limit", "extraENV"))] = draw(wrong)
    return found


@st.composite
def rules(draw: st.DrawFn, most: int, new: bool, slips: bool, group: bool = False) -> Any:
    found = draw(environment(most, group, new, slips))
    for word in ("atLeast", "atMost"):
        if draw(st.integers(0, 3)) == 3:
            found[word] = draw(bounds(word == "atLeast"))
    if draw(st.integers(0, 5)) == 5:
        found["until"] = draw(some("2026-12-20", "2020-01-01", "2026-11-23T18:00+01:00"))
    if draw(st.integers(0, 5)) == 5:
        found["note"] = draw(texts)
    return found or draw(some({}, None))


ALLOW: Final = some(
    {"groups": ["staff", "project:*"]}, {"users": ["eve", "ada"]}, {"admins": True}, {"groups": ["*"]}
)


@st.composite
def choice(draw: st.DrawFn, most: int, new: bool, slips: bool) -> Data:
    found = draw(environment(most, False, new, slips))
    words = {
        "displayName": some("Small", "Ünï & <b>", "1"),
        "description": texts,
        "default": st.booleans(),
        "allow": ALLOW,
    }
    found |= draw(picked(words, 2, least=0))
    return found


TYPED: Final = "quay.io/jupyter/r-notebook:2026-11-02"
"""What people type: an image, and text for other things; no label takes it."""
TYPED_BLOCKS: Final[dict[str, st.SearchStrategy[Data]]] = {
    "images": some({"images": ["quay.io/jupyter/*"]}, {"images": "docker.io/*/*"}),
    "pattern": some(
        {"pattern": ".*", "extraEnv": {"TYPED": "{value} {username}"}},
        {"pattern": "[a-z./:0-9-]+", "image": "{value}", "extraAnnotations": {"typed": "{value}"}},
        {"pattern": "x+", "extraLabels": {"typed": "{value}"}},
    ),
    "slip": some({"pattern": "quay", "cmd": ["{value}"]}, {"pattern": "(", "images": "*"}, {}),
}


@st.composite
def other(draw: st.DrawFn, new: bool, slips: bool) -> Data:
    found = draw(environment(1, False, new, slips))
    found |= draw(picked({"displayName": texts, "message": texts, "allow": ALLOW}, 1, least=0))
    return found | draw(TYPED_BLOCKS[draw(some("images", "pattern", *["slip"] * slips))])


@st.composite
def profile(draw: st.DrawFn, new: bool, slips: bool) -> Data:
    found = draw(choice(4, new, slips))
    if draw(st.booleans()):
        slugs = st.sampled_from(["s", "l", "Ünï choice"])
        choices = st.dictionaries(slugs, choice(2, new, slips), min_size=1, max_size=2)
        words = {"displayName": some("Size", "x"), "other": other(new, slips)}
        option = st.fixed_dictionaries({"choices": choices}, optional=words)
        found["options"] = draw(st.dictionaries(some("size", "image", "a b"), option, min_size=1, max_size=2))
    return found


@st.composite
def documents(draw: st.DrawFn, new: bool = True) -> Data:
    """The data of one policy. new: with what Kubernetes 1.20 does not know."""
    slips = draw(st.integers(0, 3)) == 3
    found: Data = {} if draw(st.booleans()) else {"version": 1}
    defaults = draw(rules(7, new, slips)) or {}
    # Volumes that mounts anywhere may take, and an image: without them hardly any server could start.
    place = defaults.setdefault("storage", {})
    if isinstance(place, dict) and isinstance(place.get("extraVolumes", []), list):
        claim = {"persistentVolumeClaim": {"claimName": "shared"}}
        place["extraVolumes"] = [{"name": "shared", **claim}, *place.get("extraVolumes", ())]
    defaults.setdefault("image", "quay.io/jupyter/scipy-notebook:2026-11-02")
    found["defaults"] = defaults
    patterns = draw(st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True))
    if patterns:
        found["groups"] = {one: draw(rules(4, new, slips, group="*" in one)) for one in patterns}
    if draw(st.integers(0, 3)) == 3:
        found["admins"] = draw(rules(4, new, slips))
    if draw(st.integers(0, 3)) == 3:
        found["users"] = {"ada": draw(rules(4, new, slips))}
    slugs = draw(st.lists(some("small", "gpu", "Ünï profile", "x" * 100), max_size=2, unique=True))
    if slugs:
        found["profiles"] = {slug: draw(profile(new, slips)) for slug in slugs}
    return found


@st.composite
def policies(draw: st.DrawFn, new: bool = True) -> Written:
    """A policy, as data and as text in one of YAML's dresses."""
    data = draw(documents(new))
    dress = draw(some("block", "flow", "escaped", "json"))
    text = json.dumps(data, ensure_ascii=False)
    if dress == "json" and text.isprintable():  # or else it is no YAML
        return Written(data, text)
    text = yaml.safe_dump(
        data, sort_keys=False, allow_unicode=dress != "escaped", default_flow_style=dress == "flow", width=100
    )
    return Written(data, text)
