"""Saves pictures of the spawn page: `python docs/screenshots_page.py`, with Chromium and the test extra installed."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import GROUPS, log_in, policy  # noqa: E402 - the tests' hub, from the repository
from tests.browser.hub import running_hub  # noqa: E402

DESK = {"width": 1000, "height": 1090}
PHONE = {"width": 360, "height": 740}


async def spawn_page(browser: Browser, url: str, folder: Path) -> None:
    """Saves pictures of the spawn page of a hub with the policy of `tests/browser/policy.yaml`."""
    for name, user, theme, size in (
        ("spawn-page", "ada", "light", DESK),
        ("spawn-page-dark", "ada", "dark", DESK),
        ("spawn-page-phone", "ada", "light", PHONE),
        ("spawn-page-many", "many", "light", DESK),
    ):
        context = await browser.new_context(color_scheme=theme, viewport=size, device_scale_factor=2)
        page = await context.new_page()
        await log_in(page, url, user)
        await (_choose(page) if user == "ada" else _search(page))
        await page.screenshot(path=folder / f"{name}.png", animations="disabled")
        await context.close()


async def _choose(page: Page) -> None:
    await page.get_by_role("radio", name="Large", exact=True).check()
    await page.get_by_label("Memory", exact=True).select_option("16 GB")


async def _search(page: Page) -> None:
    await page.get_by_role("searchbox").fill("lecture 7")


async def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with running_hub(Path(scratch), policy(), GROUPS) as hub, async_playwright() as playwright:
            path = shutil.which("chromium")
            browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            await spawn_page(browser, hub.url, folder)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(ROOT / "docs" / "images"))
