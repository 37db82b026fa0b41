"""Takes the references of container images apart, and says what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .names import quoted
from .problems import Fault

# The grammar is that of github.com/distribution/reference, which every container runtime uses.
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):([a-f0-9]{32,})")
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_DOCKER = "docker.io"
_LONGEST = 255
_LONGEST_REFERENCE = 600  # more than name, tag and digest can have together


@dataclass(frozen=True, slots=True)
class Image:
    """A container image: its name (with its registry, if any) and its tag or digest or both, or neither."""

    name: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.name}{tag}{digest}"


def parse_image(text: str) -> Image:
    """The image that `text` names: `[host[:port]/]path[:tag][@digest]`.

    Raises `Fault` where that cannot be the reference of an image.
    """
    name, tag, digest = cut(text)
    check_image_name(name)
    return Image(
        name, None if tag is None else check_tag(tag), None if digest is None else check_digest(digest)
    )


def cut(text: str) -> tuple[str, str | None, str | None]:
    """(name, tag, digest) of a reference or of a glob over references, none of them looked at yet.

    Raises `Fault` where that is not clear.
    """
    _check_plain(text, "image")
    rest, at, digest = text.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag or (tag.endswith("]") and rest.startswith("[")):
        name, colon, tag = rest, "", ""
    if colon and not tag:
        raise Fault(
            f"the image {quoted(text)} has no tag after its ':'", "write the tag, or leave out the ':'"
        )
    if at and not digest:
        raise Fault(f"the image {quoted(text)} has no digest after its '@'", "write it as sha256:…")
    return name, tag if colon else None, digest if at else None


def normal(name: str) -> tuple[str, tuple[str, ...]]:
    """(registry, parts of the path) of a name or of a glob: `x` is `docker.io/library/x`, for every runtime."""
    host, path = _split_host(name)
    registry = (host or _DOCKER).lower()
    parts = tuple(path.split("/"))
    if registry in (_DOCKER, f"index.{_DOCKER}"):
        return _DOCKER, parts if len(parts) > 1 else ("library", *parts)
    return registry, parts


def is_registry(text: str) -> bool:
    """Whether a text can be a host, maybe with a port."""
    return _HOST.fullmatch(text) is not None


def is_component(text: str) -> bool:
    """Whether a text can stand between two slashes of an image's path."""
    return _COMPONENT.fullmatch(text) is not None


def check_image_name(text: str) -> str:
    """The name of an image without tag and digest, at most 255 characters; `text` itself.

    Raises `Fault` where it cannot be one. A first part with a dot or a port, or `localhost`, is a registry.
    """
    _check_plain(text, "image name")
    if len(text) > _LONGEST:
        raise Fault(f"the image name {quoted(text)} is longer than {_LONGEST} characters", "shorten it")
    host, path = _split_host(text)
    if host is not None and not _HOST.fullmatch(host):
        raise Fault(
            f"the image name {quoted(text)} has no proper registry before its first '/'",
            "write a host name, maybe with a port, such as registry.example.org:5000",
        )
    if "@" in path or ":" in path:
        hint = "a tag and a digest stand behind the name, each once: name:tag@digest"
        raise Fault(f"the image name {quoted(text)} has a ':' or '@' in it", hint)
    _check_path(path, host, text)
    if re.fullmatch("[a-f0-9]{64}", text):
        raise Fault(f"the image name {quoted(text)} is an image's id", "write the image's name")
    return text


def check_tag(text: str) -> str:
    """A tag, at most 128 letters, digits, `_`, `.` and `-`, and neither of the last two first; `text` itself.

    Raises `Fault` for everything else.
    """
    _check_plain(text, "tag")
    if not _TAG.fullmatch(text):
        hint = "write at most 128 letters, digits, '_', '.' and '-', with neither '.' nor '-' first"
        if text.startswith(":") and _TAG.fullmatch(text[1:]):
            hint = f"did you mean {text[1:]}?"
        elif _DIGEST.fullmatch(text.removeprefix("@")):
            hint = "this is a digest, not a tag"
        raise Fault(f"{quoted(text)} cannot be a tag", hint)
    return text


def check_digest(text: str) -> str:
    """A digest: an algorithm, `:` and its hexadecimal digits in lower case, 64 for sha256; `text` itself.

    Raises `Fault` for everything else.
    """
    _check_plain(text, "digest")
    found = _DIGEST.fullmatch(text)
    if found is None:
        raise Fault(f"{quoted(text)} cannot be a digest", _digest_hint(text))
    wanted = _DIGITS.get(found[1])
    if wanted and len(found[2]) != wanted:
        raise Fault(
            f"the digest {quoted(text)} has {len(found[2])} digits, not {wanted}",
            f"copy it whole: {found[1]}: and {wanted} hexadecimal digits",
        )
    return text


def _digest_hint(text: str) -> str:
    if re.fullmatch("[A-Fa-f0-9]{64}", text):
        return f"did you mean sha256:{text.lower()}?"
    if text.startswith("@"):
        return "leave out the '@'"
    if _DIGEST.fullmatch(text.lower()):
        return "write it in lower case"
    return "write it as sha256: and 64 hexadecimal digits"


def _check_plain(text: str, what: str) -> None:
    """Raises `Fault` for the slips that no part of a reference forgives."""
    if not text:
        raise Fault(f"the {what} is empty", f"write the {what}, or leave out the key")
    if len(text) > _LONGEST_REFERENCE:
        raise Fault(f"the {what} {quoted(text)} is longer than any can be", "shorten it")
    if re.search(r"\s", text):
        bare = text.strip()
        plain = 0 < len(bare) <= _LONGEST and len(bare.split()) == 1
        hint = f"did you mean {bare}?" if plain else "leave out the blanks"
        raise Fault(f"the {what} {quoted(text)} has a blank in it", hint)
    scheme, found, rest = text.partition("://")
    if found:
        hint = f"did you mean {rest}?" if 0 < len(rest) <= _LONGEST else f"leave out {scheme[:20]}://"
        raise Fault(f"the {what} {quoted(text)} is an address, with {scheme[:20]}://", hint)


def _split_host(name: str) -> tuple[str | None, str]:
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or any(char in first for char in ".:[")):
        return first, rest
    return None, name


def _check_path(path: str, host: str | None, name: str) -> None:
    parts = path.split("/")
    wrong = next((part for part in parts if not _COMPONENT.fullmatch(part)), None)
    if wrong is None:
        return
    if all(_COMPONENT.fullmatch(part.lower()) for part in parts):
        meant = path.lower() if host is None else f"{host}/{path.lower()}"
        raise Fault(f"the image name {quoted(name)} must be lower-case", f"did you mean {meant}?")
    if not wrong:
        raise Fault(f"the image name {quoted(name)} has an empty part", "write one '/' between two parts")
    raise Fault(
        f"the image name {quoted(name)} has the part {quoted(wrong)}",
        "write lower-case letters and digits, with '.', '_', '__' or dashes between them",
    )
