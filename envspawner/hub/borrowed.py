"""Traits set for one start and put back before the next, so that no start leaves anything to another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from traitlets import All, TraitType, Undefined

from .naming import NamingSpawner

_SCALARS: Final = frozenset({str, int, float, bool})


@lru_cache(maxsize=16)
def _known(spawner_class: type[Any]) -> Mapping[str, Any]:
    """Traits by name that are set by being validated, and by nothing else."""
    return {
        name: trait
        for name, trait in spawner_class.class_traits().items()
        if type(trait).set is TraitType.set and not hasattr(spawner_class, f"_{name}_changed")
    }


class BorrowingSpawner(NamingSpawner):
    """A KubeSpawner whose traits are lent to a start."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._assigned: dict[str, tuple[Any, Any]] = {}
        super().__init__(*args, **kwargs)

    def _assign(self, traits: dict[str, Any]) -> None:
        """Sets traits to new values, so that their validators run, and remembers what was there before."""
        held = self._trait_values  # what getattr would give, without making defaults
        spawner_class: Any = type(self)
        known = _known(spawner_class)
        watchers = self._trait_notifiers
        all_watched = any(watchers.get(All, {}).values())
        for name, value in traits.items():
            there = held.get(name, Undefined)
            if type(value) in _SCALARS and type(there) is type(value) and there == value:
                continue
            base = self._assigned[name][0] if name in self._assigned else there
            trait = known.get(name)
            if trait is None or all_watched or name in watchers:
                setattr(self, name, value)
            else:  # the same without a notice that nobody would read, in a fifth of the time
                held[name] = trait._validate(self, value)
            self._assigned[name] = (base, held[name])

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
