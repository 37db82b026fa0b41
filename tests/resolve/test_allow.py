"""Whom profiles, choices and typed choices are for, and what each person is offered."""

from __future__ import annotations

from typing import Any

import pytest

from envspawner.policy.rules import Policy
from envspawner.resolve.access import Offered, Refusal
from envspawner.resolve.request import Person, SpawnRequest
from envspawner.resolve.resolver import Resolver

from .support import NOW, policy_of, refused, request, resolve

ALLOWS = {
    "users": "{users: [ada]}",
    "groups": "{groups: [staff]}",
    "globs": "{groups: ['course:*:ta', 'p*']}",
    "admins": "{admins: true}",
    "all": "{users: [ada], groups: [staff, 'p*'], admins: true}",
    "nobody": "{users: []}",
}
PEOPLE = {
    "ada": Person("ada"),
    "bob": Person("bob"),
    "root": Person("bob", admin=True),
    "staff": Person("bob", frozenset({"staff", "other"})),
    "staffed": Person("bob", frozenset({"staffed", "Staff"})),
    "ta": Person("bob", frozenset({"x", "course:stat:ta"})),
    "student": Person("bob", frozenset({"course::ta", "course:stat", "p"})),
    "p1": Person("bob", frozenset({"p1"})),
}
ADMITTED = {
    "users": {"ada"},
    "groups": {"staff"},
    "globs": {"ta", "p1"},
    "admins": {"root"},
    "all": {"ada", "root", "staff", "p1"},
    "nobody": set(),
}
POLICY = """
profiles:
  free: {{}}
  kept: {{allow: {allow}}}
  menu:
    options:
      size: {{choices: {{s: {{}}, l: {{allow: {allow}}}}}}}
      image: {{choices: {{base: {{}}}}, other: {{allow: {allow}, images: "quay.io/jupyter/*"}}}}
"""
PICKS: dict[str, tuple[dict[str, str], str]] = {
    "a profile": ({"profile": "kept"}, "profile-forbidden"),
    "a choice": ({"profile": "menu", "size": "l"}, "choice-forbidden"),
    "a typed choice": (
        {"profile": "menu", "image--unlisted-choice": "quay.io/jupyter/x:1"},
        "choice-forbidden",
    ),
}


def asked_by(person: Person) -> SpawnRequest:
    return SpawnRequest(person, NOW, request(person.name).names)


@pytest.mark.parametrize("pick", PICKS)
@pytest.mark.parametrize("allow", ALLOWS)
@pytest.mark.parametrize("person", PEOPLE)
def test_any_of_users_groups_and_admins_admits(allow: str, person: str, pick: str) -> None:
    ready = Resolver(policy_of(POLICY.format(allow=ALLOWS[allow])))
    options, reason = PICKS[pick]
    try:
        ready.select(asked_by(PEOPLE[person]), options)
        said = None
    except Refusal as refusal:
        said = refusal.reason
    assert said == (None if person in ADMITTED[allow] else reason)


@pytest.mark.parametrize("allow", ALLOWS)
@pytest.mark.parametrize("person", PEOPLE)
def test_what_is_offered_is_what_may_be_picked(allow: str, person: str) -> None:
    ready = Resolver(policy_of(POLICY.format(allow=ALLOWS[allow])))
    menu = {offered.profile.slug: offered for offered in ready.menu(asked_by(PEOPLE[person]))}
    size, image = menu["menu"].options
    admitted = person in ADMITTED[allow]
    assert ("kept" in menu) is admitted
    assert [choice.slug for choice in size.choices] == (["s", "l"] if admitted else ["s"])
    assert (image.other is not None) is admitted


def test_absent_admits_everybody() -> None:
    assert resolve("profiles: {p: {}}").selection.slug == "p"


def test_a_star_in_users_is_no_glob() -> None:
    assert refused("profiles: {p: {allow: {users: ['*']}}}").reason == "no-profile"


def test_the_owners_rights_count() -> None:
    text = "profiles: {p: {allow: {admins: true}}}"
    assert resolve(text, admin=True).selection.slug == "p"
    assert refused(text).reason == "no-profile"


# --- the menu ----------------------------------------------------------------------------------------------


def shown(policy: str | Policy, **who: Any) -> list[str]:
    """What one person is offered, in words: `*` marks what is taken where nothing is given."""
    ready = Resolver(policy if isinstance(policy, Policy) else policy_of(policy))
    return [_shown(offered) for offered in ready.menu(request(**who))]


def _shown(offered: Offered) -> str:
    found = offered.profile.slug + ("*" if offered.default else "")
    for one in offered.options:
        names = [c.slug + ("*" if c is one.default else "") for c in one.choices]
        found += f" {one.option.slug}={'|'.join([*names, *(['other'] if one.other else [])])}"
    return found


MENU = """
defaults: {atMost: {memory: 4G}}
profiles:
  big: {default: true, memory: {limit: 8G}}
  staff: {default: true, allow: {groups: [staff]}}
  menu:
    options:
      size: {choices: {s: {}, m: {}, l: {default: true, allow: {groups: [staff]}}, xl: {memory: {limit: 8G}}}}
      image: {choices: {base: {}}, other: {images: "quay.io/jupyter/*"}}
  typed: {options: {tag: {choices: {a: {allow: {users: [grace]}}}, other: {pattern: x, image: "b:{value}"}}}}
  none: {options: {tag: {other: {allow: {users: [grace]}, pattern: x, image: "b:{value}"}}}}
  huge: {options: {tag: {other: {memory: {limit: 8G}, pattern: x, image: "b:{value}"}}}}
  hers: {options: {size: {choices: {s: {allow: {users: [grace]}}}}}}
"""


def test_each_person_is_offered_what_they_may_use_in_the_order_written() -> None:
    assert shown(MENU) == ["menu* size=s*|m image=base*|other", "typed tag=other"]
    assert shown(MENU, groups=["staff"]) == [
        "staff*",
        "menu size=s|m|l* image=base*|other",
        "typed tag=other",
    ]
    assert shown(MENU, user="grace") == [
        "menu* size=s*|m image=base*|other",
        "typed tag=a*|other",
        "none tag=other",
        "hers size=s*",
    ]


@pytest.mark.parametrize(("user", "groups"), [("ada", []), ("ada", ["staff"]), ("grace", [])])
def test_the_defaults_of_the_menu_are_what_is_taken_where_nothing_is_given(
    user: str, groups: list[str]
) -> None:
    ready = Resolver(policy_of(MENU))
    asked = request(user, groups)
    for given in ({}, *({"profile": offered.profile.slug} for offered in ready.menu(asked))):
        (offered,) = [
            one
            for one in ready.menu(asked)
            if (one.profile.slug == given["profile"] if given else one.default)
        ]
        if any(one.default is None for one in offered.options):
            continue  # needs text
        selection = ready.select(asked, given)
        assert selection.profile is offered.profile
        assert [c for _, c in selection.choices] == [one.default for one in offered.options]


def test_without_profiles_there_is_no_menu() -> None:
    assert shown("defaults: {}") == []


def test_who_may_use_nothing_is_offered_nothing() -> None:
    assert shown("profiles: {p: {allow: {users: [grace]}}}") == []
