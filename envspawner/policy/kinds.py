"""Values that Kubernetes and JupyterHub have rules for: variables, labels, resources, objects, images."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from . import images, kubernetes, names, quantities
from .problems import Fault, Faults, suggest
from .values import checked, keyed, leaf, text

RESERVED_ENV: Final = frozenset(
    {
        "JPY_API_TOKEN",
        "JUPYTERHUB_ACTIVITY_URL",
        "JUPYTERHUB_ADMIN_ACCESS",
        "JUPYTERHUB_API_TOKEN",
        "JUPYTERHUB_API_URL",
        "JUPYTERHUB_BASE_URL",
        "JUPYTERHUB_CLIENT_ID",
        "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED",
        "JUPYTERHUB_COOKIE_OPTIONS",
        "JUPYTERHUB_HOST",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
        "JUPYTERHUB_OAUTH_CALLBACK_URL",
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES",
        "JUPYTERHUB_OAUTH_SCOPES",
        "JUPYTERHUB_PUBLIC_HUB_URL",
        "JUPYTERHUB_PUBLIC_URL",
        "JUPYTERHUB_SERVER_NAME",
        "JUPYTERHUB_SERVICE_PREFIX",
        "JUPYTERHUB_SERVICE_URL",
        "JUPYTERHUB_SSL_CERTFILE",
        "JUPYTERHUB_SSL_CLIENT_CA",
        "JUPYTERHUB_SSL_KEYFILE",
        "JUPYTERHUB_USER",
    }
)
"""What JupyterHub 5.5 to 6.1 set in `Spawner.get_env`: a server with another value would not find its hub."""
DERIVED_ENV: Final[Mapping[str, str]] = {
    "CPU_GUARANTEE": "cpu.guarantee",
    "CPU_LIMIT": "cpu.limit",
    "JUPYTERHUB_DEBUG": "kubespawnerOverride.debug",
    "JUPYTERHUB_DEFAULT_URL": "defaultUrl",
    "JUPYTERHUB_DISABLE_USER_CONFIG": "kubespawnerOverride.disable_user_config",
    "JUPYTERHUB_ROOT_DIR": "kubespawnerOverride.notebook_dir",
    "JUPYTER_IMAGE": "image",
    "JUPYTER_IMAGE_SPEC": "image",
    "MEM_GUARANTEE": "memory.guarantee",
    "MEM_LIMIT": "memory.limit",
}
"""What JupyterHub and KubeSpawner set from other values: two truths would contradict each other."""
RESERVED_LABELS: Final = frozenset(
    {
        "component",
        "app.kubernetes.io/component",
        "hub.jupyter.org/username",
        "hub.jupyter.org/servername",
    }
)
"""Labels that KubeSpawner's reflectors select by, or that say whose a pod or a claim is."""
OWN_ANNOTATIONS: Final = "hub.jupyter.org/"

Entries = tuple[tuple[str | None, Any], ...]
"""Labels (None in a list) and Kubernetes objects (None under a label: remove it)."""


def kubernetes_value(type_name: str) -> Callable[[Any], Any]:
    """A piece of a Kubernetes object, checked against Kubernetes' own types."""
    return functools.partial(piece_of, type_name)


def piece_of(type_name: str, value: Any) -> Any:
    faults: list[Fault] = []
    result = kubernetes.convert(value, type_name, faults)
    if faults:
        raise Faults(_at_keys(fault) for fault in faults)
    return result


def _at_keys(fault: Fault) -> Fault:
    of_key = fault.message.startswith("unknown key")
    return Fault(fault.message, fault.hint, fault.loc, of_key=of_key)


def kubernetes_list(type_name: str) -> Callable[[Any], tuple[Any, ...]]:
    return functools.partial(pieces_of, type_name)


def pieces_of(type_name: str, value: Any) -> tuple[Any, ...]:
    return tuple(piece_of(f"[{type_name}]", value))


def entries(type_name: str) -> Callable[[Any], Entries]:
    """A list of Kubernetes objects, or a mapping whose labels are only labels."""
    return functools.partial(entries_of, type_name)


def entries_of(type_name: str, value: Any) -> Entries:
    if isinstance(value, Mapping):
        labelled = keyed(lambda _: None, lambda _, item: piece_of(type_name, item))
        return tuple(labelled(value).items())
    return tuple((None, item) for item in pieces_of(type_name, value))


