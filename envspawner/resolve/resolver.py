"""Resolves a policy for a start: who, then what was picked, then bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ..policy.rules import Policy, Profile
from .access import Menu, Offered, Refusal, Selection
from .bounds import most_for
from .home import Home, Unusable, home_of, own_home
from .match import KUBESPAWNER, USERS, Applied
from .merge import merge
from .people import People, names_claim, sets_start_timeout
from .plan import Plans
from .request import SpawnRequest
from .result import ResolvedEnvironment
from .strings import Words

__all__ = ["Refusal", "Resolver", "Unusable", "without_policy"]


_NOTHING: Final = Selection()


class Resolver:
    """A policy made ready: the same answer for the same request, whatever happened before."""

    def __init__(self, policy: Policy, people: People | None = None) -> None:
        self.policy = policy
        self._people = people or People(policy)
        self._menu = Menu(policy)
        self._plans = Plans(policy)
        self._digest = policy.digest if policy.built_in else ""
        picked = Policy("", profiles=policy.profiles).rules()
        self._names_claim = self._people.name_claim or names_claim(picked)
        self.sets_start_timeout = self._people.set_start_timeout or sets_start_timeout(picked)

    def offering(self, profiles: Sequence[Profile]) -> Resolver:
        """The same rules about people with other profiles; quick, however many people there are."""
        return Resolver(replace(self.policy, profiles=tuple(profiles)), self._people)

    def select(self, request: SpawnRequest, options: Any, people: list[Applied] | None = None) -> Selection:
        """The profile and choices that raw user options mean. Raises Refusal.

        people: the rules about people that hold, if they are known already.
        """
        if not self.policy.profiles and options == {}:
            return _NOTHING
        people = self.people(request) if people is None else people
        return self._menu.choose(request.person, options, people)

    def people(self, request: SpawnRequest) -> list[Applied]:
        """The rules about people that hold for the request, weakest first."""
        return self._people.of(request)

    def menu(self, request: SpawnRequest) -> list[Offered]:
        """The profiles that the person may use, each with what they may choose in it."""
        people = self.people(request)
        return self._menu.menu(request.person, most_for(people))

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
        plan = self._plans.find(request.own, people, selection)
        mine = people[-1] if people and people[-1].layer == USERS else None
        words = Words(request.names, selection.slug, request.auth_state)
        if self._names_claim:
            entries = plan.claim_entries(words, request.own, mine)
            home = own_home(request) if plan.keeps_own else home_of(entries, words.profile, request)
            claim = home.claim or request.own.claim
            words = Words({**request.names, "pvc_name": claim}, selection.slug, request.auth_state)
        planned = plan.filled(words, request.own, mine)
        entries = plan.entries(words, request.own, mine) if planned is None else planned
        if plan.keeps_own:
            home = own_home(request)
        else:
            kept = plan.derived if plan.keeps_home and planned is not None else None
            home = home_of(entries, words.profile, request, kept)
        kept_plan = None if planned is None else plan
        return ResolvedEnvironment(
            request.person, selection, self._digest, home, entries, plan.noted, kept_plan
        )


def without_policy(request: SpawnRequest) -> ResolvedEnvironment:
    """What the person gets where there is no policy: what KubeSpawner's own layer says, and nothing else."""
    own = request.own
    applied = [] if own.rule is None else [Applied(KUBESPAWNER, own.rule)]
    entries = merge(applied, Words(request.names, "", request.auth_state))
    home = own_home(request) if own.has_storage else Home("none")
    return ResolvedEnvironment(request.person, Selection(), "", home, entries)
