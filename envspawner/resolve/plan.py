"""What rules come to, worked out once for all for whom they hold.

At nine on Monday thousands start what the same few rules give them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final, NamedTuple

from ..policy.fields import FIELDS
from ..policy.problems import Place
from ..policy.rules import Policy, Rule, Setting
from .access import Selection
from .adjust import adjust
from .bounds import bounds_for
from .forms import shape, stand_in
from .home import CLAIM_FIELDS, DYNAMIC_FIELDS, speaks_of_home
from .match import BUILT_IN, KUBESPAWNER, OPTIONS, PROFILE, USERS, Applied
from .merge import Entries, merge
from .merged import Merged, merged
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

    def of(self, own: OwnLayer, mine: Applied | None) -> _Layers:
        """The same rules for another: above their layer of KubeSpawner's, with the rule for that user."""
        beneath = None if own.rule is None else Applied(KUBESPAWNER, own.rule)
        others = {KUBESPAWNER: beneath, USERS: mine}
        return self._replace(applied=[others.get(one.layer) or one for one in self.applied])

    def adjusted(self, entries: Entries, applied: list[Applied]) -> Entries:
        """With the bounds that hold; changes `entries`. applied: the very rules that made them."""
        if self.built_in:
            people = (one for one in applied if KUBESPAWNER < one.layer <= USERS)
            adjust(entries, applied, *bounds_for(people))
        return entries


class Plan:
    """The rules of a start, merged as far as they can be without a name.

    keeps_own: KubeSpawner's own storage stays as it is. noted: the rules that have a note. open: the slots whose
    values wait. holds_own: whether something of the own layer waits too. waiting: the paths of the fields of both.
    personal: of those too in which something is from the rule of one user. keeps_home: whether what `home_of` keeps of
    a home is the same for all of them. derived: what others work out of it once, each by a key of its own.

    mine, in each method: the rule for the user, if there is one.
    """

    __slots__ = (
        "_layers",
        "_merged",
        "derived",
        "holds_own",
        "keeps_home",
        "keeps_own",
        "noted",
        "open",
        "personal",
        "waiting",
    )

    def __init__(self, layers: _Layers, whole: Merged | None = None) -> None:
        self._layers = layers
        self._merged = whole
        self.keeps_own = layers.keeps_own
        self.noted = tuple([one.rule for one in layers.applied if one.rule.note])
        self.derived: dict[Any, Any] = {}
        self.open: tuple[str, ...] = ()
        self.holds_own = False
        self.waiting: frozenset[str] = frozenset()
        self.personal: frozenset[str] = frozenset()
        self.keeps_home = False
        if whole is not None:
            self.open, self.holds_own = whole.waiting(), bool(whole.held)
            self.waiting = _paths(whole, *self.open, *whole.held)
            self.personal = self.waiting | _paths(whole, *whole.personal())
            self.keeps_home = self.waiting.isdisjoint(DYNAMIC_FIELDS)

    def filled(self, words: Words, own: OwnLayer, mine: Applied | None) -> Entries | None:
        """What the rules come to for one person; None where that is not known but for what waits."""
        return None if self._merged is None else self._merged.filled(words, own, mine)

    def entries(self, words: Words, own: OwnLayer, mine: Applied | None) -> Entries:
        """The same, worked out for one person."""
        layers = self._layers.of(own, mine)
        return layers.adjusted(merge(layers.applied, words), layers.applied)

    def claim_entries(self, words: Words, own: OwnLayer, mine: Applied | None) -> Entries:
        """Of the same what the name of the claim depends on."""
        return merge(self._layers.of(own, mine).applied, words, CLAIM_FIELDS)


def _paths(whole: Merged, *slots: str) -> frozenset[str]:
    return frozenset([whole.entries[slot].field.path for slot in slots])


class _Ground:
    """What tells KubeSpawner's own layers apart, with its hash: to make that anew for each start would take long."""

    __slots__ = ("_hash", "_shape")

    def __init__(self, own: OwnLayer) -> None:
        self._shape = (own.has_storage, shape(own.rule))
        self._hash = hash(self._shape)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ground) and self._shape == other._shape


class Plans:
    """The plans of a policy that were asked for lately."""

    def __init__(self, policy: Policy) -> None:
        self._built_in = policy.built_in
        self._plans: dict[Hashable, Plan] = {}
        self._asked: set[int] = set()
        self._last: tuple[Rule | None, bool, _Ground] = (None, False, _Ground(OwnLayer()))

    def find(self, own: OwnLayer, people: list[Applied], selection: Selection) -> Plan:
        """The plan of the rules about people and of what is selected, above KubeSpawner's own layer."""
        # Of what stays as long as the plan does, which holds all of it.
        rules: list[Hashable] = [*map(id, people)]
        if people and people[-1].form is not None:
            rules[-1] = people[-1].form
        profile = selection.profile
        if profile is not None:
            rules += profile.slug, id(profile.rule)
            for _, choice in selection.choices:
                rules.append(id(choice.rule))
        key = (self._ground(own), *rules)
        plan = self._plans.get(key)
        return self._new(key, own, people, selection) if plan is None else plan

    def _ground(self, own: OwnLayer) -> _Ground:
        """That of an own layer; mostly it is the last one's: see hub/own.py."""
        rule, has_storage, ground = self._last
        if own.rule is not rule or own.has_storage != has_storage:
            ground = _Ground(own)
            self._last = own.rule, own.has_storage, ground
        return ground

    def _new(self, key: Hashable, own: OwnLayer, people: list[Applied], selection: Selection) -> Plan:
        """A plan is worth its making, and kept, when it is asked for again."""
        picked = []
        if selection.profile is not None:
            picked.append(Applied(PROFILE, selection.profile.rule))
            picked += [Applied(OPTIONS, choice.rule) for _, choice in selection.choices]
        if self._is_new(key):
            return Plan(self._layers(own, people + picked))
        people = [stand_in(one) if one.layer == USERS else one for one in people]
        layers = self._layers(own, people + picked)
        _forget_if_full(self._plans)
        plan = self._plans[key] = Plan(layers, merged(layers.applied, selection.slug, layers.adjusted))
        return plan

    def _is_new(self, key: Hashable) -> bool:
        """Whether this is asked for the first time."""
        number = hash(key)
        if number in self._asked:
            return False
        _forget_if_full(self._asked)
        self._asked.add(number)
        return True

    def _layers(self, own: OwnLayer, rules: list[Applied]) -> _Layers:
        keeps_own = not self._built_in or (own.has_storage and not speaks_of_home(rules))
        beneath = ([_BUILT_IN] if keeps_own else [_BUILT_IN, _BUILT_IN_HOME]) if self._built_in else []
        if own.rule is not None:
            beneath.append(Applied(KUBESPAWNER, own.rule))
        return _Layers(beneath + rules, keeps_own, self._built_in)


def _forget_if_full(kept: dict[Hashable, Any] | set[int]) -> None:
    if len(kept) >= _MOST:
        kept.clear()
