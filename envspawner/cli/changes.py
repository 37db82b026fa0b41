"""What two policies give to one person, pick by pick, and where that differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ..policy.fields import Combine
from ..policy.rules import Policy, Profile
from ..resolve.access import Refusal
from ..resolve.home import Home, Unusable
from ..resolve.merge import MASK, Entry
from ..resolve.result import ResolvedEnvironment, plain
from .explain import shown

OFFERED: Final = "offered"
"""The path of whether a profile or a choice can be had."""
Options = dict[str, str]


Where = tuple[str, ...]


class Change(NamedTuple):
    """One difference. where: of what pick: (), (profile,) or (profile, option, choice).

    old, new: JSON text; None where there is nothing.
    """

    where: Where
    path: str
    old: str | None
    new: str | None


class Shown(NamedTuple):
    """A value and its path as `explain` shows them, and whether it is secret: compared, but never shown."""

    path: str
    compared: Any
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pick comes to: a reason why it is refused, or values by path.

    detail: what contradicts what. slots: all that was spoken of, even if it was removed.
    """

    refused: str = ""
    detail: str = ""
    profile: str | None = None
    options: Mapping[str, str] | None = None
    values: Mapping[str, Shown] | None = None
    slots: frozenset[str] = frozenset()
    home: Home | None = None


Resolve = Callable[[Options], ResolvedEnvironment]


@dataclass(frozen=True, slots=True)
class Compared:
    """The changes of one person, and the pairs of outcomes that were looked at."""

    changes: tuple[Change, ...]
    seen: tuple[tuple[Outcome, Outcome], ...]


def outcome(resolve: Resolve, options: Options) -> Outcome:
    try:
        environment = resolve(options)
    except Refusal as refusal:
        return Outcome(refusal.reason)
    except Unusable as error:
        return Outcome("policy-unusable", str(error))
    selection = environment.selection
    return Outcome(
        profile=selection.slug or None,
        options={option.slug: choice.slug for option, choice in selection.choices},
        values=dict(_values(environment)),
        slots=frozenset(environment.entries),
        home=environment.home,
    )


def _values(environment: ResolvedEnvironment) -> Iterator[tuple[str, Shown]]:
    for slot, entry in environment.entries.items():
        if entry.value is not None:
            value = shown(entry.field.path, plain(entry.value))
            yield slot, Shown(_path(entry), value, entry.secret)
    home = environment.home
    if home.claim is not None:
        yield "home.claim", Shown("home.claim", home.claim)


def _path(entry: Entry) -> str:
    """As `explain` shows it, but that what is added to a list has no number: numbers move."""
    keyed = entry.key is not None and entry.field.combine is not Combine.APPEND
    return f"{entry.field.path}.{entry.key}" if keyed else entry.field.path


class Picks:
    """What there is to pick in two policies: profiles, and of each the choices. only: the profiles to look at."""

    def __init__(self, old: Policy | None, new: Policy | None, only: frozenset[str] | None = None) -> None:
        self._old = {profile.slug: profile for profile in (old.profiles if old else ())}
        self._new = {profile.slug: profile for profile in (new.profiles if new else ())}
        self.none = not self._old and not self._new
        # A new profile that an old name leads to is met under that name.
        names = {
            slug: {slug, *profile.aliases} for slug, profile in self._new.items() if slug not in self._old
        }
        added = [slug for slug, aliases in names.items() if not aliases & self._old.keys()]
        self.profiles = [slug for slug in (*self._old, *added) if only is None or slug in only]

    def choices(self, slug: str, new_slug: str | None) -> Iterator[tuple[str, str]]:
        """(option, choice) of every choice that the profile has in either policy."""
        found: dict[tuple[str, str], None] = {}
        for profile in (self._old.get(slug), self._new.get(new_slug or slug)):
            found |= dict.fromkeys(_choices(profile))
        yield from found


def _choices(profile: Profile | None) -> Iterator[tuple[str, str]]:
    for option in profile.options if profile else ():
        for choice in option.choices:
            yield option.slug, choice.slug


def compare(old: Resolve, new: Resolve, picks: Picks) -> Compared:
    """Where the answers of two policies differ, for everything that one person may pick."""
    seen: list[tuple[Outcome, Outcome]] = []

    def both(options: Options) -> tuple[Outcome, Outcome]:
        seen.append((outcome(old, options), outcome(new, options)))
        return seen[-1]

    changes = list(_by_default(both({}), picks))
    for slug in picks.profiles:
        changes += _profile(both, slug, picks)
    return Compared(tuple(changes), tuple(seen))


def compare_one(old: Resolve, new: Resolve, options: Options) -> Compared:
    """Where the answers to one selection differ."""
    pair = outcome(old, options), outcome(new, options)
    return Compared(tuple(_differences((), *pair)), (pair,))


Both = Callable[[Options], tuple[Outcome, Outcome]]


def _by_default(pair: tuple[Outcome, Outcome], picks: Picks) -> Iterator[Change]:
    old, new = pair
    if picks.none:
        yield from _differences((), old, new)
    elif old.profile != new.profile or old.refused != new.refused:
        yield Change((), "profile", _default(old), _default(new))


def _default(one: Outcome) -> str | None:
    return _text(f"refused: {one.refused}") if one.refused else _text(one.profile)


def _profile(both: Both, slug: str, picks: Picks) -> Iterator[Change]:
    old, new = both({"profile": slug})
    found = list(_differences((slug,), old, new))
    yield from found
    if old.refused or new.refused:
        return
    known = {change[1:] for change in found}
    for option, choice in picks.choices(slug, new.profile):
        if _chosen(old, option) == _chosen(new, option) == choice:
            continue  # seen already
        pair = both({"profile": slug, option: choice})
        for change in _differences((slug, option, choice), *pair):
            if change[1:] not in known:
                yield change


def _chosen(one: Outcome, option: str) -> str | None:
    return (one.options or {}).get(option)


def _differences(where: Where, old: Outcome, new: Outcome) -> Iterator[Change]:
    if old.refused and new.refused:
        return
    if old.refused or new.refused:
        yield Change(where, OFFERED, _offered(old), _offered(new))
        return
    if old.profile != new.profile and where:
        yield Change(where, "profile", _text(old.profile), _text(new.profile))
    options = dict.fromkeys([*(old.options or {}), *(new.options or {})])
    for option in options:
        if _chosen(old, option) != _chosen(new, option):
            yield Change(where, f"options.{option}", _text(_chosen(old, option)), _text(_chosen(new, option)))
    before, after = old.values or {}, new.values or {}
    for path in dict.fromkeys([*before, *after]):
        yield from value_changes(where, before.get(path), after.get(path))


def _offered(one: Outcome) -> str | None:
    return _text(f"refused: {one.refused}" if one.refused else "yes")


def value_changes(where: Where, old: Shown | None, new: Shown | None) -> Iterator[Change]:
    """Where two values differ; None is nothing."""
    if old == new:
        return
    path = old.path if old else new.path if new else ""
    if (old and old.secret) or (new and new.secret):
        yield Change(where, path, _masked(old), _masked(new))
        return
    yield from _parts(where, path, old.compared if old else None, new.compared if new else None)


def _masked(one: Shown | None) -> str | None:
    return None if one is None else _text(MASK if one.secret else one.compared)


def _parts(where: Where, path: str, old: Any, new: Any) -> Iterator[Change]:
    """The parts of mappings that differ, so that one changed line of a container is one line here."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _parts(where, f"{path}.{key}", old.get(key), new.get(key))
    elif old != new:
        yield Change(where, path, _text(old), _text(new))


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
