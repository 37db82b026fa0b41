"""Where the demo keeps what: the folders beneath its `--dir`."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The demo's own folders, for nobody else's eyes."""

    folder: Path

    def make(self) -> None:
        """Makes what is missing; raises OSError, also where the folder holds anything but a demo's files.

        What lies in `pods` goes at the next start, so nobody's own folder of that name may be taken for it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = set(os.listdir(self.folder))
        if not found <= {self.lock.name} and not {self.lock.name, self.homes.name} <= found:
            raise OSError(errno.ENOTEMPTY, "it holds files that are not a demo's", str(self.folder))
        os.chmod(self.folder, 0o700)
        os.close(os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        for path in self.folders:
            path.mkdir(mode=0o700, exist_ok=True)

    @property
    def folders(self) -> tuple[Path, ...]:
        return self.homes, self.claims, self.deleted, self.pods, self.logs, self.hub

    @property
    def lock(self) -> Path:
        """The first thing that is made, and locked while a demo runs."""
        return self.folder / "lock"

    @property
    def homes(self) -> Path:
        """A folder for each claim; they outlive servers and demos."""
        return self.folder / "homes"

    @property
    def claims(self) -> Path:
        """The manifests of claims, for the next demo in this folder."""
        return self.folder / "claims"

    @property
    def deleted(self) -> Path:
        """The folders of claims that were deleted: nothing of a user's is ever removed."""
        return self.folder / "deleted"

    @property
    def pods(self) -> Path:
        """What goes when its pod goes."""
        return self.folder / "pods"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def hub(self) -> Path:
        """The hub's configuration, credentials and database."""
        return self.folder / "hub"
