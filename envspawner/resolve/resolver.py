"""Resolves a policy for a start: who, then what was picked, then bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..policy.fields import FIELDS
from ..policy.problems import Place
from ..policy.rules import Policy, Profile, Rule, Setting
from ..policy.templates import names_in
from .access import Menu, Offered, Refusal, Selection
from .adjust import adjust
from .bounds import bounds_for
from .home import CLAIM_FIELDS, Home, Unusable, home_of, own_home, speaks_of_home
from .match import BUILT_IN, KUBESPAWNER, OPTIONS, PROFILE, Applied, GroupIndex, people_rules
from .merge import Entries, merge
from .request import SpawnRequest
from .result import ResolvedEnvironment
from .strings import Words

__all__ = ["Refusal", "Resolver", "Unusable", "without_policy"]

_NOWHERE: Final = Place("built-in")


def _built_in(values: Mapping[str, Any]) -> Applied:
    settings = (Setting(FIELDS[path], value, _NOWHERE, slot=path) for path, value in values.items())
    return Applied(BUILT_IN, Rule("built-in", _NOWHERE, tuple(settings)))


_BUILT_IN: Final = _built_in({"memory.guarantee": 2**30})
"""What holds where nobody says otherwise."""
_BUILT_IN_HOME: Final = _built_in(
    {"storage.type": "dynamic", "storage.capacity": "10Gi", "storage.homeMountPath": "/home/jovyan"}
)
"""The same of the home; not where the hub's own configuration has storage and no rule speaks of the home."""


class _People:
    """What is known of the rules about people, whatever can be picked."""

    def __init__(self, policy: Policy) -> None:
        self.groups = GroupIndex(policy.groups)
        rules = replace(policy, profiles=()).rules()
        self.name_claim = any(map(_names_claim, rules))
        self.set_start_timeout = any(map(_sets_start_timeout, rules))


class Resolver:
    """A policy made ready: the same answer for the same request, whatever happened before."""

    def __init__(self, policy: Policy, people: _People | None = None) -> None:
        self.policy = policy
        self._people = people or _People(policy)
        self._groups = self._people.groups
        self._menu = Menu(policy)
        picked = Policy("", profiles=policy.profiles).rules()
        self._names_claim = self._people.name_claim or any(map(_names_claim, picked))
        self.sets_start_timeout = self._people.set_start_timeout or any(map(_sets_start_timeout, picked))

    def offering(self, profiles: Sequence[Profile]) -> Resolver:
        """The same rules about people with other profiles; quick, however many people there are."""
        return Resolver(replace(self.policy, profiles=tuple(profiles)), self._people)

    def select(self, request: SpawnRequest, options: Any, people: list[Applied] | None = None) -> Selection:
        """The profile and choices that raw user options mean. Raises Refusal.

        people: the rules about people that hold, if they are known already.
        """
        people = self.people(request) if people is None else people
        return self._menu.choose(request.person, options, bounds_for(people)[1])

    def people(self, request: SpawnRequest) -> list[Applied]:
        """The rules about people that hold for the request, weakest first."""
        return people_rules(self.policy, self._groups, request)

    def menu(self, request: SpawnRequest) -> list[Offered]:
        """The profiles that the person may use, each with what they may choose in it."""
        people = self.people(request)
        return self._menu.menu(request.person, bounds_for(people)[1])

    def resolve(self, request: SpawnRequest, options: Any) -> ResolvedEnvironment:
        """What the person gets. Raises Refusal if the options are not theirs, Unusable for contradictions."""
        people = self.people(request)
        return self._resolved(request, self.select(request, options, people), people)

    def resolve_selection(
        self, request: SpawnRequest, selection: Selection, people: list[Applied] | None = None
    ) -> ResolvedEnvironment:
        """What the person gets with what was selected for them. Raises Unusable for contradictions.

        people: the rules about people that hold, if they are known already.
        """
        return self._resolved(request, selection, self.people(request) if people is None else people)

    def _resolved(
        self, request: SpawnRequest, selection: Selection, people: list[Applied]
    ) -> ResolvedEnvironment:
        own, built_in = request.own, self.policy.built_in
        least, most = bounds_for(people)
        rules = [*people]
        if selection.profile is not None:
            rules.append(Applied(PROFILE, selection.profile.rule))
            rules += [Applied(OPTIONS, choice.rule) for _, choice in selection.choices]
        keeps_own = not built_in or (own.has_storage and not speaks_of_home(rules))
        beneath = ([_BUILT_IN] if keeps_own else [_BUILT_IN, _BUILT_IN_HOME]) if built_in else []
        if own.rule is not None:
            beneath.append(Applied(KUBESPAWNER, own.rule))
        applied = beneath + rules

        def home(entries: Entries) -> Home:
            return own_home(request) if keeps_own else home_of(entries, words.profile, request)

        words = Words(request.names, selection.slug, request.auth_state)
        if self._names_claim:
            claim = home(merge(applied, words, CLAIM_FIELDS)).claim or own.claim
            words = Words({**request.names, "pvc_name": claim}, selection.slug, request.auth_state)
        entries = merge(applied, words)
        if built_in:
            adjust(entries, applied, least, most)
        digest = self.policy.digest if built_in else ""
        noted = tuple(one.rule for one in rules if one.rule.note)
        return ResolvedEnvironment(request.person, selection, digest, home(entries), entries, noted)


def without_policy(request: SpawnRequest) -> ResolvedEnvironment:
    """What the person gets where there is no policy: what KubeSpawner's own layer says, and nothing else."""
    own = request.own
    applied = [] if own.rule is None else [Applied(KUBESPAWNER, own.rule)]
    entries = merge(applied, Words(request.names, "", request.auth_state))
    home = own_home(request) if own.has_storage else Home("none")
    return ResolvedEnvironment(request.person, Selection(), "", home, entries)


def _names_claim(rule: Rule) -> bool:
    """Whether some string of a rule holds `{pvc_name}`."""
    return any(s.dynamic and "pvc_name" in names_in([s.key, s.value]) for s in rule.settings)


def _sets_start_timeout(rule: Rule) -> bool:
    return any(setting.field.path == "startTimeout" for setting in rule.settings)
