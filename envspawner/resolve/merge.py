"""Puts settings on top of each other, weakest first, and remembers what each one beat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ..policy.fields import DROPPED_BY, Combine, Field
from ..policy.problems import Place
from ..policy.rules import Setting
from ..policy.templates import Template, put
from .amounts import at_least_as_large
from .bounds import Bound
from .match import GROUPS, KUBESPAWNER, Applied, name_slug
from .strings import MASK, Words

__all__ = ["MASK", "SCALARS", "Entries", "Entry", "merge"]

SCALARS: Final = frozenset({str, int, float, bool})
"""Types of values that nobody can change."""


class Entry(NamedTuple):
    """What one slot holds: a value (None: removed), who says so and where, and the entry that it beat.

    secret: the value came from auth state. setting: what the rule says; None where a bound made the value.
    """

    field: Field
    key: str | None
    value: Any
    by: Applied | Bound
    place: Place
    beat: Entry | None = None
    secret: bool = False
    setting: Setting | None = None

    @property
    def layer(self) -> int:
        return self.by.layer

    @property
    def source(self) -> str:
        return self.by.source

    @property
    def opaque(self) -> bool:
        """Whether KubeSpawner's own value is carried whole."""
        return self.setting is not None and self.setting.opaque


Entries = dict[str, Entry]


def merge(
    applied: Iterable[Applied],
    words: Words | None,
    only: frozenset[str] | None = None,
    profile: str = "",
) -> Entries:
    """The entries of all rules, by slot. only: the paths of the fields to look at.

    words: without, placeholders are left for `Merged.filled`, but for those of groups and of the profile, whose slug
    is `profile`; the same comes of it, as long as none waits in the name of a slot.
    """
    entries: Entries = {}
    for one in applied:
        settings: Iterable[Setting] = one.rule.settings
        if only is not None:
            settings = (setting for setting in settings if setting.field.path in only)
        for setting in settings:
            field, value, secret = setting.field, setting.value, False
            key: Any = setting.key  # a Template only where the setting is dynamic
            if setting.dynamic:
                if words is None:
                    key, value = _with_words(setting, one, profile)
                else:
                    value, secret = words.fill(field, value, one)
                    if isinstance(key, Template):
                        key = words.fill_name(key, one)
                if field.combine is Combine.APPEND:
                    key = repr(value)
            if value is None and _removes(entries, one, setting):
                continue
            slot = setting.slot or f"{field.path}.{key}"
            if setting.opaque and one.layer > KUBESPAWNER:
                slot, key, value = _as_kubespawner(entries, one, setting, (slot, key, value))
            old = entries.get(slot)
            if old is not None and field.largest is not None and _stays(old, one, value):
                beaten = Entry(field, key, value, one, setting.place, old.beat, secret, setting)
                entries[slot] = Entry(*old[:5], beaten, *old[6:])
                continue
            # As Entry(...), in half the time; most of a resolution is spent here.
            new = tuple.__new__(Entry, (field, key, value, one, setting.place, old, secret, setting))
            if value is not None and field.path in DROPPED_BY:
                _drop(entries, new)
            entries[slot] = new
    return entries


def _with_words(setting: Setting, one: Applied, profile: str) -> tuple[Any, Any]:
    """(key, value) with the words of a rule's group and the profile filled in; the other placeholders wait."""
    key, value = setting.key, setting.value
    slugs = {"profile": name_slug(profile) if profile else "", **one.slugs}
    for name, text in slugs.items():
        key = put(key, name, text)
    for name, text in ({"profile": profile, **one.words} if setting.field.raw else slugs).items():
        value = put(value, name, text)
    return key, value


def _stays(old: Entry, one: Applied, value: Any) -> bool:
    """Whether an amount is the largest among several groups."""
    return one.layer == GROUPS == old.by.layer and at_least_as_large(old.field, old.value, value)


def _drop(entries: Entries, new: Entry) -> None:
    """Removes what weaker rules say of the same image: a tag belongs to its name."""
    for path in DROPPED_BY[new.field.path]:
        old = entries.get(path)
        if old is not None and old.value is not None and old.by is not new.by:
            entries[path] = Entry(old.field, None, None, new.by, new.place, old, False, new.setting)


def _removes(entries: Entries, one: Applied, setting: Setting) -> bool:
    """Whether a null stands for other slots than its own: for a whole field, or for what a label names."""
    if setting.label is not None:
        gone = [slot for slot, old in entries.items() if _is_called(old, setting)]
    elif setting.key is None and setting.field.combine is not Combine.REPLACE:
        gone = [slot for slot, old in entries.items() if _is_of(old, setting)]
    else:
        return False
    for slot in gone:
        old = entries[slot]
        if old.field.largest is None or not _stays(old, one, None):
            entries[slot] = Entry(old.field, old.key, None, one, setting.place, old, False, setting)
    return setting.key is None or bool(gone)


def _is_called(old: Entry, setting: Setting) -> bool:
    """Whether there is a value that an admin wrote under the label of a setting.

    Labels of KubeSpawner's own configuration are known to its own `profile_list` only.
    """
    if old.value is None or old.setting is None or old.field.path != setting.field.path:
        return False
    return old.setting.label == setting.label and old.opaque == setting.opaque


def _is_of(old: Entry, setting: Setting) -> bool:
    """Whether a null for a whole field removes this; a deep one only what KubeSpawner holds as a list."""
    return old.field.path == setting.field.path and not (setting.deep and (_label(old) or not old.opaque))


def _label(entry: Entry) -> str | None:
    return None if entry.setting is None else entry.setting.label


def _as_kubespawner(
    entries: Entries, one: Applied, setting: Setting, what: tuple[str, str | None, Any]
) -> tuple[str, str | None, Any]:
    """(slot, key, value) of a value that KubeSpawner's `profile_list` puts over what is beneath.

    Changes `entries` where the value takes another's place: a list that replaces one keeps its own order.
    """
    slot, key, value = what
    old = entries.get(slot)
    if setting.label is not None and value is not None:
        found = next((each for each in entries.items() if _is_called(each[1], setting)), None)
        if found is not None:
            slot, old = found
            if setting.field.combine is Combine.NAMED:
                key = key or old.key
                slot = f"{setting.field.path}.{key}"
                entries[slot] = entries.pop(found[0])
    elif old is not None and old.value is None and old.by is one:
        entries[slot] = entries.pop(slot)
    if setting.deep and isinstance(value, Mapping):
        value = updated(old.value if old is not None else None, value)
    return slot, key, value


def updated(base: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a mapping with changes put into it, mappings in mappings too; null removes a key."""
    result = dict(base) if isinstance(base, Mapping) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = updated(result.get(key), value) if isinstance(value, Mapping) else value
    return result
