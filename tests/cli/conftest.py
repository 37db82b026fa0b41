"""What several tests of the commands start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.two_policies import Policies


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Policies:
    monkeypatch.chdir(tmp_path)
    return Policies(capsys)
