"""Saves pictures of a demo: `python docs/screenshots_demo.py`, with Chromium, Playwright and the demo extra installed.

It prints how long it took from the click to a JupyterLab that can be used.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.demo.running import Demo, demo_in  # noqa: E402 - the tests' demo, from the repository

DESK = {"width": 1100, "height": 720}
PATIENCE = 60_000  # milliseconds


async def walk(page: Page, demo: Demo, folder: Path) -> None:
    """From the login page to a notebook that has run."""
    await page.goto(demo.link)
    await page.screenshot(path=folder / "demo-login.png", animations="disabled")
    await page.get_by_role("button", name="grace").click()
    await page.get_by_text("Large", exact=True).first.click()
    await page.screenshot(path=folder / "demo-spawn.png", animations="disabled")
    clicked = time.monotonic()
    await page.get_by_role("button", name="Start").click()
    notebook = page.get_by_role("listitem", name="first-steps.ipynb")
    await expect(notebook).to_be_visible(timeout=PATIENCE)
    print(f"from the click to JupyterLab: {time.monotonic() - clicked:.1f} s")
    await run_notebook(page)
    await page.screenshot(path=folder / "demo-lab.png", animations="disabled")


async def run_notebook(page: Page) -> None:
    """Every cell of the starter notebook."""
    news = page.get_by_role("button", name="No", exact=True)
    await expect(news).to_be_visible(timeout=PATIENCE)
    await news.click()  # to the question about Jupyter's news
    await page.get_by_role("listitem", name="first-steps.ipynb").dblclick()
    await expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    await expect(page.get_by_text("Hello grace")).to_be_visible(timeout=PATIENCE)


async def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, demo_in(Path(scratch) / "demo") as demo:
        print(demo.output)
        async with async_playwright() as playwright:
            path = shutil.which("chromium")
            browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = await browser.new_page(viewport=DESK, device_scale_factor=2)
            await walk(page, demo, folder)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(ROOT / "docs" / "images"))
