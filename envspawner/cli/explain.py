"""`envspawner explain`: each value that somebody gets, the rule and line that set it, and what it beat."""

from __future__ import annotations

import argparse
import json
import sys
from fractions import Fraction
from typing import Any

from ..policy.problems import suggest
from ..policy.quantities import format_cpu, format_memory
from ..resolve.access import Refusal
from ..resolve.home import Unusable
from ..resolve.result import ResolvedEnvironment, Value
from .errors import Fails
from .selectors import POLICY_HELP, add_selectors, selectors
from .sources import usable


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "explain",
        help="each value, the rule that set it, and what it beat",
        description="Prints each value that somebody gets, the rule and line that set it, and what it beat.",
    )
    parser.add_argument("policy", metavar="POLICY", help=POLICY_HELP)
    add_selectors(parser)
    parser.add_argument(
        "--path", action="append", default=[], help="only this value and those below it: memory (repeatable)"
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    subject = usable(arguments.policy)
    try:
        environment = subject.explain(selectors(arguments))
    except Refusal as refusal:
        raise Fails(f"refused: {refusal}") from None
    except Unusable as error:
        raise Fails(f"refused: policy-unusable: {error}") from None
    facts = as_json(environment) | ({"beneath": subject.beneath} if subject.beneath else {})
    facts["values"] = _only(facts["values"], arguments.path)
    if arguments.output == "json":
        json.dump(facts, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        sys.stdout.writelines(_table(facts))
    return 0


def _only(values: list[dict[str, Any]], paths: list[str]) -> list[dict[str, Any]]:
    """The values at some paths and below them; all of them without a path. Raises Fails where nothing is."""
    found = [one for one in values if not paths or any(is_at(one["path"], path) for path in paths)]
    for path in paths:
        if not any(is_at(one["path"], path) for one in found):
            hint = suggest(path, (one["path"] for one in values))
            raise Fails(f"no layer says anything of {path}" + (f" ({hint})" if hint else ""))
    return found


def is_at(path: str, above: str) -> bool:
    """Whether a path is another, or lies below it."""
    return path.startswith(above) and path[len(above) :][:1] in ("", ".", "[")


def as_json(environment: ResolvedEnvironment) -> dict[str, Any]:
    """The whole answer as plain data."""
    home = environment.home
    return {
        "user": environment.person.name,
        "groups": sorted(environment.person.groups),
        "profile": environment.selection.slug or None,
        "options": {option.slug: choice.slug for option, choice in environment.selection.choices},
        "policy_digest": environment.digest,
        "home": {"type": home.kind, "claim": home.claim, "identity": home.identity},
        "notes": [
            {"source": rule.source, "note": rule.note, "location": str(rule.place)}
            for rule in environment.noted
        ],
        "values": [_value(value) for value in environment.values()],
    }


def _value(value: Value) -> dict[str, Any]:
    return {
        "path": value.path,
        "value": shown(value.path, value.value),
        "source": value.source,
        "location": value.location,
        "overrode": [
            {"value": shown(value.path, old.value), "source": old.source, "location": old.location}
            for old in value.overrode
        ],
    }


def shown(path: str, value: Any) -> Any:
    """A value as an admin would write it."""
    if isinstance(value, Fraction):
        return f"{float(value * 100):g}%"
    if isinstance(value, int) and path.startswith("memory."):
        return format_memory(value)
    if isinstance(value, float) and path.startswith("cpu."):
        return format_cpu(value)
    return list(value) if isinstance(value, tuple) else value


def _table(facts: dict[str, Any]) -> list[str]:
    groups = f" in {', '.join(facts['groups'])}" if facts["groups"] else ""
    options = "".join(f", {key} {choice}" for key, choice in facts["options"].items())
    picked = f", profile {facts['profile']}{options}" if facts["profile"] else ""
    home = facts["home"]
    claim = f" (claim {home['claim']})" if home["claim"] else ""
    kind = "as KubeSpawner makes it" if home["type"] == "own" else home["type"]
    lines = [f"{facts['user']}{groups}{picked}; home: {kind}{claim}; policy {facts['policy_digest']}\n\n"]
    rows: list[tuple[str, str, str]] = []
    for value in facts["values"]:
        rows.append((value["path"], _words(value["value"]), _from(value)))
        rows += [("", f"  beat {_words(old['value'])}", _from(old)) for old in value["overrode"]]
    widths = [min(60, max((len(row[column]) for row in rows), default=0)) for column in (0, 1)]
    rows += [("", f"note: {one['note']}", _from(one)) for one in facts["notes"]]
    if facts.get("beneath"):
        rows.append(("", "", f"beneath all: {facts['beneath']}"))
    return lines + [f"{path:{widths[0]}}  {text:{widths[1]}}  {source}\n" for path, text, source in rows]


def _from(value: dict[str, Any]) -> str:
    source, location = value["source"], value["location"]
    return str(source) if source == location else f"{source} ({location})"


def _words(value: Any) -> str:
    if value is None:
        return "(removed)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
