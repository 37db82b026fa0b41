"""Makes of any user's or server's name what KubeSpawner makes of it, without KubeSpawner.

Claims and labels that exist already carry KubeSpawner's slugs, so these are the rules of its module `slugs`
and of `KubeSpawner._expand_user_properties`, to the letter, oddities included; tests hold both side by side.

A *safe* slug of a name that is one already is that name; of any other it is what is left of the name, `---`
and eight digits of its hash. An *escaped* slug writes each character but `a-z` and `0-9` as `-` and hex.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

import escapism

Scheme = Literal["safe", "escape"]

_OBJECT_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
# With the odd letters that Python takes for an i, s or k in another case: KubeSpawner lets them be.
_LABEL_VALUE = re.compile(r"(?:(?-i:[a-zA-Z0-9])(?:[a-z0-9._-]{0,61}(?-i:[a-zA-Z0-9]))?)?", re.IGNORECASE)
_OTHERS = re.compile(r"[^a-z0-9]+")
_UNESCAPED = set("abcdefghijklmnopqrstuvwxyz0123456789")
_HASH_DIGITS = 8
_ROOM = 48  # what KubeSpawner grants a user's and a server's slug together
_ROOM_BY_DEFAULT = 32


def safe_slug(name: str, max_length: int | None = None) -> str:
    """A slug that can be the name of any object and the value of any label, another for each name.

    Without `max_length` a name of up to 63 characters stays, but a slug with a hash has up to 32.

    Raises `ValueError` if a hash does not fit into `max_length`.
    """
    return _slug(name, _OBJECT_NAME, max_length)


def label_slug(name: str) -> str:
    """A slug that can be the value of a label, where capitals, `.`, `_` and nothing at all may stay."""
    return _slug(name, _LABEL_VALUE, None)


def multi_slug(names: Sequence[str], max_length: int = _ROOM) -> str:
    """One slug with one hash for several names; each gets the same share of `max_length`.

    Raises `ValueError` if that leaves less than two characters for each of the names.
    """
    share = (max_length - _HASH_DIGITS - 1) // len(names) - 2
    if share < 2:
        raise ValueError(f"{max_length} characters are too few for the slug of {len(names)} names")
    # No UTF-8 holds the byte FF, so names cannot be shifted across the border between them.
    digest = _hash(b"\xff".join(name.encode() for name in names))
    return f"{'--'.join(_legible(name, share) for name in names)}---{digest}"


def escape_slug(name: str) -> str:
    """The slug of KubeSpawner before version 7, from which the name can (nearly) be read back."""
    return str(escapism.escape(name, safe=_UNESCAPED, escape_char="-")).lower()


def user_names(username: str, servername: str, scheme: Scheme) -> dict[str, str]:
    """The names that a template may use for a user and a server (`""` is the default server)."""
    safe_username = safe_slug(username, _ROOM)
    safe_servername = safe_slug(servername, _ROOM) if servername else ""
    if len(safe_username) + len("--") + len(safe_servername) > _ROOM:
        safe_user_server = multi_slug((username, servername), _ROOM)
    else:
        safe_user_server = _joined(safe_username, safe_servername)
    escaped_username, escaped_servername = escape_slug(username), escape_slug(servername)
    if scheme == "safe":
        names = (safe_username, safe_servername, safe_user_server)
    else:
        names = (escaped_username, escaped_servername, _joined(escaped_username, escaped_servername))
    return {
        "username": names[0],
        "servername": names[1],
        "user_server": names[2],
        "unescaped_username": username,
        "unescaped_servername": servername,
        "safe_username": safe_username,
        "safe_servername": safe_servername,
        "safe_user_server": safe_user_server,
        "escaped_username": escaped_username,
        "escaped_servername": escaped_servername,
        "escaped_user_server": f"{escaped_username}--{escaped_servername}",
    }


def _slug(name: str, valid: re.Pattern[str], max_length: int | None) -> str:
    # A name with -- could pass for the slug of another name.
    if "--" not in name and (max_length is None or len(name) <= max_length) and valid.fullmatch(name):
        return name
    return _hashed(name, max_length or _ROOM_BY_DEFAULT)


def _hashed(name: str, max_length: int) -> str:
    room = max_length - _HASH_DIGITS - len("---")
    if room < 1:
        raise ValueError(f"{max_length} characters are too few for the slug of a name")
    return f"{_legible(name, room)}---{_hash(name.encode())}"


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:_HASH_DIGITS]


def _legible(name: str, room: int) -> str:
    """What is left of a name for people to recognise: it starts with a letter and has no `--`."""
    left = _OTHERS.sub("-", name.lower()).lstrip("-")[:room].rstrip("-")
    if not left:
        return "x"
    return left if left[0].isalpha() else "x-" + left[: room - 2]


def _joined(user: str, server: str) -> str:
    return f"{user}--{server}" if server else user
