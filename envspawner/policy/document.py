"""Reads YAML into located data: every value with its line, every mistake with its place.

Built from the events of PyYAML's C parser, without recursion: a file nested a hundred thousand deep would
overrun the stack of a composer, and aliases could expand to more than fits into memory.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.resolver import Resolver

from .located import Map, Scalar, Seq, Source, Spot, dotted
from .problems import Place, PolicyError, Problem, Step
from .syntax import character_problem, encoding_problem, syntax_problem

Parser: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES: Final = 32 * 2**20
MAX_VALUES: Final = 2_000_000
"""A policy for 100,000 people, one by one, holds half as many."""
MAX_DEPTH: Final = 100
MAX_ALIASED: Final = 100_000
"""How many values aliases may add, and ten more for each value written: people write less, a bomb more."""
_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = {"str", "int", "float", "bool", "timestamp", "null"}


class EmptyDocument(PolicyError):
    """A file that is empty, or holds only comments."""


def read_document(path: Path, name: str) -> tuple[Source, list[Problem]]:
    """The located data of a YAML file and its warnings.

    Raises OSError when the file cannot be read and PolicyError when what it holds is not usable YAML.
    """
    return parse_document(read_content(path, name), name)


def read_content(path: Path, name: str) -> bytes:
    """What a file holds. Raises OSError, and PolicyError where it is too large."""
    # Not to block: to open a pipe would wait for somebody who writes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a directory, not a file")
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise PolicyError([Problem(Place(name), "", f"the file is larger than {MAX_BYTES // 2**20} MiB")])
    return content


def parse_document(content: bytes, name: str) -> tuple[Source, list[Problem]]:
    """The located data of YAML text and its warnings; raises PolicyError.

    What is wrong but does not keep the rest from being understood, such as a key that stands there twice, is
    among the `problems` of the source, so that it is told together with everything else.
    """
    builder = _Builder(name)
    try:
        text = content.decode("utf-8-sig")
        _feed(builder, text)
    except UnicodeDecodeError as error:
        raise PolicyError([encoding_problem(name, error)]) from None
    except yaml.MarkedYAMLError as error:
        raise PolicyError([*builder.problems, syntax_problem(name, text, error)]) from None
    except yaml.reader.ReaderError as error:
        raise PolicyError([*builder.problems, character_problem(name, text, error)]) from None
    if builder.root is None:
        hint = "write at least `defaults:` with something below it"
        raise EmptyDocument([Problem(Place(name, 1, 1), "", "the file holds nothing", hint)])
    source = Source(name, builder.root, builder.start, builder.problems)
    return source, [problem for problem in builder.problems if problem.warning]


def _feed(builder: _Builder, text: str) -> None:
    loader = Parser(text)
    try:
        while loader.check_event():
            builder.take(loader.get_event())
    finally:
        loader.dispose()


@dataclass
class _Open:
    """A collection whose end has not been seen yet. kept: the value of the key in hand is to be kept."""

    data: Map | Seq
    anchor: str | None
    spot: Spot
    size: int = 1
    key: str | None = None
    key_spot: Spot = (1, 1)
    kept: bool = True
    merging: bool = False
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
        self._values = 0
        self._aliased = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    # Errors made here end the parsing: what follows could not be understood.
    def _stop(self, event: Any, message: str, hint: str | None = None) -> PolicyError:
        return PolicyError([*self.problems, Problem(self._place(event), self._path(), message, hint)])

    # After these it goes on, and everything else that is wrong is found too.
    def _problem(self, event: Any, message: str, hint: str) -> None:
        self.problems.append(Problem(self._place(event), self._path(), message, hint))

    def _place(self, event: Any) -> Place:
        return Place(self.name, *_spot(event))

    def _path(self) -> str:
        steps: list[Step] = []
        for one in self._stack:
            if isinstance(one.data, Seq):
                steps.append(len(one.data))
            elif one.key:
                steps.append(one.key)
        return dotted(tuple(steps))

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(
                event, "a second document begins here", "keep one policy in one file, without ---"
            )

    def _scalar(self, event: Any) -> None:
        self._count(event)
        tag = self._tag(event)
        if self._expects_key():
            self._key(event, tag)
            return
        value: Any = None if tag == "null" else Scalar(event.value, tag if tag in _SCALAR_TAGS else "str")
        if value is None and event.value == "" and self._stack:
            message = "nothing is written here"
            hint = "write null to remove what is beneath, {} for a block without settings, or delete the line"
            self.problems.append(Problem(self._place(event), self._path(), message, hint, warning=True))
        if event.anchor:
            self._open_anchors.discard(event.anchor)
            self._anchors[event.anchor] = (value, 1)
        self._add(value, _spot(event), 1)

    def _count(self, event: Any) -> None:
        self._values += 1
        if self._values + self._aliased > MAX_VALUES:
            raise self._stop(event, f"the file holds more than {MAX_VALUES} values")

    def _tag(self, event: Any) -> str:
        if event.tag in (None, "!"):
            return "str" if event.tag or not event.implicit[0] else _implicit_tag(event.value)
        tag = str(event.tag).removeprefix(_TAG)
        if tag not in _SCALAR_TAGS:
            raise self._unknown_tag(event)
        if tag not in ("str", _implicit_tag(event.value)):
            self._problem(event, f"the tag !!{tag} does not fit the value", "write the value without a tag")
        return tag

    def _unknown_tag(self, event: Any) -> PolicyError:
        tag = str(event.tag).replace(_TAG, "!!")
        message = f"the YAML tag {tag} is not known here"
        return self._stop(
            event, message, "write the value without a tag, or put text that begins with ! in quotes"
        )

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].data, Map) and self._stack[-1].key is None

    def _key(self, event: Any, tag: str) -> None:
        top = self._stack[-1]
        assert isinstance(top.data, Map)
        top.key, top.key_spot = str(event.value), _spot(event)
        top.merging = tag == "merge"
        first = None if top.merging else top.data.keys_at.get(top.key)
        empty = tag == "null" and top.key == ""
        top.kept = first is None and not empty
        if empty:
            self._problem(event, "a key is empty", "write a name before the colon")
        elif first is not None:
            self._problem(event, f"this key stands here twice, first in line {first[0]}", "join the two")

    def _alias(self, event: Any) -> None:
        if self._expects_key():
            raise self._stop(event, "an alias cannot be a key", "put text that begins with * in quotes")
        if event.anchor in self._open_anchors:
            raise self._stop(event, f"*{event.anchor} stands for something that holds it", "write it out")
        if event.anchor not in self._anchors:
            hint = "put text that begins with * in quotes"
            raise self._stop(event, f"no anchor &{event.anchor} stands above", hint)
        value, size = self._anchors[event.anchor]
        self._aliased += size
        self._count(event)
        if self._aliased > MAX_ALIASED + 10 * self._values:
            raise self._stop(event, "aliases add too many values", "write fewer of them, or shorter ones")
        self._add(value, _spot(event), size)

    def _begin_map(self, event: Any) -> None:
        self._begin(event, Map(), "map")

    def _begin_seq(self, event: Any) -> None:
        self._begin(event, Seq(), "seq")

    def _begin(self, event: Any, data: Map | Seq, tag: str) -> None:
        self._count(event)
        if self._expects_key():
            raise self._stop(event, "a key must be plain text", "put text that begins with { or [ in quotes")
        if event.tag not in (None, "!", _TAG + tag):
            raise self._unknown_tag(event)
        if len(self._stack) >= MAX_DEPTH:
            raise self._stop(event, f"nested more than {MAX_DEPTH} deep", "no policy needs that")
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
        if top.merging:
            top.merges.append((value, spot))
        elif top.kept:
            top.data[top.key] = value
            top.data.keys_at[top.key] = top.key_spot
            top.data.values_at[top.key] = spot
        top.key = None

    def _merge(self, into: Map | Seq, value: Any, spot: Spot) -> None:
        """YAML's `<<: *other`: the other mapping's keys where there are none of our own."""
        assert isinstance(into, Map)
        for other in value if isinstance(value, Seq) else [value]:
            if not isinstance(other, Map):
                message, hint = "<< takes a mapping or a list of mappings", "write <<: *NAME"
                self.problems.append(Problem(Place(self.name, *spot), self._path(), message, hint))
                return
            for key in other:
                if key not in into:
                    into[key] = other[key]
                    into.keys_at[key], into.values_at[key] = other.keys_at[key], other.values_at[key]


# Not of each builder: a builder that holds its own methods keeps all it has built until garbage is collected.
_HANDLERS: Final[Mapping[type, Callable[[_Builder, Any], None]]] = {
    yaml.ScalarEvent: _Builder._scalar,
    yaml.AliasEvent: _Builder._alias,
    yaml.MappingStartEvent: _Builder._begin_map,
    yaml.SequenceStartEvent: _Builder._begin_seq,
    yaml.MappingEndEvent: _Builder._end,
    yaml.SequenceEndEvent: _Builder._end,
    yaml.DocumentStartEvent: _Builder._document,
}


def _spot(event: Any) -> Spot:
    return (event.start_mark.line + 1, event.start_mark.column + 1)


def _implicit_tag(text: str) -> str:
    """What YAML 1.1 takes a plain scalar for: "int", "bool", "merge", ...; "str" where it has no rule."""
    for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return str(tag).removeprefix(_TAG)
    return "str"
