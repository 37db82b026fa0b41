"""Says what keeps a text from being YAML, in words for people who have never met a parser."""

from __future__ import annotations

from typing import Final, NamedTuple

import yaml

from .problems import Place, Problem


class _Words(NamedTuple):
    message: str
    hint: str
    at_start: bool = False  # the place to mend is where the thing begins, not where the parser gave up


_BACKSLASH: Final = _Words(
    "a backslash between double quotes begins something unknown",
    "write two of them, or put the text in single quotes",
)
_UNEVEN: Final = _Words(
    "this does not fit the lines above it",
    "begin all lines of one block in the same column, and put text with special characters in quotes",
)
_KNOWN: Final = {
    "maximum nesting depth": _Words("nested more than 100 deep", "no policy needs that"),  # libyaml's is 1000
    "mapping values are not allowed": _Words(
        "a colon stands where none can",
        "quote text that holds a colon and a blank, and begin all lines of one block in the same column",
    ),
    "could not find expected ':'": _Words("a key without its colon", "write `key: value`", True),
    "while parsing a quoted scalar": _BACKSLASH,
    "while scanning a double-quoted scalar": _BACKSLASH,
    "while scanning a quoted scalar": _Words("a quote is opened here and never closed", "close it", True),
    "while parsing a flow sequence": _Words(
        "the list that begins here is not closed", "close it with ]", True
    ),
    "while parsing a flow mapping": _Words(
        "the mapping that begins here is not closed", "close it with }", True
    ),
    "node content": _Words(
        "a value is missing here", "put text that begins with a special character in quotes"
    ),
    "while parsing a block": _UNEVEN,
    "entries are not allowed": _Words("a list cannot begin here", "begin it in the next line"),
    "while scanning an alias": _Words("no name follows the *", "put text that begins with * in quotes"),
    "while scanning an anchor": _Words("no name follows the &", "put text that begins with & in quotes"),
    " tag": _Words("an unknown tag", "put text that begins with ! in quotes"),
}
"""What a parser says (PyYAML's in C and in Python), and what people are told; the first that fits holds."""


def syntax_problem(name: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """What the parser found wrong in the file `name`, whose content is `text`."""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    words = next((known for fragment, known in _KNOWN.items() if fragment in said), None)
    mark = error.context_mark if words is not None and words.at_start else error.problem_mark
    assert mark is not None
    if "cannot start any token" in said:
        words = _bad_start(text[mark.index : mark.index + 1])
    words = words or _Words(said, "see the lines above it too")
    return Problem(Place(name, mark.line + 1, mark.column + 1), "", words.message, words.hint)


def _bad_start(character: str) -> _Words:
    if character == "\t":
        return _Words("a tab stands where blanks must", "indent with blanks")
    return _Words(f"no text begins with {character} in YAML", "put it in quotes")


def character_problem(name: str, text: str, error: yaml.reader.ReaderError) -> Problem:
    """A character that no YAML holds."""
    at = text.index(chr(error.character))
    place = Place(name, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    hint = "save the file as UTF-8" if error.character == 0 else "remove it"
    return Problem(place, "", f"the character U+{error.character:04X} may not stand in YAML", hint)


def encoding_problem(name: str, error: UnicodeDecodeError) -> Problem:
    """A byte that no UTF-8 holds."""
    before = error.object[: error.start].decode("utf-8", "replace")
    place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
    message = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
    return Problem(place, "", message, "save the file as UTF-8")
