"""Every image that a policy can lead to: what the layers can make of names, tags and digests, whoever starts.

Memberships are not known here, so any groups may come together, with any user and any profile: an image may be
listed that nobody happens to get, but none is missed that could be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, datetime, timedelta
from typing import Any, Final, NamedTuple

from ..policy.fields import DROPPED_BY, FIELDS
from ..policy.images import Image, parse_image
from ..policy.problems import Fault, Place, Problem
from ..policy.rules import Other, Policy, Profile, Rule, Setting
from ..policy.templates import Placeholder, Template
from .match import name_slug

_PARTS: Final = ("image.name", "image.tag", "image.digest")
_CONTAINERS: Final = ("initContainers", "extraContainers")
_VOLUMES: Final = "storage.extraVolumes"
_WHO: Final = "depends on who starts the server, and cannot be listed"
_TYPED: Final = "is what users type, and cannot be listed"


@dataclass(frozen=True, slots=True)
class Reached:
    """An image, the rules that name it, and where its name (or its tag, if that came later) stands."""

    image: Image
    sources: tuple[str, ...]
    place: Place


class _Part(NamedTuple):
    """A part of a reference, and who says so. text: None where only a start tells, and then why."""

    text: str | None
    source: str
    place: Place
    why: str = ""


_Parts = Mapping[str, _Part]
_States = dict[tuple[Any, ...], _Parts]


def reachable(
    policy: Policy | None, own: Rule | None, at: datetime, brings: Mapping[str, str] | None = None
) -> tuple[list[Reached], list[Problem]]:
    """The images of servers, containers and volumes in the order of the layers, and what cannot be listed.

    own: KubeSpawner's own layer, None where it is not known. at: rules that ended before are left out. brings:
    fields that bring a container of their own, and its image.
    """
    found: dict[Image, Reached] = {}
    told: list[Problem] = []
    for moment in _moments(policy, at):
        for state in _servers(policy, own, moment):
            one = _reached(state, told)
            if one is not None:
                found.setdefault(one.image, one)
    for rule in [own, *(policy.rules() if policy else ())]:
        if rule is not None and _holds(rule, at):
            for one in (*_others(rule, told), *_brought(rule, brings or {})):
                found.setdefault(one.image, one)
    return list(found.values()), list(dict.fromkeys(told))


def _holds(rule: Rule, at: datetime) -> bool:
    return rule.until is None or at <= rule.until


def _untold(path: str, place: Place, message: str, hint: str | None = None) -> Problem:
    return Problem(place, path, message, hint, warning=True)


def _moments(policy: Policy | None, at: datetime) -> list[datetime]:
    """Now, and just after each end of a rule that names an image."""
    rules = policy.rules() if policy else []
    ends = {rule.until for rule in rules if rule.until is not None and at <= rule.until and _says(rule)}
    return [at, *(end + timedelta(microseconds=1) for end in sorted(ends) if end.year < MAXYEAR)]


# --- the servers' own image ----------------------------------------------------------------------------------


def _servers(policy: Policy | None, own: Rule | None, at: datetime) -> Iterator[_Parts]:
    """What can come together as the image of a server."""
    start: _States = {(None, None, None): {}}
    if own is not None:
        start = _after(start, [own], "")
    if policy is None:
        yield from start.values()
        return
    for profile in policy.profiles or (None,):
        states = start
        for alternatives in _layers(policy, profile, at):
            states = _after(states, alternatives, profile.slug if profile else "")
        yield from states.values()


def _layers(policy: Policy, profile: Profile | None, at: datetime) -> Iterator[list[Rule | None]]:
    """The rules of each layer, weakest first, one of which applies; None where none may."""
    if policy.defaults is not None and _holds(policy.defaults, at):
        yield [policy.defaults]
    for rule in (*policy.groups.values(), policy.admins):
        if rule is not None and _holds(rule, at):
            yield [None, rule]
    yield [None, *(rule for rule in policy.users.values() if _holds(rule, at))]
    if profile is not None:
        yield [profile.rule]
        for option in profile.options:
            typed = [] if option.other is None else [_as_typed(option.other)]
            yield [*(choice.rule for choice in option.choices), *typed]


def _as_typed(other: Other) -> Rule:
    """The rule of what users type; a typed image stands above what the rule says itself."""
    if not other.images:
        return other.rule
    name = Setting(FIELDS["image.name"], Template((Placeholder("value"),)), other.rule.place, dynamic=True)
    return replace(other.rule, settings=(name,))


def _after(states: _States, alternatives: Sequence[Rule | None], profile: str) -> _States:
    """What one of these rules makes of each of the states."""
    speaking = [rule for rule in alternatives if rule is not None and _says(rule)]
    if not speaking:
        return states
    found: _States = dict(states) if len(speaking) < len(alternatives) else {}
    for rule in speaking:
        for parts in states.values():
            new = _applied(parts, rule, profile)
            found.setdefault(tuple(new[path].text if path in new else None for path in _PARTS), new)
    return found


def _says(rule: Rule) -> list[Setting]:
    return [setting for setting in rule.settings if setting.field.path in _PARTS]


def _applied(parts: _Parts, rule: Rule, profile: str) -> _Parts:
    """The parts after one more rule, which drops what it replaces (`merge` does the same)."""
    settings = _says(rule)
    gone = {path for s in settings if s.value is not None for path in DROPPED_BY.get(s.field.path, ())}
    gone |= {setting.field.path for setting in settings}
    found = {path: part for path, part in parts.items() if path not in gone}
    for setting in settings:
        if setting.value is not None:
            text = _text(setting.value, rule, profile)
            why = "" if text is not None else _why(setting.value)
            found[setting.field.path] = _Part(text, rule.source, setting.place, why)
    return found


def _text(value: Any, rule: Rule, profile: str) -> str | None:
    """The text of a value with what is known of a profile and a group filled in; None where more is needed."""
    if not isinstance(value, Template):
        return str(value)
    known = {"profile": name_slug(profile) if profile else ""}
    section, _, group = rule.source.partition(".")
    if section == "groups" and "*" not in group:
        known["group"] = name_slug(group)
    try:
        return value.fill(known)
    except KeyError:
        return None


def _why(value: Template) -> str:
    return _TYPED if "value" in value.names else _WHO


def _reached(parts: _Parts, told: list[Problem]) -> Reached | None:
    given = [parts[path] for path in _PARTS if path in parts]
    unclear = [part for part in given if part.text is None]
    if unclear:
        told += [_untold(f"{part.source}.image", part.place, part.why) for part in unclear]
        return None
    if "image.name" not in parts:
        message = "where no rule names an image, servers have the one of the hub's own configuration"
        place = given[0].place if given else Place("c.KubeSpawner")
        told.append(_untold("image", place, message, "give the hub's configuration to this command"))
        return None
    image = Image(*(parts[path].text if path in parts else None for path in _PARTS))  # type: ignore[arg-type]
    sources = tuple(dict.fromkeys(part.source for part in given))
    place = (parts.get("image.tag") or parts["image.name"]).place
    return Reached(image, sources, place)


# --- other containers, and volumes made of images ------------------------------------------------------------


def _others(rule: Rule, told: list[Problem]) -> Iterator[Reached]:
    for setting in rule.settings:
        path, value = setting.field.path, setting.value
        if path in _CONTAINERS and value is not None:
            reference = _field(value, "image")
        elif path == _VOLUMES and value is not None and _field(value, "image") is not None:
            reference = _field(_field(value, "image"), "reference")
        else:
            continue
        # KubeSpawner's own strings are templates of its own.
        unclear = isinstance(reference, Template) or (setting.opaque and "{" in str(reference))
        if unclear:
            told.append(_untold(f"{rule.source}.{path}", setting.place, _WHO))
        elif reference:
            yield Reached(_parsed(str(reference)), (rule.source,), setting.place)


def _brought(rule: Rule, brings: Mapping[str, str]) -> Iterator[Reached]:
    for setting in rule.settings:
        path = setting.field.path
        if path in brings and setting.value is not None:
            yield Reached(parse_image(brings[path]), (rule.source,), setting.place)


def _field(value: Any, name: str) -> Any:
    """A field of plain data, or of a model of the Kubernetes client."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _parsed(reference: str) -> Image:
    try:
        return parse_image(reference)
    except Fault:
        return Image(reference)  # as it stands; the node will say what is wrong with it


def unpinned(images: Iterable[Reached]) -> Iterator[Problem]:
    """A problem for each image that may be another one tomorrow."""
    for one in images:
        image = one.image
        if image.digest is None and image.tag in (None, "latest"):
            why = (
                "has no tag, so Kubernetes takes latest" if image.tag is None else "may change without notice"
            )
            hint = "name a tag that stays what it is, or a digest"
            yield Problem(one.place, f"{one.sources[0]}.image", f"{image} {why}", hint)
