"""How text must look in a field of a Kubernetes object: the words of `kubernetes_types.json` that are no types.

Each check raises `Fault` for what the API server would refuse (pkg/apis/core/validation/validation.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from ipaddress import ip_address
from typing import Final

from . import names
from .problems import Fault

Check = Callable[[str], object]

DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})")
UNITS: Final = {
    **{unit: Fraction(1000**power) for power, unit in enumerate(("", "k", "M", "G", "T", "P", "E"))},
    **{unit: Fraction(1, 1000**power) for power, unit in enumerate("mun", 1)},
    **{f"{unit}i": Fraction(1024**power) for power, unit in enumerate("KMGTPE", 1)},
}
# The API server takes longer exponents too, but does not come back from 1e3000000000.
AMOUNT: Final = r"(\+?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))"
QUANTITY: Final = re.compile(rf"{AMOUNT}(?:[eE]([-+]?[0-9]{{1,2}})|({'|'.join(UNITS)}))")
_FIELD_PATH: Final = re.compile(
    r"metadata\.(?:name|namespace|uid|(?P<map>labels|annotations)(?:\['(?P<key>.+)'\])?)"
    r"|spec\.(?:nodeName|serviceAccountName)|status\.(?:host|pod)IPs?"
)
_SYSCTL: Final = r"(?:[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?"
_ISCSI: Final = (
    r"|iqn\.[0-9]{4}-[0-9]{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+|eui\.[A-Za-z0-9]{16}|naa\.[A-Za-z0-9]{32}"
)
_WINDOWS_USER: Final = r'(?:[^\x00-\x1f\x7f\\"/:*?<>|]{1,256}\\)?[^\\"/:;|=,+*?<>@\[\]\x00-\x1f\x7f]{1,20}'


def number(quantity: str) -> Fraction:
    """The number that a quantity of the right shape is."""
    found = QUANTITY.fullmatch(quantity)
    assert found is not None
    amount, power, unit = found.groups()
    return Fraction(amount) * (Fraction(10) ** int(power) if power else UNITS[unit])


def _matches(pattern: str, what: str, hint: str) -> Check:
    shape = re.compile(pattern, re.DOTALL)

    def check(text: str) -> None:
        if not shape.fullmatch(text):
            raise Fault(f"{names.quoted(text)} is no {what}", hint)

    return check


def _config_key(text: str) -> None:
    if not re.fullmatch("[-._a-zA-Z0-9]{1,253}", text) or text == "." or text.startswith(".."):
        hint = "write at most 253 letters, digits, '-', '_' and '.', and do not begin with '..'"
        raise Fault(f"{names.quoted(text)} cannot be a key of a secret or a config map", hint)


def _csi_driver(text: str) -> None:
    if len(text) > 63:
        raise Fault(f"{names.quoted(text)} cannot be the name of a driver", "it has more than 63 characters")
    names.check_subdomain(text.lower())


def _env_prefix(text: str) -> None:
    if text:
        names.check_env_name(text)


def _field_path(text: str) -> None:
    found = _FIELD_PATH.fullmatch(text)
    if found is None:
        hint = "such as metadata.name, metadata.labels['KEY'], spec.nodeName or status.podIP"
        raise Fault(f"{names.quoted(text)} is no field of a pod that can be had here", hint)
    if found["key"]:
        check = names.check_label_key if found["map"] == "labels" else names.check_annotation_key
        check(found["key"])


def _file_path(text: str) -> None:
    """A path of a file that Kubernetes makes: it keeps names that begin with two dots to itself."""
    names.check_sub_path(text)
    if text.startswith(".."):
        raise Fault(f"{names.quoted(text)} cannot be the path of a file here", "do not begin it with '..'")


def _image(text: str) -> None:
    if not text or text != text.strip():
        message = f"{names.quoted(text)} cannot be an image"
        raise Fault(message, "write its name, and leave out the blanks around it")


def _ip(text: str) -> None:
    try:
        if "%" in text:
            raise ValueError("a zone")
        ip_address(text)
    except ValueError:
        raise Fault(f"{names.quoted(text)} is no IP address", "such as 10.0.0.10 or fd00::10") from None


def _registries(text: str) -> None:
    for one in text.split(","):
        host, colon, _ = one.rpartition(":")
        if not colon or (":" in host and not (host.startswith("[") and host.endswith("]"))):
            raise Fault(
                f"{names.quoted(text)} is no registry", "write HOST:PORT, more of them with , between"
            )


SHAPES: Final[Mapping[str, Check]] = {
    "absolute-path": _matches(
        r"/(?!(.*/)?\.\.(/.*)?$).*", "absolute path", "start it with /, and have no '..' in it"
    ),
    "config-key": _config_key,
    "csi-driver": _csi_driver,
    "dns-label": names.check_dns_label,
    "env-name": names.check_env_name,
    "env-prefix": _env_prefix,
    "field-path": _field_path,
    "file-path": _file_path,
    "filled": _matches(r".*\S.*", "text", "write at least a word"),
    "header": _matches("[-A-Za-z0-9]+", "name of an HTTP header", "write letters, digits and '-'"),
    "image": _image,
    "ip": _ip,
    "iscsi-name": _matches(_ISCSI, "name of iSCSI", "begin it with iqn., eui. or naa."),
    "label-key": names.check_label_key,
    "label-value": names.check_label_value,
    "medium": _matches("|Memory|HugePages.*", "medium", "write Memory, or leave it out for the node's disk"),
    "mount-path": names.check_mount_path,
    "port-name": _matches(
        r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?",
        "name of a port",
        "write at most 15 lower-case letters, digits and '-', or a number without quotes",
    ),
    "registries": _registries,
    "resource": lambda name: name in ("cpu", "memory") or names.check_resource_name(name),
    "search-domain": lambda text: names.check_subdomain(text.removesuffix(".")),
    "sub-path": names.check_sub_path,
    "subdomain": names.check_subdomain,
    "sysctl": _matches(_SYSCTL + "(?<!.{254})", "name of a sysctl", "such as net.core.somaxconn"),
    "taint-key": lambda key: key and names.check_label_key(key),
    "windows-user": _matches(_WINDOWS_USER, "Windows user", "write USER or DOMAIN\\USER"),
}
"""Every shape by its word. Placeholders are taken for letters before a check sees the text."""
