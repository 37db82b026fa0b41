"""An admin's own form template works as in KubeSpawner, and learns nothing that this person may not use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubespawner
import pytest
from bs4 import BeautifulSoup

from .forms import form

POLICY = """
defaults: {extraEnv: {TOKEN: unseen-1}, atMost: {memory: 8G}}
profiles:
  small: {displayName: Small, description: "For **reading**, <b>only</b>."}
  large:
    displayName: "Large & <i>"
    default: true
    options:
      size:
        displayName: Memory
        choices:
          s: {displayName: 2 GB, memory: {limit: 2G}}
          m: {displayName: 4 GB, default: true, memory: {limit: 4G}}
          l: {displayName: unseen-2, memory: {limit: 64G}}
      image:
        displayName: Image
        choices: {a: {displayName: A}}
        other: {displayName: Another, pattern: "[a-z]+", message: Letters., image: "quay.io/{value}:1"}
      tag:
        displayName: Tag
        other: {displayName: Tag, images: ["quay.io/*"]}
  unseen-3: {allow: {users: [ben]}}
"""
AS_JSON = "{{ {'list': profile_list, 'saved': user_options}|tojson }}"
SHAPE: list[dict[str, Any]] = [
    {
        "slug": "small",
        "display_name": "Small",
        "description": "For **reading**, <b>only</b>.",
        "default": False,
    },
    {
        "slug": "large",
        "display_name": "Large & <i>",
        "description": "",
        "default": True,
        "profile_options": {
            "size": {
                "display_name": "Memory",
                "choices": {
                    "s": {"display_name": "2 GB", "default": False},
                    "m": {"display_name": "4 GB", "default": True},
                },
                "unlisted_choice": {"enabled": False},
            },
            "image": {
                "display_name": "Image",
                "choices": {"a": {"display_name": "A", "default": True}},
                "unlisted_choice": {
                    "enabled": True,
                    "display_name": "Another",
                    "display_name_in_choices": "Another",
                    "validation_regex": "[a-z]+",
                    "validation_message": "Letters.",
                },
            },
            "tag": {
                "display_name": "Tag",
                "choices": {},
                "unlisted_choice": {
                    "enabled": True,
                    "display_name": "Tag",
                    "display_name_in_choices": "Tag",
                },
            },
        },
    },
]


def with_text(text: str) -> Any:
    def configure(c: Any) -> None:
        c.KubeSpawner.profile_form_template = text

    return configure


def with_folder(folder: Path) -> Any:
    def configure(c: Any) -> None:
        c.KubeSpawner.additional_profile_form_template_paths = [str(folder)]

    return configure


async def test_a_template_gets_kubespawners_shape_in_the_order_written(tmp_path: Path) -> None:
    page = await form(tmp_path, POLICY, configure=with_text(AS_JSON))
    found = json.loads(page.html)
    assert found == {"list": SHAPE, "saved": {}}
    assert list(found["list"][1]["profile_options"]) == ["size", "image", "tag"]
    assert "unseen" not in page.html


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        ({"profile": "large", "size": "s", "tag--unlisted-choice": "quay.io/x:1"}, True),
        ({"profile": "large", "size": "l", "tag--unlisted-choice": "quay.io/x:1"}, False),
        ({"profile": "unseen-3"}, False),
    ],
)
async def test_a_template_gets_the_last_choice_only_if_it_still_holds(
    tmp_path: Path, saved: dict[str, str], told: bool
) -> None:
    page = await form(tmp_path, POLICY, configure=with_text(AS_JSON), options=saved)
    assert json.loads(page.html)["saved"] == (saved if told else {})


async def test_a_folder_with_a_form_replaces_ours_and_a_change_of_it_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    assert (await form(tmp_path, POLICY, configure=with_folder(folder))).cards
    for text in ("one", "another"):
        (folder / "form.html").write_text(text)
        assert (await form(tmp_path, POLICY, configure=with_folder(folder))).html == text


async def test_a_copy_of_kubespawners_own_template_works(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    original = Path(str(kubespawner.__file__)).parent / "templates"
    (folder / "form.html").write_text((original / "form.html").read_text())
    soup = BeautifulSoup((await form(tmp_path, POLICY, configure=with_folder(folder))).html, "html.parser")
    assert [str(one["value"]) for one in soup.select("input[type=radio]")] == ["small", "large"]
    assert soup.select_one("input[checked]") == soup.select_one('input[value="large"]')
    assert soup.select_one("strong") is not None
    assert [one.text for one in soup.select("h3")] == ["Small", "Large & <i>"]
    assert soup.select_one('input[data-name="profile-option-large--image--unlisted-choice"]') is not None


async def test_a_template_is_used_even_where_there_is_nothing_to_choose(tmp_path: Path) -> None:
    page = await form(
        tmp_path, "profiles: {only: {}}", configure=with_text("<p>{{ profile_list[0].slug }}</p>")
    )
    assert page.html == "<p>only</p>"


async def test_the_template_of_the_documentation_sends_what_the_page_sends(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "page.md").read_text(encoding="utf-8")
    template = text.partition("```html\n")[2].partition("```")[0]
    page = await form(tmp_path, POLICY, configure=with_text(template))
    assert {str(field["name"]) for field in page.soup.select("[name]")} == {
        "profile",
        *(f"profile-option-large--{name}" for name in ("size", "image", "tag")),
    }
    assert "<strong>reading</strong>" in page.html
    assert "unseen" not in page.html
