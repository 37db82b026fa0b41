"""A KubeSpawner that works out the names of its user and server once, not again for each of its strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubespawner import KubeSpawner

from ..pod.literal import Literal
from .expansion import Names, fill, is_plain


class NamingSpawner(KubeSpawner):  # type: ignore[misc]
    """Its templates and labels are KubeSpawner's; a policy's own strings are complete already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._names = Names()
        self._labels: tuple[tuple[str, dict[str, str]], dict[str, str]] | None = None
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
        """Labels of pods and claims; what KubeSpawner's own say of the user takes a slug and a hash, made once."""
        common = self.common_labels
        if self._labels is None or self._labels[0] != (self.user.name, common):
            self._labels = (self.user.name, dict(common)), super()._build_common_labels({})
        return {**self._labels[1], **extra_labels, **common}

    def _names_now(self) -> dict[str, Any]:
        """What templates may name."""
        return self._names.now(self, self.slug_scheme, super()._expand_user_properties)

    def _expanded(self, names: Mapping[str, Any], template: str) -> str:
        """A template of KubeSpawner's, filled with names that hold now."""
        try:
            return template if is_plain(template) else fill(template, names)
        except KeyError:
            return self._expand_user_properties(template)
