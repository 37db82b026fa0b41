"""Says whether Kubernetes will take a text as a name, a label, a path or the like, and if not, why."""

from __future__ import annotations

import re

from .problems import Fault, suggest

_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_DNS_LABEL.pattern}(?:\.{_DNS_LABEL.pattern})*")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_HUGE_PAGES = re.compile(r"hugepages-[1-9][0-9]{0,9}(?:[KMGT]i)?")
_SHOWN = 60  # characters of a wrong text that a message repeats


def quoted(text: str) -> str:
    """`text` for a message: in quotes, printable, and not too long."""
    return repr(str(text) if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def check_label_key(text: str) -> str:
    """The key of a label: at most 63 characters, maybe after a DNS name and a slash (apimachinery's rule).

    Raises `Fault` for everything else.
    """
    return _check_key(text, "the key of a label", text)


def check_annotation_key(text: str) -> str:
    """The key of an annotation: as of a label, but here Kubernetes takes capitals before the slash too.

    Raises `Fault` for everything else.
    """
    return _check_key(text, "the key of an annotation", text.lower())


def check_label_value(text: str) -> str:
    """The value of a label: at most 63 letters, digits, `-`, `_` and `.`, or nothing (apimachinery's rule).

    Raises `Fault` for everything else.
    """
    if text and not _is_qualified(text):
        hint = "write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
        raise Fault(f"{quoted(text)} cannot be the value of a label", hint)
    return text


def check_env_name(text: str) -> str:
    """The name of an environment variable, by Kubernetes' rule up to 1.31 (later ones take more).

    Raises `Fault` for everything else.
    """
    if not _ENV_NAME.fullmatch(text) or text == "." or text.startswith(".."):
        likely = re.sub(r"[^-._a-zA-Z0-9]+", "_", text).lstrip("0123456789.")
        hint = f"did you mean {likely}?" if 0 < len(likely) <= _SHOWN and likely.strip("_") else None
        rule = "write letters, digits, '_', '-' and '.', not a digit first"
        raise Fault(f"{quoted(text)} cannot be the name of an environment variable", hint or rule)
    return text


def check_dns_label(text: str) -> str:
    """An RFC 1123 DNS label, the name of a volume or container: at most 63 of `a-z`, `0-9` and `-`.

    Raises `Fault` for everything else.
    """
    if len(text) > 63 or not _DNS_LABEL.fullmatch(text):
        hint = "write at most 63 lower-case letters, digits and '-', with a letter or digit at both ends"
        raise Fault(f"{quoted(text)} cannot be a name here", _near_label(text) or hint)
    return text


def check_subdomain(text: str) -> str:
    """An RFC 1123 DNS subdomain, the name of most objects: DNS labels joined by `.`, at most 253 characters.

    Raises `Fault` for everything else.
    """
    if not _is_subdomain(text):
        hint = "write at most 253 lower-case letters, digits, '-' and '.', a letter or digit beside each '.'"
        lower = text.lower()
        near = f"did you mean {lower}?" if len(text) <= _SHOWN and _is_subdomain(lower) else hint
        raise Fault(f"{quoted(text)} cannot be the name of an object", near)
    return text


def check_resource_name(text: str) -> str:
    """A resource beside CPU and memory: `nvidia.com/gpu`, `ephemeral-storage` or `hugepages-2Mi`.

    Raises `Fault` for everything else, as the API server does for containers; `cpu` and `memory` have
    keys of their own in a policy, where bounds see them.
    """
    if text in {"cpu", "memory"}:
        raise Fault(f"{text} is not given here", f"use the key {text}, with guarantee and limit")
    if text == "ephemeral-storage" or _HUGE_PAGES.fullmatch(text):
        return text
    prefix, slash, name = text.partition("/")
    # The API server also asks that "requests." before the name, as in quotas, makes a valid name.
    if (
        slash
        and _is_qualified(name)
        and _is_subdomain(f"requests.{prefix}")
        and not prefix.startswith("requests.")
    ):
        return text
    near = suggest(text, ("ephemeral-storage", "hugepages-2Mi", "hugepages-1Gi")) if not slash else None
    raise Fault(f"{quoted(text)} is not a resource", near or "write its full name, such as nvidia.com/gpu")


def check_mount_path(text: str) -> str:
    """Where a volume is mounted: an absolute path without `:` (Kubernetes' rule) and without `..`.

    Raises `Fault` for everything else.
    """
    _check_path(text, "a mount path")
    if not text.startswith("/"):
        raise Fault(f"the mount path {quoted(text)} is not absolute", "start it with /")
    if ":" in text:
        raise Fault(f"the mount path {quoted(text)} has a ':' in it", "Kubernetes takes none there")
    return text


def check_sub_path(text: str) -> str:
    """A path within a volume: relative and without `..` (Kubernetes' rule).

    Raises `Fault` for everything else.
    """
    _check_path(text, "a sub-path")
    if text.startswith("/"):
        raise Fault(f"the sub-path {quoted(text)} is not relative", "leave out the / at its start")
    return text


def _check_path(text: str, what: str) -> None:
    if not text:
        raise Fault(f"{what} cannot be empty", "write a path, or leave out the key")
    if "\0" in text:
        raise Fault(f"{quoted(text)} cannot be {what}: no path has a NUL character", "leave it out")
    if ".." in text.split("/"):
        raise Fault(f"{quoted(text)} cannot be {what}: it has a '..'", "write the path without '..'")


def _check_key(text: str, what: str, seen: str) -> str:
    """`text` if `seen`, which is what the API server looks at, is a qualified name."""
    prefix, slash, name = seen.rpartition("/")
    if slash and not _is_subdomain(prefix):
        raise Fault(f"{quoted(text)} cannot be {what}", "before the / write a DNS name, such as example.org")
    if not _is_qualified(name):
        hint = "write at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
        raise Fault(f"{quoted(text)} cannot be {what}", hint)
    return text


def _is_qualified(text: str) -> bool:
    return len(text) <= 63 and _QUALIFIED.fullmatch(text) is not None


def _is_subdomain(text: str) -> bool:
    return len(text) <= 253 and _SUBDOMAIN.fullmatch(text) is not None


def _near_label(text: str) -> str | None:
    near = re.sub(r"[._ ]+", "-", text.lower())
    return f"did you mean {near}?" if len(near) <= 63 and _DNS_LABEL.fullmatch(near) else None
