"""Problems of a policy: each with its place, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

Step = str | int


class Fault(ValueError):
    """One thing wrong with one value; whoever knows where the value stands makes it a `Problem`.

    `loc` leads from the value that was looked at to the part that is wrong.
    """

    def __init__(self, message: str, hint: str | None = None, loc: tuple[Step, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.loc = loc


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file (or the name of a trait), a line and a column, both from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def full(self) -> str:
        """With the column too, as compilers write it."""
        return str(self) if self.column is None else f"{self}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a policy at one place. A warning does not keep the policy from being used."""

    place: Place
    path: str
    message: str
    hint: str | None = None
    warning: bool = False

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        kind = "warning: " if self.warning else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place.full}: {kind}{path}{self.message}{hint}"

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Sorts problems as a reader meets them."""
        return (self.place.file, self.place.line or 0, self.place.column or 0, self.path)


class PolicyError(Exception):
    """A policy that cannot be used; `problems` holds all that is wrong with it, never just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(sorted(problems, key=lambda problem: problem.order))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def suggest(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the known word nearest to `word`, or None when none is near."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]}?" if near else None
