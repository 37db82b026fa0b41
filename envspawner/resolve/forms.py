"""What tells rules apart that come to something else, and what stands in a plan for those that do not.

Values that only the own pods of a user or of one spawner have are left out: see `Merged`.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import Final

from ..policy.fields import FIELDS, HOME_FIELDS, Combine
from ..policy.problems import Place
from ..policy.rules import Rule, Setting
from ..policy.templates import Template
from .match import Applied
from .merge import SCALARS

HELD: Final = object()
"""Stands for a value that is left out."""
SOMEBODY: Final = Place("users")
"""Where the rule is that stands for those of users."""
_NAMED_BY_USER: Final = frozenset(
    (
        "storage.dynamic.subPath",
        "storage.dynamic.volumeNameTemplate",
        "storage.static.pvcName",
        "storage.static.subPath",
    )
)
"""Fields that KubeSpawner's own templates fill, so that each user has another value."""
_DECIDES: Final = HOME_FIELDS | {path for path, field in FIELDS.items() if field.largest is not None}
"""Fields on whose values more depends than what is in the pod: amounts, and what the home is."""
_COMPARED: Final = SCALARS | {Fraction, Template, type(None)}
"""Types of values by which rules of users can be told apart."""


def form(rule: Rule) -> Hashable | None:
    """What tells rules of users apart, but for values that only their own pods have; None for one unlike others."""
    if rule.note is not None:
        return None
    found: list[Hashable] = [*rule.at_least.items(), "", *rule.at_most.items()]
    for setting in rule.settings:
        slot, value = setting.slot, setting.value
        if slot is None or setting.opaque:
            return None
        if _is_left_out(setting):
            found += (slot, setting.label)
        elif type(value) in _COMPARED:
            found += (slot, setting.label, type(value).__name__, value)
        else:
            return None
    return tuple(found)


def _is_left_out(setting: Setting) -> bool:
    """Whether only the pod depends on a value: it is no amount, no name, and removes nothing; or its slot tells it."""
    return not (setting.value is None or setting.dynamic or setting.field.path in _DECIDES)


def stand_in(one: Applied) -> Applied:
    """What stands in a plan for the rule of a user, and for all of the same form; one unlike others stays."""
    rule = one.rule
    if one.form is None:
        return one
    settings = []
    for setting in rule.settings:
        held = _is_left_out(setting) and setting.field.combine is not Combine.APPEND
        settings.append(setting._replace(value=HELD if held else setting.value, place=SOMEBODY))
    somebody = Rule(SOMEBODY.file, SOMEBODY, tuple(settings), rule.at_least, rule.at_most)
    return Applied(one.layer, somebody)


def shape(rule: Rule | None) -> Hashable:
    """What tells KubeSpawner's own layers apart, but for what is one spawner's own."""
    settings = () if rule is None else rule.settings
    return tuple([_shape(setting) for setting in settings])


def _shape(setting: Setting) -> Hashable:
    if _is_plain(setting):
        return setting.slot, type(setting.value), setting.value
    return setting.field.path, None if _has_name(setting) else setting.slot


def _is_plain(setting: Setting) -> bool:
    """Whether it says the same whoever's spawner it is."""
    return (
        type(setting.value) in SCALARS
        and setting.field.path not in _NAMED_BY_USER
        and not (setting.label and _has_name(setting))
    )


def _has_name(setting: Setting) -> bool:
    return setting.field.combine in (Combine.NAMED, Combine.APPEND)


def without_held(own: Applied, stand_ins: dict[int, int]) -> Applied | None:
    """KubeSpawner's layer with something else in place of what is one spawner's own; its index goes to stand_ins.

    None where that is an amount, which others are compared with.
    """
    settings = []
    for index, setting in enumerate(own.rule.settings):
        if not _is_plain(setting):
            if setting.field.largest is not None:
                return None
            setting = setting._replace(value=HELD, label=None)
            if _has_name(setting):
                setting = setting._replace(key=f"\0{index}", slot=f"{setting.field.path}.\0{index}")
            stand_ins[id(setting)] = index
        settings.append(setting)
    return Applied(own.layer, Rule(own.rule.source, own.rule.place, tuple(settings)))
