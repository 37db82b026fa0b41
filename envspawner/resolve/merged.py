"""Rules merged without a name: what is the same for everybody, and where something of a person's own goes.

Three things wait for a start: placeholders in values; what KubeSpawner's own layer holds that is one spawner's, such
as objects, or names in which a user's is; and what the rule of one user says, where others say the same of other
values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast

from ..policy.fields import Combine
from ..policy.rules import Rule
from ..policy.templates import Template, names_in
from .bounds import Bound
from .forms import HELD, SOMEBODY, without_held
from .match import KUBESPAWNER, USERS, Applied
from .merge import Entries, Entry, merge
from .request import OwnLayer
from .strings import Words

_BOUND: Final = -1


class _Step(NamedTuple):
    """An entry that is not the same for everybody. waits: for words.

    users: the index of the setting, where it is from the rule of a user; _BOUND where a bound of that rule made it.
    """

    entry: Entry
    waits: bool
    users: int | None


class Merged(NamedTuple):
    """Entries that are the same for everybody, but for those in the slots `own`.

    own: of each slot what is the same beneath, and what is not, the weakest first. held: the slots of what is one
    spawner's own, which are called otherwise there, and its index in the own layer.
    """

    entries: Entries
    own: tuple[tuple[str, Entry | None, tuple[_Step, ...]], ...]
    held: Mapping[str, int]

    def filled(self, words: Words, own: OwnLayer, mine: Applied | None) -> Entries | None:
        """Those of one person. mine: the rule of that user. None where two slots turn out to be one."""
        entries = self.entries.copy()
        for slot, beat, steps in self.own:
            for (field, key, value, by, place, _, secret, setting), waits, users in steps:
                if waits:
                    value, secret = words.fill(field, value)
                if users is not None:
                    assert mine is not None
                    if users == _BOUND:
                        by = cast("Bound", by)._replace(by=mine)
                        place = by.place
                    else:
                        by, setting = mine, mine.rule.settings[users]
                        place = setting.place
                        if value is HELD:
                            value = setting.value
                beat = tuple.__new__(Entry, (field, key, value, by, place, beat, secret, setting))
            assert beat is not None
            entries[slot] = beat
        return entries if own.rule is None or not self.held else self._with(entries, own.rule)

    def waiting(self) -> tuple[str, ...]:
        """The slots whose values differ from person to person, but for KubeSpawner's own."""
        return tuple(
            [slot for slot, _, steps in self.own if any(s.waits or s.entry.value is HELD for s in steps)]
        )

    def personal(self) -> tuple[str, ...]:
        """The slots in which something is from the rule of one user."""
        return tuple([slot for slot, _, steps in self.own if any(s.users is not None for s in steps)])

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


def merged(
    applied: list[Applied], profile: str, adjusted: Callable[[Entries, list[Applied]], Entries]
) -> Merged | None:
    """The rules merged; None where only a name, or what one spawner holds, tells what they come to.

    profile: the slug of the one that was picked. adjusted: makes the amounts of entries fit together, knowing the very
    rules that made them. The rule of a user may be what `stand_in` makes of it.
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
    entries = adjusted(merge(rules, None, profile=profile), rules)
    held = {
        slot: stand_ins[id(entry.setting)]
        for slot, entry in entries.items()
        if entry.beat is None and id(entry.setting) in stand_ins
    }
    if len(held) != len(stand_ins):
        return None
    somebodys = [one.rule for one in applied if one.layer == USERS and one.rule.place is SOMEBODY]
    settings = {id(setting): index for rule in somebodys for index, setting in enumerate(rule.settings)}
    own = []
    for slot, entry in entries.items():
        steps = _steps(entry, settings if somebodys else None)
        if any(step.waits and _is_named_by_value(step.entry) for step in steps):
            return None
        if steps:
            own.append((slot, steps[0].entry.beat, steps))
    return Merged(entries, tuple(own), held)


def _steps(entry: Entry | None, settings: Mapping[int, int] | None) -> tuple[_Step, ...]:
    """An entry, and what it beat, the weakest first, from the first that is not the same for everybody.

    settings: the index of each setting of the rule that stands for those of users, by its id.
    """
    found: list[_Step] = []
    while entry is not None:
        index = (
            None
            if settings is None
            else settings.get(id(entry.setting), _BOUND if _is_users(entry.by) else None)
        )
        found.append(_Step(entry, bool(names_in([entry.key, entry.value])), index))
        entry = entry.beat
    while found and not found[-1].waits and found[-1].users is None:
        found.pop()
    return tuple(reversed(found))


def _is_named_by_value(entry: Entry) -> bool:
    """Whether its slot is known only when its value is."""
    return isinstance(entry.key, Template) or entry.field.combine is Combine.APPEND


def _is_users(by: Applied | Bound) -> bool:
    """Whether a bound of a user's rule made a value."""
    return isinstance(by, Bound) and by.by.layer == USERS
