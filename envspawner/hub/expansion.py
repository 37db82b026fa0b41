"""Fills KubeSpawner's templates with names that it computed once, and with the same result as KubeSpawner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

Expand = Callable[[str, str], str]
"""KubeSpawner's own expansion of a template by a slug scheme."""

_SLUGS: Final = (
    "username",
    "servername",
    "user_server",
    "unescaped_username",
    "unescaped_servername",
    "safe_username",
    "safe_servername",
    "safe_user_server",
    "escaped_username",
    "escaped_servername",
    "escaped_user_server",
    "hubnamespace",
)
"""Names that stay while the user, the server and the slug scheme do."""
_CHANGING: Final = ("pod_name", "pvc_name", "namespace")
"""Names that a start may change: KubeSpawner reads them anew for every template, and so does this."""
_BETWEEN: Final = "\0"
_ALL: Final = "".join(f"{{{name}}}{_BETWEEN}" for name in _SLUGS)


class Names:
    """The names of one spawner. KubeSpawner computes all of them, slugs and hashes, for each of its strings."""

    __slots__ = ("_key", "_slugs")

    def __init__(self) -> None:
        self._key: tuple[str, str, str] | None = None
        self._slugs: dict[str, str] | None = None

    def slugs(self, spawner: Any, scheme: str, expand: Expand) -> dict[str, str] | None:
        """What KubeSpawner makes of the names of user and server; None where that cannot be told apart."""
        key = (spawner.user.name, spawner.name or "", scheme)
        if key != self._key:
            self._slugs = _taken_apart(expand(_ALL, scheme))
            self._key = key
        return self._slugs

    def expand(self, spawner: Any, template: str, scheme: str, expand: Expand) -> str:
        """As `KubeSpawner._expand_user_properties`, which is `expand`. Raises what that raises."""
        slugs = self.slugs(spawner, scheme, expand)
        if slugs is None:
            return expand(template, scheme)
        changing = {name: getattr(spawner, name, f"{name}_unavailable!") for name in _CHANGING}
        try:
            text = template.format(**slugs, **changing, userid=spawner.user.id)
        except KeyError:
            # Perhaps a name that only a newer KubeSpawner knows.
            return expand(template, scheme)
        # A hyphen before an empty server name goes, one that the template itself ends with stays.
        return text if template.endswith("-") else text.rstrip("-")


def _taken_apart(text: str) -> dict[str, str] | None:
    values = text.split(_BETWEEN)[:-1]
    return dict(zip(_SLUGS, values, strict=True)) if len(values) == len(_SLUGS) else None
