"""A policy as the rest of the house uses it: frozen, checked, with every value's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .fields import Field
from .problems import Place
from .templates import Template


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that one rule gives to one field (or to one key of it).

    key: of a KEYED field its key, of a NAMED one its identity (a Template where it holds placeholders); None
    where the value is the whole field. value: plain data with Templates in it; None removes what is beneath.
    slot: tells settings of one thing from those of another; None where that is known only at spawn.
    label: the admin's own label of an entry. opaque: KubeSpawner's own value, carried whole.
    """

    field: Field
    value: Any
    place: Place
    key: str | Template | None = None
    slot: str | None = None
    dynamic: bool = False
    label: str | None = None
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """An environment for some people. source: its name in reports, such as `groups.staff`."""

    source: str
    place: Place
    settings: tuple[Setting, ...] = ()
    at_least: Mapping[str, Any] = field(default_factory=dict)
    at_most: Mapping[str, Any] = field(default_factory=dict)
    bound_places: Mapping[str, Place] = field(default_factory=dict)
    until: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """Whom something is for: any of these admits."""

    users: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()
    admins: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be picked: what it is called, for whom it is, and the environment it brings."""

    slug: str
    display_name: str
    rule: Rule
    description: str = ""
    default: bool = False
    allow: Allow | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose within a profile; without a default choice, the first is the default."""

    slug: str
    display_name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Profile(Choice):
    """What a user picks at login."""

    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a hub, ready to be resolved. digest: 16 hex digits that change with what it says."""

    digest: str
    defaults: Rule | None = None
    groups: Mapping[str, Rule] = field(default_factory=dict)
    admins: Rule | None = None
    users: Mapping[str, Rule] = field(default_factory=dict)
    profiles: tuple[Profile, ...] = ()
    uses_auth_state: bool = False

    def rules(self) -> list[Rule]:
        """Every rule, profile and choice, in the order of the layers."""
        found = [rule for rule in (self.defaults, *self.groups.values(), self.admins) if rule]
        found += self.users.values()
        for profile in self.profiles:
            found.append(profile.rule)
            found += [choice.rule for option in profile.options for choice in option.choices]
        return found
