"""The rules about people, made ready: those of one person are found without a look at the others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace

from ..policy.rules import Policy, Rule
from ..policy.templates import names_in
from .forms import form
from .match import ADMINS, DEFAULTS, USERS, Applied, GroupIndex
from .request import SpawnRequest


class People:
    """What a policy says about people, whatever can be picked.

    name_claim: whether some string holds `{pvc_name}`. set_start_timeout: whether any rule does.
    """

    def __init__(self, policy: Policy) -> None:
        self.groups = GroupIndex(policy.groups)
        self._defaults = [] if policy.defaults is None else [Applied(DEFAULTS, policy.defaults)]
        self._admins = [] if policy.admins is None else [Applied(ADMINS, policy.admins)]
        self._users = dict(_of_users(policy.users))
        rules = replace(policy, profiles=()).rules()
        self._end = any(rule.until is not None for rule in rules)
        self.name_claim = names_claim(rules)
        self.set_start_timeout = sets_start_timeout(rules)

    def of(self, request: SpawnRequest) -> list[Applied]:
        """The rules that hold for a request, weakest first."""
        name, groups, admin = request.person
        found = self._defaults.copy()
        if groups:
            found += self.groups.applied(groups)
        if admin:
            found += self._admins
        mine = self._users.get(name)
        if mine is not None:
            found.append(mine)
        if self._end:
            return [one for one in found if one.rule.until is None or request.at <= one.rule.until]
        return found


def _of_users(users: Mapping[str, Rule]) -> Iterator[tuple[str, Applied]]:
    forms: dict[Hashable, Hashable] = {}  # each is kept once: most users' rules are like others'
    for name, rule in users.items():
        found = form(rule)
        yield name, Applied(USERS, rule, form=forms.setdefault(found, found))


def names_claim(rules: Iterable[Rule]) -> bool:
    """Whether some string of these rules holds `{pvc_name}`."""
    settings = (setting for rule in rules for setting in rule.settings)
    return any(s.dynamic and "pvc_name" in names_in([s.key, s.value]) for s in settings)


def sets_start_timeout(rules: Iterable[Rule]) -> bool:
    """Whether any of these rules does."""
    return any(setting.field.path == "startTimeout" for rule in rules for setting in rule.settings)
