"""Traits set for one start and put back before the next, so that no start leaves anything to another."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from traitlets import All, Bool, Dict, List, TraitType, Undefined, Unicode, Union

from ..resolve.merge import SCALARS
from .naming import NamingSpawner


class _Known(NamedTuple):
    """A trait that is set by being validated, and by nothing else. as_is: types of values that this never changes."""

    trait: Any
    as_is: frozenset[type]


@lru_cache(maxsize=16)
def _known(spawner_class: type[Any]) -> Mapping[str, _Known]:
    return {
        name: _Known(trait, frozenset() if hasattr(spawner_class, f"_{name}_validate") else _as_is(trait))
        for name, trait in spawner_class.class_traits().items()
        if type(trait).set is TraitType.set and not hasattr(spawner_class, f"_{name}_changed")
    }


def _as_is(trait: Any) -> frozenset[type]:
    """Types whose values a trait takes as they are; a subclass of a trait may do with them what it likes."""
    kind = type(trait)
    if kind is Unicode or kind is Bool:
        return frozenset({str if kind is Unicode else bool})
    if kind is List and trait._trait is None and (trait._minlen, trait._maxlen) == (0, sys.maxsize):
        return frozenset({list})
    if kind is Dict and not (trait._key_trait or trait._value_trait or trait._per_key_traits):
        return frozenset({dict})
    if kind is Union:  # takes the first of its kinds that fits
        kinds = [_as_is(one) for one in trait.trait_types]
        return frozenset().union(*takewhile(bool, kinds))
    return frozenset()


class BorrowingSpawner(NamingSpawner):
    """A KubeSpawner whose traits are lent to a start."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._assigned: dict[str, tuple[Any, Any]] = {}
        super().__init__(*args, **kwargs)

    def _assign(self, traits: dict[str, Any]) -> None:
        """Sets traits to new values, so that their validators run, and remembers what was there before."""
        held = self._trait_values  # what getattr would give, without making defaults
        get = held.get
        spawner_class: Any = type(self)
        known = _known(spawner_class)
        assigned = self._assigned
        watchers = self._trait_notifiers
        validators = self._trait_validators
        all_watched = any(watchers.get(All, {}).values())
        for name, value in traits.items():
            there, kind = get(name, Undefined), type(value)
            if kind in SCALARS and type(there) is kind and there == value:
                continue
            base = assigned[name][0] if name in assigned else there
            found = known.get(name)
            if found is None or all_watched or name in watchers:
                setattr(self, name, value)
                value = held[name]
            elif name in validators or kind not in found.as_is:
                # The same without a notice that nobody would read, in a fifth of the time.
                value = held[name] = found.trait._validate(self, value)
            else:
                held[name] = value
            assigned[name] = (base, value)

    def _restore(self) -> None:
        """Puts traits back that the last start set, unless somebody has set them since."""
        for name, (base, ours) in self._assigned.items():
            if getattr(self, name) is ours:
                setattr(self, name, self.trait_defaults(name) if base is Undefined else base)
        self._assigned.clear()

    def clear_state(self) -> None:
        """JupyterHub calls this before the hooks of every start, which must see the configuration's values."""
        self._restore()
        super().clear_state()
