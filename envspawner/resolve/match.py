"""Which rules of a policy are for a person: layers, groups, globs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from ..policy.globs import Glob
from ..policy.rules import Allow, Rule
from .request import Person
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


_NONE: Final[Mapping[str, str]] = {}


class Applied(NamedTuple):
    """A rule that holds for this start. layer: its index in LAYERS.

    words: `{group}` and `{match}` as they stand in environment variables and annotations; slugs: as they stand
    in names, labels and paths. Both are empty but for rules of groups. form: of the rule of a user, what tells it
    from those of others; see `forms.form`.
    """

    layer: int
    rule: Rule
    words: Mapping[str, str] = _NONE
    slugs: Mapping[str, str] = _NONE
    form: Hashable | None = None

    @property
    def source(self) -> str:
        return self.rule.source


@lru_cache(maxsize=4096)
def name_slug(text: str) -> str:
    """The slug of a text that people chose; as long as KubeSpawner lets a user's name be."""
    return safe_slug(text, max_length=48)


class GroupIndex:
    """Finds the rules for a set of groups without looking at all of them."""

    def __init__(self, groups: Mapping[str, Rule]) -> None:
        # Groups come again with each of their members. Not a cache of this object's own methods: they would keep
        # a policy that is no longer in force until garbage is collected.
        self._of = lru_cache(maxsize=2**14)(_Finder(groups).find)

    def applied(self, groups: frozenset[str]) -> list[Applied]:
        """Rules for these groups in the order written; a glob once per group, by the group's name."""
        found: list[tuple[int, str, Applied]] = []
        for name in groups:
            found += self._of(name)
        # No two have both order and name, so rules are never compared.
        return [one for _, _, one in sorted(found)]


class _Finder:
    """The rules for one group: that of its name, and those whose globs match."""

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

    def find(self, name: str) -> tuple[tuple[int, str, Applied], ...]:
        found = [self._applied(self._exact[name], name)] if name in self._exact else []
        prefixes = (name[:length] for length in self._prefix_lengths if length < len(name))
        for order, glob in (one for prefix in prefixes for one in self._globs.get(prefix, ())):
            match = glob.match(name)
            if match is not None:
                found.append(self._applied(order, name, match=match))
        return tuple(found)

    def _applied(self, order: int, name: str, **match: str) -> tuple[int, str, Applied]:
        words = {"group": name, **match}
        slugs = {word: name_slug(text) for word, text in words.items()}
        return order, name, Applied(GROUPS, self._rules[order], words, slugs)


class Audience:
    """Whom an `allow` is for, made ready to be asked often."""

    __slots__ = ("_admins", "_globs", "_groups", "_users")

    def __init__(self, allow: Allow) -> None:
        self._users = allow.users
        self._admins = allow.admins
        self._groups = frozenset(pattern for pattern in allow.groups if "*" not in pattern)
        self._globs = tuple(Glob(pattern) for pattern in allow.groups if "*" in pattern)

    def admits(self, person: Person) -> bool:
        """Any of users, groups and admins admits."""
        if person.name in self._users or (self._admins and person.admin):
            return True
        if not self._groups.isdisjoint(person.groups):
            return True
        return any(glob.match(name) is not None for glob in self._globs for name in person.groups)
