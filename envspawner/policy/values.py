"""The types of single values in a policy: what each accepts, and what it becomes.

Every type here is a pydantic type that takes what YAML or a traitlets file holds (`Scalar`, str, numbers, None),
returns plain data, and raises `Faults` that name every mistake. None passes through: it means "remove".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timezone
from fractions import Fraction
from typing import Annotated, Any, Final, TypeVar

from pydantic import PlainValidator

from . import images, kubernetes, names, quantities
from .located import Scalar
from .problems import Fault, suggest
from .templates import through_placeholders

T = TypeVar("T")

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
DERIVED_ENV: Final = {
    "MEM_LIMIT": "memory.limit",
    "MEM_GUARANTEE": "memory.guarantee",
    "CPU_LIMIT": "cpu.limit",
    "CPU_GUARANTEE": "cpu.guarantee",
    "JUPYTER_IMAGE": "image",
    "JUPYTER_IMAGE_SPEC": "image",
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


class Faults(ValueError):
    """All that is wrong with one value."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


def leaf(convert: Callable[[Any], T]) -> PlainValidator:
    """A pydantic validator that lets None pass and turns one Fault into Faults."""

    def validate(value: Any) -> T | None:
        if value is None:
            return None
        try:
            return convert(value)
        except Fault as fault:
            raise Faults([fault]) from None

    return PlainValidator(validate)


def kind_of(value: Any) -> str:
    """What a value is, in a word for people."""
    if isinstance(value, Scalar):
        return {"str": "text", "timestamp": "a date", "bool": "true or false"}.get(value.tag, "a number")
    if isinstance(value, bool):
        return "true or false"
    for kind, word in ((str, "text"), (int | float, "a number"), (Mapping, "a mapping"), (list, "a list")):
        if isinstance(value, kind):
            return word
    return f"a Python {type(value).__name__}"


def text(value: Any) -> str:
    """The file's own text; numbers and booleans of a Python file in YAML's spelling."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\0" in value:
            raise Fault("a NUL character cannot reach a container", "remove it")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise Fault("half a surrogate pair is no character", "remove it")
        return str(value)
    if isinstance(value, int | float):
        return repr(value)
    raise Fault(f"expected text, got {kind_of(value)}")


def filled_text(value: Any) -> str:
    """Text that is not empty."""
    result = text(value)
    if not result.strip():
        raise Fault("expected text, got nothing")
    return result


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Scalar) and value.tag == "bool":
        return value.lower() in ("true", "yes", "on", "y")
    raise Fault(f"expected true or false, got {kind_of(value)}")


def whole(value: Any) -> int:
    """A whole number from 0 to 2^63."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Fault(f"expected a whole number, got {kind_of(value)}")
    digits = str(value) if isinstance(value, str) or abs(value) < 2**63 else "-"
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise Fault("expected a whole number of 0 or more", "write it in decimal digits")
    if len(digits) > 1 and digits.startswith("0"):
        raise Fault("a whole number does not begin with 0", f"write {digits.lstrip('0') or '0'}")
    if int(digits) >= 2**63:
        raise Fault("the number is too large")
    return int(digits)


def seconds(value: Any) -> int:
    result = whole(value)
    if not 1 <= result <= 86_400:
        raise Fault("expected seconds, from 1 to 86400")
    return result


