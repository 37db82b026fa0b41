"""What rules come to, worked out once for all for whom they hold.

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
from .bounds import bounds_for
from .home import CLAIM_FIELDS, speaks_of_home
from .match import BUILT_IN, KUBESPAWNER, OPTIONS, PROFILE, USERS, Applied
from .merge import Entries, merge
from .merged import Merged, merged, shape
from .request import OwnLayer
from .strings import Words

_NOWHERE: Final = Place("built-in")
_MOST: Final = 512
"""How many plans are kept; then all are made anew."""


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
    """The rules of one start, weakest first. keeps_own: KubeSpawner's own storage stays."""

    applied: list[Applied]
    keeps_own: bool
    built_in: bool

    def above(self, own: OwnLayer) -> list[Applied]:
        """The same rules above another layer of KubeSpawner's."""
        if own.rule is None:
            return self.applied
        mine = Applied(KUBESPAWNER, own.rule)
        return [mine if one.layer == KUBESPAWNER else one for one in self.applied]

    def adjusted(self, entries: Entries, applied: list[Applied] | None = None) -> Entries:
        """With the bounds that hold; changes `entries`. applied: the rules that made them."""
        if self.built_in:
            people = (one for one in self.applied if KUBESPAWNER < one.layer <= USERS)
            adjust(entries, self.applied if applied is None else applied, *bounds_for(people))
        return entries


class Plan:
    """The rules of a start, merged as far as they can be without a name.

    keeps_own: KubeSpawner's own storage stays as it is. noted: the rules that have a note. open: the slots in which
    placeholders wait. holds_own: whether something of the own layer waits too. waiting: the paths of the fields of
    both. derived: what others work out of it once, each by a key of its own.
    """

    __slots__ = (
        "_layers",
        "_merged",
        "_stem",
        "derived",
        "holds_own",
        "keeps_own",
        "noted",
        "open",
        "waiting",
    )

    def __init__(self, layers: _Layers, whole: Merged | None = None, stem: _Stem | None = None) -> None:
        self._layers = layers
        self._merged = whole
        self._stem = stem
        self.keeps_own = layers.keeps_own
        self.noted = tuple([one.rule for one in layers.applied if one.rule.note])
        self.derived: dict[Any, Any] = {}
        self.open: tuple[str, ...] = ()
        self.holds_own = False
        self.waiting: frozenset[str] = frozenset()
        if whole is not None:
            self.open, self.holds_own = whole.open, bool(whole.held)
            self.waiting = frozenset([whole.entries[slot].field.path for slot in (*whole.open, *whole.held)])

    def filled(self, words: Words, own: OwnLayer) -> Entries | None:
        """What the rules come to for one person; None where that is not known but for what waits."""
        return None if self._merged is None else self._merged.filled(words, own)

    def entries(self, words: Words, own: OwnLayer) -> Entries:
        """The same, worked out for one person."""
        applied = self._layers.above(own)
        beneath = None if self._stem is None else self._stem.beneath.filled(words, own)
        if self._stem is None or beneath is None:
            return self._layers.adjusted(merge(applied, words), applied)
        return self._layers.adjusted(merge(self._stem.above, words, onto=beneath), applied)

    def claim_entries(self, words: Words, own: OwnLayer) -> Entries:
        """Of the same what the name of the claim depends on."""
        return merge(self._layers.above(own), words, CLAIM_FIELDS)


class _Stem(NamedTuple):
    """What lies beneath a rule of one user, merged for all; and that rule, and what is above it."""

    beneath: Merged
    above: list[Applied]


class Plans:
    """The plans of a policy that were asked for lately."""

    def __init__(self, policy: Policy) -> None:
        self._built_in = policy.built_in
        self._plans: dict[Hashable, Plan] = {}
        self._stems: dict[Hashable, tuple[list[Applied], Merged | None]] = {}
        self._asked: set[int] = set()
        self._shape: tuple[Rule | None, Hashable] = (None, ())

    def find(self, own: OwnLayer, people: Iterable[Applied], selection: Selection) -> Plan:
        """The plan of the rules about people and of what is selected, above KubeSpawner's own layer."""
        rules = [*people]
        if selection.profile is not None:
            rules.append(Applied(PROFILE, selection.profile.rule))
            rules += [Applied(OPTIONS, choice.rule) for _, choice in selection.choices]
        if own.rule is not self._shape[0]:  # mostly it is: see hub/own.py
            self._shape = own.rule, shape(own.rule)
        # Of what stays as long as the plan does, which holds all of it.
        key = (own.has_storage, self._shape[1], *[id(one) if one.words else id(one.rule) for one in rules])
        plan = self._plans.get(key)
        return self._new(key, own, rules) if plan is None else plan

    def _new(self, key: tuple[Any, ...], own: OwnLayer, rules: list[Applied]) -> Plan:
        """A plan is worth its making, and kept, when it is asked for again: a rule for one user seldom is."""
        layers = self._layers(own, rules)
        if self._is_new(key):
            return Plan(layers, stem=self._stem(key, layers, rules))
        _forget_if_full(self._plans)
        plan = self._plans[key] = Plan(layers, merged(layers.applied, layers.adjusted))
        return plan

    def _is_new(self, key: Hashable) -> bool:
        """Whether this is asked for the first time."""
        number = hash(key)
        if number in self._asked:
            return False
        _forget_if_full(self._asked)
        self._asked.add(number)
        return True

    def _stem(self, key: tuple[Any, ...], layers: _Layers, rules: list[Applied]) -> _Stem | None:
        """What is known of the rules beneath that of a user, if there is one."""
        mine = next((index for index, one in enumerate(rules) if one.layer == USERS), 0)
        if not mine:
            return None
        beneath = (layers.keeps_own, *key[: 2 + mine])
        known = self._stems.get(beneath)
        if known is None:
            if self._is_new(beneath):
                return None
            below = layers.applied[: mine - len(rules)]
            _forget_if_full(self._stems)
            known = self._stems[beneath] = below, merged(below)
        return None if known[1] is None else _Stem(known[1], rules[mine:])

    def _layers(self, own: OwnLayer, rules: list[Applied]) -> _Layers:
        keeps_own = not self._built_in or (own.has_storage and not speaks_of_home(rules))
        beneath = ([_BUILT_IN] if keeps_own else [_BUILT_IN, _BUILT_IN_HOME]) if self._built_in else []
        if own.rule is not None:
            beneath.append(Applied(KUBESPAWNER, own.rule))
        return _Layers(beneath + rules, keeps_own, self._built_in)


def _forget_if_full(kept: dict[Hashable, Any] | set[int]) -> None:
    if len(kept) >= _MOST:
        kept.clear()
