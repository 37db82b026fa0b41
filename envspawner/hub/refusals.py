"""Turns a refusal into what JupyterHub shows: a 4xx and one sentence for the user, the rest for the log."""

from __future__ import annotations

from html import escape
from typing import Any

from tornado.web import HTTPError

try:
    from jupyterhub.spawner import SpawnException
except ImportError:  # JupyterHub 5.5
    SpawnException = None

FORBIDDEN = 403
BAD_REQUEST = 400
CONFLICT = 409


def refused(reason: str, message: str, detail: str, status: int = FORBIDDEN) -> Exception:
    """The exception to raise from a spawn. reason: for metrics; message: for the user; detail: for the log.

    JupyterHub shows `jupyterhub_message` and `jupyterhub_html_message` of whatever ends a spawn.
    """
    error: Any
    if SpawnException is not None:
        log_message = f"{reason}: {detail}"
        error = SpawnException(message, reason=reason, log_message=log_message, status_code=status)
    else:
        error = HTTPError(status, "%s", f"{reason}: {detail}", reason=message)
    error.jupyterhub_message = message
    error.jupyterhub_html_message = escape(message)
    assert isinstance(error, Exception)
    return error
