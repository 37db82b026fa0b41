"""Rules merged without a name: what is the same for everybody, and where something of a person's own goes.

Three things wait for a start: placeholders in values; what KubeSpawner's own layer holds that is one spawner's, such
as objects, or names in which a user's is; and what the rule of one user says, where others say the same of other
values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeGuard, cast

from ..policy.rules import Rule
from .bounds import Bound
from .forms import HELD, SOMEBODY, without_held
from .match import KUBESPAWNER, USERS, Applied
from .merge import Entries, Entry, filled, merge, open_slots
from .request import OwnLayer
from .strings import Words


class Merged(NamedTuple):
    """Entries that are the same for everybody, but for those in the slots `open`, where placeholders wait.

    held: the slots of what is one spawner's own, which are called otherwise there, and its index in the own layer.
    personal: the slots in which something is from the rule of one user, each with how many entries deep that is.
    settings: the index of each setting of that rule.
    """

    entries: Entries
    open: tuple[str, ...]
    held: Mapping[str, int]
    personal: Mapping[str, int]
    settings: Mapping[int, int]

    def filled(self, words: Words, own: OwnLayer, mine: Applied | None) -> Entries | None:
        """Those of one person. mine: the rule of that user. None where two slots turn out to be one."""
        entries = self.entries.copy()
        for slot in self.open:
            entries[slot] = filled(entries[slot], words)
        if mine is not None:
            for slot, depth in self.personal.items():
                entries[slot] = self._mine(entries[slot], mine, depth)
        return entries if own.rule is None or not self.held else self._with(entries, own.rule)

    def waiting(self) -> tuple[str, ...]:
        """The slots whose values differ from person to person, but for KubeSpawner's own."""
        return (*self.open, *[slot for slot in self.personal if self.entries[slot].value is HELD])

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

    def _mine(self, entry: Entry, mine: Applied, depth: int) -> Entry:
        """An entry, and what it beat, with the rule of a user in the place of what stands for such rules."""
        field, key, value, by, place, beat, secret, setting = entry
        if depth > 1:
            assert beat is not None
            beat = self._mine(beat, mine, depth - 1)
        index = self.settings.get(id(setting))
        if index is not None:
            by, setting = mine, mine.rule.settings[index]
            place = setting.place
            if value is HELD:
                value = setting.value
        elif _is_users(by):
            by = by._replace(by=mine)
            place = by.place
        return tuple.__new__(Entry, (field, key, value, by, place, beat, secret, setting))


def merged(applied: list[Applied], adjusted: Callable[[Entries, list[Applied]], Entries]) -> Merged | None:
    """The rules merged; None where only a name, or what one spawner holds, tells what they come to.

    adjusted: makes the amounts of entries fit together, knowing the very rules that made them. The rule of a user may
    be what `stand_in` makes of it.
    """
    if any(s.opaque for one in applied if one.layer > KUBESPAWNER for s in one.rule.settings):
        return None  # a `profile_list` puts values into those that are beneath
    stand_ins: dict[int, int] = {}
    rules = []
    for one in applied:
        rule = without_held(one, stand_ins) if one.layer == KUBESPAWNER else one
        if rule is None:
            return None
        rules.append(rule)
    entries = adjusted(merge(rules, None), rules)
    waiting = open_slots(entries)
    held = {
        slot: stand_ins[id(entry.setting)]
        for slot, entry in entries.items()
        if entry.beat is None and id(entry.setting) in stand_ins
    }
    if waiting is None or len(held) != len(stand_ins):
        return None
    mine = [one.rule for one in applied if one.layer == USERS and one.rule.place is SOMEBODY]
    settings = {id(setting): index for rule in mine for index, setting in enumerate(rule.settings)}
    depths = {slot: _depth(entry, settings) for slot, entry in entries.items()} if mine else {}
    return Merged(entries, waiting, held, {slot: depth for slot, depth in depths.items() if depth}, settings)


def _depth(entry: Entry | None, settings: Mapping[int, int]) -> int:
    """How many entries, from the top, hold all that is from the rule of a user."""
    deepest, depth = 0, 0
    while entry is not None:
        depth += 1
        if id(entry.setting) in settings or _is_users(entry.by):
            deepest = depth
        entry = entry.beat
    return deepest


def _is_users(by: Applied | Bound) -> TypeGuard[Bound]:
    """Whether a bound of a user's rule made a value."""
    return isinstance(by, Bound) and by.by.layer == USERS
