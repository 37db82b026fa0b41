"""What starter files cost beside a plain `cp -R`: many small files into an empty home, and a start with nothing new."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from envspawner.pod.starter_files import StarterFiles, copy_command

from .measure import Row

_IN_MEMORY: Final = Path("/dev/shm")
_FOLDERS: Final = 200


def copying(files: int, rounds: int, say: Callable[[str], None]) -> Iterator[Row]:
    """Each is a figure of `copy_once.sh` beside one of `cp -R` a moment before; the disk is memory, if there is any."""
    say(f"starter files: {files} of them")
    with TemporaryDirectory(dir=_IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None) as name:
        place = Path(name)
        for number in range(files):
            folder = place / "image" / str(number % _FOLDERS)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / str(number)).write_text(f"file {number}\n" * 5)
        size = f"{files} files, cp -R"
        for refresh, goal in (("never", 3.0), ("unmodified", None)):
            pairs = [(_plain(place), _ours(place, refresh)) for _ in range(rounds)]
            yield _row(f"starter files, first copy, refresh {refresh}", size, pairs, goal)
        for refresh in ("new-files", "unmodified"):
            _ours(place, refresh)
            pairs = [(_plain(place), _ours(place, refresh, again=True)) for _ in range(rounds)]
            yield _row(f"starter files, nothing new, refresh {refresh}", size, pairs, None)


def _row(name: str, size: str, pairs: list[tuple[float, float]], goal: float | None) -> Row:
    medians = [median(values) for values in zip(*pairs, strict=True)]
    return Row(name, size, "µs", medians[0], medians[1], median(ours / plain for plain, ours in pairs), goal)


def _plain(place: Path) -> float:
    target = _empty(place / "plain")
    return _timed(["cp", "-R", f"{place}/image/.", f"{target}/"], target)


def _ours(place: Path, refresh: str, *, again: bool = False) -> float:
    home = place / "home" if again else _empty(place / "home")
    return _timed(copy_command([StarterFiles(f"{place}/image", required=True, refresh=refresh)]), home)


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _timed(command: list[str], home: Path) -> float:
    start = perf_counter()
    subprocess.run(command, env={**os.environ, "HOME": str(home)}, check=True)
    return (perf_counter() - start) * 1e6
