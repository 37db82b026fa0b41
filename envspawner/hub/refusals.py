"""Turns a refusal into what JupyterHub shows: a 4xx and one sentence for the user, the rest for the log."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from tornado.web import HTTPError
from traitlets.log import get_logger

from .measures import REFUSALS

try:
    from jupyterhub.spawner import SpawnException
except ImportError:  # JupyterHub 5.5
    SpawnException = None

FORBIDDEN: Final = 403
BAD_REQUEST: Final = 400
CONFLICT: Final = 409
_STATUS: Final = {
    "options-invalid": BAD_REQUEST,
    "value-invalid": BAD_REQUEST,
    "policy-unusable": CONFLICT,
    "auth-state-missing": CONFLICT,
    "home-foreign": CONFLICT,
    "quota-exceeded": CONFLICT,
    "limit-range": CONFLICT,
    "cluster-refused": CONFLICT,
}
_SECRET: Final = frozenset(
    {
        "profile-unknown",
        "profile-forbidden",
        "choice-unknown",
        "choice-forbidden",
        "option-unknown",
        "over-bound",
    }
)
"""Reasons that would tell a user what exists for others. JupyterHub 6 sends a reason as the status line's phrase."""


def refused(spawner: Any, reason: str, message: str, detail: str) -> Exception:
    """The exception to raise from a start. reason: for log and metric; message: for the user; detail: for the log.

    JupyterHub shows `jupyterhub_message` and `jupyterhub_html_message` of whatever ends a spawn; the REST API of
    5.5 sends an HTTPError's own log message to the user, so there the detail goes straight to the log. The
    commands read `refusal`.
    """
    refusal = f"{reason}: {detail}"
    status = _STATUS.get(reason, FORBIDDEN)
    REFUSALS.labels(reason).inc()
    error: Any
    if SpawnException is not None:
        told = "not-offered" if reason in _SECRET else reason
        error = SpawnException(message, reason=told, log_message=refusal, status_code=status)
    else:
        get_logger().warning("Refused: %s", refusal)
        error = HTTPError(status, message)
        _uncount(spawner)
    error.refusal = refusal
    error.jupyterhub_message = message
    error.jupyterhub_html_message = escape(message)
    assert isinstance(error, Exception)
    return error


def _uncount(spawner: Any) -> None:
    """Keeps a refusal out of JupyterHub 5.5's count of failures, which stops the hub at a limit.

    5.5 adds one for whatever a start raises, as soon as it has raised; 6 leaves refusals out by itself. What keeps
    a page from being shown is not counted.
    """
    if spawner.handler is not None and spawner._spawn_pending:
        settings = spawner.handler.settings
        settings["failure_count"] = settings.get("failure_count", 0) - 1
