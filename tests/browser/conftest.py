"""A hub and a browser, started once for all tests of the page."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from .hub import Hub, running_hub

GROUPS = {
    "people": ["ada", "ben", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "joe", "kim", "lea", "mia"],
    "lone": ["lone", "lone2", "lone3"],
    "only": ["only"],
    "unlucky": ["unlucky"],
    "many": ["many"],
}
MANY = 100
Visit = Callable[..., Awaitable[Page]]


def policy() -> str:
    """The policy of the pictures, and a hundred profiles for somebody."""
    courses = (
        f"  course{number}: {{displayName: Course {number}, description: 'For lecture {number}.', "
        f"memory: {{limit: {number % 8 + 2}G}}, allow: {{groups: [many]}}}}"
        for number in range(MANY)
    )
    return (Path(__file__).parent / "policy.yaml").read_text(encoding="utf-8") + "\n".join(courses)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path_factory.mktemp("hub"), policy(), GROUPS) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    assert path, "there is no chromium: install the package of that name"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, hub: Hub) -> AsyncIterator[Visit]:
    """`await visit(user)` is the spawn page of a user, who has logged in; what the page complains of is an error."""
    complaints: list[str] = []
    async with AsyncExitStack() as stack:

        async def do(user: str, **how: Any) -> Page:
            context = await chromium.new_context(**{"viewport": {"width": 1100, "height": 900}, **how})
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await log_in(page, hub.url, user)
            return page

        yield do
    assert complaints == []


async def log_in(page: Page, url: str, user: str) -> None:
    """Logs somebody in and goes on to the spawn page."""
    await page.goto(f"{url}/hub/login?next=/hub/spawn")
    await page.fill("#username_input", user)
    await page.fill("#password_input", "x")
    await page.click("#login_submit")
    await page.wait_for_url(lambda at: "/hub/login" not in at)
