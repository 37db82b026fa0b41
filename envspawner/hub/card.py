"""One card of the spawn page: what its template shows of a profile, and what its script is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from markupsafe import Markup

from ..policy.rules import Choice
from ..resolve.access import Offered, OfferedOption
from ..resolve.figures import Figure
from ..resolve.home import Unusable
from ..resolve.preview import TYPED, Picked, Preview, picks, preview, selection, shown
from ..resolve.request import SpawnRequest
from ..resolve.resolver import Resolver
from .markup import described

BROKEN: Final = "This cannot be started as the rules for you say. Tell the people who run this hub."


@dataclass(frozen=True, slots=True)
class ShownChoice:
    """A choice in a list. description: HTML."""

    slug: str
    display_name: str
    description: Markup
    selected: bool


@dataclass(frozen=True, slots=True)
class ShownOption:
    """An option of a card. name: of its field in the form. typed: what stands in the field of its `other`."""

    slug: str
    name: str
    display_name: str
    choices: tuple[ShownChoice, ...]
    description: Markup
    other: Any = None
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One profile as its template shows it. number: unlike any other's on a page. data: for the page's script."""

    number: int
    slug: str
    display_name: str
    description: Markup
    figures: tuple[Figure, ...]
    options: tuple[ShownOption, ...]
    data: dict[str, Any] | None
    checked: bool
    broken: str = ""


def card_of(
    resolver: Resolver, request: SpawnRequest, offered: Offered, picked: Sequence[Picked] | None, number: int
) -> Card:
    """A profile's card. picked: what is chosen in its options; None makes one that is not checked."""
    profile = offered.profile
    chosen = [next(iter(picks(option).values())) for option in offered.options] if picked is None else picked
    try:
        seen = preview(resolver, request, offered)
        found = shown(resolver, request, selection(offered, chosen), request.at)
    except Unusable:
        seen, found = None, {}
    return Card(
        number,
        profile.slug,
        profile.display_name,
        described(profile.description),
        tuple(found.values()),
        tuple(_options(offered, chosen)),
        _data(offered, seen) if seen is not None and offered.options else None,
        picked is not None,
        "" if seen is not None else BROKEN,
    )


def _options(offered: Offered, chosen: Sequence[Picked]) -> Iterator[ShownOption]:
    for one, picked in zip(offered.options, chosen, strict=True):
        option = one.option
        typed = "" if isinstance(picked, Choice) else picked.value
        choices = [
            ShownChoice(c.slug, c.display_name, described(c.description), c is picked) for c in one.choices
        ]
        description = picked.description if isinstance(picked, Choice) else picked.other.description
        yield ShownOption(
            option.slug,
            f"profile-option-{offered.profile.slug}--{option.slug}",
            option.display_name,
            tuple(choices),
            described(description),
            one.other,
            typed,
        )


def _data(offered: Offered, seen: Preview) -> dict[str, Any]:
    """What the page's script needs to show what choices change. Figures are lists, as `Figure` has their parts."""
    return {
        "order": seen.order(),
        "base": {key: _plain(figure) for key, figure in seen.base.items()},
        "alone": {
            option: {name: _changes(changes) for name, changes in found.items() if changes}
            for option, found in seen.alone.items()
        },
        "together": [[names, _changes(changes)] for names, changes in seen.together],
        "exact": seen.exact,
        "texts": {one.option.slug: _texts(one) for one in offered.options},
        "images": [one.option.slug for one in offered.options if _types_image(one)],
    }


def _types_image(one: OfferedOption) -> bool:
    """Whether what is typed is an image."""
    return one.other is not None and bool(one.other.images)


def _texts(one: OfferedOption) -> dict[str, str]:
    """The descriptions of choices, as HTML."""
    found = {choice.slug: described(choice.description) for choice in one.choices}
    if one.other is not None:
        found.setdefault(TYPED, described(one.other.description))
    return {slug: str(html) for slug, html in found.items() if html}


def _changes(changes: Any) -> dict[str, Any]:
    return {key: None if figure is None else _plain(figure) for key, figure in changes.items()}


def _plain(figure: Figure) -> list[Any]:
    return list(astuple(figure))[1:]
