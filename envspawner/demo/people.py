"""Who may log in to a demo: a few people, so that each rule of a policy has somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..policy.rules import Policy

NAMES = ("ada", "grace", "katherine", "margaret", "hedy", "barbara")
ADMIN = "radia"
MATCHED = "demo"  # what the * of a group stands for


@dataclass(frozen=True)
class Person:
    name: str
    groups: tuple[str, ...] = ()
    admin: bool = False

    @property
    def words(self) -> str:
        """Who they are, for the login page."""
        groups = f"in {' and '.join(self.groups)}" if self.groups else "in no group"
        return f"hub admin, {groups}" if self.admin else groups

    def facts(self) -> dict[str, Any]:
        return {**asdict(self), "groups": list(self.groups)}


def people_of(policy: Policy) -> tuple[Person, ...]:
    """One person for each of the first groups that the policy speaks of, one in none, one named in it, an admin."""
    named = tuple(policy.users)[:2]
    groups = list(dict.fromkeys(_groups(policy)))[: len(NAMES) - 1]
    free = [name for name in NAMES if name not in named and name != ADMIN]
    people = [Person(name, (group,)) for name, group in zip(free, groups, strict=False)]
    people += [Person(name) for name in named if name != ADMIN]
    if len(people) < len(free):
        people.append(Person(free[len(groups)]))
    return (*people, Person(ADMIN, tuple(groups[-1:]), admin=True))


def _groups(policy: Policy) -> Iterator[str]:
    """The names of groups that its rules are about, and that its profiles and choices are for."""
    names = list(policy.groups)
    for profile in policy.profiles:
        choices = [choice for option in profile.options for choice in option.choices]
        for one in (profile, *choices):
            names += one.allow.groups if one.allow else ()
    for name in names:
        yield name.replace("*", MATCHED)
