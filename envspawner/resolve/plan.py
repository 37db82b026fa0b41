"""What rules come to, worked out once for all for whom they hold: only their names have yet to be filled in.

At nine on Monday thousands start what the same few rules give them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from ..policy.fields import FIELDS
from ..policy.problems import Place
from ..policy.rules import Policy, Rule, Setting
from .access import Selection
from .adjust import adjust
from .bounds import Bounds, bounds_for
from .home import CLAIM_FIELDS, speaks_of_home
from .match import BUILT_IN, KUBESPAWNER, OPTIONS, PROFILE, USERS, Applied
from .merge import Entries, filled, merge, open_slots
from .request import OwnLayer
from .strings import Words

_NOWHERE: Final = Place("built-in")
_MOST: Final = 512
"""How many plans are kept; then all are made anew."""
_SCALARS: Final = frozenset({str, int, float, bool})


def _built_in(values: Mapping[str, Any]) -> Applied:
    settings = (Setting(FIELDS[path], value, _NOWHERE, slot=path) for path, value in values.items())
    return Applied(BUILT_IN, Rule("built-in", _NOWHERE, tuple(settings)))


_BUILT_IN: Final = _built_in({"memory.guarantee": 2**30})
"""What holds where nobody says otherwise."""
_BUILT_IN_HOME: Final = _built_in(
    {"storage.type": "dynamic", "storage.capacity": "10Gi", "storage.homeMountPath": "/home/jovyan"}
)
"""The same of the home; not where the hub's own configuration has storage and no rule speaks of the home."""


class _Layers(NamedTuple):
    """The rules of one start, weakest first, and the bounds that hold. keeps_own: KubeSpawner's own storage stays."""

    applied: list[Applied]
    keeps_own: bool
    least: Bounds
    most: Bounds
    built_in: bool


class Plan:
    """The rules of a start, merged as far as they can be without a name.

    keeps_own: KubeSpawner's own storage stays as it is. noted: the rules that have a note. is_merged: the entries
    are the same for everybody, but for those of the slots `open`. waiting: of the fields with such a slot, all
    slots by path. derived: what others work out of it once, each by a key of its own.
    """

    __slots__ = ("_entries", "_layers", "derived", "is_merged", "keeps_own", "noted", "open", "waiting")

    def __init__(self, layers: _Layers, noted: tuple[Rule, ...], *, merged: bool) -> None:
        self._layers = layers
        self._entries: Entries = {}
        self.is_merged = False
        self.open: tuple[str, ...] = ()
        self.waiting: Mapping[str, tuple[str, ...]] = {}
        self.keeps_own = layers.keeps_own
        self.noted = noted
        self.derived: dict[Any, Any] = {}
        if merged:
            self._merge()

    def _merge(self) -> None:
        entries = _adjusted(self._layers, merge(self._layers.applied, None))
        found = open_slots(entries)
        if found is not None:
            self._entries, self.open, self.is_merged = entries, found, True
            paths = dict.fromkeys(entries[slot].field.path for slot in found)
            self.waiting = {
                path: tuple(slot for slot, entry in entries.items() if entry.field.path == path)
                for path in paths
            }

    def entries(self, words: Words) -> Entries:
        """What the rules come to for one person. Not to be changed."""
        if not self.is_merged:
            return _adjusted(self._layers, merge(self._layers.applied, words))
        if not self.open:
            return self._entries
        entries = self._entries.copy()
        for slot in self.open:
            entries[slot] = filled(entries[slot], words)
        return entries

    def claim_entries(self, words: Words) -> Entries:
        """Of the same what the name of the claim depends on."""
        return merge(self._layers.applied, words, CLAIM_FIELDS)


class Plans:
    """The plans of a policy that were asked for lately."""

    def __init__(self, policy: Policy) -> None:
        self._built_in = policy.built_in
        self._plans: dict[Hashable, Plan] = {}
        self._asked: set[int] = set()
        self._shape: tuple[Rule | None, Hashable] = (None, ())

    def find(self, own: OwnLayer, people: Iterable[Applied], selection: Selection) -> Plan:
        """The plan of the rules about people and of what is selected, above KubeSpawner's own layer."""
        rules = [*people]
        if selection.profile is not None:
            rules.append(Applied(PROFILE, selection.profile.rule))
            rules += [Applied(OPTIONS, choice.rule) for _, choice in selection.choices]
        if own.rule is not self._shape[0]:  # mostly it is: see hub/own.py
            self._shape = own.rule, _shape(own.rule)
        shape = self._shape[1]
        if shape is None:
            return self._made(own, rules, merged=False)
        # Of what stays as long as the plan does, which holds all of it.
        key = (own.has_storage, shape, *[id(one) if one.words else id(one.rule) for one in rules])
        plan = self._plans.get(key)
        return self._new(key, own, rules) if plan is None else plan

    def _new(self, key: Hashable, own: OwnLayer, rules: list[Applied]) -> Plan:
        """A plan is worth its making, and kept, when it is asked for again: a rule for one user seldom is."""
        number = hash(key)
        again = number in self._asked
        plan = self._made(own, rules, merged=again)
        if not again:
            _forget_if_full(self._asked)
            self._asked.add(number)
        elif plan.is_merged:
            _forget_if_full(self._plans)
            self._plans[key] = plan
        return plan

    def _made(self, own: OwnLayer, rules: list[Applied], *, merged: bool) -> Plan:
        keeps_own = not self._built_in or (own.has_storage and not speaks_of_home(rules))
        beneath = ([_BUILT_IN] if keeps_own else [_BUILT_IN, _BUILT_IN_HOME]) if self._built_in else []
        if own.rule is not None:
            beneath.append(Applied(KUBESPAWNER, own.rule))
        least, most = bounds_for(one for one in rules if one.layer <= USERS)
        layers = _Layers(beneath + rules, keeps_own, least, most, self._built_in)
        simple = merged and not any(s.opaque for one in rules for s in one.rule.settings)
        return Plan(layers, tuple(one.rule for one in rules if one.rule.note), merged=simple)


def _forget_if_full(kept: dict[Hashable, Plan] | set[int]) -> None:
    if len(kept) >= _MOST:
        kept.clear()


def _shape(rule: Rule | None) -> Hashable:
    """What tells KubeSpawner's own layers apart; None where more than single words and amounts do."""
    if rule is None:
        return ()
    if any(type(setting.value) not in _SCALARS or setting.label for setting in rule.settings):
        return None
    return tuple([(setting.slot, type(setting.value), setting.value) for setting in rule.settings])


def _adjusted(layers: _Layers, entries: Entries) -> Entries:
    if layers.built_in:
        adjust(entries, layers.applied, layers.least, layers.most)
    return entries
