"""What a typed text makes of the rule of its `other`: checked, filled in once, and never looked at again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ..policy.fields import FIELDS
from ..policy.images import Image, check_digest, check_tag, parse_image
from ..policy.names import check_label_value, quoted
from ..policy.patterns import LONGEST
from ..policy.problems import Fault
from ..policy.rules import Other, Rule, Setting
from ..policy.templates import Placeholder, Template, names_in, put

_VALUE: Final = "value"
_IMAGE: Final = ("image.name", "image.tag", "image.digest")
_LABELS: Final = frozenset({"extraLabels", "storage.extraLabels"})
_EXPANDED: Final = re.compile(r"\$(?=[$(]|\Z)")


@dataclass(frozen=True, slots=True)
class Typed:
    """A text that a user typed in place of a choice. rule: that of the `other`, with the text filled in."""

    other: Other
    value: str
    rule: Rule

    @property
    def slug(self) -> str:
        """What stands where the name of a choice would."""
        return self.value


def typed(other: Other, text: str) -> Typed:
    """What a text means where this `other` stands. Raises Fault, for the hub's log, if it is not one of its texts.

    Only an image is repeated there: another text may be a secret.
    """
    image = _checked(other, text)
    try:
        settings = _settings(other, text, image)
    except Fault:
        if image is not None:
            raise
        raise Fault("it makes no valid image or label") from None
    return Typed(other, text, replace(other.rule, settings=tuple(settings)))


def _settings(other: Other, text: str, image: Image | None) -> list[Setting]:
    settings = [_filled(setting, text) for setting in other.rule.settings]
    if image is not None:
        like = Setting(FIELDS["image.name"], None, other.rule.place)
        settings = [*_without_image(settings), *_image_settings(image, like)]
    elif any(setting.field.path in _IMAGE and _holds_value(setting) for setting in other.rule.settings):
        settings = list(_taken_apart(settings))
    for setting in settings:
        if setting.field.path in _LABELS and setting.value is not None:
            check_label_value(_spelled(setting.value))
    return settings


def _checked(other: Other, text: str) -> Image | None:
    """The image that the text is, where images are asked for."""
    if not text.isprintable():
        raise Fault("it holds a character that does not print")
    if other.images:
        image = parse_image(text)
        if not any(glob.admits(image) for glob in other.images):
            version = image.tag is not None or image.digest is not None
            raise Fault("it is none of the images" if version else "it has neither tag nor digest")
        return image
    if len(text) > LONGEST:
        raise Fault(f"it is longer than {LONGEST} characters")
    try:
        if other.pattern is not None and not other.pattern.matches(text):
            raise Fault("it does not match the pattern")
    except TimeoutError:
        raise Fault("the pattern took too long, so that nobody knows whether it matches") from None
    return None


def _holds_value(setting: Setting) -> bool:
    return setting.dynamic and _VALUE in names_in(setting.value)


def _filled(setting: Setting, text: str) -> Setting:
    if not _holds_value(setting):
        return setting
    written = _as_is(text) if setting.field.path == "extraEnv" else text
    value = put(setting.value, _VALUE, written)
    return setting._replace(value=value, dynamic=bool(names_in([value, setting.key])))


def _as_is(text: str) -> str:
    """A variable's text such that the kubelet, which expands `$(NAME)` and takes `$$` for `$`, gives back `text`."""
    return _EXPANDED.sub("$$", text)


def _without_image(settings: Iterable[Setting]) -> list[Setting]:
    return [setting for setting in settings if setting.field.path not in _IMAGE]


def _image_settings(image: Image, like: Setting) -> Iterator[Setting]:
    for path, part in zip(_IMAGE, (image.name, image.tag, image.digest), strict=True):
        if part is not None:
            yield like._replace(field=FIELDS[path], value=part, slot=path, dynamic=False)


def _taken_apart(settings: list[Setting]) -> Iterator[Setting]:
    """The settings with the parts of the image as they are now: a typed name may hold its tag, but no second one."""
    parts = {s.field.path: s for s in settings if s.field.path in _IMAGE and s.value is not None}
    for path, check in (("image.tag", check_tag), ("image.digest", check_digest)):
        if path in parts:
            check(_spelled(parts[path].value))
    name = parts.pop("image.name", None)
    if name is None or isinstance(name.value, Template):
        yield from settings
        return
    image = parse_image(name.value)
    if (image.tag and "image.tag" in parts) or (image.digest and "image.digest" in parts):
        raise Fault(f"the image {quoted(name.value)} has a tag or digest already")
    yield from _without_image(settings)
    yield from (*_image_settings(image, name), *parts.values())


def _spelled(value: Any) -> str:
    """A text as far as it is known; placeholders that are filled in later are taken for letters."""
    if isinstance(value, Template):
        return "".join("x" if isinstance(part, Placeholder) else part for part in value.parts)
    return str(value)
