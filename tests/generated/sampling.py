"""Independent samples of a strategy: hypothesis itself varies each example a few times before it takes a new one.

That finds small failures, and hides what is rare. Where nothing is shrunk, as on a cluster, variety is worth more.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def samples(strategy: SearchStrategy[T], number: int) -> Iterator[T]:
    """Values of a strategy, without end; the same for the same number."""
    random = Random(number)
    while True:
        yield _sample(strategy, random.getrandbits(64))


def _sample(strategy: SearchStrategy[T], number: int) -> T:
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=2,  # the first is always the simplest of all
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def take(value: T) -> None:
        found.append(value)

    take()
    return found[-1]
