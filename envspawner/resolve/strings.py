"""Fills the placeholders of one start: people's text raw in variables and annotations, as slugs elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..policy.fields import Field
from ..policy.templates import AUTH_STATE, Template, fill_value, names_in
from .match import Applied, name_slug

MASK: Final = "***"
"""What is shown of a secret, and what stands for it where nobody knows it."""


class Words:
    """What placeholders stand for at one start.

    known: KubeSpawner's names. profile: the slug of the profile. auth_state: None where it is not known.
    """

    __slots__ = ("_as_given", "_as_slugs", "_auth_state", "_given", "_known", "profile")

    def __init__(self, known: Mapping[str, str], profile: str, auth_state: Mapping[str, Any] | None) -> None:
        self.profile = name_slug(profile) if profile else ""
        self._known, self._given = known, profile
        self._as_given: Mapping[str, str] | None = None
        self._as_slugs: Mapping[str, str] | None = None
        self._auth_state = auth_state

    def fill(self, field: Field, value: Any, one: Applied | None = None) -> tuple[Any, bool]:
        """(value, whether it is secret); the value is None where auth state that it needs is missing.

        one: whose words count too; without it they, and the profile, have been put in already.
        """
        if not field.raw:
            return fill_value(value, self._known if one is None else self._names(one)), False
        words = self._known if one is None else {**self._raw, **one.words} if one.words else self._raw
        try:
            return fill_value(value, words), False
        except KeyError:  # few values hold auth state, so it is looked for only now
            names = [name for name in names_in(value) if name.startswith(AUTH_STATE)]
        found = {name: self._look_up(name) for name in names}
        given = {name: text for name, text in found.items() if text is not None}
        return (fill_value(value, {**words, **given}) if len(given) == len(found) else None), True

    def fill_name(self, name: Template, one: Applied) -> str:
        """The identity of an entry. one: whose words count too."""
        return name.fill(self._names(one))

    @property
    def _raw(self) -> Mapping[str, str]:
        """All names, made when they are needed first: most starts fill in little."""
        if self._as_given is None:
            self._as_given = {**self._known, "profile": self._given}
        return self._as_given

    def _names(self, one: Applied) -> Mapping[str, str]:
        if self._as_slugs is None:
            self._as_slugs = {**self._known, "profile": self.profile}
        return {**self._as_slugs, **one.slugs} if one.slugs else self._as_slugs

    def _look_up(self, name: str) -> str | None:
        """`auth_state.a.b` in the user's auth state, or None where that is missing or no plain value."""
        if self._auth_state is None:
            return MASK
        found: Any = self._auth_state
        for step in name.removeprefix(AUTH_STATE).split("."):
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        if isinstance(found, bool):
            return "true" if found else "false"
        return str(found) if isinstance(found, str | int | float) else None
