"""Fills KubeSpawner's templates with names that it computed once, and with the same result as KubeSpawner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..resolve.slugs import label_slug

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
_CHANGING: Final = tuple((name, f"{name}_unavailable!") for name in ("pod_name", "pvc_name", "namespace"))
"""Names that a start may change: KubeSpawner reads them anew for every template, and so does this."""
_BETWEEN: Final = "\0"
_ALL: Final = "".join(f"{{{name}}}{_BETWEEN}" for name in _SLUGS)


def orm_user(spawner: Any) -> Any:
    """Whose spawner it is: JupyterHub's User looks everything up there, twice."""
    user = spawner.user
    return getattr(user, "orm_user", user)


class Names:
    """The names of one spawner. KubeSpawner makes all of them, slugs and hashes, for each of its strings."""

    __slots__ = ("_key", "_label", "_slugs")

    def __init__(self) -> None:
        self._key: tuple[str, str, str] | None = None
        self._slugs: dict[str, str] = {}
        self._label = ""

    def now(self, spawner: Any, scheme: str, expand: Expand) -> dict[str, Any]:
        """What templates may name, as it is now. expand: KubeSpawner's own. Raises what that raises."""
        user = orm_user(spawner)
        key = (user.name, spawner.name or "", scheme)
        if key != self._key:
            self._slugs = _slugs(scheme, expand)
            self._label = label_slug(user.name)
            self._key = key
        found: dict[str, Any] = self._slugs.copy()
        for name, missing in _CHANGING:
            found[name] = getattr(spawner, name, missing)
        found["userid"] = user.id
        return found

    def label(self, username: str) -> str:
        """A user's name as the value of a label: mostly that of the user whose names these are."""
        return self._label if self._key is not None and self._key[0] == username else label_slug(username)

    def expand(self, spawner: Any, template: str, scheme: str, expand: Expand) -> str:
        """As `KubeSpawner._expand_user_properties`, which is `expand`. Raises what that raises."""
        try:
            return fill(template, self.now(spawner, scheme, expand))
        except KeyError:
            # Perhaps a name that only a newer KubeSpawner knows.
            return expand(template, scheme)


def is_plain(text: str) -> bool:
    """Whether a template names nothing and doubles no brace, so that it is what it becomes."""
    return "{" not in text and "}" not in text


def fill(template: str, names: Mapping[str, Any]) -> str:
    """A template of KubeSpawner's with these names filled in. Raises what `str.format` raises."""
    text = template.format(**names)
    # A hyphen before an empty server name goes, one that the template itself ends with stays.
    return text if template.endswith("-") else text.rstrip("-")


def _slugs(scheme: str, expand: Expand) -> dict[str, str]:
    values = expand(_ALL, scheme).split(_BETWEEN)[:-1]
    if len(values) != len(_SLUGS):  # the separator is in a name too
        values = [expand(f"{{{name}}}{_BETWEEN}", scheme)[:-1] for name in _SLUGS]
    return dict(zip(_SLUGS, values, strict=True))
