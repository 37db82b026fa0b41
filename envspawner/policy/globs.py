"""Texts with `*`, each of which stands for one character or more."""

from __future__ import annotations


class Glob:
    """A text with at least one `*`."""

    __slots__ = ("parts",)

    def __init__(self, pattern: str) -> None:
        self.parts = pattern.split("*")

    def match(self, name: str) -> str | None:
        """What the first `*` stands for (as little as possible), or None. Never backtracks."""
        first, *middle, last = self.parts
        if not name.startswith(first) or not name.endswith(last):
            return None
        at, end = len(first), len(name) - len(last)
        found: str | None = None
        for part in middle:
            stop = name.find(part, at + 1, end)
            if stop < 0:
                return None
            found = name[at:stop] if found is None else found
            at = stop + len(part)
        if end - at < 1:
            return None
        return name[at:end] if found is None else found


def fits(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, which may be a glob or a plain text."""
    return Glob(pattern).match(text) is not None if "*" in pattern else pattern == text
