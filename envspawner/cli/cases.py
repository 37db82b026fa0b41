"""Reads a suite of policy cases: who asks for what and when, and what must come of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ..policy import values
from ..policy.document import EmptyDocument, read_document
from ..policy.located import Source, dotted
from ..policy.names import quoted
from ..policy.problems import Place, PolicyError, Problem, Step, suggest
from ..policy.values import leaf
from ..policy.wording import problems_of
from ..resolve.request import Person, Start
from .expectations import Expectation, expectations

Loc = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A start, and what must come of it: a reason of a refusal, or values."""

    name: str
    place: Place
    start: Start
    expected: tuple[Expectation, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases of one policy. policy: the policy's path."""

    name: str
    policy: str
    cases: tuple[Case, ...]


class _Suite(BaseModel):
    model_config = ConfigDict(frozen=True)

    policy: values.FilledText = None
    cases: Any = None


class _Case(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: values.FilledText = None
    user: values.FilledText = None
    groups: values.Names = None
    admin: values.Flag = None
    server: values.Text = None
    profile: values.FilledText = None
    options: Annotated[
        dict[str, str] | None, leaf(values.keyed(lambda _: None, lambda _, value: values.text(value)))
    ] = None
    at: values.Moment = None
    expect: Any = None
    refused: values.FilledText = None


_NEEDED: Final = ("name", "user")


def read_suite(name: str) -> Suite:
    """The suite in a YAML file. Raises OSError, and PolicyError with every problem."""
    try:
        source, _ = read_document(Path(name), name)
    except EmptyDocument:
        problem = Problem(Place(name, 1, 1), "", "the file holds nothing", "write policy: and cases:")
        raise PolicyError([problem]) from None
    problems = [problem for problem in source.problems if not problem.warning]
    suite = _block(_Suite, source.data, source, (), problems)
    if suite.policy is None and not problems:
        problems.append(Problem(source.place(()), "", "no policy is named", "write policy: policy.yaml"))
    cases = tuple(_cases(suite.cases, source, problems))
    if not cases and not problems:
        message = "the suite has no cases, so it tests nothing"
        problems.append(Problem(source.place(("cases",)), "cases", message, "write at least one"))
    if problems:
        raise PolicyError(problems)
    return Suite(name, os.path.join(os.path.dirname(name), suite.policy or ""), cases)


def _cases(data: Any, source: Source, problems: list[Problem]) -> Iterator[Case]:
    if data is not None and not isinstance(data, list):
        message = f"expected a list, got {values.kind_of(data)}"
        problems.append(Problem(source.place(("cases",)), "cases", message, "begin each case with `- name:`"))
        return
    for index, one in enumerate(data or ()):
        yield _case(one, source, ("cases", index), problems)


def _case(data: Any, source: Source, loc: Loc, problems: list[Problem]) -> Case:
    before = len(problems)
    block = _block(_Case, data, source, loc, problems)
    for message, hint in _missing(block) if len(problems) == before else ():
        problems.append(Problem(source.place(loc), dotted(loc), message, hint))
    options: dict[str, Any] = dict(block.options or {})
    for option, value in options.items():
        if value is None:
            at = (*loc, "options", option)
            problems.append(Problem(source.place(at), dotted(at), "no choice is named", "write its slug"))
    if block.profile is not None:
        options["profile"] = block.profile
    person = Person(block.user or "", frozenset(block.groups or ()), bool(block.admin))
    start = Start(person, block.server or "", options, block.at or datetime.now(timezone.utc))
    expected: tuple[Expectation, ...] = ()
    if block.expect is not None:
        expected = tuple(expectations(block.expect, source, (*loc, "expect"), problems))
    return Case(block.name or "", source.place(loc), start, expected, block.refused)


def _missing(block: _Case) -> Iterator[tuple[str, str]]:
    for key in _NEEDED:
        if getattr(block, key) is None:
            yield f"{key} is missing", f"write {key}: ..."
    if block.expect is None and block.refused is None:
        yield "nothing is expected", "write expect: {memory.limit: 4G}, or refused: REASON"
    if block.expect is not None and block.refused is not None:
        yield "a start that is refused has no values", "write expect or refused"


def _block(model: type[Any], data: Any, source: Source, loc: Loc, problems: list[Problem]) -> Any:
    """The mapping at `loc` as a model; unknown keys and wrong values become problems."""
    if not isinstance(data, Mapping):
        message = f"expected a mapping, got {values.kind_of(data)}"
        problems.append(Problem(source.place(loc), dotted(loc), message))
        return model()
    known = list(model.model_fields)
    for key in data:
        if key not in known:
            at = (*loc, key)
            hint = suggest(key, known) or f"known are {', '.join(known)}"
            problems.append(
                Problem(source.place(at, of_key=True), dotted(at), f"unknown key {quoted(key)}", hint)
            )
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems += problems_of(error, model, source, loc)
        return model()
