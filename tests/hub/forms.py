"""The spawn page's form in tests: rendered by the real spawner, read as a browser reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

from .support import config_of, spawner_for

POLICY = """
defaults:
  image: quay.io/jupyter/scipy-notebook:2026-11-02
  extraEnv: {TOKEN: unseen-1}
  memory: {limit: 2G}
  atMost: {memory: 8G}
groups:
  staff: {atMost: {memory: 64G}, extraEnv: {STAFF_TOKEN: unseen-2}, note: unseen-3}
profiles:
  small: {displayName: Small}
  large:
    displayName: Large
    description: For **more**.
    default: true
    extraEnv: {A: unseen-4}
    options:
      size:
        displayName: Memory
        choices:
          m: {displayName: 8 GB, memory: {limit: 8G}, description: Enough.}
          l: {displayName: 16 GB, memory: {limit: 16G}, description: unseen-5}
          s: {displayName: 4 GB, default: true, memory: {limit: 4G}, fsGid: 471100}
      image:
        displayName: Image
        choices:
          scipy: {displayName: SciPy}
          r: {displayName: R, image: "quay.io/jupyter/r-notebook:1"}
        other: {displayName: Another, images: ["quay.io/jupyter/*"], message: Type an image.}
  unseen-profile: {displayName: unseen-6, allow: {groups: [staff]}, image: "unseen-7:1"}
"""


class Page:
    """What stands in a form."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.soup = BeautifulSoup(html, "html.parser")

    @property
    def cards(self) -> dict[str, Tag]:
        """The cards by the slug of their profile."""
        return {str(radio(card)["value"]): card for card in self.soup.select(".env-card")}

    @property
    def checked(self) -> list[str]:
        return [slug for slug, card in self.cards.items() if radio(card).has_attr("checked")]

    @property
    def alerts(self) -> list[str]:
        return [one.text.strip() for one in self.soup.select('[role="alert"]')]

    def figures(self, slug: str) -> dict[str, str]:
        """What a card shows, by its label."""
        return {
            one.dt.text: one.dd.text
            for one in self.cards[slug].select(".env-figures > div")
            if one.dt is not None and one.dd is not None
        }

    def selected(self, slug: str) -> dict[str, str]:
        """What is selected in a card, by the name of the field."""
        found = {}
        for select in self.cards[slug].select("select"):
            option = select.select_one("option[selected]") or select.select_one("option")
            assert option is not None
            found[str(select["name"])] = str(option["value"])
        return found

    def data(self, slug: str) -> Any:
        """What the page's script is told of a card."""
        script = self.cards[slug].find("script")
        return None if not isinstance(script, Tag) else json.loads(script.text)


def radio(card: Tag) -> Tag:
    """What picks a card."""
    found = card.find("input", {"type": "radio"})
    assert isinstance(found, Tag)
    return found


async def form(
    tmp_path: Path,
    policy: str | None,
    user: str = "ada",
    groups: Iterable[str] = (),
    *,
    configure: Any = None,
    options: Any = None,
    **how: Any,
) -> Page:
    """What JupyterHub would show. options: what was saved at the last start."""
    with spawner_for(config_of(tmp_path, policy, configure), user, groups, options=options, **how) as spawner:
        return Page(await spawner.get_options_form())
