"""A policy as the rest of the house uses it: frozen, checked, with every value's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from .fields import Field
from .image_globs import ImageGlob
from .patterns import Pattern
from .problems import Place
from .templates import Template


class Setting(NamedTuple):
    """One value that one rule gives to one field (or to one key of it).

    key: of a KEYED field its key, of a NAMED one its identity (a Template where it holds placeholders); None
    where the value is the whole field. value: plain data with Templates in it; None removes what is beneath.
    slot: tells settings of one thing from those of another; None where that is known only at spawn.
    label: the admin's own label of an entry. opaque: KubeSpawner's own value, carried whole. deep: a mapping goes
    into the one beneath, as KubeSpawner's `recursive_update` does it.
    """

    field: Field
    value: Any
    place: Place
    key: str | Template | None = None
    slot: str | None = None
    dynamic: bool = False
    label: str | None = None
    opaque: bool = False
    deep: bool = False


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
class Other:
    """A choice that the user types. The text must fit one of `images` (and is the image), or `pattern`.

    With neither, any text of a fair length is good. message: what a user reads whose text does not fit.
    """

    display_name: str
    rule: Rule
    description: str = ""
    allow: Allow | None = None
    images: tuple[ImageGlob, ...] = ()
    pattern: Pattern | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose within a profile; without a default choice, the first is the default.

    `other` is never the default: where a person may use no choice, they must type something.
    """

    slug: str
    display_name: str
    choices: tuple[Choice, ...]
    other: Other | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those of its choices, and that of what is typed."""
        typed = () if self.other is None else (self.other.rule,)
        return (*(choice.rule for choice in self.choices), *typed)


@dataclass(frozen=True, slots=True)
class Profile(Choice):
    """What a user picks at login."""

    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a hub, ready to be resolved. digest: 16 hex digits that change with what it says.

    built_in: whether the built-in layer lies beneath; not where the profiles are all that there is, and come from
    KubeSpawner's `profile_list`.
    """

    digest: str
    defaults: Rule | None = None
    groups: Mapping[str, Rule] = field(default_factory=dict)
    admins: Rule | None = None
    users: Mapping[str, Rule] = field(default_factory=dict)
    profiles: tuple[Profile, ...] = ()
    uses_auth_state: bool = False
    built_in: bool = True

    def rules(self) -> list[Rule]:
        """Every rule, profile, choice and other, in the order of the layers."""
        found = [rule for rule in (self.defaults, *self.groups.values(), self.admins) if rule]
        found += self.users.values()
        for profile in self.profiles:
            found.append(profile.rule)
            found += [rule for option in profile.options for rule in option.rules]
        return found