def each(convert: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A list of values; one value alone is a list of one."""

    def convert_all(value: Any) -> tuple[T, ...]:
        found: list[T] = []
        faults: list[Fault] = []
        for index, item in enumerate(value if isinstance(value, list | tuple) else [value]):
            try:
                found.append(convert(item))
            except Fault as fault:
                faults.append(Fault(fault.message, fault.hint, (index, *fault.loc)))
        if faults:
            raise Faults(faults)
        return tuple(found)

    return convert_all


def keyed(
    check_key: Callable[[str], Any], convert: Callable[[Any], Any]
) -> Callable[[Any], dict[str, Any]]:
    """A mapping whose keys are checked and whose values are converted; a null value stays null."""

    def convert_all(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Fault(f"expected a mapping, got {kind_of(value)}", "write `name: value` lines")
        found: dict[str, Any] = {}
        faults: list[Fault] = []
        for key, item in value.items():
            try:
                if not isinstance(key, str):
                    raise Fault(f"a key must be text, got {kind_of(key)}")
                check_key(key)
                found[str(key)] = None if item is None else convert(item)
            except Fault as fault:
                faults.append(Fault(fault.message, fault.hint, (key, *fault.loc)))
            except Faults as several:
                faults += [Fault(f.message, f.hint, (key, *f.loc)) for f in several.faults]
        if faults:
            raise Faults(faults)
        return found

    return convert_all


def checked(check: Callable[[str], Any], base: Callable[[Any], str] = filled_text) -> Callable[[Any], str]:
    """Text that passes a check of its spelling, placeholders taken for letters."""

    def convert(value: Any) -> str:
        result = base(value)
        through_placeholders(result, check)
        return result

    return convert


def one_of(*words: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        result = text(value)
        if result not in words:
            hint = suggest(result, words) or f"one of {', '.join(words)}"
            raise Fault(f"{result!r} is not known here", hint)
        return result

    return convert


def positive_memory(value: Any) -> int:
    result = quantities.memory_bytes(value)
    if result <= 0:
        raise Fault("a limit is above 0", "null means no limit")
    return result


def positive_cpu(value: Any) -> float:
    result = quantities.cpu_cores(value)
    if result <= 0:
        raise Fault("a limit is above 0", "null means no limit")
    return result


def or_share(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A guarantee: an amount, or a share of the limit such as `50%`."""

    def convert_either(value: Any) -> Any:
        part = quantities.share(value)
        return convert(value) if part is None else part

    return convert_either


def kubernetes_value(type_name: str) -> Callable[[Any], Any]:
    """A piece of a Kubernetes object, checked against Kubernetes' own types."""

    def convert(value: Any) -> Any:
        faults: list[Fault] = []
        result = kubernetes.convert(value, type_name, faults)
        if faults:
            raise Faults(faults)
        return result

    return convert


def kubernetes_list(type_name: str) -> Callable[[Any], tuple[Any, ...]]:
    convert = kubernetes_value(f"[{type_name}]")

    def convert_all(value: Any) -> tuple[Any, ...]:
        return tuple(convert(value))

    return convert_all


Entries = tuple[tuple[str | None, Any], ...]
"""Labels (None in a list) and Kubernetes objects (None under a label: remove it)."""


def entries(type_name: str) -> Callable[[Any], Entries]:
    """A list of Kubernetes objects, or a mapping whose labels are only labels."""

    def convert_all(value: Any) -> Entries:
        if isinstance(value, Mapping):
            return tuple(keyed(lambda _: None, kubernetes_value(type_name))(value).items())
        return tuple((None, item) for item in kubernetes_list(type_name)(value))

    return convert_all


def partial(type_name: str, elsewhere: Mapping[str, str]) -> Callable[[Any], dict[str, Any]]:
    """Some fields of a Kubernetes object; those in `elsewhere` have keys of their own in a policy."""
    fields = kubernetes.fields_of(type_name)

    def check_key(key: str) -> None:
        if key in elsewhere:
            raise Fault(f"{key!r} may not stand here", elsewhere[key])
        if key not in fields:
            raise Fault(f"unknown key {key!r}", suggest(key, fields))

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Fault(f"expected a mapping, got {kind_of(value)}")
        faults: list[Fault] = []
        found: dict[str, Any] = {}
        for key, item in value.items():
            try:
                check_key(str(key))
            except Fault as fault:
                faults.append(Fault(fault.message, fault.hint, (key,)))
                continue
            found[str(key)] = None if item is None else kubernetes.convert(item, fields[key], faults, (key,))
        if faults:
            raise Faults(faults)
        return found

    return convert


def env_name(name: str) -> str:
    if name in RESERVED_ENV:
        raise Fault(f"JupyterHub itself sets {name}", "choose another name")
    if name in DERIVED_ENV:
        raise Fault(f"JupyterHub sets {name} from {DERIVED_ENV[name]}", f"set {DERIVED_ENV[name]}")
    return names.check_env_name(name)


def env_value(value: Any) -> Any:
    """Text, a number, a boolean, or `valueFrom`."""
    if isinstance(value, Mapping):
        if set(value) != {"valueFrom"}:
            wrong = next((key for key in value if key != "valueFrom"), None)
            hint = "a value is text, a number, true or false, or {valueFrom: ...}; quote JSON text"
            raise Fault("expected text", hint, () if wrong is None else (wrong,))
        return {"valueFrom": kubernetes_value("EnvVarSource")(value["valueFrom"])}
    return text(value)


def label_name(key: str) -> str:
    if key in RESERVED_LABELS:
        raise Fault(f"KubeSpawner itself sets the label {key}", "choose another name")
    return names.check_label_key(key)


def annotation_name(key: str) -> str:
    if key.startswith(OWN_ANNOTATIONS):
        raise Fault(f"{OWN_ANNOTATIONS}... is for JupyterHub's own annotations", "choose another prefix")
    return names.check_annotation_key(key)


def extended_name(key: str) -> str:
    if key in ("memory", "cpu"):
        raise Fault(f"{key} has a key of its own", f"write {key}: {{limit: ..., guarantee: ...}} beside it")
    return names.check_resource_name(key)


def extended_resources(value: Any) -> dict[str, Any]:
    """Amounts by the name of an extended resource: whole numbers, such as GPUs, or quantities."""
    found = keyed(extended_name, lambda amount: amount)(value)
    faults: list[Fault] = []
    for name, amount in found.items():
        try:
            found[name] = None if amount is None else quantities.resource_amount(name, amount)
        except Fault as fault:
            faults.append(Fault(fault.message, fault.hint, (name,)))
    if faults:
        raise Faults(faults)
    return found


def moment(value: Any) -> datetime:
    """A date (that whole day included) or a date and time; UTC unless an offset is given."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    if isinstance(value, date):
        return datetime.combine(value, time.max, timezone.utc)
    if not isinstance(value, str):
        raise Fault(f"expected a date, got {kind_of(value)}", "write it as 2026-12-20")
    written = value.strip()
    try:
        if len(written) == 10:
            return moment(date.fromisoformat(written))
        return moment(datetime.fromisoformat(written.replace("Z", "+00:00").replace("z", "+00:00")))
    except ValueError:
        hint = "write 2026-12-20 or 2026-12-20T18:00+01:00"
        raise Fault(f"{written[:40]!r} is not a date", hint) from None


def image_name(value: Any) -> str:
    return checked(images.check_image_name)(value)


def pull_secret(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"name"}:
        value = value["name"]
    return checked(names.check_subdomain)(value)


Text = Annotated[str | None, leaf(text)]
FilledText = Annotated[str | None, leaf(filled_text)]
Flag = Annotated[bool | None, leaf(flag)]
Whole = Annotated[int | None, leaf(whole)]
Seconds = Annotated[int | None, leaf(seconds)]
Wholes = Annotated[tuple[int, ...] | None, leaf(each(whole))]
Texts = Annotated[tuple[str, ...] | None, leaf(each(text))]
Moment = Annotated[datetime | None, leaf(moment)]
MemoryLimit = Annotated[int | None, leaf(positive_memory)]
MemoryGuarantee = Annotated[int | Fraction | None, leaf(or_share(quantities.memory_bytes))]
CpuLimit = Annotated[float | None, leaf(positive_cpu)]
CpuGuarantee = Annotated[float | Fraction | None, leaf(or_share(quantities.cpu_cores))]
Capacity = Annotated[str | None, leaf(quantities.capacity)]
Extended = Annotated[dict[str, Any] | None, leaf(extended_resources)]
EnvVars = Annotated[dict[str, Any] | None, leaf(keyed(env_name, env_value))]
Labels = Annotated[dict[str, Any] | None, leaf(keyed(label_name, checked(names.check_label_value, text)))]
NodeLabels = Annotated[
    dict[str, Any] | None, leaf(keyed(names.check_label_key, checked(names.check_label_value, text)))
]
Annotations = Annotated[dict[str, Any] | None, leaf(keyed(annotation_name, text))]
