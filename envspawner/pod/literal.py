"""Text that reaches the pod byte for byte, also through KubeSpawner's own `str.format`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Literal(str):
    """A string that is complete: EnvSpawner's expansion of templates hands it on unchanged.

    KubeSpawner formats every string of volumes, mounts, containers, labels, annotations and environment
    variables (`_expand_user_properties`); a policy's strings have been filled in already, and braces in them
    are the admin's own.
    """

    __slots__ = ()


def literal(value: Any) -> Any:
    """A copy of plain data whose strings are Literal; keys of mappings stay as they are."""
    if isinstance(value, str):
        return Literal(value)
    if isinstance(value, Mapping):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [literal(item) for item in value]
    return value


def fresh(value: Any) -> Any:
    """A copy of plain data, so that what a hook changes in one pod changes nobody else's."""
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fresh(item) for item in value]
    return value


def copier(value: Any) -> Callable[[Any], Any] | None:
    """What copies a value as `fresh` does, as quickly as it can be; None where nobody can change it."""
    if not isinstance(value, dict | list | tuple):
        return None
    items = value.values() if isinstance(value, dict) else value
    if isinstance(value, tuple) or any(isinstance(item, dict | list | tuple) for item in items):
        return fresh
    return dict.copy if isinstance(value, dict) else list.copy


def plain(value: Any) -> Any:
    """The same data with strings of the built-in type again."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
