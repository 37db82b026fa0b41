"""Leaves out of two policies what is the same in both and touches nothing that differs.

What remains gives the same differences, and far fewer kinds of people. Fields that decide about each other, such as
a limit and its guarantee, stay together as one unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from ..policy.fields import HOME_FIELDS, Combine
from ..policy.rules import Option, Other, Policy, Profile, Rule, Setting
from ..policy.templates import names_in
from ..resolve.request import OwnLayer

HOME: Final = "home"
_AMOUNTS: Final = ("memory", "cpu", "extraResource")
_OF_BOUNDS: Final = {"memory": "memory", "cpu": "cpu", "storage": HOME}


def relevant(
    old: Policy, new: Policy, at: datetime, beneath: tuple[OwnLayer, OwnLayer]
) -> tuple[Policy, Policy]:
    """The two policies as far as they matter for what differs between them at a time.

    beneath: what lies under each of them; differences there count too.
    """
    old, new = (_in_force(policy, at) for policy in (old, new))
    units = _differing(old, new) | _between(beneath[0].rule, beneath[1].rule)
    if beneath[0]._replace(rule=None) != beneath[1]._replace(rule=None):
        units.add(HOME)
    if old.built_in != new.built_in:
        units |= _of_built_in([*old.rules(), *new.rules(), *(one.rule for one in beneath if one.rule)])
    units |= _with_homes(units, [*old.rules(), *new.rules()])
    return _reduced(old, units), _reduced(new, units)


def _of_built_in(rules: Iterable[Rule]) -> set[str]:
    """What is not left as it is written where the built-in layer lies beneath: amounts, and homes."""
    return {HOME, "memory", "cpu", *(unit for unit in _units(rules) if unit.startswith("extraResource."))}


def unit_of(setting: Setting) -> str:
    """What a setting belongs to; `FIELD.*` for one that removes a whole field."""
    path, key = setting.field.path, setting.key
    top = path.partition(".")[0]
    if top == "extraResource":
        return f"{top}.{'*' if key is None else key}"
    if top in ("image", "memory", "cpu"):
        return top
    if path in HOME_FIELDS:
        return HOME
    if setting.field.combine is Combine.KEYED:
        return f"{path}.{'*' if key is None else key}"
    return path


def _in_force(policy: Policy, at: datetime) -> Policy:
    def holds(rule: Rule | None) -> bool:
        return rule is not None and (rule.until is None or at <= rule.until)

    return replace(
        policy,
        defaults=policy.defaults if holds(policy.defaults) else None,
        admins=policy.admins if holds(policy.admins) else None,
        groups={name: rule for name, rule in policy.groups.items() if holds(rule)},
        users={name: rule for name, rule in policy.users.items() if holds(rule)},
    )


def _differing(old: Policy, new: Policy) -> set[str]:
    before, after = ({rule.source: rule for rule in policy.rules()} for policy in (old, new))
    units: set[str] = set()
    for source in before.keys() | after.keys():
        units |= _between(before.get(source), after.get(source))
    groups = [
        [name for name in one.groups if name in other.groups] for one, other in ((old, new), (new, old))
    ]
    if groups[0] != groups[1]:
        units |= _units([one.groups[name] for one in (old, new) for name in groups[0]])
    profiles = [{profile.slug: profile for profile in policy.profiles} for policy in (old, new)]
    for slug in profiles[0].keys() | profiles[1].keys():
        pair = [found.get(slug) for found in profiles]
        if _shape(pair[0]) != _shape(pair[1]):
            units |= _units(rule for profile in pair for rule in _rules(profile))
    return units


def _between(old: Rule | None, new: Rule | None) -> set[str]:
    pair = [old or Rule("", new.place) if new else old, new or Rule("", old.place) if old else new]
    units: set[str] = set()
    contents = [[(unit_of(s), content(s)) for s in rule.settings] if rule else [] for rule in pair]
    if contents[0] != contents[1]:
        changed = (Counter(contents[0]) - Counter(contents[1])) + (
            Counter(contents[1]) - Counter(contents[0])
        )
        units |= {unit for unit, _ in changed or Counter(contents[0])}
    for word in ("at_least", "at_most"):
        one, other = (dict(getattr(rule, word)) if rule else {} for rule in pair)
        names = {name for name in one.keys() | other.keys() if one.get(name, ...) != other.get(name, ...)}
        units |= {_OF_BOUNDS.get(name, f"extraResource.{name}") for name in names}
    return units


def content(setting: Setting) -> str:
    """What a setting says, wherever it stands."""
    return repr((setting.field.path, setting.key, setting.value, setting.label))


def _units(rules: Iterable[Rule]) -> set[str]:
    return {unit_of(setting) for rule in rules for setting in rule.settings}


def _rules(profile: Profile | None) -> Iterator[Rule]:
    if profile is not None:
        yield profile.rule
        for option in profile.options:
            yield from option.rules


def _shape(profile: Profile | None) -> Any:
    """All of a profile but its rules."""
    if profile is None:
        return None
    options = [
        (option.slug, [_offer(choice) for choice in option.choices], option.other and _offer(option.other))
        for option in profile.options
    ]
    return _offer(profile), options


def _offer(one: Any) -> Any:
    if isinstance(one, Other):
        return one.allow, one.images, one.pattern
    return one.slug, one.allow, one.default, one.aliases


def _with_homes(units: set[str], rules: Iterable[Rule]) -> set[str]:
    """`{pvc_name}` ties a value to the home, in both directions."""
    tied = {
        unit_of(setting)
        for rule in rules
        for setting in rule.settings
        if setting.dynamic and "pvc_name" in names_in([setting.key, setting.value])
    }
    if HOME in units:
        return tied
    return {HOME} if any(_touches(unit, units) for unit in tied) else set()


def _touches(unit: str, units: Iterable[str]) -> bool:
    """Whether a unit is one of these, or removes one of these, or is removed by one of these."""
    if unit in units:
        return True
    if unit.endswith(".*"):
        return any(other.startswith(unit[:-1]) for other in units)
    return any(other.endswith(".*") and unit.startswith(other[:-1]) for other in units)


def _reduced(policy: Policy, units: set[str]) -> Policy:
    known: dict[str, bool] = {}

    def matters(setting: Setting) -> bool:
        unit = unit_of(setting)
        if unit not in known:
            known[unit] = _touches(unit, units)
        return known[unit]

    def people(rule: Rule | None) -> Rule | None:
        """None where a rule about people says nothing of it. Caps stay: they decide what is offered."""
        if rule is None:
            return None
        settings = tuple(filter(matters, rule.settings))
        return replace(rule, settings=settings) if settings or rule.at_most or rule.at_least else None

    def picked(rule: Rule) -> Rule:
        """What asks for amounts stays too, for caps to see."""
        asks = (
            s for s in rule.settings if matters(s) or s.field.path.partition(".")[0] in (*_AMOUNTS, "storage")
        )
        return replace(rule, settings=tuple(asks))

    def option(one: Option) -> Option:
        choices = tuple(replace(choice, rule=picked(choice.rule)) for choice in one.choices)
        other = one.other and replace(one.other, rule=picked(one.other.rule))
        return replace(one, choices=choices, other=other)

    return replace(
        policy,
        defaults=people(policy.defaults),
        groups=_kept({name: people(rule) for name, rule in policy.groups.items()}),
        admins=people(policy.admins),
        users=_kept({name: people(rule) for name, rule in policy.users.items()}),
        profiles=tuple(
            replace(profile, rule=picked(profile.rule), options=tuple(map(option, profile.options)))
            for profile in policy.profiles
        ),
    )


def _kept(rules: Mapping[str, Rule | None]) -> dict[str, Rule]:
    return {name: rule for name, rule in rules.items() if rule is not None}
