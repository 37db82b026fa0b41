"""The sections around environments: rules with bounds and end dates, profiles, options and choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from . import kinds, names, quantities, values
from .environment import Block, Environment
from .image_globs import ImageGlob, parse_glob
from .patterns import Pattern, parse_pattern
from .problems import Fault, suggest
from .values import leaf

UNLISTED: Final = "--unlisted-choice"
"""How KubeSpawner's user_options name a value that the user typed; see `_validate_user_options` there."""
RESOURCES: Final = ("memory", "cpu", "storage")
"""What bounds speak of beside extended resources."""
SECTIONS: Final = ("version", "defaults", "groups", "admins", "users", "profiles")
SHAPES: Final[Mapping[str, str]] = {
    "defaults": "write defaults: {memory: {limit: 2G}}",
    "groups": "write each group and what its members get: groups: {staff: {memory: {limit: 4G}}}",
    "admins": "write what all hub admins get: admins: {memory: {limit: 4G}}; who is one, JupyterHub says",
    "users": "write each user and what they get: users: {ada: {memory: {limit: 4G}}}",
    "profiles": "write each profile after a short name: profiles: {small: {displayName: Small}}",
}
"""What to write where something other than a mapping stands for a section."""


def check_resource(name: str) -> None:
    if name in RESOURCES:
        return
    if "/" not in name:
        message = f"unknown resource {names.quoted(name)}"
        raise Fault(
            message, suggest(name, RESOURCES) or "memory, cpu, storage or a name such as nvidia.com/gpu"
        )
    kinds.extended_name(name)


def _amount(name: str, amount: Any) -> Any:
    if name == "memory":
        return values.positive_memory(amount)
    if name == "cpu":
        return values.positive_cpu(amount)
    if name == "storage":
        return quantities.capacity(amount)
    return quantities.resource_amount(name, amount)


bounds: Final = values.keyed(check_resource, _amount, "write {memory: 8G, cpu: 4}")
"""Amounts by resource: memory (bytes), cpu (cores), storage (a quantity), extended ones; null lifts one."""


class Rule(Environment):
    """An environment for some people, its bounds, until when it holds, and a note for `explain`."""

    at_least: Annotated[dict[str, Any] | None, leaf(bounds)] = None
    at_most: Annotated[dict[str, Any] | None, leaf(bounds)] = None
    until: values.Moment = None
    note: values.Text = None


class Allow(Block):
    """Whom a profile, a choice or an `other` is for; any of these admits."""

    users: values.Names = None
    groups: values.Names = None
    admins: values.Flag = None


def allow_block(value: Any) -> Any:
    """Names alone do not say whether they are those of users or of groups."""
    if value is None or isinstance(value, Mapping):
        return value
    names_given = value if isinstance(value, list | tuple) else [value]
    plain = all(isinstance(name, str) and len(name) < 60 for name in names_given) and len(names_given) < 6
    listed = ", ".join(names_given) if plain else "..."
    raise Fault(f"expected a mapping, got {values.kind_of(value)}", f"write allow: {{groups: [{listed}]}}")


class Choice(Environment):
    """A choice of an option: an environment with a name."""

    display_name: values.FilledText = None
    description: values.Text = None
    default: values.Flag = None
    allow: Annotated[Allow | None, BeforeValidator(allow_block)] = None
    aliases: values.Names = None


def image_glob(value: Any) -> ImageGlob:
    return parse_glob(values.filled_text(value).strip())


def expression(value: Any) -> Pattern:
    return parse_pattern(values.filled_text(value))


class Other(Environment):
    """A choice that the user types: its environment may use `{value}`."""

    display_name: values.FilledText = None
    description: values.Text = None
    allow: Annotated[Allow | None, BeforeValidator(allow_block)] = None
    images: Annotated[tuple[ImageGlob, ...] | None, leaf(values.each(image_glob))] = None
    pattern: Annotated[Pattern | None, leaf(expression)] = None
    message: values.FilledText = None


def slug(text: str, *, option: bool = False) -> str:
    """A profile, option or choice is named in URLs, forms and `user_options`."""
    if not text or len(text) > 100 or not text.isprintable() or text != text.strip():
        message = f"{names.quoted(text)} cannot name a profile, an option or a choice"
        raise Fault(message, "write a short word, and what people see as displayName")
    if option and (text == "profile" or text.endswith(UNLISTED)):
        raise Fault(
            f"no option may be called {names.quoted(text)}", "JupyterHub's forms use this word; take another"
        )
    return text


class Option(Block):
    """Something to choose within a profile."""

    display_name: values.FilledText = None
    choices: dict[str, Choice | None] | None = None
    other: Other | None = None


class Profile(Choice):
    """What a user picks at login."""

    options: dict[str, Option | None] | None = None
