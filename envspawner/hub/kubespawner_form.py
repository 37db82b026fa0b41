"""Renders an admin's own form template with what KubeSpawner would hand to it, less what is nobody's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, Template

from ..policy.rules import Other
from ..resolve.access import Offered, OfferedOption
from .markup import described

FORM: Final = "form.html"
_IN_CHOICES: Final = "Other..."  # what KubeSpawner calls a typed choice that has no name


class Described(str):
    """A description: HTML where a template puts it into a page, and as the admin wrote it where one makes JSON."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(described(str(self)))


def own_template(paths: Iterable[str], text: str) -> Template | None:
    """The template that an admin has set, KubeSpawner's way: its text, or a `form.html` in one of these folders."""
    folders = tuple(map(str, paths))
    if text:
        return _from_text(folders, text)
    if any(Path(folder, FORM).is_file() for folder in folders):
        return _environment(folders).get_template(FORM)
    return None


def render(template: Template, menu: Iterable[Offered], user_options: Mapping[str, Any]) -> str:
    """The form. menu: what this user may use. user_options: what was chosen last, if it still holds."""
    return template.render(profile_list=[_profile(one) for one in menu], user_options=dict(user_options))


@lru_cache(maxsize=8)
def _environment(folders: tuple[str, ...]) -> Environment:
    """Templates of these folders; KubeSpawner's own lie beneath, since theirs may include them."""
    loader = ChoiceLoader([FileSystemLoader(folders), PackageLoader("kubespawner", "templates")])
    environment = Environment(loader=loader, autoescape=True)
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": False
    }  # as in KubeSpawner: profiles have an order
    return environment


@lru_cache(maxsize=8)
def _from_text(folders: tuple[str, ...], text: str) -> Template:
    return _environment(folders).from_string(text)


def _profile(offered: Offered) -> dict[str, Any]:
    profile = offered.profile
    found: dict[str, Any] = {
        "slug": profile.slug,
        "display_name": profile.display_name,
        "description": Described(profile.description),
        "default": offered.default,
    }
    if offered.options:
        found["profile_options"] = {one.option.slug: _option(one) for one in offered.options}
    return found


def _option(one: OfferedOption) -> dict[str, Any]:
    choices = {
        choice.slug: {"display_name": choice.display_name, "default": choice is one.default}
        for choice in one.choices
    }
    unlisted = {"enabled": False} if one.other is None else _unlisted(one.other)
    return {"display_name": one.option.display_name, "choices": choices, "unlisted_choice": unlisted}


def _unlisted(other: Other) -> dict[str, Any]:
    found: dict[str, Any] = {
        "enabled": True,
        "display_name": other.display_name,
        "display_name_in_choices": other.display_name or _IN_CHOICES,
    }
    if other.pattern is not None:
        found["validation_regex"] = other.pattern.text
    if other.message:
        found["validation_message"] = other.message
    return found
