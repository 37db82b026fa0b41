"""Names in a policy of users and groups that a hub does not know: rules that hold for nobody today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from .globs import fits
from .names import quoted
from .problems import Place, Problem
from .rules import Allow, Choice, Other, Policy, Profile, Rule

_HINT: Final = "correct the name, or leave it for somebody who is still to come"


def unknown_names(policy: Policy, users: Iterable[str], groups: Iterable[str]) -> Iterator[Problem]:
    """A warning for each name of a user or group, and each pattern of groups, that none of a hub's is."""
    known = {"user": _by_lower(users), "group": _by_lower(groups)}
    for word, rules in (("user", policy.users), ("group", policy.groups)):
        for name, rule in rules.items():
            yield from _unknown(word, name, known[word], rule.place, rule.source)
    for profile in policy.profiles:
        for rule, allow in _allows(profile):
            for word, names in (("user", sorted(allow.users)), ("group", allow.groups)):
                for name in names:
                    yield from _unknown(word, name, known[word], rule.place, f"{rule.source}.allow")


def _allows(profile: Profile) -> Iterator[tuple[Rule, Allow]]:
    offers: list[Choice | Other] = [profile]
    for option in profile.options:
        offers += option.choices
        offers += [option.other] if option.other is not None else []
    yield from ((offer.rule, offer.allow) for offer in offers if offer.allow is not None)


def _by_lower(names: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.lower(), []).append(name)
    return found


def _unknown(
    word: str, name: str, known: Mapping[str, list[str]], place: Place, path: str
) -> Iterator[Problem]:
    if word == "group" and "*" in name:
        if not any(fits(name, one) for spellings in known.values() for one in spellings):
            yield Problem(place, path, f"no group of the hub is like {quoted(name)}", _HINT, warning=True)
        return
    spellings = known.get(name.lower(), [])
    if name not in spellings:
        hint = f"did you mean {spellings[0]}?" if spellings else _HINT
        yield Problem(place, path, f"the hub knows no {word} {quoted(name)}", hint, warning=True)
