"""The variables of a container, as the kubelet makes them from a pod's manifest."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Protocol

from .image import IMAGE_ENVIRONMENT

Json = Mapping[str, Any]
_REFERENCE = re.compile(r"\$(?:(\$)|\(([^()]*)\))")


class CannotConfigure(Exception):
    """A container asks for something that is not there; the words are the kubelet's."""


class Secrets(Protocol):
    def __call__(self, name: str) -> Json | None:
        """A secret of the pod's namespace, or None."""


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` is the variable's value where there is one; `$$` is one dollar sign.

    As Kubernetes does it in `command`, `args` and the values of variables, and nowhere else.
    """

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        return known.get(found[2], found[0])

    return _REFERENCE.sub(value, text)


def variables(container: Json, pod: Json, secrets: Secrets) -> dict[str, str]:
    """What the container's command finds; raises `CannotConfigure`."""
    made = dict(IMAGE_ENVIRONMENT)
    for source in container.get("envFrom") or []:
        made |= _all_of(source, secrets)
    for entry in container.get("env") or []:
        if entry.get("valueFrom") is None:
            made[entry["name"]] = expand(entry.get("value") or "", made)
            continue
        found = _looked_up(entry["valueFrom"], container, pod, secrets)
        if found is not None:
            made[entry["name"]] = found
    return made


def _all_of(source: Json, secrets: Secrets) -> dict[str, str]:
    if "configMapRef" in source:
        return {} if source["configMapRef"].get("optional") else _no_config_map(source["configMapRef"])
    reference = source["secretRef"]
    secret = secrets(reference["name"])
    if secret is None:
        if reference.get("optional"):
            return {}
        raise CannotConfigure(f'secret "{reference["name"]}" not found')
    prefix = source.get("prefix") or ""
    return {prefix + key: _text(value) for key, value in (secret.get("data") or {}).items()}


def _looked_up(source: Json, container: Json, pod: Json, secrets: Secrets) -> str | None:
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        kind, _, resource = source["resourceFieldRef"]["resource"].partition(".")
        return str(((container.get("resources") or {}).get(kind) or {}).get(resource, "0"))
    if "configMapKeyRef" in source:
        reference = source["configMapKeyRef"]
        return None if reference.get("optional") else _no_config_map(reference).get("")
    return _secret_value(source["secretKeyRef"], secrets)


def _secret_value(reference: Json, secrets: Secrets) -> str | None:
    name, key = reference["name"], reference["key"]
    secret = secrets(name)
    data = {} if secret is None else secret.get("data") or {}
    if key in data:
        return _text(data[key])
    if reference.get("optional"):
        return None
    if secret is None:
        raise CannotConfigure(f'secret "{name}" not found')
    raise CannotConfigure(f"couldn't find key {key} in Secret {name}")


def _no_config_map(reference: Json) -> dict[str, str]:
    raise CannotConfigure(f'configmap "{reference["name"]}" not found (there are none here)')


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode(errors="surrogateescape")


def field(pod: Json, path: str) -> str:
    """A field by a `fieldPath` that Kubernetes allows; raises `CannotConfigure`."""
    of_a_mapping = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if of_a_mapping:
        return str((pod["metadata"].get(of_a_mapping[1]) or {}).get(of_a_mapping[2], ""))
    known = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
        "metadata.uid": pod["metadata"].get("uid", ""),
        "spec.nodeName": "this-machine",
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName") or "default",
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
        "status.podIPs": "127.0.0.1",
    }
    if path not in known:
        raise CannotConfigure(f"unsupported fieldPath: {path}")
    return str(known[path])
