"""Where the demo keeps what: the folders beneath its `--dir`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The demo's own folders, for nobody else's eyes."""

    folder: Path

    def make(self) -> None:
        """Makes what is missing; raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(self.folder, 0o700)
        for path in (self.homes, self.claims, self.deleted, self.pods, self.logs, self.hub):
            path.mkdir(mode=0o700, exist_ok=True)

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
