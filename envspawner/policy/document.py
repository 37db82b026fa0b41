"""Reads YAML into located data: every value with its line, every mistake with its place.

Built from the events of PyYAML's C parser, without recursion: a file nested a hundred thousand deep would
overrun the stack of a composer, and aliases could expand to more than fits into memory.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.resolver import Resolver

from .located import Map, Scalar, Seq, Source, Spot, dotted
from .problems import Place, PolicyError, Problem, Step

Parser: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 100
MAX_ALIASED: Final = 100_000
"""How many values aliases may add to a document: far more than people write, far fewer than a bomb."""
_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = {"str", "int", "float", "bool", "timestamp"}


def read_document(path: Path, name: str) -> tuple[Source, list[Problem]]:
    """The located data of a YAML file and its warnings.

    Raises OSError when the file cannot be read and PolicyError when what it holds is not usable YAML.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{name} is not a file" + (" but a directory" if path.is_dir() else ""))
    if status.st_size > MAX_BYTES:
        raise PolicyError([Problem(Place(name), "", f"larger than {MAX_BYTES // 2**20} MiB")])
    return parse_document(path.read_bytes(), name)


def parse_document(content: bytes, name: str) -> tuple[Source, list[Problem]]:
    """The located data of YAML text and its warnings; raises PolicyError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        hint = "save the file as UTF-8"
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise PolicyError([Problem(place, "", message, hint)]) from None
    builder = _Builder(name)
    loader = None
    try:
        loader = Parser(text)
        while loader.check_event():
            builder.take(loader.get_event())
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(name, error))
    except yaml.reader.ReaderError as error:
        builder.problems.append(_character_problem(name, text, error))
    finally:
        if loader is not None:
            loader.dispose()
    if any(not problem.warning for problem in builder.problems):
        raise PolicyError(builder.problems)
    if builder.root is None:
        hint = "write at least `defaults:` with something below it"
        raise PolicyError([Problem(Place(name, 1, 1), "", "the file holds nothing", hint)])
    return Source(name, builder.root, builder.start), builder.problems


def _syntax_problem(name: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    message = ", ".join(part for part in (error.context, error.problem) if part) or "not YAML"
    hint = None
    if "character that cannot start any token" in message:
        hint = "indent with blanks, not tabs, and quote text that begins with @, `, % or a tab"
    elif "mapping values are not allowed" in message:
        hint = "quote text that holds a colon and a blank, and indent with blanks that line up"
    elif "undefined alias" in message:
        hint = "quote text that begins with *"
    return Problem(place, "", message, hint)


def _character_problem(name: str, text: str, error: yaml.reader.ReaderError) -> Problem:
    code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
    at = next((i for i, char in enumerate(text) if ord(char) == code), 0)
    place = Place(name, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    return Problem(place, "", f"the character U+{code:04X} may not stand in YAML", "remove it")


@dataclass
class _Open:
    """A collection whose end has not been seen yet."""

    data: Map | Seq
    anchor: str | None
    spot: Spot
    size: int = 1
    key: str | None = None
    key_spot: Spot = (1, 1)
    merges: list[tuple[Any, Spot]] = field(default_factory=list)


class _Builder:
    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.root: Any = None
        self.start: Spot = (1, 1)
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open_anchors: set[str] = set()
        self._aliased = 0
        self._documents = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._begin_map,
            yaml.SequenceStartEvent: self._begin_seq,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    # Errors raised here end the parsing: what follows could not be understood.
    def _stop(self, event: Any, message: str, hint: str | None = None) -> PolicyError:
        return PolicyError([*self.problems, Problem(self._place(event), self._path(), message, hint)])

    def _place(self, event: Any) -> Place:
        return Place(self.name, *_spot(event))

    def _path(self, *more: Step) -> str:
        steps: list[Step] = []
        for one in self._stack:
            if isinstance(one.data, Seq):
                steps.append(len(one.data))
            elif one.key is not None:
                steps.append(one.key)
        return dotted((*steps, *more))

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(event, "a second document begins here", "keep one policy in one file, without ---")

    def _scalar(self, event: Any) -> None:
        tag = self._tag(event)
        if self._expects_key():
            self._key(event, tag)
            return
        value: Any = None if tag == "null" else Scalar(event.value, tag)
        if value is None and event.value == "" and self._stack:
            message = "nothing is written here"
            hint = "write null to remove what is beneath, or delete the line"
            self.problems.append(Problem(self._place(event), self._path(), message, hint, warning=True))
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, _spot(event), 1)

    def _tag(self, event: Any) -> str:
        if event.tag in (None, "!"):
            return "str" if event.tag or not event.implicit[0] else _implicit_tag(event.value)
        tag = str(event.tag).removeprefix(_TAG)
        if tag not in _SCALAR_TAGS | {"null"}:
            raise self._stop(event, f"the YAML tag {event.tag} is not known here", "write the value without a tag")
        return tag

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].data, Map) and self._stack[-1].key is None

    def _key(self, event: Any, tag: str) -> None:
        top = self._stack[-1]
        top.key, top.key_spot = event.value, _spot(event)
        if tag == "null" and event.value == "":
            self.problems.append(Problem(self._place(event), self._path(), "a key is empty", "write a name"))
        assert isinstance(top.data, Map)
        first = top.data.keys_at.get(event.value)
        if first is not None and event.value != "<<":
            message = f"the key {event.value!r} stands here twice, first in line {first[0]}"
            self.problems.append(Problem(self._place(event), self._path(), message, "join the two"))

    def _alias(self, event: Any) -> None:
        if self._expects_key():
            raise self._stop(event, "an alias cannot be a key")
        if event.anchor in self._open_anchors:
            raise self._stop(event, f"*{event.anchor} holds itself")
        if event.anchor not in self._anchors:
            raise self._stop(event, f"no anchor &{event.anchor} stands above", "quote text that begins with *")
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise self._stop(event, f"aliases add more than {MAX_ALIASED} values")
        self._add(value, _spot(event), size)

    def _begin_map(self, event: Any) -> None:
        self._begin(event, Map(), "map")

    def _begin_seq(self, event: Any) -> None:
        self._begin(event, Seq(), "seq")

    def _begin(self, event: Any, data: Map | Seq, tag: str) -> None:
        if self._expects_key():
            raise self._stop(event, "a key must be plain text", "quote text that begins with { or [")
        if event.tag not in (None, "!", _TAG + tag):
            raise self._stop(event, f"the YAML tag {event.tag} is not known here", "write the value without a tag")
        if len(self._stack) >= MAX_DEPTH:
            raise self._stop(event, f"nested more than {MAX_DEPTH} deep")
        if event.anchor:
            self._open_anchors.add(event.anchor)
        self._stack.append(_Open(data, event.anchor, _spot(event)))

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        for value, spot in done.merges:
            self._merge(done.data, value, spot)
        if done.anchor:
            self._open_anchors.discard(done.anchor)
            self._anchors[done.anchor] = (done.data, done.size)
        self._add(done.data, done.spot, done.size)

    def _add(self, value: Any, spot: Spot, size: int) -> None:
        if not self._stack:
            self.root, self.start = value, spot
            return
        top = self._stack[-1]
        top.size += size
        if isinstance(top.data, Seq):
            top.data.append(value)
            top.data.items_at.append(spot)
            return
        assert top.key is not None
        if top.key == "<<":
            top.merges.append((value, spot))
        elif top.key not in top.data:
            top.data[top.key] = value
            top.data.keys_at[top.key] = top.key_spot
            top.data.values_at[top.key] = spot
        top.key = None

    def _merge(self, into: Map | Seq, value: Any, spot: Spot) -> None:
        """YAML's `<<: *other`: the other mapping's keys where there are none of our own."""
        for other in value if isinstance(value, Seq) else [value]:
            if not isinstance(other, Map) or not isinstance(into, Map):
                place = Place(self.name, *spot)
                self.problems.append(Problem(place, self._path("<<"), "<< takes a mapping or a list of them"))
                return
            for key in other:
                if key not in into:
                    into[key] = other[key]
                    into.keys_at[key], into.values_at[key] = other.keys_at[key], other.values_at[key]


def _spot(event: Any) -> Spot:
    return (event.start_mark.line + 1, event.start_mark.column + 1)


def _implicit_tag(text: str) -> str:
    """What YAML 1.1 takes a plain scalar for: "int", "bool", ...; "str" for what it has no rule for."""
    for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            short = str(tag).removeprefix(_TAG)
            return short if short in _SCALAR_TAGS | {"null"} else "str"
    return "str"
