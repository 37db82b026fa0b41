"""Fixtures for tests of EnvSpawner without a cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from kubespawner import KubeSpawner

from .support import Made, config_of, made, make

OTHERS = ("zoe", "Yan@x")
Making = Callable[..., Awaitable[Made]]


@pytest.fixture
def making(tmp_path: Path) -> Making:
    """`await making(policy_yaml, user, groups, options=...)` is what that start would send.

    It is that of a hub which nobody has started anything in, and the same again after others' starts.
    """

    async def do(
        policy: str | None, user: str = "ada", *args: Any, configure: Any = None, **how: Any
    ) -> Made:
        config = config_of(tmp_path, policy, configure)
        alone = await make(config, user, *args, **how)
        if policy is not None:
            for name in OTHERS:
                await made(config, name, *args, **how)
            assert await made(config, user, *args, **how) == alone
        return alone

    return do


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The claims that are deleted."""
    names: set[str] = set()

    async def delete(self: Any, name: str, timeout: float) -> bool:
        names.add(name)
        return True

    monkeypatch.setattr(KubeSpawner, "_make_delete_pvc_request", delete)
    return names
