"""Puts settings on top of each other, weakest first, and remembers what each one beat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..policy.fields import DROPPED_BY, Combine, Field
from ..policy.problems import Place
from ..policy.rules import Setting
from ..policy.templates import AUTH_STATE, Template, fill_value, names_in
from .amounts import at_least_as_large
from .match import GROUPS, Applied
from .request import SpawnRequest

MASK = "***"


class Entry(NamedTuple):
    """What one slot holds: a value (None: removed), who says so, and the entry that it beat."""

    field: Field
    key: str | None
    value: Any
    layer: int
    source: str
    place: Place
    beat: Entry | None = None
    secret: bool = False
    opaque: bool = False
    label: str | None = None


Entries = dict[str, Entry]


class Words(dict[str, str]):
    """Values of placeholders; `{pvc_name}` is worked out when a string first asks for it."""

    def __init__(self, values: Mapping[str, str], claim: Callable[[], str] | None = None) -> None:
        super().__init__(values)
        self._claim = claim

    def __missing__(self, name: str) -> str:
        if name == "pvc_name" and self._claim is not None:
            self[name] = self._claim()
            return self[name]
        raise KeyError(name)


def merge(
    applied: Iterable[Applied],
    words: Words,
    request: SpawnRequest,
    only: Callable[[Field], bool] | None = None,
) -> Entries:
    """The entries of all rules, by slot. only: which fields to look at."""
    entries: Entries = {}
    for one in applied:
        fill: _Fill | None = None
        for setting in one.rule.settings:
            if only is not None and not only(setting.field):
                continue
            if not setting.dynamic:
                _put(entries, setting, setting.key, setting.value, one, setting.slot)  # type: ignore[arg-type]
                continue
            if fill is None:
                fill = _Fill(one, words, request)
            value, secret = fill.value(setting)
            key = fill.key(setting, value)
            slot = setting.slot or f"{setting.field.path}.{key}"
            _put(entries, setting, key, value, one, slot, secret)
    return entries


def _put(
    entries: Entries,
    setting: Setting,
    key: str | None,
    value: Any,
    one: Applied,
    slot: str,
    secret: bool = False,
) -> None:
    field = setting.field
    if value is None and key is None and field.combine is not Combine.REPLACE:
        for name, entry in entries.items():
            if entry.field is field:
                entries[name] = _entry(entry.field, entry.key, None, one, setting, entry, False)
        return
    if value is None and setting.label is not None:
        slot, key = _labelled(entries, field, setting.label, slot, key)
    old = entries.get(slot)
    if (
        field.largest is not None
        and one.layer == GROUPS
        and old is not None
        and old.layer == GROUPS
        and at_least_as_large(field, old.value, value)
    ):
        return
    for path in DROPPED_BY.get(field.path, ()):
        dropped = entries.get(path)
        if dropped is not None and dropped.source != one.rule.source:
            entries[path] = _entry(dropped.field, None, None, one, setting, dropped, False)
    entries[slot] = _entry(field, key, value, one, setting, old, secret)


def _entry(
    field: Field, key: str | None, value: Any, one: Applied, setting: Setting, old: Entry | None, secret: bool
) -> Entry:
    source, place = one.rule.source, setting.place
    return Entry(field, key, value, one.layer, source, place, old, secret, setting.opaque, setting.label)


def _labelled(
    entries: Entries, field: Field, label: str, slot: str, key: str | None
) -> tuple[str, str | None]:
    """The slot that a label with null removes: the entry of that identity, or the one given under that label."""
    if slot not in entries:
        for name, entry in entries.items():
            if entry.field is field and entry.label == label:
                return name, entry.key
    return slot, key


class _Fill:
    """Fills the strings of one rule: people's text raw in variables and annotations, as slugs elsewhere."""

    def __init__(self, one: Applied, words: Words, request: SpawnRequest) -> None:
        self._raw = Words({**words, **one.words()}, words._claim)
        self._slugs = Words({**words, **one.slugs()}, words._claim)
        self._auth_state = request.auth_state

    def value(self, setting: Setting) -> tuple[Any, bool]:
        words = self._raw if setting.field.raw else self._slugs
        secrets = [name for name in names_in(setting.value) if name.startswith(AUTH_STATE)]
        if not secrets:
            return fill_value(setting.value, words), False
        words = Words(words, words._claim)
        for name in secrets:
            found = MASK if self._auth_state is None else _look_up(self._auth_state, name)
            if found is None:
                return None, False
            words[name] = found
        return fill_value(setting.value, words), True

    def key(self, setting: Setting, value: Any) -> str | None:
        if isinstance(setting.key, Template):
            return setting.key.fill(self._slugs)
        return repr(value) if setting.field.combine is Combine.APPEND else setting.key


def _look_up(auth_state: Mapping[str, Any], name: str) -> str | None:
    """`auth_state.a.b` in a user's auth state, or None where that is missing or no plain value."""
    found: Any = auth_state
    for step in name.removeprefix(AUTH_STATE).split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else None


def push(entries: Entries, slot: str, value: Any, layer: int, source: str, place: Place) -> None:
    """A value that no setting gives: what bounds make of the entry that stands there."""
    old = entries[slot]
    entries[slot] = Entry(old.field, old.key, value, layer, source, place, old)
