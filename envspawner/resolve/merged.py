"""Rules merged without a name: what is the same for everybody, and where something of a person's own goes.

Two things wait for a start: placeholders in values, and what KubeSpawner's own layer holds that is one spawner's, such
as objects, or names in which a user's is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Final, NamedTuple, cast

from ..policy.fields import Combine
from ..policy.rules import Rule, Setting
from .match import KUBESPAWNER, Applied
from .merge import SCALARS, Entries, Entry, filled, merge, open_slots
from .request import OwnLayer
from .strings import Words

_NAMED_BY_USER: Final = frozenset(
    (
        "storage.dynamic.subPath",
        "storage.dynamic.volumeNameTemplate",
        "storage.static.pvcName",
        "storage.static.subPath",
    )
)
"""Fields that KubeSpawner's own templates fill, so that each user has another value."""
_HELD: Final = object()


class Merged(NamedTuple):
    """Entries that are the same for everybody, but for those in the slots `open`, where placeholders wait.

    held: the slots of what is one spawner's own, which are called otherwise there, and its index in the own layer.
    """

    entries: Entries
    open: tuple[str, ...]
    held: Mapping[str, int]

    def filled(self, words: Words, own: OwnLayer) -> Entries | None:
        """Those of one person. None where two slots turn out to be one."""
        entries = self.entries.copy()
        for slot in self.open:
            entries[slot] = filled(entries[slot], words)
        return entries if own.rule is None or not self.held else self._with(entries, own.rule)

    def _with(self, entries: Entries, own: Rule) -> Entries | None:
        by, settings, held = Applied(KUBESPAWNER, own), own.settings, self.held
        found: Entries = {}
        for slot, entry in entries.items():
            if slot in held:
                mine = settings[held[slot]]
                key = cast("str | None", mine.key)
                found[str(mine.slot)] = Entry(mine.field, key, mine.value, by, mine.place, setting=mine)
            else:
                found[slot] = entry
        return found if len(found) == len(entries) else None


def merged(applied: list[Applied], adjusted: Callable[[Entries], Entries] | None = None) -> Merged | None:
    """The rules merged; None where only a name, or what one spawner holds, tells what they come to."""
    if any(s.opaque for one in applied if one.layer > KUBESPAWNER for s in one.rule.settings):
        return None  # a `profile_list` puts values into those that are beneath
    stand_ins: dict[int, int] = {}
    rules = [_without_held(one, stand_ins) if one.layer == KUBESPAWNER else one for one in applied]
    if None in rules:
        return None
    entries = merge([one for one in rules if one is not None], None)
    if adjusted is not None:
        adjusted(entries)
    waiting = open_slots(entries)
    held = {
        slot: stand_ins[id(entry.setting)]
        for slot, entry in entries.items()
        if entry.beat is None and entry.value is _HELD
    }
    return Merged(entries, waiting, held) if waiting is not None and len(held) == len(stand_ins) else None


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


def _without_held(own: Applied, stand_ins: dict[int, int]) -> Applied | None:
    """KubeSpawner's layer with something else in place of what is one spawner's own; its index goes to stand_ins.

    None where that is an amount, which others are compared with.
    """
    settings = []
    for index, setting in enumerate(own.rule.settings):
        if not _is_plain(setting):
            if setting.field.largest is not None:
                return None
            setting = setting._replace(value=_HELD, label=None)
            if _has_name(setting):
                setting = setting._replace(key=f"\0{index}", slot=f"{setting.field.path}.\0{index}")
            stand_ins[id(setting)] = index
        settings.append(setting)
    return Applied(own.layer, Rule(own.rule.source, own.rule.place, tuple(settings)))