def partial(type_name: str, elsewhere: Mapping[str, str]) -> Callable[[Any], dict[str, Any]]:
    """Some fields of a Kubernetes object; those in `elsewhere` have keys of their own in a policy."""
    return functools.partial(some_of, type_name, elsewhere)


def some_of(type_name: str, elsewhere: Mapping[str, str], value: Any) -> dict[str, Any]:
    fields = kubernetes.fields_of(type_name)

    def check_key(key: str) -> None:
        if key in elsewhere:
            raise Fault(f"{key} may not stand here", elsewhere[key])
        if key not in fields:
            raise Fault(f"unknown key {names.quoted(key)}", suggest(key, fields))

    found = keyed(check_key, lambda key, item: piece_of(fields[key], item))(value)
    rule = kubernetes.RULES[type_name]
    faults = list(rule({key: item for key, item in found.items() if item is not None}))
    if faults:
        raise Faults(faults)
    return found


def env_name(name: str) -> str:
    if name in RESERVED_ENV:
        raise Fault(f"JupyterHub itself sets {name}", "choose another name")
    if name in DERIVED_ENV:
        raise Fault(f"JupyterHub itself sets {name}", f"write {DERIVED_ENV[name]}")
    return names.check_env_name(name)


def env_value(value: Any) -> Any:
    """Text, a number, a boolean, or `valueFrom`."""
    hint = "write text, a number, true or false, or {valueFrom: ...}; quote JSON text"
    if isinstance(value, list | tuple):
        raise Fault("expected text, got a list", hint)
    if not isinstance(value, Mapping):
        return text(value)
    if set(value) != {"valueFrom"}:
        raise Fault("expected text, got a mapping", hint)
    return {"valueFrom": _source(value)}


def _source(value: Mapping[str, Any]) -> Any:
    try:
        return kubernetes_value("EnvVarSource")(value["valueFrom"])
    except Faults as wrong:
        raise Faults(fault.under("valueFrom") for fault in wrong.faults) from None


def label_name(key: str) -> str:
    if key in RESERVED_LABELS:
        raise Fault(f"KubeSpawner itself sets the label {key}", "choose another name")
    return names.check_label_key(key)


def annotation_name(key: str) -> str:
    if key.startswith(OWN_ANNOTATIONS):
        raise Fault(
            f"annotations that begin with {OWN_ANNOTATIONS} are JupyterHub's", "choose another prefix"
        )
    return names.check_annotation_key(key)


def extended_name(key: str) -> str:
    if key in ("memory", "cpu"):
        raise Fault(f"{key} has a key of its own", f"write {key}: {{limit: ..., guarantee: ...}} beside it")
    return names.check_resource_name(key)


_check_name = checked(images.check_image_name)
_check_reference = checked(images.parse_image)


def image_name(value: Any) -> str:
    """The name alone; tag and digest have keys of their own."""
    try:
        return _check_name(value)
    except Fault:
        reference = _check_reference(value)  # raises what is wrong with it as a whole, if anything is
    hint = f"write image: {reference}, or give the tag or the digest as a key beside name"
    raise Fault("a name only, without tag and digest", hint)


def pull_secret(value: Any) -> str:
    """The name of a secret, alone or as Kubernetes writes it: `{name: ...}`."""
    if isinstance(value, Mapping) and set(value) == {"name"}:
        value = value["name"]
    return checked(names.check_subdomain)(value)


_label_value = checked(names.check_label_value, text)


def _labels(check_key: Callable[[str], Any]) -> Callable[[Any], dict[str, Any]]:
    return keyed(check_key, lambda _, value: _label_value(value))


Extended = Annotated[dict[str, Any] | None, leaf(keyed(extended_name, quantities.resource_amount))]
EnvVars = Annotated[dict[str, Any] | None, leaf(keyed(env_name, lambda _, value: env_value(value)))]
Labels = Annotated[dict[str, Any] | None, leaf(_labels(label_name))]
NodeLabels = Annotated[dict[str, Any] | None, leaf(_labels(names.check_label_key))]
annotation_texts = keyed(annotation_name, lambda _, value: text(value))
Annotations = Annotated[dict[str, Any] | None, leaf(annotation_texts)]
