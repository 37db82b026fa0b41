"""Fixtures for tests of EnvSpawner without a cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from .support import Made, config_of, make

Making = Callable[..., Awaitable[Made]]


@pytest.fixture
def making(tmp_path: Path) -> Making:
    """`await making(policy_yaml, user, groups, options=...)` is what that start would send."""

    async def do(policy: str | None, *args: Any, configure: Any = None, **how: Any) -> Made:
        return await make(config_of(tmp_path, policy, configure), *args, **how)

    return do
