"""What the API server and its clients agree on: the kinds that are served, and the Status of an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of object: its word in paths, and its name in objects."""

    plural: str
    name: str


KINDS: Final[Mapping[str, Kind]] = {
    kind.plural: kind
    for kind in (
        Kind("pods", "Pod"),
        Kind("persistentvolumeclaims", "PersistentVolumeClaim"),
        Kind("events", "Event"),
        Kind("secrets", "Secret"),
        Kind("services", "Service"),
    )
}
"""What KubeSpawner and EnvSpawner may ask for, by the plural that stands in paths."""


class ApiError(Exception):
    """A refused request, in the words of the API server. `details` names the object and the causes."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    @property
    def status(self) -> Json:
        """The Status object that a client gets."""
        status = {**_STATUS, "status": "Failure", "message": self.message, "reason": self.reason}
        if self.details is not None:
            status["details"] = self.details
        return {**status, "code": self.code}


_STATUS: Final[Json] = {"kind": "Status", "apiVersion": "v1", "metadata": {}}


def success(kind: str, name: str, uid: str) -> Json:
    """What is answered for an object that is gone, where the API server does not answer the object itself."""
    return {**_STATUS, "status": "Success", "details": {"name": name, "kind": kind, "uid": uid}}


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def not_found(kind: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{kind} "{name}" not found', {"name": name, "kind": kind})


def already_exists(kind: str, name: str) -> ApiError:
    message = f'{kind} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, {"name": name, "kind": kind})


def conflict(kind: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {kind} "{name}": {why}'
    return ApiError(409, "Conflict", message, {"name": name, "kind": kind})


def expired(since: int, now: int) -> ApiError:
    """A watch from a version whose successors are forgotten: whoever asked must list again."""
    return ApiError(410, "Expired", f"too old resource version: {since} ({now})")


def invalid(kind: Kind, name: str, causes: Sequence[tuple[str, str]]) -> ApiError:
    """causes: the field and what is wrong with it, for each thing that is wrong."""
    wrong = [f"{field}: {message}" for field, message in causes]
    text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
    details = {
        "name": name,
        "kind": kind.name,
        "causes": [
            {"reason": "FieldValueInvalid", "message": message, "field": field} for field, message in causes
        ],
    }
    return ApiError(422, "Invalid", f'{kind.name} "{name}" is invalid: {text}', details)
