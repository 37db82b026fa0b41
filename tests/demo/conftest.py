"""A node with its store, with mount namespaces and with the fallback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from envspawner.demo.processes import Rooms
from tests.demo.nodes import Cluster, cluster_in


@pytest.fixture(params=[True, False], ids=["mount namespaces", "rewritten paths"])
async def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cluster]:
    starter_files = tmp_path / "files"
    starter_files.mkdir()
    (starter_files / "README.md").write_text("hello")
    async with cluster_in(tmp_path / "demo", Rooms(request.param), starter_files) as cluster:
        yield cluster
