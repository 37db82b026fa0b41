"""Decides what becomes of a body that is sent: what is refused, filled in and kept as it was."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from .validation import check_shape, faults_of, refused_changes
from .wire import Json, Kind, bad_request, conflict, invalid

_SERVERS_OWN: Final = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
"""Metadata that is the API server's own; what a client sends there does not count."""
_NEVER_KEPT: Final = ("selfLink", "managedFields", "generation")

_EVENT: Final[Json] = {
    "source": {},
    "type": "",
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
"""An event has these fields even where they are empty; KubeSpawner reads its times without asking."""


def admit_new(kind: Kind, namespace: str, body: Mapping[str, Any]) -> Json:
    """The object to store, still without uid, time and version. Raises `ApiError` 400 and 422."""
    thing = _in_namespace(kind, namespace, body)
    metadata = thing["metadata"]
    for field in _SERVERS_OWN:
        metadata.pop(field, None)
    if not metadata.get("name"):
        start = metadata.get("generateName")
        if not start:
            raise invalid(kind, "", [("metadata.name", "Required value: name or generateName is required")])
        metadata["name"] = start[:58] + _random_word()
    return _checked(kind, {**thing, **_first_status(kind)})


def admit_change(kind: Kind, old: Json, body: Mapping[str, Any]) -> Json:
    """The object that replaces `old`: with its identity and its status. Raises `ApiError` 400, 409 and 422."""
    before = old["metadata"]
    thing = _in_namespace(kind, before["namespace"], body)
    metadata, name = thing["metadata"], before["name"]
    if metadata.get("name") != name:
        given = str(metadata.get("name"))[:300]
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
    for field in ("resourceVersion", "uid"):
        if metadata.get(field, before[field]) != before[field]:
            why = (
                "the object has been modified; please apply your changes to the latest version and try again"
            )
            raise conflict(kind.plural, name, why)
    for field in _SERVERS_OWN:
        metadata.pop(field, None)
    metadata |= {field: before[field] for field in _SERVERS_OWN if field in before}
    thing.pop("status", None)
    new = _checked(kind, thing | ({"status": deepcopy(old["status"])} if "status" in old else {}))
    refused = refused_changes(kind, old, new)
    if refused:
        raise invalid(kind, name, refused)
    return new


def _in_namespace(kind: Kind, namespace: str, body: Mapping[str, Any]) -> Json:
    thing = deepcopy(check_shape(kind, body))
    metadata = thing.setdefault("metadata", {})
    for field in _NEVER_KEPT:
        metadata.pop(field, None)
    if (metadata.get("namespace") or namespace) != namespace:
        message = "the namespace of the provided object does not match the namespace sent on the request"
        raise bad_request(message)
    metadata["namespace"] = namespace
    return {**thing, "apiVersion": "v1", "kind": kind.name}


def _checked(kind: Kind, thing: Json) -> Json:
    causes = faults_of(kind, thing)
    if causes:
        raise invalid(kind, thing["metadata"]["name"], causes)
    return _with_defaults(kind, thing)


def _with_defaults(kind: Kind, thing: Json) -> Json:
    """What the API server fills in, as far as the node or KubeSpawner looks at it."""
    if kind.plural == "pods":
        spec = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, **thing["spec"]}
        for group in {"containers", "initContainers"} & spec.keys():
            spec[group] = [_with_requests(one) for one in spec[group]]
        return {**thing, "spec": spec}
    if kind.plural == "persistentvolumeclaims":
        return {**thing, "spec": {"volumeMode": "Filesystem", **thing["spec"]}}
    if kind.plural == "events":
        return {**_EVENT, **thing}
    if kind.plural == "secrets":
        plain = {k: base64.b64encode(v.encode()).decode() for k, v in thing.pop("stringData", {}).items()}
        data = {"data": {**thing.get("data", {}), **plain}} if plain or "data" in thing else {}
        return {"type": "Opaque", **thing, **data}
    return thing


def _with_requests(container: Json) -> Json:
    """A limit without a request is the request too."""
    resources = container.get("resources", {})
    if "limits" not in resources:
        return container
    requests = {**resources["limits"], **resources.get("requests", {})}
    return {**container, "resources": {**resources, "requests": requests}}


def _first_status(kind: Kind) -> Json:
    if kind.plural in ("pods", "persistentvolumeclaims"):
        return {"status": {"phase": "Pending"}}
    return {"status": {"loadBalancer": {}}} if kind.plural == "services" else {}


def _random_word() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(5))
