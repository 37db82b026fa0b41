"""The form of the spawn page: what this person may choose, and what they would get."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from ..policy.rules import Choice
from ..resolve.access import Offered, Refusal, Selection
from ..resolve.preview import Picked, picks
from ..resolve.request import SpawnRequest
from ..resolve.resolver import Resolver
from . import kubespawner_form
from .card import Card
from .cards import cards_of, key_of

MANY: Final = 8
"""With more profiles than this the cards are small, and can be searched."""
_AT_ONCE: Final = 20  # cards made before others get their turn in the hub
_GONE: Final = "What you chose last time is no longer offered, so the default is selected."


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is selected when the page opens. saved: the same as user options. notice: what the
    person should know about it. refusal: why nothing can be started without a choice.
    """

    selection: Selection | None
    saved: Any
    notice: str = ""
    refusal: str = ""


async def render(spawner: Any) -> str:
    """The form of a spawner: HTML, or "" where there is nothing to choose, so that JupyterHub starts right away."""
    if not spawner.active:
        spawner.forget_start()
    now = await spawner._policy_now()
    if now is None or not now.resolver.policy.profiles:
        return ""
    request = await spawner.request(with_secrets=False)
    resolver: Resolver = now.resolver
    menu = resolver.menu(request)
    chosen = _chosen(resolver, request, spawner.user_options)
    template = kubespawner_form.own_template(
        spawner.additional_profile_form_template_paths, spawner.profile_form_template
    )
    if template is not None:
        return kubespawner_form.render(template, menu, chosen.saved)
    if not menu:
        return _page([], chosen.refusal, "danger")
    if len(menu) == 1 and not menu[0].options:
        return ""
    return _page(await _rendered(resolver, request, menu, chosen.selection), chosen.notice, "warning")


def _chosen(resolver: Resolver, request: SpawnRequest, saved: Any) -> _Chosen:
    """What was chosen last, where that still holds; else what is taken where nothing is chosen, if anything is."""
    notice = ""
    if saved:
        try:
            return _Chosen(resolver.select(request, saved), saved)
        except Refusal:
            notice = _GONE
    try:
        return _Chosen(resolver.select(request, {}), {}, notice)
    except Refusal as refusal:
        return _Chosen(None, {}, notice, refusal.message)


async def _rendered(
    resolver: Resolver, request: SpawnRequest, menu: Sequence[Offered], chosen: Selection | None
) -> list[Markup]:
    """The cards, each of them known already where nobody has chosen anything in it."""
    cards = cards_of(resolver)
    kept = cards.kept(cards.basis(request))
    found: list[Markup] = []
    made = 0
    for offered in menu:
        picked = _picked(offered, chosen) if _is_chosen(offered, chosen) else None
        key = key_of(offered, picked)
        html = kept.get(key)
        if html is None:
            html = _card(cards.card(request, offered, picked))
            made += 1
            if made % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if picked is None or all(isinstance(one, Choice) for one in picked):  # nobody else types the same
                kept[key] = html
        found.append(html)
    return found


def _is_chosen(offered: Offered, chosen: Selection | None) -> bool:
    if chosen is None or chosen.profile is None:
        return offered.default
    return offered.profile.slug == chosen.slug


def _picked(offered: Offered, chosen: Selection | None) -> list[Picked]:
    """What is picked in each option."""
    if chosen is None:
        return [next(iter(picks(option).values())) for option in offered.options]
    return [picked for _, picked in chosen.choices]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("envspawner.hub", "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    for name in ("form.css", "form.js"):
        text = (files("envspawner.hub") / "templates" / name).read_text(encoding="utf-8")
        environment.globals[name.replace(".", "_")] = Markup(text)
    return environment


@lru_cache(maxsize=1)
def _card_template() -> Any:
    return _templates().get_template("card.html")


def _card(card: Card) -> Markup:
    return Markup(_card_template().render(card=card))


def _page(cards: Sequence[Markup], notice: str, level: str) -> str:
    template = _templates().get_template("form.html")
    return template.render(cards=cards, notice=notice, level=level, many=len(cards) > MANY)
