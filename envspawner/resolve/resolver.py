"""Resolves a policy for a start: who, then what was picked, then bounds."""

from __future__ import annotations

from typing import Any, Final

from ..policy.fields import FIELDS
from ..policy.problems import Place
from ..policy.rules import Policy, Profile, Rule, Setting
from .access import Refusal, Selection, choose, offered
from .adjust import adjust
from .bounds import bounds_for
from .home import Unusable, claim_name, home_of
from .match import BUILT_IN, KUBESPAWNER, OPTIONS, PROFILE, Applied, GroupIndex, people_rules
from .merge import Words, merge
from .request import SpawnRequest
from .result import ResolvedEnvironment

_NOWHERE: Final = Place("built-in")


def _built_in(path: str, value: Any) -> Setting:
    return Setting(FIELDS[path], value, _NOWHERE, slot=path)


BUILT_IN_RULE: Final = Rule(
    "built-in",
    _NOWHERE,
    (
        _built_in("memory.guarantee", 2**30),
        _built_in("storage.capacity", "10Gi"),
        _built_in("storage.homeMountPath", "/home/jovyan"),
    ),
)
"""What holds where nobody says otherwise."""
BUILT_IN_HOME: Final = Rule("built-in", _NOWHERE, (_built_in("storage.type", "dynamic"),))
"""Where the hub's own configuration mounts nothing, there is a home."""


class Resolver:
    """A policy made ready: the same answer for the same request, whatever happened before."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._groups = GroupIndex(policy.groups)

    def select(self, request: SpawnRequest, options: Any) -> Selection:
        """The profile and choices that raw user options mean. Raises Refusal."""
        applied = people_rules(self.policy, self._groups, request)
        return choose(self.policy, request.person, options, bounds_for(applied)[1])

    def offered(self, request: SpawnRequest) -> list[Profile]:
        """The profiles that the person may use."""
        applied = people_rules(self.policy, self._groups, request)
        return offered(self.policy, request.person, bounds_for(applied)[1])

    def resolve(self, request: SpawnRequest, options: Any) -> ResolvedEnvironment:
        """What the person gets. Raises Refusal when the options are not theirs, Unusable when rules contradict."""
        people = people_rules(self.policy, self._groups, request)
        least, most = bounds_for(people)
        selection = choose(self.policy, request.person, options, most)
        applied = [Applied(BUILT_IN, BUILT_IN_RULE)]
        if not request.own.has_storage:
            applied.append(Applied(BUILT_IN, BUILT_IN_HOME))
        if request.own.rule is not None:
            applied.append(Applied(KUBESPAWNER, request.own.rule))
        applied += people
        if selection.profile is not None:
            applied.append(Applied(PROFILE, selection.profile.rule))
        applied += [Applied(OPTIONS, choice.rule) for _, choice in selection.choices]
        plain = {**request.names, "profile": selection.slug}
        without_claim = Words(plain)
        words = Words(plain, lambda: claim_name(applied, without_claim, request))
        entries = merge(applied, words, request)
        adjust(entries, least, most)
        home = home_of(entries, applied, without_claim, request)
        return ResolvedEnvironment(request.person, selection, self.policy.digest, home, entries)


__all__ = ["Refusal", "Resolver", "Unusable"]
