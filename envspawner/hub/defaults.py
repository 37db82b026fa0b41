"""What KubeSpawner's traits hold where nobody set them, known once for a class of spawners."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from jupyterhub.spawner import Spawner
from kubespawner import KubeSpawner
from traitlets import DefaultHandler
from traitlets.config import Application, LoggingConfigurable

from ..policy.fields import FIELDS
from .expansion import orm_user

DEFAULTS: Final[Mapping[str, Any]] = {
    "allow_privilege_escalation": False,
    "storage_access_modes": ["ReadWriteOnce"],
    "pvc_name_template": "claim-{user_server}",
    "start_timeout": 60,
}
"""Trait defaults of KubeSpawner that nobody set; everything else is empty by default."""
_ALSO_READ: Final = frozenset(
    {
        "args",
        "cert_paths",
        "common_labels",
        "container_security_context",
        "env",
        "oauth_client_allowed_scopes",
        "pod_security_context",
        "profile_list",
        "storage_extra_annotations",
        "storage_selector",
    }
)
"""Traits that every start reads, besides those of the table of fields."""
_POLICYS: Final = frozenset(field.trait for field in FIELDS.values() if field.trait) | {"lifecycle_hooks"}
"""Traits that the layer is made of."""
_READ: Final = _POLICYS | _ALSO_READ


def settle(spawner: Any) -> None:
    """Gives traits that every start reads their default, where that is plain data and nobody set them.

    Reading them does the same, but slowly: traitlets makes each default at the first reading, validates it and tells
    observers of it. That is more than a third of what a start's own work costs KubeSpawner.
    """
    values, defaults = spawner._trait_values, defaults_of(spawner.__class__)
    for name, default in defaults.plain.items():
        if name not in values:
            values[name] = None if default is None else default.copy()
    for name, make in _made(spawner.__class__).items():
        if name not in values:
            values[name] = make(spawner)


def is_unset(spawner: Any, name: str) -> bool:
    """Whether nobody set a trait whose default is nothing; reading it would make that."""
    return name not in spawner._trait_values and not defaults_of(spawner.__class__).plain.get(name, True)


_TRAITLETS: Final = logging.getLogger("traitlets")


def _log(spawner: Any) -> Any:
    """As traitlets does it, without an import at each call."""
    if spawner.parent is not None:
        return spawner._log_default()
    return Application.instance().log if Application.initialized() else _TRAITLETS


class _Owned(NamedTuple):
    """A spawner as far as JupyterHub asks it when it makes the scopes."""

    user: Any
    name: str


def _scopes(spawner: Any) -> Any:
    """As JupyterHub makes them, without its User, which looks everything up twice."""
    try:
        return vars(Spawner)["_default_access_scopes"](_Owned(orm_user(spawner), spawner.name))
    except AttributeError:  # it asks for more than it did
        return spawner._default_access_scopes()


_MADE: Final[Mapping[str, tuple[str, Any, Callable[[Any], Any]]]] = {
    "env_keep": ("_env_keep_default", KubeSpawner, lambda spawner: spawner._env_keep_default()),
    "log": ("_log_default", LoggingConfigurable, _log),
    "oauth_access_scopes": ("_default_access_scopes", Spawner, _scopes),
}
"""Traits that every start reads and whose default a method makes: the method, whose it is, and the quick way."""


@lru_cache(maxsize=16)
def _made(spawner_class: type[Any]) -> Mapping[str, Callable[[Any], Any]]:
    """Those of `_MADE` whose default no subclass makes otherwise."""
    return {
        name: make
        for name, (method, whose, make) in _MADE.items()
        if _maker(spawner_class, name) is vars(whose)[method]
    }


def _maker(spawner_class: type[Any], name: str) -> Any:
    """The method that makes the default of a trait."""
    for base in spawner_class.__mro__:
        for attribute, found in vars(base).items():
            if attribute == f"_{name}_default" or (
                isinstance(found, DefaultHandler) and found.trait_name == name
            ):
                return found
    return None


class Defaults(NamedTuple):
    """What a spawner class has where nobody set a trait.

    telling: traits whose default may say something to a policy. plain: traits whose default is None, or a list or
    dict of strings, and that default.
    """

    telling: tuple[str, ...]
    plain: Mapping[str, Any]


@lru_cache(maxsize=16)
def defaults_of(spawner_class: type[Any]) -> Defaults:
    traits = spawner_class.class_traits()
    # A default that a method makes may differ each time, so it counts as telling.
    found = {name: traits[name].default() for name in sorted(_READ) if _maker(spawner_class, name) is None}
    silent = {
        name
        for name, default in found.items()
        if default is None or is_empty(default) or default == DEFAULTS.get(name)
    }
    plain = {name: default for name, default in found.items() if _is_plain(default)}
    return Defaults(tuple(sorted(_POLICYS - silent)), plain)


def _is_plain(default: Any) -> bool:
    if type(default) is dict:
        return all(isinstance(one, str) for one in default.values())
    return default is None or (type(default) is list and all(isinstance(one, str) for one in default))


def is_empty(value: Any) -> bool:
    return isinstance(value, str | list | tuple | dict) and not value
