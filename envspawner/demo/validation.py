"""Says what the API server would refuse in an object: wrong shapes (400) and wrong values (422)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from ..policy import names
from ..policy.problems import Fault, Step
from ..policy.quantities import capacity_bytes
from ..policy.sent import refused_parts
from .wire import Json, Kind, bad_request

Cause = tuple[str, str]
"""A field, and what is wrong with it."""

_Check = tuple[Callable[[str], str], str, tuple[str, ...]]

_TEXTS: Final = ("name", "generateName", "namespace", "uid", "resourceVersion")
_SERVICE_NAME: Final = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DATA_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_POD_MAY_CHANGE: Final = ("activeDeadlineSeconds", "tolerations")


def check_shape(kind: Kind, body: object) -> Json:
    """The body without its nulls, which are the same as nothing. Raises `ApiError` 400 for another shape."""
    if not isinstance(body, Mapping):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind.name})")
    thing: Json = _without_nulls(body)
    for field, wanted in (("apiVersion", "v1"), ("kind", kind.name)):
        if thing.get(field, wanted) != wanted:
            message = f"the object provided is unrecognized ({field} is {thing[field]!r}, not {wanted!r})"
            raise bad_request(message[:300])
    wrong = next(_wrong_shapes(thing), None)
    if wrong:
        raise bad_request(f'{kind.name} in version "v1" cannot be handled as a {kind.name}: {wrong}')
    return thing


def faults_of(kind: Kind, thing: Json) -> list[Cause]:
    """Each value that is wrong. Raises `ApiError` 400 for one that cannot even be read as its type."""
    faults = list(_faults(kind, thing))
    for fault in faults:
        if fault.message.startswith("expected ") or fault.message.endswith(" is no quantity"):
            text = f"{_path(fault.loc)}: {fault.message}"
            raise bad_request(f'{kind.name} in version "v1" cannot be handled as a {kind.name}: {text}')
    return [(_path(fault.loc), fault.message) for fault in faults]


def refused_changes(kind: Kind, old: Json, new: Json) -> list[Cause]:
    """What may not change once the object is there."""
    if kind.plural == "pods" and _fixed(old["spec"]) != _fixed(new["spec"]):
        message = "pod updates may not change fields other than images, activeDeadlineSeconds and tolerations"
        return [("spec", message)]
    if kind.plural != "persistentvolumeclaims":
        return []
    fixed = [
        {k: v for k, v in each["spec"].items() if k not in ("resources", "volumeName")} for each in (old, new)
    ]
    grown = old["spec"]["resources"] != new["spec"]["resources"]
    if fixed[0] != fixed[1] or (grown and old["status"].get("phase") != "Bound"):
        return [("spec", "spec is immutable after creation except resources.requests for bound claims")]
    if _capacity(new) < _capacity(old):
        return [("spec.resources.requests.storage", "field can not be less than previous value")]
    return []


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list | tuple) else value


def _wrong_shapes(thing: Json) -> Iterator[str]:
    """Each but the first may follow from those before it."""
    for part in ("metadata", "spec", "status", "data", "stringData", "involvedObject"):
        if not isinstance(thing.get(part, {}), dict):
            yield f"{part} is no object"
    metadata = thing.get("metadata", {})
    for field in _TEXTS:
        if not isinstance(metadata.get(field, ""), str):
            yield f"metadata.{field} is no string"
    for field in ("labels", "annotations"):
        texts = metadata.get(field, {})
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            yield f"metadata.{field} is no mapping of strings"
    for key, value in (*thing.get("data", {}).items(), *thing.get("stringData", {}).items()):
        if not isinstance(value, str):
            yield f"the value of {key} is no string"


def _faults(kind: Kind, thing: Json) -> Iterator[Fault]:
    spec = thing.get("spec", {})
    if kind.plural == "pods":
        # A pod without `volumes` has none; the table would take it for a part of a pod.
        yield from refused_parts({**thing, "spec": {"volumes": [], **spec}})
        yield from _pod_faults(spec)
    elif kind.plural == "persistentvolumeclaims":
        yield from refused_parts({**thing, "spec": spec})
        yield from _claim_faults(spec)
    else:
        yield from _metadata_faults(kind, thing["metadata"])
        yield from _OTHERS[kind.plural](thing)
    yield from _annotation_faults(thing["metadata"])


def _pod_faults(spec: Json) -> Iterator[Fault]:
    if spec.get("containers") == []:
        yield _fault("Required value", "spec", "containers")
    for group in ("initContainers", "containers"):
        items = spec.get(group)
        for i, one in enumerate(items if isinstance(items, list) else ()):
            for loc, value in _texts(one) if isinstance(one, dict) else ():
                if not isinstance(value, str):
                    yield _fault("expected a string", "spec", group, i, *loc)


def _texts(container: Json) -> Iterator[tuple[tuple[Step, ...], object]]:
    """What the API server wants as strings, where a policy may hold numbers."""
    for field in ("command", "args"):
        items = container.get(field)
        yield from (((field, i), item) for i, item in enumerate(items if isinstance(items, list) else ()))
    variables = container.get("env")
    for i, variable in enumerate(variables if isinstance(variables, list) else ()):
        if isinstance(variable, dict) and "value" in variable:
            yield ("env", i, "value"), variable["value"]


def _claim_faults(spec: Json) -> Iterator[Fault]:
    if not spec.get("accessModes"):
        yield _fault("Required value: at least 1 access mode is required", "spec", "accessModes")
    resources = spec.get("resources")
    requests = resources.get("requests", {}) if isinstance(resources, dict) else {}
    if isinstance(requests, dict) and "storage" not in requests:
        yield _fault("Required value", "spec", "resources[storage]")


def _metadata_faults(kind: Kind, metadata: Json) -> Iterator[Fault]:
    name = metadata["name"]
    if kind.plural == "services" and not _SERVICE_NAME.fullmatch(name):
        yield _fault("a DNS-1035 label must consist of lower-case letters, digits or '-'", "metadata", "name")
    checks: Iterable[_Check] = (
        (names.check_subdomain, name, ("name",)),
        *((names.check_label_key, key, ("labels", key)) for key in metadata.get("labels", {})),
        *(
            (names.check_label_value, text, ("labels", key))
            for key, text in metadata.get("labels", {}).items()
        ),
    )
    yield from _wrong(checks)


def _annotation_faults(metadata: Json) -> Iterator[Fault]:
    yield from _wrong(
        (names.check_annotation_key, key, ("annotations", key)) for key in metadata.get("annotations", {})
    )


def _wrong(checks: Iterable[_Check]) -> Iterator[Fault]:
    for check, text, loc in checks:
        try:
            check(text)
        except Fault as fault:
            yield _fault(fault.message, "metadata", *loc)


def _event_faults(event: Json) -> Iterator[Fault]:
    if event.get("involvedObject", {}).get("namespace") != event["metadata"]["namespace"]:
        yield _fault("does not match event.namespace", "involvedObject", "namespace")


def _secret_faults(secret: Json) -> Iterator[Fault]:
    for key, value in secret.get("data", {}).items():
        if not _DATA_KEY.fullmatch(key) or key in (".", ".."):
            yield _fault("a valid config key must consist of letters, digits, '-', '_' or '.'", "data", key)
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield _fault("expected base64", "data", key)


def _service_faults(service: Json) -> Iterator[Fault]:
    spec = service.get("spec", {})
    if not spec.get("ports") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield _fault("Required value", "spec", "ports")


_OTHERS: Final[Mapping[str, Callable[[Json], Iterator[Fault]]]] = {
    "events": _event_faults,
    "secrets": _secret_faults,
    "services": _service_faults,
}


def _fixed(spec: Json) -> Json:
    """A pod's spec without what may change in it."""
    kept = {key: value for key, value in spec.items() if key not in _POD_MAY_CHANGE}
    for group in {"containers", "initContainers"} & kept.keys():
        kept[group] = [{key: v for key, v in one.items() if key != "image"} for one in kept[group]]
    return kept


def _capacity(claim: Json) -> int:
    return capacity_bytes(str(claim["spec"]["resources"]["requests"]["storage"]))


def _fault(message: str, *loc: Step) -> Fault:
    return Fault(message, None, loc)


def _path(loc: tuple[Step, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return text.removeprefix(".")
