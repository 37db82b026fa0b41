"""The form of the spawn page shows people what they may choose and what they would get, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envspawner.hub.card import BROKEN

from .forms import POLICY, form
from .support import config_of, spawner_for


async def test_each_profile_is_a_card_with_what_this_person_would_get(tmp_path: Path) -> None:
    page = await form(tmp_path, POLICY)
    assert list(page.cards) == ["small", "large"]
    assert page.checked == ["large"]
    assert page.figures("small") == {
        "Image": "scipy-notebook:2026-11-02",
        "Memory": "1\N{EN DASH}2 GB",
        "Home": "10 GB",
    }
    assert page.figures("large")["Memory"] == "1\N{EN DASH}4 GB"


async def test_fields_are_called_as_kubespawners_form_calls_them(tmp_path: Path) -> None:
    page = await form(tmp_path, POLICY)
    assert page.selected("large") == {
        "profile-option-large--size": "s",
        "profile-option-large--image": "scipy",
    }
    names = {str(field["name"]) for field in page.soup.select("[name]")}
    assert names == {
        "profile",
        "profile-option-large--size",
        "profile-option-large--image",
        "profile-option-large--image--unlisted-choice",
    }


async def test_what_the_form_sends_is_what_a_start_gets(tmp_path: Path) -> None:
    page = await form(tmp_path, POLICY)
    sent = {"profile": ["large"]} | {name: [slug] for name, slug in page.selected("large").items()}
    with spawner_for(config_of(tmp_path, POLICY)) as spawner:
        spawner.user_options = spawner.run_options_from_form(sent)
        assert spawner.user_options == {"profile": "large", "size": "s", "image": "scipy"}
        await spawner.load_user_options()
        assert spawner.mem_limit == 4 * 2**30


async def test_the_script_is_told_what_each_choice_changes(tmp_path: Path) -> None:
    data = (await form(tmp_path, POLICY)).data("large")
    assert data["alone"]["size"]["m"]["memory"][:2] == ["Memory", "1\N{EN DASH}8 GB"]
    assert data["alone"]["image"]["r"]["image"][:3] == [
        "Image",
        "r-notebook:1",
        "quay.io/jupyter/r-notebook:1",
    ]
    assert data["texts"] == {"size": {"m": "Enough."}, "image": {}}
    assert data["images"] == ["image"]
    assert data["exact"]


async def test_what_a_person_may_not_use_is_not_in_the_page_at_all(tmp_path: Path) -> None:
    html = (await form(tmp_path, POLICY)).html
    assert "unseen" not in html
    assert "471100" not in html
    staff = (await form(tmp_path, POLICY, groups=["staff"])).html
    assert "unseen-5" in staff
    assert "unseen-6" in staff
    assert not [number for number in "1234" if f"unseen-{number}" in staff]


SAVED: dict[str, tuple[dict[str, str], str, dict[str, str]]] = {
    "nothing": ({}, "large", {"size": "s", "image": "scipy"}),
    "a profile": ({"profile": "small"}, "small", {}),
    "choices": ({"profile": "large", "size": "m", "image": "r"}, "large", {"size": "m", "image": "r"}),
    "a text": (
        {"profile": "large", "image--unlisted-choice": "quay.io/jupyter/x:1"},
        "large",
        {"size": "s", "image": "unlisted-choice"},
    ),
}


@pytest.mark.parametrize(("saved", "slug", "choices"), SAVED.values(), ids=SAVED)
async def test_the_last_valid_choice_is_selected(
    tmp_path: Path, saved: dict[str, str], slug: str, choices: dict[str, str]
) -> None:
    page = await form(tmp_path, POLICY, options=saved)
    assert page.checked == [slug]
    assert page.selected(slug) == {
        f"profile-option-large--{name}": choice for name, choice in choices.items()
    }
    assert page.alerts == []


async def test_the_figures_of_the_last_choice_are_shown_without_a_script(tmp_path: Path) -> None:
    page = await form(
        tmp_path,
        POLICY,
        options={"profile": "large", "size": "m", "image--unlisted-choice": "quay.io/jupyter/x:1"},
    )
    assert page.figures("large")["Memory"] == "1\N{EN DASH}8 GB"
    assert page.figures("large")["Image"] == "x:1"
    typed = page.soup.select_one("input[type=text]")
    assert typed is not None
    assert typed["value"] == "quay.io/jupyter/x:1"


@pytest.mark.parametrize(
    "saved", [{"profile": "gone"}, {"profile": "unseen-profile"}, {"profile": "large", "size": "l"}]
)
async def test_a_saved_choice_that_is_no_longer_valid_is_said_so(
    tmp_path: Path, saved: dict[str, str]
) -> None:
    page = await form(tmp_path, POLICY, options=saved)
    assert page.alerts == ["What you chose last time is no longer offered, so the default is selected."]
    assert page.checked == ["large"]
    assert page.selected("large")["profile-option-large--size"] == "s"


async def test_an_option_that_must_be_typed_waits_for_its_text(tmp_path: Path) -> None:
    policy = "profiles: {a: {options: {image: {other: {displayName: Image, images: ['quay.io/*']}}}}}"
    page = await form(tmp_path, policy)
    assert page.selected("a") == {"profile-option-a--image": "unlisted-choice"}
    assert page.figures("a")["Image"] == "Depends on what you type"
    assert page.alerts == []


async def test_one_profile_without_options_starts_without_a_form(tmp_path: Path) -> None:
    assert (await form(tmp_path, "profiles: {a: {}, b: {allow: {users: [ben]}}}")).html == ""


async def test_one_profile_with_options_shows_them(tmp_path: Path) -> None:
    page = await form(tmp_path, "profiles: {a: {options: {o: {choices: {x: {}, y: {}}}}}}")
    assert page.checked == ["a"]
    assert page.soup.select(".env-only select")


@pytest.mark.parametrize(
    "policy", [None, "defaults: {memory: {limit: 1G}}"], ids=["no policy", "no profiles"]
)
async def test_without_profiles_there_is_no_form(tmp_path: Path, policy: str | None) -> None:
    with spawner_for(config_of(tmp_path, policy)) as spawner:
        assert await spawner.get_options_form() == ""


async def test_an_admins_own_form_stays(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.Spawner.options_form = "<p>mine</p>"

    assert (await form(tmp_path, POLICY, configure=configure)).html == "<p>mine</p>"


async def test_somebody_for_whom_there_is_nothing_is_told_so(tmp_path: Path) -> None:
    page = await form(tmp_path, "profiles: {a: {allow: {users: [ben]}}}")
    assert page.alerts == ["There is no server profile that you may use. Ask the people who run this hub."]
    assert page.cards == {}


async def test_a_profile_that_cannot_be_made_for_somebody_says_so_and_spares_the_others(
    tmp_path: Path,
) -> None:
    policy = """
    profiles:
      good: {}
      bad: {storage: {type: static}, options: {o: {choices: {x: {}}}}}
    """
    page = await form(tmp_path, policy)
    assert BROKEN in page.cards["bad"].text
    assert page.figures("bad") == {}
    assert page.data("bad") is None
    assert "Home" in page.figures("good")


async def test_many_profiles_can_be_searched_and_few_need_not_be(tmp_path: Path) -> None:
    for count, searched in ((8, False), (9, True), (100, True)):
        profiles = ", ".join(f"p{number}: {{}}" for number in range(count))
        page = await form(tmp_path, f"profiles: {{{profiles}}}")
        assert len(page.cards) == count
        assert bool(page.soup.select("#env-search")) == searched


async def test_a_profile_list_gets_the_same_page(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.image = "a/b:1"
        c.KubeSpawner.profile_list = [
            {"display_name": "One", "kubespawner_override": {"mem_limit": "2G"}},
            {
                "display_name": "Two",
                "default": True,
                "profile_options": {
                    "i": {
                        "display_name": "I",
                        "choices": {"x": {"display_name": "X"}, "y": {"display_name": "Y"}},
                    }
                },
            },
        ]

    page = await form(tmp_path, None, configure=configure)
    assert page.checked == ["two"]
    assert page.figures("one") == {
        "Image": "b:1",
        "Memory": "up to 2 GB",
        "Home": "Files are lost when the server stops",
    }


async def test_a_callable_profile_list_is_asked_for_each_person(tmp_path: Path) -> None:
    async def listed(spawner: Any) -> list[dict[str, Any]]:
        return [{"display_name": f"For {spawner.user.name}"}, {"display_name": "B"}]

    def configure(c: Any) -> None:
        c.KubeSpawner.profile_list = listed

    page = await form(tmp_path, None, configure=configure)
    assert list(page.cards) == ["for-ada", "b"]


async def test_a_callable_profile_list_that_gives_nothing_means_no_form(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.profile_list = lambda spawner: []

    assert (await form(tmp_path, None, configure=configure)).html == ""


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip())
)
EVIL = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "'><svg/onload=alert(1)>",
        "{{ 7 * 7 }}",
        "[x](javascript:alert(1))",
        '<a href="javascript:alert(1)">x</a>',
        '<iframe src="https://evil.example"></iframe>',
        "<style>*{display:none}</style>",
        "<!--",
        "</textarea></select></form>",
    ]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT | EVIL, min_size=5, max_size=5))
async def test_what_admins_write_is_text_and_never_a_part_of_the_page(
    tmp_path: Path, texts: list[str]
) -> None:
    name, description, option, choice, message = texts

    def configure(c: Any) -> None:
        c.EnvSpawner.profiles = {
            "a": {
                "displayName": name,
                "description": description,
                "options": {
                    "o": {
                        "displayName": option,
                        "choices": {"x": {"displayName": choice, "description": description}, "y": {}},
                        "other": {"displayName": choice, "message": message, "pattern": "[a-z<\"'&]+"},
                    }
                },
            },
            "b": {},
        }

    page = await form(tmp_path, None, configure=configure)
    title = page.soup.select_one('label[for="env-0"]')
    assert title is not None
    assert title.text == name
    assert [one.text for one in page.cards["a"].select("option")] == [choice, "y", choice]
    typed = page.soup.select_one("input[type=text]")
    assert typed is not None
    assert typed["title"] == message
    assert [one.name for one in page.cards["a"].select("script, style, img, svg, iframe")] == ["script"]
    for tag in page.soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on")]
        assert not str(tag.get("href", "")).lower().startswith("javascript")
    assert page.data("a")["order"]
    assert len(page.soup.select(".env-card")) == 2
