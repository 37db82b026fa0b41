"""Whatever `check` accepts, a start turns into manifests that keep to Kubernetes' schema, or refuses with a reason.

ENVSPAWNER_NIGHTLY=1 tries many more policies.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from envspawner.hub.offline import OfflineSpawner
from envspawner.hub.store import policy_of
from envspawner.policy.load import load_policy
from envspawner.policy.located import Source
from envspawner.policy.problems import PolicyError

from .pieces import Data
from .policies import Written, policies
from .starting import accepted, configured, made, made_of, made_once

NIGHTLY = os.environ.get("ENVSPAWNER_NIGHTLY") == "1"
generated = settings(
    deadline=None,
    derandomize=not NIGHTLY,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
STARTED = settings(generated, max_examples=1500 if NIGHTLY else 30)
AGAIN = settings(generated, max_examples=500 if NIGHTLY else 15)
LOADED = settings(generated, max_examples=5000 if NIGHTLY else 150)


@pytest.fixture(autouse=True, scope="module")
def quick_starts() -> Iterator[None]:
    with made_once():
        yield


def test_what_check_accepts_starts_or_is_refused_with_a_reason(tmp_path: Path) -> None:
    """And contradictions that only a start can find stay rare."""
    seen: Counter[str] = Counter()

    @STARTED
    @given(policies())
    def start(written: Written) -> None:
        if accepted(written):
            for made in asyncio.run(made_of(written, tmp_path)):
                seen["started" if made.documents else "unusable" if made.unusable else "refused"] += 1

    start()
    assert seen["started"] >= 30
    assert seen["unusable"] <= sum(seen.values()) / 10, seen


def test_a_start_is_the_same_again_and_after_those_of_others(tmp_path: Path) -> None:
    """By then most of it comes from a plan."""
    seen: Counter[str] = Counter()

    @AGAIN
    @given(policies())
    def start(written: Written) -> None:
        if accepted(written):
            first, *later, plans = asyncio.run(started_again(written, tmp_path))
            assert all(made == first for made in later)
            seen["planned"] += plans > 0
            seen["all"] += 1

    start()
    assert seen["planned"] >= seen["all"] / 2, seen


async def started_again(written: Written, folder: Path) -> list[Any]:
    """What all starts come to, three times, and how many plans there are then."""
    config = configured(written, folder)
    rounds: list[Any] = [
        [await made(config, start, validate=False) for start in written.starts()] for _ in range(3)
    ]
    loaded = policy_of(config, OfflineSpawner.section_names())
    assert loaded is not None
    return [*rounds, len(loaded.resolver._plans._plans)]


def accepted_as_traits(data: Data) -> bool:
    try:
        load_policy([Source("c.EnvSpawner", data)])
    except PolicyError:
        return False
    return True


def test_check_takes_a_good_part_of_what_is_generated_and_refuses_another() -> None:
    """Else the tests here would show little. And a file and traits that say the same are judged alike."""
    seen: Counter[bool] = Counter()

    @LOADED
    @given(policies())
    def check(written: Written) -> None:
        right = accepted(written)
        seen[right] += 1
        assert accepted_as_traits(written.data) == right

    check()
    assert 0.3 <= seen[True] / seen.total() <= 0.95, seen
