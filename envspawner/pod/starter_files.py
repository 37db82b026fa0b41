"""Starter files: the `postStart` hook that copies folders of the image into the home, each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class StarterFiles:
    """One entry of `copyOnce`.

    `source` is an absolute path in the image. `target` is where its content goes: None is `$HOME`, a relative
    path is below `$HOME`. `marker` names the file in the target that says "this was copied"; entries with the
    same target need different ones. If `required`, a failed copy fails the server; else it is only told.

    Raises `ValueError` if `source` is not absolute or `marker` is not a plain name.
    """

    source: str = "/srv/app/src"
    target: str | None = None
    marker: str = ".copied"
    required: bool = False

    def __post_init__(self) -> None:
        if not self.source.startswith("/"):
            raise ValueError(f"{self.source!r} is not an absolute path")
        if self.marker in ("", ".", "..") or "/" in self.marker:
            raise ValueError(f"{self.marker!r} is not the name of a file")


def without_comments(script: str) -> str:
    """The script as it goes into the pod: without its comment lines and blank lines.

    Every start of a server sends the pod to the API server, and etcd keeps it, so prose stays at home.
    """
    lines = (line for line in script.splitlines() if not line.lstrip().startswith("#"))
    return "".join(f"{line}\n" for line in lines if line.strip())


SCRIPT = without_comments(files("envspawner.pod").joinpath("copy_once.sh").read_text(encoding="utf-8"))
"""What `copy_once.sh` does, and promises, is told at its head."""


def post_start(entries: Sequence[StarterFiles], own_command: Sequence[str] | None = None) -> dict[str, Any]:
    """The Kubernetes lifecycle handler that copies `entries` in order and then calls `own_command` unchanged.

    `own_command` is the `exec.command` of the admin's own `postStart`. Its exit status becomes the hook's;
    it is not called if a required entry fails.
    """
    command = ["/bin/sh", "-c", SCRIPT, "envspawner-copy-once"]
    for entry in entries:
        command += [entry.source, entry.target or "", entry.marker, "yes" if entry.required else "no"]
    if own_command:
        command += ["--", *own_command]
    return {"exec": {"command": command}}
