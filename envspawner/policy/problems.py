"""Problems of a policy: each with its place, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

Step = str | int

_SHOWN: Final = 500  # characters of a path or a message; what is longer helps nobody
_NEAR: Final = 0.6  # difflib's ratio from which one word is taken for a slip of another


def step_of(key: Any) -> Step:
    """A key of a mapping as a step of a path; a Python policy's keys may be anything."""
    if isinstance(key, str) or (isinstance(key, int) and key.bit_length() < 64):
        return key
    return f"({type(key).__name__})"


class Fault(ValueError):
    """One thing wrong with one value; whoever knows where the value stands makes it a `Problem`.

    `loc` leads from the value that was looked at to the part that is wrong. of_key: what is wrong is the
    last key of `loc`, not the value below it.
    """

    def __init__(
        self, message: str, hint: str | None = None, loc: tuple[Step, ...] = (), *, of_key: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.loc = loc
        self.of_key = of_key

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Itself, so that one fault reads as several do."""
        return (self,)

    def under(self, step: Step, *, of_key: bool = False) -> Fault:
        """The same fault, seen from one step further out."""
        return Fault(self.message, self.hint, (step, *self.loc), of_key=of_key or self.of_key)


class Faults(ValueError):
    """All that is wrong with one value."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


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
        path = f"{_shown(self.path)}: " if self.path else ""
        kind = "warning: " if self.warning else ""
        hint = f" ({_shown(self.hint)})" if self.hint else ""
        return f"{_printable(self.place.full)}: {kind}{path}{_shown(self.message)}{hint}"

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
    return _suggest(word[:100], tuple(known))


@lru_cache(maxsize=1024)
def _suggest(word: str, known: tuple[str, ...]) -> str | None:
    lower = word.lower()
    by_lower = {name.lower(): name for name in known if _could_be_near(lower, name.lower())}
    near = get_close_matches(lower, by_lower, n=1, cutoff=_NEAR)
    return f"did you mean {by_lower[near[0]]}?" if near else None


def _could_be_near(word: str, name: str) -> bool:
    """Whether enough of the letters are the same; far cheaper than to look at their order too."""
    common = min(sum(map(name.__contains__, word)), sum(map(word.__contains__, name)))
    return 2 * common >= _NEAR * (len(word) + len(name))


def _shown(text: str) -> str:
    return _printable(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _printable(text: str) -> str:
    """One problem is one line, whatever names and files hold: what does not print is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
