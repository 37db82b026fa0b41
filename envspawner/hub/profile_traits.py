"""What a spawner class has traits for, and whether a trait would take a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from traitlets import HasTraits, TraitError, TraitType

from ..policy import quantities
from ..policy.names import quoted
from ..policy.overrides import KEYS, REFUSED
from ..policy.problems import Fault, suggest
from ..policy.values import kind_of
from ..resolve.merge import updated
from .profile_reading import Loc, Reader
from .settings import PolicySettings

_LATE: Final = {
    "profile_list": "the list was read already",
    "pvc_name_template": "KubeSpawner has named the claim already",
}
"""Traits that say nothing any more once a profile is chosen, and why."""
_NOT_OVERRIDES: Final = frozenset(PolicySettings.class_trait_names(config=True))
_NO_TRAITS: Final = {
    "pvc_name": "write the profile as c.EnvSpawner.profiles, with storage.home and storage.dynamic.pvcNameTemplate",
}
_TRAITS: Final = {path: trait for trait, path in KEYS.items()}


class _Judge(HasTraits):
    """Stands for the spawner when a trait is asked about a value; cross-validation is left to the spawner."""


_JUDGE: Final = _Judge()


@lru_cache(maxsize=16)
def _traits_of(spawner_class: Any) -> Mapping[str, TraitType[Any, Any]]:
    found: Mapping[str, TraitType[Any, Any]] = spawner_class.class_traits(config=True)
    return found


@dataclass(frozen=True)
class Traits:
    """What a spawner class can be told. bounded: a policy stands beside the list, whose bounds must see amounts."""

    spawner_class: Any
    bounded: bool

    @property
    def known(self) -> Mapping[str, TraitType[Any, Any]]:
        return _traits_of(self.spawner_class)

    @property
    def format_as_kubespawner(self) -> bool:
        """Whether no subclass knows more names for templates than KubeSpawner does."""
        owners = (c for c in self.spawner_class.__mro__ if "_expand_user_properties" in vars(c))
        return next(owners).__module__.partition(".")[0] in ("envspawner", "kubespawner")

    def renamed(self, name: str) -> str:
        """The name that a trait has now."""
        old = getattr(self.spawner_class, "_deprecated_traits", {}).get(name)
        return name if old is None else str(old[0])


def trait_of(name: Any, traits: Traits, reader: Reader, at: Loc) -> str | None:
    """The trait that a key of an override names; None where it is none, or says nothing."""
    if not isinstance(name, str):
        reader.error(at, f"a key must be text, got {kind_of(name)}")
        return None
    known = traits.known
    now = traits.renamed(name)
    if now in _LATE:
        reader.warning(at, f"has no effect here: {_LATE[now]}", "leave it out")
        return None
    if now not in known or now in _NOT_OVERRIDES:
        reader.error(at, f"KubeSpawner has no trait {quoted(name)}", _hint(name, known), of_key=True)
        return None
    if now != name:
        reader.warning(at, f"{name} is an old name", f"write {now}")
    if now in REFUSED:
        reader.warning(
            at, f"is a setting of the hub, not of one server ({REFUSED[now]})", f"set c.KubeSpawner.{now}"
        )
    return now


def _hint(name: str, known: Mapping[str, Any]) -> str | None:
    if name in _NOT_OVERRIDES:
        return "it belongs to the policy, beside profile_list"
    snake = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)
    if snake in known:
        return f"did you mean {snake}?"
    if name in _TRAITS:
        return f"write {_TRAITS[name]}"
    return _NO_TRAITS.get(name) or suggest(name, [each for each in known if each not in _NOT_OVERRIDES])


def checked(trait: TraitType[Any, Any], value: Any) -> Any:
    """The value as the trait holds it. Of a mapping what removes keys is not looked at. Raises Fault."""
    try:
        if isinstance(value, Mapping):
            trait._validate(_JUDGE, updated(None, value))
            return value
        return trait._validate(_JUDGE, value)
    except (TraitError, TypeError, ValueError) as error:
        raise Fault(str(error).replace(" of a _Judge instance", ""), _simpler(trait, value)) from None


def _simpler(trait: TraitType[Any, Any], value: Any) -> str | None:
    """The value in a shape that the trait would take."""
    if not isinstance(value, str):
        return None
    for convert in (float, quantities.memory_bytes, quantities.cpu_cores):
        try:
            taken = trait._validate(_JUDGE, convert(value))
        except (TraitError, TypeError, ValueError):
            continue
        return f"write {taken}"
    return None
