"""Words on stderr about work that takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
_EVERY: Final = 2.0
"""Seconds between two words."""


def with_progress(items: Sequence[T], counted: str) -> Iterator[T]:
    """The items, and how many are done when it takes long. counted: such as `12 people`."""
    told = time.monotonic()
    for count, item in enumerate(items):
        now = time.monotonic()
        if now - told >= _EVERY:
            told = now
            print(f"{count} of {counted} compared", file=sys.stderr, flush=True)
        yield item
