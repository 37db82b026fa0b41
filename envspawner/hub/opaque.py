"""Values of KubeSpawner's traits as settings: carried whole, taken apart only as far as layers combine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from ..policy.fields import FIELDS, Field
from ..policy.images import parse_image
from ..policy.problems import Fault, Place
from ..policy.rules import Setting
from ..policy.templates import Template

_HOOKS: Final = (("postStart", ("postStart", "post_start")), ("preStop", ("preStop", "pre_stop")))


def opaque(path: str, value: Any, place: Place, key: str | None = None) -> Setting:
    """The value of a field, or of one key of it."""
    slot = path if key is None else f"{path}.{key}"
    return Setting(FIELDS[path], value, place, key, slot, opaque=True)


@lru_cache(maxsize=256)
def image_settings(image: str, place: Place) -> tuple[Setting, ...]:
    """The parts of an image; one that cannot be taken apart is a name."""
    try:
        parsed = parse_image(image)
    except Fault:
        return (opaque("image.name", image, place),)
    parts = {part: getattr(parsed, part) for part in ("name", "tag", "digest")}
    return tuple(opaque(f"image.{part}", value, place) for part, value in parts.items() if value is not None)


def hooks_in(hooks: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(path of the field, key as written, value) of each lifecycle hook, however its name is spelt."""
    for word, names in _HOOKS:
        for name in names:
            if name in hooks:
                yield f"lifecycleHooks.{word}", name, hooks[name]


def labelled(value: Any) -> list[tuple[str | None, Any]]:
    """(label, item) of a list, which has no labels, or of a mapping, sorted as KubeSpawner sorts it."""
    if isinstance(value, Mapping):
        return [(str(label), value[label]) for label in sorted(value)]
    return [(None, item) for item in value or ()]


def named(
    field: Field, item: Any, name: str | Template | None, place: Place, label: str | None = None
) -> Setting:
    """An entry of a field whose entries have a name or a path."""
    key = repr(item) if name is None else name
    slot = None if isinstance(key, Template) else f"{field.path}.{key}"
    dynamic = isinstance(key, Template)
    return Setting(field, item, place, key, slot, dynamic, label, opaque=True)


def part(item: Any, name: str) -> Any:
    """A field of a Kubernetes object that may be a mapping (camelCase or snake_case) or a model."""
    if isinstance(item, Mapping):
        found = item.get(name)
        return item.get(_snake(name)) if found is None else found
    return getattr(item, _snake(name), None)


@lru_cache(maxsize=64)
def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
