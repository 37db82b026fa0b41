"""Placeholders in strings: found once at load, filled in once at spawn; every other brace is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PERSON: Final = (
    "username",
    "servername",
    "user_server",
    "unescaped_username",
    "unescaped_servername",
    "userid",
    "escaped_username",
    "escaped_servername",
    "escaped_user_server",
    "safe_username",
    "safe_servername",
    "safe_user_server",
)
SPAWN: Final = ("hubnamespace", "namespace", "pod_name", "pvc_name", "profile")
GROUP: Final = ("group", "match")
KNOWN: Final = frozenset((*PERSON, *SPAWN, *GROUP, "value"))
JOINED: Final = frozenset(("user_server", "escaped_user_server", "safe_user_server"))
"""Placeholders that name a user and a server in one."""
SERVER: Final = JOINED | {"servername", "unescaped_servername", "escaped_servername", "safe_servername"}
"""Placeholders that tell servers of one user apart."""
USER: Final = frozenset(PERSON) - SERVER | JOINED
"""Placeholders that tell users apart."""
AUTH_STATE: Final = "auth_state."

_name = "|".join(sorted(KNOWN, key=len, reverse=True)) + r"|auth_state(?:\.[A-Za-z0-9_-]+)+"
_TOKEN: Final = re.compile(r"\{\{(" + _name + r")\}\}|(?<!\$)\{(" + _name + r")\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{name}` in a template."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A string with placeholders, cut into the text between them and their names."""

    parts: tuple[str | Placeholder, ...]
    names: frozenset[str] = field(init=False, repr=False, compare=False)
    _format: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = frozenset(part.name for part in self.parts if isinstance(part, Placeholder))
        object.__setattr__(self, "names", names)
        texts = (f"%({p.name})s" if isinstance(p, Placeholder) else p.replace("%", "%%") for p in self.parts)
        object.__setattr__(self, "_format", "".join(texts))

    @property
    def text(self) -> str:
        """As the admin wrote it, with `{{NAME}}` already read as `{NAME}`."""
        return "".join(f"{{{p.name}}}" if isinstance(p, Placeholder) else p for p in self.parts)

    def fill(self, values: Mapping[str, str]) -> str:
        """The string for one spawn; what is put in is not looked at again. Raises KeyError."""
        return self._format % values


def compile_text(text: str) -> str | Template:
    """The text (with `{{NAME}}` read as `{NAME}`), or a Template where it holds a known placeholder."""
    if "{" not in text:
        return text
    parts: list[str | Placeholder] = []
    literal, end = "", 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[1]:
            literal += f"{{{token[1]}}}"
            continue
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(Placeholder(token[2]))
    literal += text[end:]
    if not parts:
        return literal
    return Template((*parts, literal) if literal else tuple(parts))


def compile_value(value: Any) -> Any:
    """The same value with every string in it compiled; keys of mappings are not strings to fill."""
    if isinstance(value, str):
        return compile_text(value)
    if isinstance(value, Mapping):
        return {key: compile_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [compile_value(item) for item in value]
    return value


def fill_value(value: Any, values: Mapping[str, str]) -> Any:
    """A compiled value for one spawn: new containers, nothing shared that could be changed later."""
    if isinstance(value, Template):
        return value.fill(values)
    if isinstance(value, dict):
        return {key: fill_value(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_value(item, values) for item in value]
    return value


def put(value: Any, name: str, text: str) -> Any:
    """A compiled value with `text` in the places of one placeholder; the others wait. It is not looked at again."""
    if isinstance(value, Template):
        parts = tuple(text if part == Placeholder(name) else part for part in value.parts)
        rest = Template(parts)
        return rest if rest.names else rest.fill({})
    if isinstance(value, dict):
        return {key: put(item, name, text) for key, item in value.items()}
    if isinstance(value, list):
        return [put(item, name, text) for item in value]
    return value


def names_in(value: Any) -> frozenset[str]:
    """The names of all placeholders in a compiled value."""
    if isinstance(value, Template):
        return value.names
    if isinstance(value, dict):
        return frozenset().union(*map(names_in, value.values()))
    if isinstance(value, list):
        return frozenset().union(*map(names_in, value))
    return frozenset()


def through_placeholders(text: str, check: Callable[[str], Any]) -> None:
    """Applies a check of spelling to text, placeholders taken for letters; raises what `check` raises."""
    compiled = compile_text(text)
    if isinstance(compiled, Template):
        check("".join("x" if isinstance(part, Placeholder) else part for part in compiled.parts))
    else:
        check(compiled)
