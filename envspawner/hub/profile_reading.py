"""Reads single values of a `profile_list`, knows where they stand, and collects what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..policy import sections
from ..policy.located import Source, dotted
from ..policy.names import quoted
from ..policy.problems import Fault, Place, Problem, Step, suggest
from ..policy.values import kind_of

Loc = tuple[Step, ...]


@dataclass
class Reader:
    """One reading of one list. above: the path to the list in its document.

    strict: whether an unknown key is an error. Of a list that a function made it is a warning: its author decides
    for whom it is made, and every start that reads it would be refused.
    """

    source: Source
    above: Loc
    strict: bool = True
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def place(self, loc: Loc, *, of_key: bool = False) -> Place:
        """The line and column, or which entry of which trait it is."""
        found = self.source.place((*self.above, *loc), of_key=of_key)
        return Place(self.named(loc[:1])) if found.line is None else found

    def named(self, loc: Loc) -> str:
        """What a part is called in reports, such as `c.KubeSpawner.profile_list[2]`."""
        return f"{self.source.file}.{dotted((*self.above, *loc))}"

    def error(self, loc: Loc, message: str, hint: str | None = None, *, of_key: bool = False) -> None:
        self.errors.append(self._problem(loc, message, hint, of_key))

    def warning(self, loc: Loc, message: str, hint: str | None = None, *, of_key: bool = False) -> None:
        found = self._problem(loc, message, hint, of_key)
        self.warnings.append(Problem(found.place, found.path, message, hint, warning=True))

    def unknown(self, loc: Loc, known: Iterable[str], hint: str | None = None) -> None:
        """An unknown key at `loc`. hint: what to say of it where another place knows it."""
        tell = self.error if self.strict else self.warning
        key = str(loc[-1])
        tell(loc, f"unknown key {quoted(key)}", hint or suggest(key, known), of_key=True)

    def is_mapping(self, value: Any, loc: Loc) -> bool:
        """Whether it is one; if not, that is an error."""
        if not isinstance(value, Mapping):
            self.error(loc, f"expected a mapping, got {kind_of(value)}")
        return isinstance(value, Mapping)

    def mapping(self, given: Mapping[str, Any], key: str, loc: Loc) -> Mapping[Any, Any]:
        """The mapping under a key; an empty one where there is none."""
        value = given.get(key)
        return value if value is not None and self.is_mapping(value, (*loc, key)) else {}

    def text(self, given: Mapping[str, Any], key: str, loc: Loc) -> str:
        """The text under a key; "" where there is none."""
        value = given.get(key)
        if not isinstance(value, str | None):
            self.error((*loc, key), f"expected text, got {kind_of(value)}", "put it in quotes")
        return str(value) if isinstance(value, str) else ""

    def flag(self, given: Mapping[str, Any], key: str, loc: Loc) -> bool:
        value = given.get(key)
        if not isinstance(value, bool | None):
            self.error((*loc, key), f"expected true or false, got {kind_of(value)}")
        return bool(value)

    def is_slug(self, text: Any, loc: Loc, *, option: bool = False) -> bool:
        """Whether a text can name a profile, an option or a choice; if not, that is an error."""
        try:
            if not isinstance(text, str):
                raise Fault(f"a name must be text, got {kind_of(text)}", "put it in quotes")
            sections.slug(text, option=option)
        except Fault as fault:
            self.error(loc, fault.message, (fault.hint or "").replace("displayName", "display_name"))
            return False
        return True

    def _problem(self, loc: Loc, message: str, hint: str | None, of_key: bool) -> Problem:
        place = self.place(loc, of_key=of_key)
        path = dotted(loc[1:]) if place.line is None else dotted((*self.above, *loc))
        return Problem(place, path, message, hint)
