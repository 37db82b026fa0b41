"""The sections around environments: rules with bounds and end dates, profiles, options and choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from . import quantities, values
from .environment import Block, Environment
from .problems import Fault, suggest
from .values import Faults, leaf

UNLISTED: Final = "--unlisted-choice"
"""How KubeSpawner's user_options name a value that the user typed; see `_validate_user_options` there."""


def bounds(value: Any) -> dict[str, Any]:
    """Amounts by resource: memory (bytes), cpu (cores), storage (a quantity), extended resources; null lifts one."""
    if not isinstance(value, Mapping):
        raise Fault(f"expected a mapping, got {values.kind_of(value)}", "write {memory: 8G, cpu: 4}")
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, amount in value.items():
        try:
            found[str(name)] = _bound(str(name), amount)
        except Fault as fault:
            faults.append(Fault(fault.message, fault.hint, (name,)))
    if faults:
        raise Faults(faults)
    return found


def _bound(name: str, amount: Any) -> Any:
    if name not in ("memory", "cpu", "storage"):
        if "/" not in name:
            near = suggest(name, ("memory", "cpu", "storage"))
            raise Fault(f"unknown resource {name!r}", near or "memory, cpu, storage or a name such as nvidia.com/gpu")
        values.extended_name(name)
    if amount is None:
        return None
    if name == "memory":
        return values.positive_memory(amount)
    if name == "cpu":
        return values.positive_cpu(amount)
    if name == "storage":
        return quantities.capacity(amount)
    return quantities.resource_amount(name, amount)


class Rule(Environment):
    """An environment for some people, its bounds, until when it holds, and a note for `explain`."""

    at_least: Annotated[dict[str, Any] | None, leaf(bounds)] = None
    at_most: Annotated[dict[str, Any] | None, leaf(bounds)] = None
    until: values.Moment = None
    note: values.Text = None


class Allow(Block):
    """Whom a profile or a choice is for; any of these admits."""

    users: values.Texts = None
    groups: values.Texts = None
    admins: values.Flag = None


class Choice(Environment):
    """A choice of an option: an environment with a name."""

    display_name: values.FilledText = None
    description: values.Text = None
    default: values.Flag = None
    allow: Allow | None = None
    aliases: values.Texts = None


def no_other(_: Any) -> None:
    hint = "list what may be chosen under choices"
    raise Faults([Fault("other is not supported by this version", hint)])


def slug(text: str, *, option: bool = False) -> str:
    """A profile, option or choice is named in URLs, forms and `user_options`."""
    if not text or len(text) > 100 or not text.isprintable() or text != text.strip():
        raise Fault(f"{text[:40]!r} cannot name a profile, an option or a choice", "use a short word")
    if option and (text == "profile" or text.endswith(UNLISTED)):
        raise Fault(f"no option may be called {text!r}", "user_options use this word themselves")
    return text


class Option(Block):
    """Something to choose within a profile."""

    display_name: values.FilledText = None
    choices: dict[str, Choice | None] | None = None
    other: Annotated[None, BeforeValidator(no_other)] = None


class Profile(Choice):
    """What a user picks at login."""

    options: dict[str, Option | None] | None = None


SECTIONS: Final = ("version", "defaults", "groups", "admins", "users", "profiles")
