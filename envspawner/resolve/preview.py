"""What a person would see change: the figures of a profile, and what each of its choices makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations, product
from math import prod
from typing import Final

from ..policy.rules import Choice, Other
from ..policy.templates import names_in
from .access import Offered, OfferedOption, Selection
from .figures import SHOWN, UNTIL, Figure, family, figures
from .request import SpawnRequest
from .resolver import Resolver
from .typed import Typed

MOST: Final = 24
"""How many combinations of choices are worked out, each of which costs a resolution."""
TYPED: Final = "unlisted-choice"
"""What KubeSpawner's form, and so ours, calls the choice that a person types."""
_AS_TYPED: Final = Figure("image", "Image", "Depends on what you type")

Figures = Mapping[str, Figure]
Changes = Mapping[str, Figure | None]
"""Figures by key; None takes one away."""
Picked = Choice | Typed


@dataclass(frozen=True, slots=True)
class Preview:
    """The figures of a profile with its default choices, and of everything else that may be chosen in it.

    alone: what each choice (by option and choice) changes. together: what to change besides where several are
    chosen at once. exact: whether that tells every combination; else there are too many of them to work out.
    """

    base: Figures
    alone: Mapping[str, Mapping[str, Changes]]
    together: tuple[tuple[Mapping[str, str], Changes], ...] = ()
    exact: bool = True

    def order(self) -> list[str]:
        """The keys of all figures in the order in which they are shown."""
        found = [*self.base]
        for changes in (*(one for each in self.alone.values() for one in each.values()), *self._besides()):
            found += [key for key in changes if key not in found]
        return sorted(found, key=_rank)

    def _besides(self) -> Iterator[Changes]:
        return (changes for _, changes in self.together)


def preview(resolver: Resolver, request: SpawnRequest, offered: Offered) -> Preview:
    """What a person may make of a profile. Raises Unusable where the rules for them contradict each other."""
    return _Previewed(resolver, request, offered).preview()


def blank(other: Other) -> Typed:
    """What an `other` makes of a server but for what the text itself says."""
    settings = (setting for setting in other.rule.settings if "value" not in names_in(setting.value))
    return Typed(other, "", replace(other.rule, settings=tuple(settings)))


def sets_image(picked: Picked) -> bool:
    """Whether the image depends on a text."""
    if isinstance(picked, Choice):
        return False
    paths = (s.field.path for s in picked.other.rule.settings if "value" in names_in(s.value))
    return bool(picked.other.images) or any(path.startswith("image.") for path in paths)


def picks(offered: OfferedOption) -> dict[str, Picked]:
    """All that may be picked in an option, the default first."""
    by_default = [] if offered.default is None else [offered.default]
    found: dict[str, Picked] = {choice.slug: choice for choice in (*by_default, *offered.choices)}
    if offered.other is not None:
        found.setdefault(TYPED, blank(offered.other))
    return found


def selection(offered: Offered, picked: Sequence[Picked]) -> Selection:
    """A profile with something picked in each of its options."""
    options = (one.option for one in offered.options)
    return Selection(offered.profile, tuple(zip(options, picked, strict=True)))


class _Previewed:
    """One preview in the making."""

    def __init__(self, resolver: Resolver, request: SpawnRequest, offered: Offered) -> None:
        self._resolver = resolver
        self._request = request
        self._offered = offered
        self._picks = [picks(option) for option in offered.options]
        self._slugs = [option.option.slug for option in offered.options]
        self._defaults = [next(iter(found)) for found in self._picks]

    def preview(self) -> Preview:
        base = self._shown(self._defaults)
        alone: dict[str, dict[str, Changes]] = {}
        for index, slug in enumerate(self._slugs):
            alone[slug] = {name: self._alone(base, index, name) for name in self._picks[index]}
        changed = [_keys(each.values()) for each in alone.values()]
        touched = [_families(found.values()) for found in self._picks]
        entangled = _entangled(changed, touched)
        while prod(len(self._picks[index]) for index in entangled) <= MOST:
            together = tuple(self._together(base, alone, entangled))
            keys = _keys(changes for _, changes in together)
            more = {
                index
                for index in range(len(changed))
                # When a rule ends is said of all that it gives.
                if changed[index] & keys or (UNTIL in keys and touched[index])
            }
            if more <= entangled:
                return Preview(base, alone, together)
            entangled |= more
        return Preview(base, alone, exact=False)

    def _alone(self, base: Figures, index: int, name: str) -> Changes:
        if name == self._defaults[index]:
            return {}
        return _changes(base, self._shown([*self._defaults[:index], name, *self._defaults[index + 1 :]]))

    def _together(
        self, base: Figures, alone: Mapping[str, Mapping[str, Changes]], entangled: set[int]
    ) -> Iterator[tuple[Mapping[str, str], Changes]]:
        """Combinations whose figures are others than what their choices change one by one."""
        order = sorted(entangled)
        for combination in product(*(self._picks[index] for index in order)):
            names = list(self._defaults)
            added = dict(base)
            for index, name in zip(order, combination, strict=True):
                names[index] = name
                _apply(added, alone[self._slugs[index]][name])
            changes = _changes(added, self._shown(names))
            if changes:
                yield {self._slugs[index]: names[index] for index in order}, changes

    def _shown(self, names: Sequence[str]) -> Figures:
        picked = [found[name] for found, name in zip(self._picks, names, strict=True)]
        return shown(self._resolver, self._request, selection(self._offered, picked), self._request.at)


def shown(resolver: Resolver, request: SpawnRequest, chosen: Selection, at: datetime) -> Figures:
    """The figures of a selection by key. Raises Unusable."""
    found = {figure.key: figure for figure in figures(resolver.resolve_selection(request, chosen), at)}
    if any(sets_image(picked) and not picked.slug for _, picked in chosen.choices):
        found["image"] = _AS_TYPED
    return found


def _changes(old: Figures, new: Figures) -> Changes:
    gone = dict.fromkeys(key for key in old if key not in new)
    return {**gone, **{key: figure for key, figure in new.items() if old.get(key) != figure}}


def _apply(found: dict[str, Figure], changes: Changes) -> None:
    for key, figure in changes.items():
        if figure is None:
            found.pop(key, None)
        else:
            found[key] = figure


def _entangled(changed: Sequence[set[str]], touched: Sequence[set[str]]) -> set[int]:
    """The options that speak of the same as another one, so that their choices do not simply add up."""
    found: set[int] = set()
    for one, other in combinations(range(len(touched)), 2):
        if touched[one] & touched[other] or changed[one] & changed[other]:
            found |= {one, other}
    return found


def _keys(changes: Iterable[Changes]) -> set[str]:
    return {key for one in changes for key in one}


def _families(picked: Iterable[Picked]) -> set[str]:
    """What choices speak of; whether starter files come again depends on the home."""
    found = {family(setting.field) for one in picked for setting in one.rule.settings} & SHOWN
    return {"storage" if name == "copyOnce" else name for name in found}


def _rank(key: str) -> tuple[int, str]:
    order = ("image", "memory", "cpu", "", "storage", "copyOnce", UNTIL)
    return (order.index(key), "") if key in order else (3, key)
