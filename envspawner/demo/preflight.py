"""What must hold before a demo starts anything: every reason why it would not work, told at once."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .places import Places
from .ports import why_not

EXTRA = "pip install 'envspawner[demo]'"


class NotReady(Exception):
    """The demo cannot start here; the message says why, a reason a line."""


def default_folder() -> Path:
    """Where a demo keeps its homes unless told otherwise, as the XDG base directories say."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "envspawner-demo"


def check_machine(port: int) -> None:
    """Raises `NotReady`."""
    reasons = list(_reasons(port))
    if reasons:
        raise NotReady("\n".join(reasons))


def _reasons(port: int) -> Iterator[str]:
    for package in ("jupyterlab", "psutil"):
        if importlib.util.find_spec(package) is None:
            yield f"{package} is not installed ({EXTRA})"
    if shutil.which("jupyterhub-singleuser", path=str(Path(sys.executable).parent)) is None:
        yield f"jupyterhub-singleuser is not beside {sys.executable} (run the demo in a virtual environment)"
    reason = why_not(port)
    if reason:
        yield f"port {port}: {reason} (choose another --port)"


def take(places: Places) -> IO[str]:
    """Makes the folders, for this process alone as long as the returned file is open. Raises `NotReady`."""
    try:
        places.make()
        lock = places.lock.open("r+")
    except OSError as error:
        raise NotReady(
            f"{error.filename or places.folder}: {error.strerror} (choose another --dir)"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise NotReady(f"another demo is running in {places.folder} (choose another --dir)") from None
    for left in places.pods.iterdir():  # of a demo that was killed
        shutil.rmtree(left, ignore_errors=True)
    return lock
