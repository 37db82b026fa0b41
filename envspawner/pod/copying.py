"""Which container copies starter files: the server's hook, or an init container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..policy.lint_homes import lies_in
from ..resolve.home import Unusable
from ..resolve.request import OwnLayer
from ..resolve.result import ResolvedEnvironment
from .starter_files import StarterFiles, post_start

NOTICE: Final = (
    "Without a home, starter files cannot be copied before the server starts: they arrive beside it."
)


class Copies(NamedTuple):
    """What an init container copies, what the hook copies, and whether that differs from what a rule says."""

    before: tuple[StarterFiles, ...] = ()
    after: tuple[StarterFiles, ...] = ()
    moved: bool = False

    @property
    def notices(self) -> list[str]:
        """What the hub should tell."""
        return [NOTICE] if self.moved else []


_NOTHING: Final = Copies()


def copies_of(environment: ResolvedEnvironment, own: OwnLayer) -> Copies:
    """Raises Unusable if an init container should copy to where no home is."""
    found = tuple(StarterFiles.of(entry) for entry in environment.get("copyOnce") or ())
    if not found:
        return _NOTHING
    before = tuple(one for one in found if one.before)
    homes = _homes(environment, own)
    if not homes:
        return Copies((), found, bool(before))
    for one in before:
        if one.target is not None and not any(lies_in(one.target, home) for home in homes):
            raise Unusable(
                f"copyOnce: an init container cannot copy to {one.target}, which is not in the home"
            )
    return Copies(before, tuple(one for one in found if not one.before))


def _homes(environment: ResolvedEnvironment, own: OwnLayer) -> frozenset[str]:
    """Where the home is mounted."""
    home = environment.home
    if home.kind == "own":
        return own.home_mounts
    return frozenset() if home.kind == "none" else frozenset({home.mount_path})


def hook_with(copies: tuple[StarterFiles, ...], hook: Mapping[str, Any] | None) -> dict[str, Any]:
    """The `postStart` that copies and then does what the admin's own hook does. Raises Unusable."""
    if hook is None:
        return post_start(copies)
    if "exec" not in hook:
        message = (
            "copyOnce cannot be joined with a postStart hook that is not an exec: write when: initContainer"
        )
        raise Unusable(message)
    return post_start(copies, hook["exec"]["command"])
