"""The sections around environments: rules with bounds and end dates, profiles, options and choices."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from . import kinds, names, quantities, values
from .environment import Block, Environment
from .problems import Fault, suggest
from .values import leaf

UNLISTED: Final = "--unlisted-choice"
"""How KubeSpawner's user_options name a value that the user typed; see `_validate_user_options` there."""
RESOURCES: Final = ("memory", "cpu", "storage")
"""What bounds speak of beside extended resources."""
SECTIONS: Final = ("version", "defaults", "groups", "admins", "users", "profiles")


def _check_resource(name: str) -> None:
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


bounds: Final = values.keyed(_check_resource, _amount, "write {memory: 8G, cpu: 4}")
"""Amounts by resource: memory (bytes), cpu (cores), storage (a quantity), extended ones; null lifts one."""


class Rule(Environment):
    """An environment for some people, its bounds, until when it holds, and a note for `explain`."""

    at_least: Annotated[dict[str, Any] | None, leaf(bounds)] = None
    at_most: Annotated[dict[str, Any] | None, leaf(bounds)] = None
    until: values.Moment = None
    note: values.Text = None


class Allow(Block):
    """Whom a profile or a choice is for; any of these admits."""

    users: values.Names = None
    groups: values.Names = None
    admins: values.Flag = None


class Choice(Environment):
    """A choice of an option: an environment with a name."""

    display_name: values.FilledText = None
    description: values.Text = None
    default: values.Flag = None
    allow: Allow | None = None
    aliases: values.Names = None


def no_other(_: Any) -> None:
    raise Fault("not supported by this version of envspawner", "list what may be chosen under choices")


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
    other: Annotated[None, BeforeValidator(no_other)] = None


class Profile(Choice):
    """What a user picks at login."""

    options: dict[str, Option | None] | None = None
