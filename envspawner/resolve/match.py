"""Which rules of a policy are for a person: layers, groups, globs, end dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ..policy.rules import Allow, Policy, Rule
from .request import Person, SpawnRequest
from .slugs import safe_slug

LAYERS: Final = (
    "built-in",
    "kubespawner",
    "defaults",
    "groups",
    "admins",
    "users",
    "profile",
    "options",
    "bounds",
)
"""The layers, weakest first."""
BUILT_IN, KUBESPAWNER, DEFAULTS, GROUPS, ADMINS, USERS, PROFILE, OPTIONS, BOUNDS = range(len(LAYERS))


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that holds for this start. layer: its index in LAYERS. group, match: for rules of groups."""

    layer: int
    rule: Rule
    group: str | None = None
    match: str | None = None

    def words(self) -> dict[str, str]:
        """`{group}` and `{match}` as they stand in environment variables and annotations."""
        found = {} if self.group is None else {"group": self.group}
        return found if self.match is None else found | {"match": self.match}

    def slugs(self) -> dict[str, str]:
        """`{group}` and `{match}` as they stand in names, labels and paths."""
        return {word: safe_slug(text, max_length=48) for word, text in self.words().items()}


class Glob:
    """A group name with `*`, each of which stands for one character or more."""

    __slots__ = ("parts",)

    def __init__(self, pattern: str) -> None:
        self.parts = pattern.split("*")

    def match(self, name: str) -> str | None:
        """What the first `*` stands for (as little as possible), or None. Never backtracks."""
        first, *middle, last = self.parts
        if not name.startswith(first) or not name.endswith(last):
            return None
        at, end = len(first), len(name) - len(last)
        found: str | None = None
        for part in middle:
            stop = name.find(part, at + 1, end)
            if stop < 0:
                return None
            found = name[at:stop] if found is None else found
            at = stop + len(part)
        if end - at < 1:
            return None
        return name[at:end] if found is None else found


class GroupIndex:
    """Finds the rules for a set of groups without looking at all of them."""

    def __init__(self, groups: Mapping[str, Rule]) -> None:
        self._exact: dict[str, int] = {}
        self._globs: dict[str, list[tuple[int, Glob]]] = {}
        self._rules = tuple(groups.values())
        for order, pattern in enumerate(groups):
            if "*" in pattern:
                glob = Glob(pattern)
                self._globs.setdefault(glob.parts[0], []).append((order, glob))
            else:
                self._exact[pattern] = order
        self._prefix_lengths = sorted({len(prefix) for prefix in self._globs})

    def applied(self, groups: frozenset[str]) -> Iterator[Applied]:
        """Rules for these groups in the order written; a glob once per group, by the group's name."""
        found: list[tuple[int, str, str | None]] = []
        for name in groups:
            if name in self._exact:
                found.append((self._exact[name], name, None))
            for length in self._prefix_lengths:
                if length > len(name):
                    break
                for order, glob in self._globs.get(name[:length], ()):
                    match = glob.match(name)
                    if match is not None:
                        found.append((order, name, match))
        for order, name, match in sorted(found, key=lambda item: item[:2]):
            yield Applied(GROUPS, self._rules[order], name, match)


def people_rules(policy: Policy, index: GroupIndex, request: SpawnRequest) -> list[Applied]:
    """The rules about people that hold for this request, weakest first."""
    person = request.person
    found = [Applied(DEFAULTS, policy.defaults)] if policy.defaults else []
    found += index.applied(person.groups)
    if person.admin and policy.admins:
        found.append(Applied(ADMINS, policy.admins))
    if person.name in policy.users:
        found.append(Applied(USERS, policy.users[person.name]))
    return [one for one in found if one.rule.until is None or request.at <= one.rule.until]


def admits(allow: Allow | None, person: Person) -> bool:
    """Whether something is for this person: any of users, groups and admins admits; None admits everybody."""
    if allow is None or person.name in allow.users or (allow.admins and person.admin):
        return True
    return any(
        group == pattern or ("*" in pattern and Glob(pattern).match(group) is not None)
        for pattern in allow.groups
        for group in person.groups
    )
