"""The form of jupyterhub-fancy-profiles, which replaces ours, shows and sends what this person may choose."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from .conftest import Visit
from .hub import Hub, running_hub

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("fancy-profiles"),
]

POLICY = """
defaults: {image: "quay.io/jupyter/scipy-notebook:1", extraEnv: {TOKEN: unseen-1}, atMost: {memory: 8G}}
profiles:
  small: {displayName: Small, description: For **reading**., memory: {limit: 1G}}
  large:
    displayName: Large
    extraEnv: {TOKEN: unseen-2}
    options:
      size:
        displayName: Memory
        choices:
          s: {displayName: 2 GB, memory: {limit: 2G}}
          m: {displayName: 4 GB, memory: {limit: 4G}}
          l: {displayName: unseen-3, memory: {limit: 64G}}
      image:
        displayName: Image
        choices:
          scipy: {displayName: SciPy}
        other: {displayName: Another image, images: ["quay.io/jupyter/*"]}
  unseen-4: {allow: {groups: [nobody]}}
"""
FANCY = """
import jupyterhub_fancy_profiles

jupyterhub_fancy_profiles.setup_ui(c)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path_factory.mktemp("fancy"), POLICY, {}, FANCY) as running:
        yield running


async def test_it_offers_what_is_offered_and_a_start_gets_what_was_chosen(visit: Visit, hub: Hub) -> None:
    page = await visit("ada")
    assert "unseen" not in await page.content()
    await expect(page.get_by_text("For **reading**.")).to_be_visible()  # it shows descriptions as text
    await page.get_by_label("Large").check()
    await page.get_by_label("Memory").first.click()
    await page.get_by_text("4 GB").click()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/hub/spawn-pending/**")
    notebook = (await hub.pod_of("ada"))["spec"]["containers"][0]
    assert notebook["resources"]["limits"]["memory"] == 4 * 2**30
    assert notebook["image"] == "quay.io/jupyter/scipy-notebook:1"


async def test_what_is_typed_into_it_is_checked_and_given(visit: Visit, hub: Hub) -> None:
    page = await visit("ben")
    await page.get_by_label("Large").check()
    for image in ("evil.example/x:1", "quay.io/jupyter/r-notebook:2"):
        await page.get_by_label("Large").check()
        await page.get_by_label("Image", exact=True).click()
        await page.get_by_text("Another image").click()
        await page.locator('input[name="profile-option-large--image--unlisted-choice"]').fill(image)
        await page.get_by_role("button", name="Start").click()
        if image.startswith("evil"):
            await expect(page.locator(".spawn-error-msg")).to_contain_text("not one that you may use")
    await page.wait_for_url("**/hub/spawn-pending/**")
    notebook = (await hub.pod_of("ben"))["spec"]["containers"][0]
    assert notebook["image"] == "quay.io/jupyter/r-notebook:2"
