"""How a hub takes its policy when it starts."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from envspawner.hub.offline import OfflineSpawner
from envspawner.hub.store import policy_of
from envspawner.policy.problems import PolicyError

from .support import config_of


@contextmanager
def collections() -> Iterator[list[Any]]:
    """Notes each look for garbage that goes on meanwhile."""
    seen: list[Any] = []

    def note(phase: str, info: Any) -> None:
        if phase == "start":
            seen.append(info)

    gc.callbacks.append(note)
    try:
        yield seen
    finally:
        gc.callbacks.remove(note)


def test_a_large_policy_is_taken_without_looks_for_garbage(tmp_path: Path) -> None:
    users = "".join(f"  u{number}: {{memory: {{limit: 2G}}}}\n" for number in range(300))
    config = config_of(tmp_path, f"users:\n{users}")
    with collections() as seen:
        loaded = policy_of(config, OfflineSpawner.section_names())
    assert loaded is not None
    assert len(loaded.policy.users) == 300
    assert len(seen) <= 1, "one when it is on again"
    assert gc.isenabled()


def test_a_wrong_policy_leaves_the_garbage_collector_on(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        policy_of(config_of(tmp_path, "defaults: {memroy: 1}"), OfflineSpawner.section_names())
    assert gc.isenabled()


def test_a_garbage_collector_that_is_off_stays_off(tmp_path: Path) -> None:
    gc.disable()
    try:
        policy_of(config_of(tmp_path, "defaults: {uid: 1}"), OfflineSpawner.section_names())
        assert not gc.isenabled()
    finally:
        gc.enable()
