"""Regular expressions for typed text: they match all of it, and in no more time than a start can spare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import regex

from .problems import Fault

LONGEST: Final = 256
"""How many characters a person may type."""
SECONDS: Final = 0.05
"""How long one match may take: some expressions would go over the same text again for years."""
_LONGEST_PATTERN: Final = 1000  # to compile a longer one could take seconds


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression. `\\w`, `\\d` and `(?i)` mean ASCII, so that no look-alike passes for a letter."""

    text: str

    def matches(self, typed: str) -> bool:
        """Whether all of a text matches. Raises TimeoutError where that takes too long."""
        return _compiled(self.text).fullmatch(typed, timeout=SECONDS) is not None


@lru_cache(maxsize=1024)
def _compiled(text: str) -> regex.Pattern[str]:
    return regex.compile(text, regex.ASCII)


def parse_pattern(text: str) -> Pattern:
    """The pattern that `text` is; raises Fault where it is no regular expression."""
    if len(text) > _LONGEST_PATTERN:
        raise Fault(f"the pattern is longer than {_LONGEST_PATTERN} characters", "shorten it")
    try:
        _compiled(text)
    except (regex.error, RecursionError) as error:
        raise Fault(f"this is no regular expression: {error}", "write one such as [a-z0-9.-]+") from None
    except ValueError:  # says regex of (?u) and (?L) beside its flag for ASCII
        hint = "leave out (?u), and list other letters, as in [a-zé]"
        raise Fault("a pattern speaks of ASCII only", hint) from None
    return Pattern(text)
