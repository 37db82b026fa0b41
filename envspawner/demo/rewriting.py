"""The fallback where a container cannot have rooms of its own: its paths are written as those of this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from .commands import Command
from .volumes import Mount


def rewritten(command: Command) -> Command:
    """The command with every path under a mount replaced in its arguments, variables and working directory.

    Variables of JupyterHub's own are left alone: they hold paths of URLs.
    """
    here = _translation(command.mounts)
    environment = {
        name: value if name.startswith(("JUPYTERHUB_", "JPY_")) else here(value)
        for name, value in command.environment.items()
    }
    argv = tuple(here(word) for word in command.argv)
    return replace(command, argv=argv, environment=environment, cwd=here(command.cwd))


def _translation(mounts: Sequence[Mount]) -> Callable[[str], str]:
    """A path of the longest mount that it is under, as a path of this machine; other text stays."""
    places = {mount.target: str(mount.source) for mount in mounts if mount.target != "/"}
    if not places:
        return lambda text: text
    longest_first = sorted(places, key=len, reverse=True)
    # A path begins where no other can go on: `/data` is not in `/mnt/data` nor in `/database`.
    pattern = re.compile(rf"(?<![\w./-])({'|'.join(map(re.escape, longest_first))})(?![\w.-])")
    return lambda text: pattern.sub(lambda found: places[found[1]], text)


def link_nested(mounts: Sequence[Mount]) -> None:
    """A mount within another one's folder shows there as a symbolic link, if nothing stands there yet."""
    for inner in mounts:
        outers = [m for m in mounts if m is not inner and inner.target.startswith(m.target.rstrip("/") + "/")]
        if not outers:
            continue
        outer = max(outers, key=lambda mount: len(mount.target))
        link = outer.source / inner.target[len(outer.target) :].lstrip("/")
        if link.is_symlink():
            link.unlink()
        if not link.exists() and not outer.read_only:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(inner.source)
