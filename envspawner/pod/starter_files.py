"""Starter files: the command that copies folders of the image into the home, each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from ..policy.environment import INIT_CONTAINER
from ..policy.lint import DEFAULT_SOURCE

PARTS: Final = ("copy_tools.sh", "copy_refresh.sh", "copy_once.sh")
"""The files of the script, in the order in which they are put together."""


@dataclass(frozen=True)
class StarterFiles:
    """One entry of `copyOnce`.

    `source` is an absolute path in the image. `target` is where its content goes: None is `$HOME`, a relative
    path is below `$HOME`. `marker` names the file in the target that says "this was copied"; entries with the
    same target need different ones. If `required`, a failed copy fails the server; else it is only told.
    `refresh` says what later starts bring, `before` whether an init container copies, `timeout` after how many
    seconds the entry is given up.

    Raises `ValueError` if `source` is not absolute or `marker` is not a plain name.
    """

    source: str = DEFAULT_SOURCE
    target: str | None = None
    marker: str = ".copied"
    required: bool = False
    refresh: str = "never"
    before: bool = False
    timeout: int | None = None

    def __post_init__(self) -> None:
        if not self.source.startswith("/"):
            raise ValueError(f"{self.source!r} is not an absolute path")
        if self.marker in ("", ".", "..") or "/" in self.marker:
            raise ValueError(f"{self.marker!r} is not the name of a file")

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> StarterFiles:
        """What an entry of a policy means, once its placeholders are filled in."""
        names = {"from": "source", "to": "target"}
        given = {names.get(word, word): value for word, value in entry.items() if word != "when"}
        return cls(**given, before=entry.get("when") == INIT_CONTAINER)

    @property
    def arguments(self) -> list[str]:
        """What the script is told of it; see the head of `copy_once.sh`."""
        required = "yes" if self.required else "no"
        timeout = "" if self.timeout is None else str(self.timeout)
        return [self.source, self.target or "", self.marker, required, self.refresh, timeout]


def without_comments(script: str) -> str:
    """The script as it goes into the pod: without its comment lines and blank lines.

    Every start of a server sends the pod to the API server, and etcd keeps it, so prose stays at home.
    """
    lines = (line for line in script.splitlines() if not line.lstrip().startswith("#"))
    return "".join(f"{line}\n" for line in lines if line.strip())


def _script(parts: Iterable[str]) -> str:
    folder = files("envspawner.pod")
    return "".join(folder.joinpath(part).read_text(encoding="utf-8") for part in parts)


SCRIPT: Final = without_comments(_script(PARTS))
"""What it does, and promises, is told at the head of `copy_once.sh`."""


def copy_command(entries: Iterable[StarterFiles]) -> list[str]:
    """The command that copies `entries` in order."""
    arguments = (argument for entry in entries for argument in entry.arguments)
    return ["/bin/sh", "-c", SCRIPT, "envspawner-copy-once", *arguments]


def post_start(entries: Sequence[StarterFiles], own_command: Sequence[str] | None = None) -> dict[str, Any]:
    """The Kubernetes lifecycle handler that copies `entries` in order and then calls `own_command` unchanged.

    `own_command` is the `exec.command` of the admin's own `postStart`. Its exit status becomes the hook's;
    it is not called if a required entry fails.
    """
    command = copy_command(entries)
    if own_command:
        command += ["--", *own_command]
    return {"exec": {"command": command}}
