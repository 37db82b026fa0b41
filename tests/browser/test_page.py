"""The spawn page in a browser, in front of the real hub: people see what they will get, and get what they saw."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import MANY, Visit
from .hub import Hub

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("browser"),
]


def card(page: Page, name: str) -> Any:
    """The card of a profile."""
    return page.locator(".env-card", has=page.get_by_role("radio", name=name, exact=True))


def figures(page: Page, name: str) -> Any:
    return card(page, name).locator(".env-figures")


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.wait_for_url("**/hub/spawn-pending/**")


async def test_a_person_chooses_sees_figures_change_and_gets_what_was_shown(visit: Visit, hub: Hub) -> None:
    page = await visit("ada")
    await expect(page.get_by_role("radio", name="Small", exact=True)).to_be_checked()
    await page.get_by_role("radio", name="Large", exact=True).check()
    await expect(figures(page, "Large")).to_contain_text("2\N{EN DASH}8 GB")
    await page.get_by_label("Memory", exact=True).select_option("16 GB")
    await page.get_by_label("Image", exact=True).select_option("R")
    await expect(figures(page, "Large")).to_contain_text("8\N{EN DASH}16 GB")
    await expect(figures(page, "Large")).to_contain_text("r-notebook:2026-11-02")
    await expect(page.get_by_text("May have to wait for room.")).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("Image: r-notebook:2026-11-02")
    await start(page)
    notebook = (await hub.pod_of("ada"))["spec"]["containers"][0]
    assert notebook["image"] == "quay.io/jupyter/r-notebook:2026-11-02"
    assert notebook["resources"]["limits"]["memory"] == 16 * 2**30


async def test_the_progress_page_says_first_what_is_being_started(visit: Visit, hub: Hub) -> None:
    page = await visit("ben")
    await page.get_by_role("radio", name="GPU", exact=True).check()
    await start(page)
    lines = page.locator(".progress-log-event")
    await expect(lines.nth(2)).to_be_attached()
    jupyterhubs, what, *more = await lines.all_text_contents()
    assert jupyterhubs == "Server requested"
    assert what == (
        "Starting GPU: pytorch-notebook:cuda12-2026-11-02, memory 4\N{EN DASH}8 GB, CPU 0.5\N{EN DASH}2 cores, "
        "GPU 1 \N{MULTIPLICATION SIGN} NVIDIA."
    )
    assert more[0] == "There is no home: files are lost when the server stops."


async def test_only_the_chosen_profile_is_sent_and_either_a_choice_or_a_text(visit: Visit) -> None:
    page = await visit("cat")
    async with page.expect_request("**/hub/spawn*") as sent:
        await page.get_by_role("radio", name="Large", exact=True).check()
        await page.get_by_label("Image", exact=True).select_option("Another image")
        await page.get_by_role("textbox", name="Another image").fill("quay.io/jupyter/julia-notebook:1")
        await expect(figures(page, "Large")).to_contain_text("julia-notebook:1")
        await page.get_by_role("button", name="Start", exact=True).click()
    body = (await sent.value).post_data or ""
    names = sorted(line.split('"')[1] for line in body.splitlines() if line.startswith("Content-Disposition"))
    assert names == [
        "profile",
        "profile-option-large--cores",
        "profile-option-large--image--unlisted-choice",
        "profile-option-large--size",
    ]


async def test_a_text_is_asked_for_only_where_it_is_chosen(visit: Visit) -> None:
    page = await visit("dan")
    await page.get_by_role("radio", name="Large", exact=True).check()
    text = page.get_by_role("textbox", name="Another image")
    await expect(text).to_be_hidden()
    await page.get_by_label("Image", exact=True).select_option("Another image")
    await expect(text).to_be_visible()
    await expect(figures(page, "Large")).to_contain_text("Depends on what you type")
    await page.get_by_role("button", name="Start", exact=True).click()
    assert await text.evaluate("field => field.validity.valueMissing")
    await page.get_by_role("radio", name="Small", exact=True).check()
    await start(page)


async def test_a_refusal_comes_back_to_the_page_with_its_sentence(visit: Visit) -> None:
    page = await visit("eve")
    await page.get_by_role("radio", name="Large", exact=True).check()
    await page.get_by_label("Image", exact=True).select_option("Another image")
    await page.get_by_role("textbox", name="Another image").fill("evil.example/x:1")
    async with page.expect_response("**/hub/spawn*") as answer:
        await page.get_by_role("button", name="Start", exact=True).click()
    assert (await answer.value).status == 400
    refusal = "This image is not one that you may use. If you need it, ask the people who run this hub."
    await expect(page.locator(".spawn-error-msg")).to_contain_text(refusal)
    await expect(page.get_by_role("radio", name="Small", exact=True)).to_be_checked()
    await start(page)


async def test_the_last_choice_is_selected_at_the_next_visit(visit: Visit, hub: Hub) -> None:
    page = await visit("fay")
    await page.get_by_role("radio", name="Large", exact=True).check()
    await page.get_by_label("CPU", exact=True).select_option("Eight cores")
    await start(page)
    await hub.fails("fay")
    await expect(page.get_by_text("Spawn failed").first).to_be_attached()
    await page.goto(f"{hub.url}/hub/spawn")
    await expect(page.get_by_role("radio", name="Large", exact=True)).to_be_checked()
    await expect(page.get_by_label("CPU", exact=True)).to_have_value("eight")
    await expect(figures(page, "Large")).to_contain_text("4\N{EN DASH}8 cores")


async def test_everything_can_be_done_by_keyboard(visit: Visit, hub: Hub) -> None:
    page = await visit("gus")
    small = page.get_by_role("radio", name="Small", exact=True)
    for _ in range(20):
        if await small.evaluate("one => one === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name="Large", exact=True)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Memory", exact=True)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(figures(page, "Large")).to_contain_text("8\N{EN DASH}16 GB")
    for _ in range(3):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/hub/spawn-pending/**")
    resources = (await hub.pod_of("gus"))["spec"]["containers"][0]["resources"]
    assert resources["limits"]["memory"] == 16 * 2**30


async def test_without_javascript_defaults_are_shown_and_a_start_works(visit: Visit, hub: Hub) -> None:
    page = await visit("hal", java_script_enabled=False)
    await expect(figures(page, "Large")).to_contain_text("2\N{EN DASH}8 GB")
    await expect(page.get_by_label("Memory", exact=True)).to_be_hidden()
    await page.get_by_role("radio", name="Large", exact=True).check()
    await page.get_by_label("Memory", exact=True).select_option("4 GB")
    await page.get_by_role("textbox", name="Another image").fill("quay.io/jupyter/julia-notebook:1")
    await start(page)
    notebook = (await hub.pod_of("hal"))["spec"]["containers"][0]
    assert notebook["image"] == "quay.io/jupyter/julia-notebook:1"
    assert notebook["resources"]["limits"]["memory"] == 4 * 2**30


async def test_a_click_anywhere_on_a_card_selects_it(visit: Visit) -> None:
    page = await visit("ida")
    await card(page, "GPU").get_by_text("1 \N{MULTIPLICATION SIGN} NVIDIA").click()
    await expect(page.get_by_role("radio", name="GPU", exact=True)).to_be_checked()
    await card(page, "Large").get_by_text("For data").click(force=True)  # a label lies above
    await expect(page.get_by_role("radio", name="Large", exact=True)).to_be_checked()


async def test_one_profile_shows_its_options_and_nothing_to_pick_among(visit: Visit) -> None:
    page = await visit("lone")
    await expect(page.get_by_role("radio")).to_have_count(0)
    await page.get_by_label("Version", exact=True).select_option("Last term")
    await expect(page.locator(".env-figures")).to_contain_text("scipy-notebook:2026-05-04")
    await start(page)


async def test_choices_of_one_thing_are_shown_as_what_they_make_together(visit: Visit, hub: Hub) -> None:
    page = await visit("lone2")
    await page.get_by_label("Memory", exact=True).select_option("8 GB")
    await expect(page.locator(".env-figures")).to_contain_text("1\N{EN DASH}8 GB")
    await page.get_by_label("Guaranteed", exact=True).select_option("All of it")
    await expect(page.get_by_role("status")).to_have_text("Memory: 8 GB")
    await start(page)
    resources = (await hub.pod_of("lone2"))["spec"]["containers"][0]["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == 8 * 2**30


async def test_a_choice_that_is_called_like_a_part_of_javascript_is_a_choice(visit: Visit) -> None:
    page = await visit("lone3")
    choice = page.get_by_label("Guaranteed", exact=True)
    assert await choice.input_value() == "constructor"
    assert await page.locator(".env-option .env-hint").all_inner_texts() == ["", "", ""]


async def test_one_profile_without_options_starts_right_away(visit: Visit, hub: Hub) -> None:
    page = await visit("only")
    await page.wait_for_url("**/hub/spawn-pending/**")
    annotations = (await hub.pod_of("only"))["metadata"]["annotations"]
    assert annotations["hub.jupyter.org/envspawner-profile"] == "only"


async def test_a_start_without_a_form_that_is_refused_says_why(visit: Visit) -> None:
    page = await visit("unlucky")
    await expect(page.locator("body")).to_contain_text("Your server cannot be made as the rules for you say.")


async def test_somebody_for_whom_there_is_nothing_is_told_so_and_has_no_button(visit: Visit) -> None:
    page = await visit("nobody")
    await expect(page.get_by_role("alert")).to_have_text(
        "There is no server profile that you may use. Ask the people who run this hub."
    )
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_hidden()


async def test_a_hundred_profiles_can_be_searched(visit: Visit, hub: Hub) -> None:
    page = await visit("many")
    visible = page.locator(".env-card:visible")
    await expect(visible).to_have_count(MANY)
    await page.get_by_role("searchbox", name="Search profiles").fill("lecture 77")
    await expect(visible).to_have_count(2)  # what was found, and what is selected
    await expect(page.get_by_role("status")).to_have_text(f"1 of {MANY} profiles")
    await page.keyboard.press("Enter")
    await page.get_by_role("radio", name="Course 77", exact=True).check()
    await expect(figures(page, "Course 77")).to_contain_text("1\N{EN DASH}7 GB")
    await start(page)
    annotations = (await hub.pod_of("many"))["metadata"]["annotations"]
    assert annotations["hub.jupyter.org/envspawner-profile"] == "course77"
