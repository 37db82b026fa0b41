"""Globs over images, such as `quay.io/jupyter/*`, compared part by part: no text passes for another part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .globs import fits
from .images import Image, check_digest, check_tag, cut, is_component, is_registry, normal
from .names import quoted
from .problems import Fault

_ANY_DIGEST: Final = re.compile(r"[a-z0-9]+:\*")


@dataclass(frozen=True, slots=True)
class ImageGlob:
    """`[registry/]path[:tag][@digest]`, where `*` stands for one character or more within one part.

    text: as the admin wrote it. registry: in lower case; it may begin with `*.`. tag, digest: at most one of
    them; with neither, every tag and digest is admitted.
    """

    text: str
    registry: str
    path: tuple[str, ...]
    tag: str | None = None
    digest: str | None = None

    def admits(self, image: Image) -> bool:
        """Whether an image is one of these. What has neither tag nor digest never is."""
        registry, path = normal(image.name)
        if not self._holds(registry) or len(path) != len(self.path):
            return False
        return all(map(fits, self.path, path)) and self._is_version(image.tag, image.digest)

    def _holds(self, registry: str) -> bool:
        if self.registry.startswith("*."):
            return registry.endswith(self.registry[1:])
        return registry == self.registry

    def _is_version(self, tag: str | None, digest: str | None) -> bool:
        """Beside a digest a tag says nothing: whoever runs the image looks at the digest alone."""
        if self.digest is not None:
            return digest is not None and fits(self.digest, digest)
        if self.tag is not None:
            return digest is None and tag is not None and fits(self.tag, tag)
        return tag is not None or digest is not None


def parse_glob(text: str) -> ImageGlob:
    """The glob that `text` is; raises `Fault` where it is none, or admits what nobody could see in it."""
    if "**" in text:
        hint = "write one * for each part between slashes"
        raise Fault(f"{quoted(text)} has a '**': a * stands for characters within one part", hint)
    name, tag, digest = cut(text)
    if not name:
        raise Fault(f"{quoted(text)} names no image", "write one such as quay.io/jupyter/*")
    if tag is not None and digest is not None:
        raise Fault(f"{quoted(text)} has a tag and a digest", "leave out the tag: the digest alone counts")
    registry, path = normal(name)
    _check_start(name)
    _check_registry(registry, text)
    _check_path(path, text)
    if tag is not None:
        check_tag(tag.replace("*", "x"))
    if digest is not None and not _ANY_DIGEST.fullmatch(digest):
        check_digest(digest)
    return ImageGlob(text, registry, path, tag, digest)


def _check_start(name: str) -> None:
    """Without a registry it is Docker's; a `*` that seems to stand for the registry would surprise."""
    first, slash, _ = name.partition("/")
    if "*" in first and not any(char in first for char in ".:"):
        meant = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
        hint = f"write its name first; on Docker Hub this is {meant}" if len(name) < 200 else None
        raise Fault(f"{quoted(name)} does not say which registry", hint)


def _check_registry(registry: str, text: str) -> None:
    domain = registry.removeprefix("*.")
    if is_registry(domain) and (domain == registry or "." in domain):
        return
    hint = "write a host name, maybe with a port, such as registry.example.org:5000"
    if "*" in registry:
        hint = "write its whole name, or all below a domain as *.example.org"
    raise Fault(f"{quoted(text)} has no proper registry before its first '/'", hint)


def _check_path(path: tuple[str, ...], text: str) -> None:
    wrong = next((part for part in path if not is_component(part.replace("*", "x"))), None)
    if wrong is None:
        return
    if not wrong and path[-1] == "":
        raise Fault(f"{quoted(text)} ends with a '/'", "write a * after it, for every name there")
    hint = "write lower-case letters and digits, with '.', '_', '__' or dashes between them, and *"
    raise Fault(f"{quoted(text)} has the part {quoted(wrong)}, which no image has", hint)
