"""Compares two policies for many people by comparing once for each kind of people.

Two people are of one kind when the same rules hold for them and the same things are offered to them; their names
and the groups that patterns matched are then stand-ins, put in afterwards. Whoever may be an exception (a name that
makes a claim's name too long, or meets another rule's mount) is compared by their own text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from ..policy.fields import Combine
from ..policy.globs import Glob
from ..policy.rules import Allow, Policy, Rule, Setting
from ..policy.templates import AUTH_STATE, names_in
from ..resolve.bounds import bounds_for
from ..resolve.home import speaks_of_home
from ..resolve.match import GROUPS, Applied, Audience
from ..resolve.merge import merge
from ..resolve.request import OwnLayer, Person, SpawnRequest, Start
from ..resolve.resolver import Resolver, without_policy
from ..resolve.result import ResolvedEnvironment
from ..resolve.slugs import Scheme, user_names
from ..resolve.strings import Words as Strings
from .changes import Change, Compared, Options, Picks, compare, compare_one
from .relevant import relevant
from .standins import CLAIM, OF_USERS, PROFILE, Doubts, GroupWords, Words, filled


@dataclass(frozen=True)
class Asked:
    """What is asked about everybody. options: one selection, or None for all that may be picked."""

    at: datetime
    server: str = ""
    options: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Beneath:
    """What lies beneath a policy. request: of one very person; stand_in: of anybody, with stand-ins for names.

    all: whatever may lie beneath anybody. picked: a request once it is known which rules were picked. bare: whether
    there is no policy above.
    """

    request: Callable[[Person], SpawnRequest]
    stand_in: SpawnRequest
    all: OwnLayer
    scheme: Scheme = "safe"
    picked: Callable[[SpawnRequest, list[Rule]], SpawnRequest] = lambda request, _: request
    bare: bool = False


def nothing_beneath(asked: Asked) -> Beneath:
    """What lies beneath a policy of which nothing else is known."""

    def request(person: Person) -> SpawnRequest:
        return Start(person, asked.server, {}, asked.at).request()

    anybody = request(Person(""))
    names = {**anybody.names, **OF_USERS, "pod_name": f"jupyter-{OF_USERS['user_server']}"}
    own = OwnLayer(claim=f"claim-{OF_USERS['user_server']}")
    return Beneath(request, anybody._replace(names=names, own=own), own)


def words_of(name: str, server: str, scheme: Scheme) -> dict[str, str]:
    """What the stand-ins for names are for a user."""
    names = user_names(name, server, scheme)
    return {text: names[word] for word, text in OF_USERS.items()}


class Side:
    """One of the two policies. secrets: an auth state in which every value that a policy names is another."""

    def __init__(self, policy: Policy, beneath: Beneath, secrets: Mapping[str, Any]) -> None:
        self.policy = policy
        self.resolver = Resolver(policy)
        self._beneath = beneath
        self._secrets = secrets

    def request(self, person: Person) -> SpawnRequest:
        """The request of this very person."""
        return self._beneath.request(person)._replace(auth_state=self._secrets)

    def stand_in(self, person: Person) -> SpawnRequest:
        """The request of somebody like this person."""
        return self._beneath.stand_in._replace(person=person, auth_state=self._secrets)

    def resolve(self, request: SpawnRequest, options: Options, people: list[Applied]) -> ResolvedEnvironment:
        if self._beneath.bare:
            return without_policy(request)
        selection = self.resolver.select(request, options)
        if selection.profile is not None:
            rules = [selection.profile.rule, *(choice.rule for _, choice in selection.choices)]
            request = self._beneath.picked(request, rules)
        return self.resolver.resolve_selection(request, selection, people)

    def state(self, request: SpawnRequest, people: list[Applied]) -> Any:
        """All that the rules about people leave for picks and bounds to work on."""
        names = {**request.names, "pvc_name": CLAIM}
        entries = merge(people, Strings(names, PROFILE, request.auth_state))
        found = [
            (slot, repr(e.value), e.layer, e.secret, _written(e.setting, e.by)) for slot, e in entries.items()
        ]
        nulls = [
            (s.field.path, s.label, s.key)
            for one in people
            for s in one.rule.settings
            if s.value is None and s.field.combine is not Combine.REPLACE
        ]
        bounds = [sorted((name, repr(b.amount)) for name, b in some.items()) for some in bounds_for(people)]
        return repr((found, nulls, bounds, speaks_of_home(people)))


def _written(setting: Setting | None, by: Any) -> tuple[Any, ...]:
    """What else of an entry later steps look at."""
    assert setting is not None  # only bounds, which come later, make a value without one
    slugs = by.slugs if setting.dynamic and by.layer == GROUPS else None
    return setting.label, repr(setting.value) if setting.dynamic else None, slugs


class Comparison:
    """Two policies, ready to be compared for one person after the other.

    beneath: what lies beneath each; their slug schemes must be the same.
    """

    def __init__(
        self, old: Policy, new: Policy, asked: Asked, beneath: tuple[Beneath, Beneath] | None = None
    ) -> None:
        self._asked = asked
        self._picks = Picks(old, new)
        below = beneath or (nothing_beneath(asked), nothing_beneath(asked))
        self._scheme = below[0].scheme
        small = relevant(old, new, asked.at, (below[0].all, below[1].all))
        secrets = _secrets([*old.rules(), *new.rules()])
        self._sides = [Side(policy, one, secrets) for policy, one in zip(small, below, strict=True)]
        self._audiences = [Audience(allow) for allow in _allows(small)]
        patterns = {name: None for policy in small for name in policy.groups if "*" in name}
        self._globs = [(name, Glob(name)) for name in patterns]
        self._named = frozenset(name for policy in small for name in policy.groups) - patterns.keys()
        self._special = frozenset(name for policy in small for name in policy.users)
        self._special |= frozenset(name for allow in _allows(small) for name in allow.users)
        self._words = GroupWords()
        self._kinds: dict[Any, Compared] = {}
        self._states: dict[Any, Compared] = {}
        self._matched = lru_cache(maxsize=2**16)(self._match)
        self._admitted = lru_cache(maxsize=2**16)(self._admit)

    def changes(self, person: Person) -> list[tuple[Change, Change]]:
        """(change with stand-ins, the same in this person's text) of everything that changes for a person."""
        positions = self._positions(person)
        kind = self._kind(person, positions)
        compared = self._kinds.get(kind)
        if compared is None:
            compared = self._kinds[kind] = self._compare(person, positions)
        doubts = self._doubts(compared)
        if doubts.none and not self._varies(compared):
            return [(one, one) for one in compared.changes]
        words = self._own_words(person, positions)
        if doubts.hold_for(words):
            return [(one, one) for one in self.alone(person).changes]
        return list(filled(compared.changes, words))

    def alone(self, person: Person) -> Compared:
        """The changes of a person by nothing but their own text."""
        old, new = (_Alone(side, person) for side in self._sides)
        return self._ask(old, new)

    @property
    def compared(self) -> int:
        """How many comparisons it took for all kinds of people."""
        return len(self._states)

    def shown(self) -> dict[str, str]:
        """How stand-ins are shown."""
        return {**{text: f"{{{name}}}" for name, text in OF_USERS.items()}, **self._words.shown()}

    def _ask(self, old: Any, new: Any) -> Compared:
        if self._asked.options is not None:
            return compare_one(old, new, dict(self._asked.options))
        return compare(old, new, self._picks)

    # --- kinds of people -------------------------------------------------------------------------------------

    def _positions(self, person: Person) -> dict[str, int]:
        """Which of a person's groups some pattern matches, numbered by name."""
        return {
            name: at for at, name in enumerate(sorted(one for one in person.groups if self._matched(one)))
        }

    def _match(self, group: str) -> tuple[str, ...]:
        return tuple(name for name, glob in self._globs if glob.match(group) is not None)

    def _admit(self, groups: frozenset[str], admin: bool, name: str) -> tuple[bool, ...]:
        person = Person(name, groups, admin)
        return tuple(audience.admits(person) for audience in self._audiences)

    def _kind(self, person: Person, positions: Mapping[str, int]) -> Any:
        name = person.name if person.name in self._special else ""
        return (
            name,
            person.admin,
            person.groups & self._named,
            tuple(map(self._matched, positions)),
            self._admitted(person.groups, person.admin, name),
        )

    def _compare(self, person: Person, positions: Mapping[str, int]) -> Compared:
        """Compares somebody of a kind, unless somebody who has got the same by other rules was compared."""
        asks = [_Alike(side, person, self._words, positions) for side in self._sides]
        name = person.name if person.name in self._special else ""
        state = (
            *(one.state for one in asks),
            self._admitted(person.groups, person.admin, name),
        )
        found = self._states.get(state)
        if found is None:
            found = self._states[state] = self._ask(*asks)
        return found

    @cached_property
    def _known_doubts(self) -> dict[int, tuple[Doubts, bool]]:
        return {}

    def _doubts(self, compared: Compared) -> Doubts:
        return self._looked_at(compared)[0]

    def _varies(self, compared: Compared) -> bool:
        return self._looked_at(compared)[1]

    def _looked_at(self, compared: Compared) -> tuple[Doubts, bool]:
        known = self._known_doubts.get(id(compared))
        if known is None:
            varies = list(filled(compared.changes, _Nobody())) != [(one, one) for one in compared.changes]
            known = self._known_doubts[id(compared)] = (Doubts(compared.seen), varies)
        return known

    def _own_words(self, person: Person, positions: Mapping[str, int]) -> Words:
        """What every stand-in is for a person."""
        found = words_of(person.name, self._asked.server, self._scheme)
        for side in self._sides:
            found |= self._words.words(side.resolver.people(side.stand_in(person)), positions)
        return found


class _Nobody(dict[str, str]):
    """Words that change every stand-in, to see whether there is one."""

    def get(self, key: str, default: Any = None) -> str:
        return f"{key}!"


class _Alone:
    """What one side gives to one person, by their own text."""

    def __init__(self, side: Side, person: Person) -> None:
        self._side = side
        self._request = side.request(person)
        self._people = side.resolver.people(self._request)

    def __call__(self, options: Options) -> ResolvedEnvironment:
        return self._side.resolve(self._request, options, self._people)


class _Alike:
    """What one side gives to everybody of a person's kind, with stand-ins."""

    def __init__(self, side: Side, person: Person, words: GroupWords, positions: Mapping[str, int]) -> None:
        self._side = side
        self._request = side.stand_in(person)
        self._people = [words.replaced(one, positions) for one in side.resolver.people(self._request)]

    @cached_property
    def state(self) -> Any:
        return self._side.state(self._request, self._people)

    def __call__(self, options: Options) -> ResolvedEnvironment:
        return self._side.resolve(self._request, options, self._people)


def _allows(policies: Iterable[Policy]) -> list[Allow]:
    found: dict[Allow, None] = {}
    for policy in policies:
        for profile in policy.profiles:
            allows = [profile.allow]
            for option in profile.options:
                allows += [choice.allow for choice in option.choices]
                allows += [option.other.allow] if option.other else []
            found |= dict.fromkeys(allow for allow in allows if allow is not None)
    return list(found)


def _secrets(rules: Iterable[Any]) -> dict[str, Any]:
    """An auth state that holds another text for each name that some rule asks for."""
    names = {
        name.removeprefix(AUTH_STATE)
        for rule in rules
        for setting in rule.settings
        if setting.dynamic
        for name in names_in(setting.value)
        if name.startswith(AUTH_STATE)
    }
    found: dict[str, Any] = {}
    for name in sorted(names):
        *above, last = name.split(".")
        at = found
        for step in above:
            at = at.setdefault(step, {}) if isinstance(at, dict) else {}
        if isinstance(at, dict):
            at.setdefault(last, name)
    return found
