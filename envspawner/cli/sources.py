"""Reads the POLICY of a command line."""

from __future__ import annotations

from pathlib import Path

from ..policy.document import read_document
from ..policy.load import load_policy
from ..policy.problems import PolicyError, Problem
from ..policy.rules import Policy
from .errors import CannotRun, Fails


def read_policy(name: str) -> tuple[Policy, list[Problem]]:
    """The policy in a file and its warnings. Raises PolicyError and CannotRun."""
    if name.endswith((".py", ".py.example")):
        hint = "give the YAML policy; a hub checks its own configuration when it starts"
        raise CannotRun(f"{name}: Python configurations cannot be read yet ({hint})")
    try:
        source, warnings = read_document(Path(name), name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotRun(f"{name}: {reason}") from None
    policy, more = load_policy([source])
    return policy, [*warnings, *more]


def usable_policy(name: str) -> Policy:
    """The policy in a file; its problems end the command."""
    try:
        return read_policy(name)[0]
    except PolicyError as error:
        raise Fails(str(error)) from None
