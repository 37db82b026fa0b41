"""A KubeSpawner that works out the names of its user and server once, not again for each of its strings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

from kubespawner import KubeSpawner

from ..pod.literal import Literal
from ..resolve.slugs import label_slug
from .expansion import Names, fill, is_plain, orm_user
from .variables import VariablesSpawner

_USERNAME: Final = "hub.jupyter.org/username"


@cache
def _labels_are_known() -> bool:
    """Whether this version of KubeSpawner gives a user's objects the labels that are made quickly here."""
    for name in ("ada", "Ada", "a--b", "ada.lovelace@example.edu", "Zoë" * 30):
        stand_in = SimpleNamespace(user=SimpleNamespace(name=name), common_labels={"c": "common"})
        try:
            theirs = KubeSpawner._build_common_labels(stand_in, {"b": "more", "c": "more"})
        except AttributeError:  # it asks for more than it did
            return False
        if theirs != {_USERNAME: label_slug(name), "b": "more", "c": "common"}:
            return False
    return True


class NamingSpawner(VariablesSpawner):
    """Its templates and labels are KubeSpawner's; a policy's own strings are complete already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._names = Names()
        super().__init__(*args, **kwargs)

    def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
        """As KubeSpawner does; a policy's own strings are complete, and text without braces needs no names."""
        if isinstance(template, Literal):
            return str(template)
        if is_plain(template):
            return template
        scheme = self.slug_scheme if slug_scheme is None else slug_scheme
        return self._names.expand(self, template, scheme, super()._expand_user_properties)

    def format_string(self, s: str) -> str:
        return str(s) if isinstance(s, Literal) else str(super().format_string(s))

    def _build_common_labels(self, extra_labels: Mapping[str, str]) -> dict[str, str]:
        """Labels of pods and claims; what KubeSpawner's own say of the user takes a slug and a hash."""
        if not _labels_are_known():
            labels: dict[str, str] = super()._build_common_labels(extra_labels)
            return labels
        user = self._names.label(orm_user(self).name)
        return {_USERNAME: user, **extra_labels, **self.common_labels}

    def _names_now(self) -> dict[str, Any]:
        """What templates may name."""
        return self._names.now(self, self.slug_scheme, super()._expand_user_properties)

    def _expanded(self, names: Mapping[str, Any], template: str) -> str:
        """A template of KubeSpawner's, filled with names that hold now."""
        try:
            return template if is_plain(template) else fill(template, names)
        except KeyError:
            return self._expand_user_properties(template)
