"""The spawn page is readable for everybody: in both themes, on a phone, with a screen reader."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from .conftest import Visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("browser"),
]

OURS = {"include": [["#spawn_form"]], "exclude": [[".btn-jupyter"]]}
"""The form; the page around it, and the colours of its button, are JupyterHub's."""
PHONE = {"viewport": {"width": 360, "height": 740}}
DARK = {"color_scheme": "dark"}


async def violations(page: Page) -> list[Any]:
    """What axe-core finds wrong with the form."""
    found = await Axe().run(page, context=OURS)
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]]


@pytest.mark.parametrize("how", [{}, DARK, PHONE], ids=["light", "dark", "phone"])
async def test_axe_finds_nothing_wrong(visit: Visit, how: dict[str, Any]) -> None:
    page = await visit("kim", **how)
    assert await violations(page) == []
    await page.get_by_role("radio", name="Large", exact=True).check()
    await page.get_by_label("Image", exact=True).select_option("Another image")
    assert await violations(page) == []


@pytest.mark.parametrize("user", ["many", "lone", "nobody"])
async def test_axe_finds_nothing_wrong_with_many_profiles_one_or_none(visit: Visit, user: str) -> None:
    assert await violations(await visit(user)) == []


async def test_a_screen_reader_hears_what_a_card_shows(visit: Visit) -> None:
    page = await visit("lea")
    await expect(page.get_by_role("group", name="Server profile")).to_be_visible()
    gpu = page.get_by_role("radio", name="GPU", exact=True)
    await expect(gpu).to_have_accessible_description(
        "One T4, for training models. Image pytorch-notebook:cuda12-2026-11-02 Memory 4\N{EN DASH}8 GB "
        "CPU 0.5\N{EN DASH}2 cores GPU 1 \N{MULTIPLICATION SIGN} NVIDIA Home Files are lost when the server stops "
        "Starter files Copied in at each start"
    )
    await page.get_by_role("radio", name="Large", exact=True).check()
    await expect(page.get_by_role("group", name="Options of Large")).to_be_visible()
    await page.get_by_label("Memory", exact=True).select_option("4 GB")
    await expect(page.get_by_label("Memory", exact=True)).to_have_accessible_description("Starts fastest.")
    await expect(page.get_by_role("status")).to_have_text("Memory: 2\N{EN DASH}4 GB")


async def test_the_page_follows_the_theme_of_jupyterhub(visit: Visit) -> None:
    page = await visit("lea", **DARK)
    dark = await colours(page)
    await page.get_by_role("button", name="Toggle dark mode").click()
    light = await colours(page)
    assert dark[0] != light[0]
    assert dark[1] != light[1]


async def colours(page: Page) -> list[str]:
    """The colours of a card and of the text on it, once they have changed."""
    found: list[str] = await page.locator(".env-card").last.evaluate(
        """async (card) => {
          await Promise.all(card.getAnimations().map((one) => one.finished));
          return ["backgroundColor", "color"].map((name) => getComputedStyle(card)[name]);
        }"""
    )
    return found


@pytest.mark.parametrize("user", ["mia", "many", "lone"])
async def test_nothing_is_wider_than_a_phone(visit: Visit, user: str) -> None:
    page = await visit(user, **PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    outside = await page.locator(".env-card *:visible, .env-card:visible").evaluate_all(
        """(all) => all.filter((one) => {
          const { left, right } = one.getBoundingClientRect();
          return left < 0 || right > 360;
        }).map((one) => one.outerHTML)"""
    )
    assert outside == []


async def test_the_page_loads_nothing_from_elsewhere(visit: Visit, hub: Any) -> None:
    page = await visit("mia")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    await page.reload()
    assert loaded
    assert not [url for url in loaded if not url.startswith((hub.url, "data:"))]
