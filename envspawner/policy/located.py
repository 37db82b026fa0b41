"""Plain data that remembers where in a file it stood, so that every problem can name its line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .problems import Place, Problem, Step

Spot = tuple[int, int]
"""Line and column, both from 1."""


class Scalar(str):
    """The file's own text of one YAML scalar, and what YAML takes it for.

    `tag` is "str", "int", "float", "bool" or "timestamp"; null is None and never a Scalar.
    A quoted scalar always has tag "str".
    """

    __slots__ = ("tag",)
    tag: str

    def __new__(cls, text: str, tag: str = "str") -> Scalar:
        self = super().__new__(cls, text)
        self.tag = tag
        return self

    def __reduce__(self) -> tuple[type[Scalar], tuple[str, str]]:
        return (Scalar, (str(self), self.tag))


class Map(dict[str, Any]):
    """A YAML mapping; `keys_at` and `values_at` tell where each key and value stands."""

    __slots__ = ("keys_at", "values_at")
    keys_at: dict[str, Spot]
    values_at: dict[str, Spot]

    def __init__(self) -> None:
        super().__init__()
        self.keys_at = {}
        self.values_at = {}


class Seq(list[Any]):
    """A YAML sequence; `items_at` tells where each item stands."""

    __slots__ = ("items_at",)
    items_at: list[Spot]

    def __init__(self) -> None:
        super().__init__()
        self.items_at = []


class Source:
    """A document of located (or plain) data and its name; turns the path to a value into a `Place`.

    problems: what was wrong with the text though it could be read on, such as a key that stands there twice.
    """

    def __init__(
        self, file: str, data: Any, start: Spot | None = None, problems: Iterable[Problem] = ()
    ) -> None:
        self.file = file
        self.data = data
        self.start = start
        self.problems = tuple(problems)

    def place(self, loc: tuple[Step, ...], *, of_key: bool = False) -> Place:
        """The place of the value at `loc` (with `of_key`: of its key), or of the nearest value above it."""
        spot, data = self.start, self.data
        for depth, step in enumerate(loc):
            if isinstance(data, Map) and isinstance(step, str) and step in data.values_at:
                at_key = of_key and depth == len(loc) - 1
                spot = data.keys_at[step] if at_key else data.values_at[step]
                data = data[step]
            elif isinstance(data, Seq) and isinstance(step, int) and step < len(data):
                spot = data.items_at[step]
                data = data[step]
            elif not (isinstance(data, Map) and step == 0):  # one entry may stand there without a list
                break
        return Place(self.file, *spot) if spot else Place(self.file)


def dotted(loc: tuple[Step, ...]) -> str:
    """A path as people write it: `profiles.gpu.extraTolerations[0].key`."""
    text = ""
    for step in loc:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
