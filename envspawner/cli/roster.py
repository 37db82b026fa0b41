"""Reads a roster, a list of people with their groups: CSV, JSON or YAML."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ..policy import values
from ..policy.document import EmptyDocument, read_document
from ..policy.located import Map, Scalar, Seq, Source, dotted
from ..policy.names import quoted
from ..policy.problems import Place, PolicyError, Problem, suggest
from ..policy.wording import problems_of
from ..resolve.request import Person
from .errors import CannotRun

COLUMNS: Final = ("user", "groups", "admin")
_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0", ""})


def read_roster(name: str) -> list[Person]:
    """The people of a roster; one that ends in .csv (or in nothing known) is CSV.

    Raises CannotRun when it cannot be read, and PolicyError with every problem and its place.
    """
    problems: list[Problem] = []
    try:
        document = name.endswith((".json", ".yaml", ".yml"))
        people = list(_document(name, problems) if document else _csv(name, problems))
    except (OSError, ValueError, csv.Error) as error:
        raise CannotRun(f"{name}: {getattr(error, 'strerror', None) or error}") from None
    if not people and not problems:
        problems.append(
            Problem(Place(name, 1, 1), "", "the roster names nobody", "write a line for each user")
        )
    if problems:
        raise PolicyError(problems)
    return people


def _csv(name: str, problems: list[Problem]) -> Iterator[Person]:
    text = Path(name).read_text(encoding="utf-8-sig")
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="", strict=True)
    columns = [column.strip() for column in rows.fieldnames or ()]
    rows.fieldnames = columns
    wrong = [column for column in columns if column not in COLUMNS]
    for column in wrong:
        hint = suggest(column, COLUMNS) or f"begin with the line {','.join(COLUMNS)}"
        problems.append(Problem(Place(name, 1), "", f"unknown column {quoted(column)}", hint))
    if wrong or "user" not in columns:
        if not wrong:
            problems.append(
                Problem(Place(name, 1), "", "no column user", f"begin with the line {','.join(COLUMNS)}")
            )
        return
    seen: dict[str, int] = {}
    for row in rows:
        place = Place(name, rows.line_num)
        if row.get(""):
            problems.append(
                Problem(place, "", "more values than columns", "separate groups by ; or quote the value")
            )
            continue
        yield from _person(row, place, seen, problems)


def _person(
    row: Mapping[str, str], place: Place, seen: dict[str, int], problems: list[Problem]
) -> Iterator[Person]:
    user, admin = row["user"].strip(), row.get("admin", "").strip().lower()
    groups = frozenset(one.strip() for one in row.get("groups", "").split(";"))
    if admin not in _YES | _NO:
        problems.append(Problem(place, "admin", f"{quoted(admin)} is not true or false"))
    elif _is_new(user, place, seen, problems):
        yield Person(user, groups - {""}, admin in _YES)


def _is_new(user: str, place: Place, seen: dict[str, int], problems: list[Problem]) -> bool:
    if not user:
        problems.append(Problem(place, "user", "the name is empty"))
    elif user in seen:
        problems.append(
            Problem(place, "user", f"{quoted(user)} is also in line {seen[user]}", "join the two")
        )
    else:
        seen[user] = place.line or 0
        return True
    return False


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)

    user: values.Text = None
    groups: values.Names = None
    admin: values.Flag = None


def _document(name: str, problems: list[Problem]) -> Iterator[Person]:
    try:
        source, _ = read_document(Path(name), name)
    except EmptyDocument:
        return
    problems += [problem for problem in source.problems if not problem.warning]
    if not isinstance(source.data, Seq):
        message = f"expected a list, got {values.kind_of(source.data)}"
        problems.append(Problem(source.place(()), "", message, "write - {user: ada, groups: [staff]}"))
        return
    seen: dict[str, int] = {}
    for index, one in enumerate(source.data):
        entry = _entry({"user": one} if isinstance(one, Scalar) else one, source, index, problems)
        if entry is not None and _is_new(entry.user or "", source.place((index,)), seen, problems):
            yield Person(entry.user or "", frozenset(entry.groups or ()), bool(entry.admin))


def _entry(one: Any, source: Source, index: int, problems: list[Problem]) -> _Entry | None:
    if not isinstance(one, dict):
        place = source.place((index,))
        problems.append(Problem(place, f"[{index}]", f"expected a mapping, got {values.kind_of(one)}"))
        return None
    before = len(problems)
    for key in one if isinstance(one, Map) else ():
        if key not in COLUMNS:
            at = (index, key)
            hint = suggest(key, COLUMNS) or f"known are {', '.join(COLUMNS)}"
            problems.append(
                Problem(source.place(at, of_key=True), dotted(at), f"unknown key {quoted(key)}", hint)
            )
    try:
        entry = _Entry.model_validate(one)
    except ValidationError as error:
        problems += problems_of(error, _Entry, source, (index,))
        return None
    return entry if len(problems) == before else None
