"""Turns a refusal into what JupyterHub shows: a 4xx and one sentence for the user, the rest for the log."""

from __future__ import annotations

from html import escape
from typing import Any

from tornado.web import HTTPError
from traitlets.log import get_logger

try:
    from jupyterhub.spawner import SpawnException
except ImportError:  # JupyterHub 5.5
    SpawnException = None

FORBIDDEN = 403
BAD_REQUEST = 400
CONFLICT = 409


def refused(reason: str, message: str, detail: str, status: int = FORBIDDEN) -> Exception:
    """The exception to raise from a spawn. reason: for metrics; message: for the user; detail: for the log.

    JupyterHub shows `jupyterhub_message` and `jupyterhub_html_message` of whatever ends a spawn; the REST API of
    5.5 sends an HTTPError's own log message to the user, so there the detail goes straight to the log. The
    commands read `refusal`.
    """
    refusal = f"{reason}: {detail}"
    error: Any
    if SpawnException is not None:
        error = SpawnException(message, reason=reason, log_message=refusal, status_code=status)
    else:
        get_logger().warning("Refused: %s", refusal)
        error = HTTPError(status, message)
    error.refusal = refusal
    error.jupyterhub_message = message
    error.jupyterhub_html_message = escape(message)
    assert isinstance(error, Exception)
    return error
