"""`envspawner diff`: whose environment changes between two policies, and how."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from ..policy.problems import PolicyError
from ..policy.rules import Policy
from ..resolve.request import Person, Start
from .alike import Asked, Comparison
from .beneath import beneath_of
from .changes import Change, Picks, Where, compare, compare_one
from .errors import CannotRun, Fails
from .expectations import words
from .hub_db import read_database
from .progress import with_progress
from .roster import read_roster
from .selectors import POLICY_HELP, add_selectors, selectors
from .sources import Subject, usable
from .standins import put, put_json

_SHOWN: Final = 10
"""How many names or picks one line of text has."""


class Compares(Protocol):
    def changes(self, person: Person) -> list[tuple[Change, Change]]: ...

    def shown(self) -> dict[str, str]: ...


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "diff",
        help="whose environment changes between two policies, and how",
        description="Compares what two policies give to people: with every profile that they may use, and every "
        "choice in it, or with the one that is selected. Exit code 0: nobody changes; 1: somebody does.",
    )
    parser.add_argument("old", metavar="OLD", help=POLICY_HELP)
    parser.add_argument("new", metavar="NEW", help="the same, as it is to be")
    add_selectors(parser, need_user=False)
    parser.add_argument("--roster", metavar="FILE", help="people: CSV (user,groups,admin), JSON or YAML")
    parser.add_argument("--hub-db", metavar="URL", help="people: the database of a JupyterHub (only read)")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    people = _people(arguments)
    comparison = _comparison(arguments)
    groups: dict[tuple[Change, ...], list[tuple[str, tuple[Change, ...]]]] = {}
    for person in with_progress(people, _counted(people)):
        found = comparison.changes(person)
        if found:
            groups.setdefault(tuple(one for one, _ in found), []).append(
                (person.name, tuple(mine for _, mine in found))
            )
    shown = comparison.shown()
    answer = [
        ([name for name, _ in members], members[0][1] if len(members) == 1 else _readable(changes, shown))
        for changes, members in sorted(groups.items(), key=lambda one: -len(one[1]))
    ]
    if arguments.output == "json":
        json.dump([_facts(*one) for one in answer], sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        for names, changes in answer:
            sys.stdout.writelines(_lines(names, changes))
    count = sum(len(names) for names, _ in answer)
    print(f"{arguments.old} → {arguments.new}: {count} of {_counted(people)} changed", file=sys.stderr)
    return 1 if answer else 0


def _counted(people: Sequence[Person]) -> str:
    return f"{len(people)} {'person' if len(people) == 1 else 'people'}"


def _people(arguments: argparse.Namespace) -> list[Person]:
    given = [one for one in (arguments.user, arguments.roster, arguments.hub_db) if one is not None]
    if len(given) != 1:
        raise CannotRun("name people by one of --user, --roster and --hub-db")
    if arguments.user is None and (arguments.group or arguments.admin):
        raise CannotRun("--group and --admin go with --user")
    try:
        if arguments.roster is not None:
            return read_roster(arguments.roster)
        if arguments.hub_db is not None:
            return list(read_database(arguments.hub_db).people)
    except PolicyError as error:
        raise Fails(str(error)) from None
    return [selectors(arguments).person]


def _comparison(arguments: argparse.Namespace) -> Compares:
    arguments.user = arguments.user or ""
    start = selectors(arguments)
    asked = Asked(start.at, start.server, start.options or None)
    old, new = usable(arguments.old), usable(arguments.new)
    beneath = beneath_of(old, asked), beneath_of(new, asked)
    if beneath[0] is None or beneath[1] is None or beneath[0].scheme != beneath[1].scheme:
        return OneByOne(old, new, asked)
    before, after = (subject.policy or Policy("", built_in=False) for subject in (old, new))
    return Comparison(before, after, asked, (beneath[0], beneath[1]))


class OneByOne:
    """Compares the answers of two hubs for each person anew: where profiles are made at a start, for example."""

    def __init__(self, old: Subject, new: Subject, asked: Asked) -> None:
        self._subjects = (old, new)
        self._asked = asked
        self._picks = Picks(old.policy, new.policy)

    def changes(self, person: Person) -> list[tuple[Change, Change]]:
        asked = self._asked

        def resolve(subject: Subject) -> Any:
            return lambda options: subject.explain(Start(person, asked.server, options, asked.at))

        old, new = map(resolve, self._subjects)
        if asked.options is not None:
            found = compare_one(old, new, dict(asked.options))
        else:
            found = compare(old, new, self._picks)
        return [(one, one) for one in found.changes]

    def shown(self) -> dict[str, str]:
        return {}


def _readable(changes: Iterable[Change], shown: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(one.where, put(one.path, shown), put_json(one.old, shown), put_json(one.new, shown))
        for one in changes
    )


def _facts(names: list[str], changes: Iterable[Change]) -> dict[str, Any]:
    return {"users": names, "changes": [_change(one) for one in changes]}


def _change(one: Change) -> dict[str, Any]:
    profile, *pick = one.where or (None,)
    values = (None if text is None else json.loads(text) for text in (one.old, one.new))
    old, new = values
    options = {pick[0]: pick[1]} if pick else {}
    return {"profile": profile, "options": options, "path": one.path, "old": old, "new": new}


def _lines(names: list[str], changes: Iterable[Change]) -> Iterator[str]:
    yield f"{len(names)} {'user' if len(names) == 1 else 'users'}: {_some(names)}\n"
    together: dict[tuple[str, str | None, str | None], list[Where]] = {}
    for one in changes:
        together.setdefault((one.path, one.old, one.new), []).append(one.where)
    for (path, old, new), where in together.items():
        picks = [_pick(one) for one in where if one]
        last = f"  ({_some(picks)})" if picks else ""
        yield f"  {path}: {word(old)} → {word(new)}{last}\n"


def _pick(where: Where) -> str:
    profile, *pick = where
    return f"{profile} with {pick[0]} {pick[1]}" if pick else profile


def word(text: str | None) -> str:
    return "nothing" if text is None else words(json.loads(text))


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
