"""What users sent as options: nothing that is no object, or too large, is stored or reaches a hook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jupyterhub import orm
from sqlalchemy import event
from tornado.web import HTTPError

_LONGEST: Final = 16 * 1024  # bytes of JSON
_DEEPEST: Final = 32
"""Objects and lists in one another. What is much deeper may be read from a request, and then not be written."""


@cache
def guard_storage() -> None:
    """From now on the database takes only options that a start could ever accept.

    JupyterHub stores options before a start looks at them, and on `PUT` and `PATCH` (6.0 and later) no start
    follows: those are refused here.
    """
    event.listen(orm.Spawner.user_options, "set", _stored, retval=True)


def _stored(server: Any, options: Any, *_: Any) -> Any:
    if is_storable(options):
        return options
    if server.server is None:  # no start has begun
        raise HTTPError(400, "These user options are too large or too deep, or not an object.")
    return server.user_options  # as before; the start will refuse what was sent


def is_storable(options: Any) -> bool:
    """Whether options are an object of at most 16 KiB, not too deep, or none."""
    if options is None or options == {}:
        return True
    if not isinstance(options, Mapping):
        return False
    try:
        return len(json.dumps(options, default=repr)) <= _LONGEST and not _is_deep(options)
    except (RecursionError, ValueError):  # too deep, or a loop
        return False


def _is_deep(value: Any, left: int = _DEEPEST) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return left < 0 or any(_is_deep(part, left - 1) for part in parts)
