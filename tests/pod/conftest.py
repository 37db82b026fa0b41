"""A container in each shell, and a small disk."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .containers import ROOT, SHELLS, USER, Pod, SmallDisk, new_home, new_log, shell_named


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an ordinary user can reach (pytest's own is closed to all but the user who runs it)."""
    with tempfile.TemporaryDirectory(prefix="envspawner-test-") as name:
        place = Path(name)
        place.chmod(0o755)
        yield place


@pytest.fixture(params=SHELLS)
def pod(request: pytest.FixtureRequest, place: Path) -> Pod:
    sh = shell_named(request.param, place / "bin")
    image = place / "im age"
    image.mkdir()
    return Pod(sh, image, new_home(place), new_log(place))


@pytest.fixture
def small_disk(pod: Pod) -> Iterator[SmallDisk]:
    options = f"size=256k,mode=755,uid={USER},gid={USER}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(pod.home)]
    mounted = ROOT and subprocess.run(mount, capture_output=True).returncode == 0
    yield SmallDisk(mounted)
    if mounted:
        subprocess.run(["umount", pod.home], check=True)
