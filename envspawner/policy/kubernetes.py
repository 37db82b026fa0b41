"""Checks the pieces of Kubernetes objects that a policy holds, and makes plain data of them, with no cluster.

`kubernetes_types.json` (written by `tests/policy/make_kubernetes_types.py`) tells the type of every field:
`boolean`, `integer` (64 bits), `int32`, `1..100`, `mode`, `quantity`, `string`, `port`, one of `A|B` (a `|`
at the end: or nothing), a text of a shape such as `dns-label`, a mapping `{TYPE}` or `{KEYS:TYPE}`, a list
`[TYPE]` or `[TYPE]+` (not empty), or the name of an object's type. At the end `!` marks a field that must be
there, and `^` one of those of which exactly one must be. No type can hold itself, so the depth is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from . import names
from .kubernetes_pods import pod
from .kubernetes_rules import TYPE_RULES, Rule
from .kubernetes_shapes import AMOUNT, DECIMAL, QUANTITY, SHAPES, UNITS, Check
from .located import Scalar
from .problems import Fault, Step, suggest
from .templates import through_placeholders

Loc = tuple[Step, ...]
Reader = Callable[[Any, list[Fault], Loc], Any]

_UNSENDABLE: Final = re.compile("[\0\ud800-\udfff]")  # the one reaches no container, the others no file
_ALMOST: Final = re.compile(rf"\s*{AMOUNT}\s*([a-z]*?)(?:b|bytes?)?\s*", re.IGNORECASE)

RULES: Final[Mapping[str, Rule]] = {**TYPE_RULES, "PodSpec": pod}
"""What the API server asks of several fields together; only asked where each of them is right."""
_VARIANTS: Final = {"InitContainer": "Container"}
"""Types with the fields of another, and a rule of their own."""
_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (str, "text"),
    (int | float, "a number"),
    (Mapping, "a mapping"),
    (list | tuple, "a list"),
)


def convert(value: object, type_name: str, faults: list[Fault], loc: Loc = ()) -> Any:
    """`value` as plain data of a Kubernetes type, such as `Volume`, `[Volume]` or what `fields_of` gives.

    Appends a `Fault` for each thing that is wrong and goes on; with a fault the result is of no use. What
    is null in an object is left out of it, as Kubernetes does. Raises KeyError for an unknown type.
    """
    return _reader(type_name)(value, faults, loc)


def fields_of(type_name: str) -> dict[str, str]:
    """The fields of an object's type, and their types. Raises KeyError for an unknown type."""
    return {field: kind.rstrip("!^") for field, kind in _types()[type_name].items()}


def needed_in(type_name: str) -> list[str]:
    """The fields that an object of this type must have. Raises KeyError for an unknown type."""
    return [field for field, kind in _types()[type_name].items() if kind[-1] == "!"]


@cache
def _types() -> dict[str, dict[str, str]]:
    text = Path(__file__).with_name("kubernetes_types.json").read_text(encoding="utf-8")
    types: dict[str, dict[str, str]] = json.loads(text)
    return types | {name: types[of] for name, of in _VARIANTS.items()}


@cache
def _reader(kind: str) -> Reader:
    if kind[0] == "[":
        return partial(_list, _reader(kind.rstrip("+")[1:-1]), kind[-1] == "+")
    if kind[0] == "{":
        keys, _, item = kind[1:-1].rpartition(":")
        return partial(_mapping, SHAPES.get(keys, str), _reader(item))
    if kind in _SCALARS:
        return partial(_scalar, _SCALARS[kind])
    if kind in SHAPES:
        return partial(_scalar, partial(_shaped, SHAPES[kind]))
    if "|" in kind:
        return partial(_scalar, partial(_choice, kind.split("|")))
    if ".." in kind:
        return partial(_scalar, partial(_whole, *map(int, kind.split(".."))))
    marked = {mark: {field for field, word in _types()[kind].items() if word[-1] == mark} for mark in "!^"}
    return partial(_object, _Type(fields_of(kind), marked["!"], sorted(marked["^"]), RULES.get(kind)))


class _Type(NamedTuple):
    fields: dict[str, str]
    needed: set[str]
    sources: list[str]
    rule: Rule | None


def _object(of: _Type, value: Any, faults: list[Fault], loc: Loc) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if not isinstance(value, Mapping):
        faults.append(_expected("a mapping", value, loc=loc))
        return result
    before, unknown = len(faults), []
    for key, item in value.items():
        kind = of.fields.get(key) if isinstance(key, str) else None
        if kind is None:
            unknown.append(_unknown(key, of.fields, loc))
        elif item is not None:
            result[str.__str__(key)] = _reader(kind)(item, faults, (*loc, key))
    faults += unknown
    if not of.needed <= result.keys():
        meant = {fault.hint for fault in unknown}
        missing = [key for key in sorted(of.needed - result.keys()) if f"did you mean {key}?" not in meant]
        faults += [Fault(f"{key} is missing", None, loc) for key in missing]
    if of.sources and not unknown:
        faults += _wrong_sources(of.sources, result, loc)
    if of.rule and len(faults) == before:
        faults += [Fault(fault.message, fault.hint, loc + fault.loc) for fault in of.rule(result)]
    return result


def _unknown(key: object, fields: Mapping[str, str], loc: Loc) -> Fault:
    if not isinstance(key, str):
        return Fault(f"a key must be text, got {_kind(key)}", None, loc)
    return Fault(f"unknown key {names.quoted(key)}", suggest(key[:100], fields), (*loc, key))


def _wrong_sources(sources: list[str], result: dict[str, Any], loc: Loc) -> Iterator[Fault]:
    given = [key for key in sources if key in result]
    for key in given[1:]:
        yield Fault(f"{key} cannot stand beside {given[0]}", "leave one of them out", (*loc, key))
    if not given:
        some = ", ".join(sources) if len(sources) < 8 else "persistentVolumeClaim, nfs, secret, emptyDir: {}"
        yield Fault("it does not say what it is", f"write one of {some}", loc)


def _list(read: Reader, filled: bool, value: Any, faults: list[Fault], loc: Loc) -> list[Any]:
    if not isinstance(value, list | tuple):
        faults.append(_expected("a list", value, loc=loc))
        return []
    if filled and not value:
        faults.append(Fault("the list is empty", "write at least one item", loc))
    return [read(item, faults, (*loc, index)) for index, item in enumerate(value)]


def _mapping(check: Check, read: Reader, value: Any, faults: list[Fault], loc: Loc) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if not isinstance(value, Mapping):
        faults.append(_expected("a mapping", value, loc=loc))
        return result
    for key, item in value.items():
        if isinstance(key, str):
            _scalar(lambda text: check(_text(text)), key, faults, (*loc, key))
            result[str.__str__(key)] = read(item, faults, (*loc, key))
        else:
            faults.append(_unknown(key, {}, loc))
    return result


def _scalar(convert: Callable[[Any], object], value: Any, faults: list[Fault], loc: Loc) -> Any:
    try:
        return convert(value)
    except Fault as fault:
        faults.append(Fault(fault.message, fault.hint, loc))
        return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        if _UNSENDABLE.search(value):
            raise Fault(f"{names.quoted(value)} has a character that cannot be sent", "leave it out")
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64):
        return str(value)
    raise _expected("text", value, 'write "" for an empty text' if value is None else None)


def _shaped(check: Check, value: Any) -> str:
    text = _text(value)
    through_placeholders(text, check)
    return text


def _choice(words: list[str], value: Any) -> str:
    text = _text(value)
    if text not in words:
        known = [word for word in words if word]
        raise Fault(f"{names.quoted(text)} is not one of {', '.join(known)}", suggest(text[:100], known))
    return text


def _boolean(value: Any) -> bool:
    if isinstance(value, Scalar) and value.tag == "bool":
        return value.lower() in {"true", "yes", "on"}
    if not isinstance(value, bool):
        raise _expected("true or false", value, _unquoted("true|false|yes|no|on|off", value))
    return value


def _whole(low: int, high: int, value: Any) -> int:
    if isinstance(value, Scalar) and value.tag == "int":
        if not DECIMAL.fullmatch(value):
            hint = "write it in decimal digits, with no 0 before them"
            raise Fault(f"expected a whole number, got {names.quoted(value)}", hint)
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _expected("a whole number", value, _unquoted("0|[1-9][0-9]*", value))
    if not low <= value <= high:
        raise Fault(f"expected a number from {low} to {high}")
    return int(value)


def _mode(value: Any) -> int:
    """Permissions of a file: digits after a 0 are octal, as kubectl reads YAML."""
    octal = isinstance(value, Scalar) and value.tag == "int" and re.fullmatch("0[0-7]+", value)
    try:
        return _whole(0, 0o777, int(value, 8) if octal else value)
    except Fault as fault:
        raise Fault(fault.message, fault.hint or "write a file mode such as 0644 (in Python 0o644)") from None


def _port(value: Any) -> str | int:
    named = isinstance(value, str) and not (isinstance(value, Scalar) and value.tag in ("int", "bool"))
    return _shaped(SHAPES["port-name"], value) if named else _whole(1, 65535, value)


def _quantity(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _expected("a quantity such as 2, 500m or 1Gi", value)
    text = _text(value)
    if not QUANTITY.fullmatch(text):
        hint, almost = "write a number, maybe with m, k, M, G, T or Ki, Mi, Gi, Ti", _ALMOST.fullmatch(text)
        if almost and (near := [unit for unit in UNITS if unit.lower() == almost[2].lower()]):
            hint = f"did you mean {almost[1]}{almost[2] if almost[2] in near else near[0]}?"
        raise Fault(f"{names.quoted(text)} is no quantity", hint)
    return text


def _expected(what: str, value: object, hint: str | None = None, loc: Loc = ()) -> Fault:
    return Fault(f"expected {what}, got {_kind(value)}", hint, loc)


def _unquoted(pattern: str, value: Any) -> str | None:
    plain = isinstance(value, str) and re.fullmatch(pattern, value, re.IGNORECASE)
    return f"write {value[:40]} without quotes" if plain else None


def _kind(value: object) -> str:
    if isinstance(value, Scalar):
        return {"str": "text", "timestamp": "a date", "bool": "true or false"}.get(value.tag, "a number")
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else "true or false"
    python = f"a Python {type(value).__name__}"
    return next((word for kind, word in _KINDS if isinstance(value, kind)), python)


_SCALARS: Final[dict[str, Callable[[Any], object]]] = {
    "boolean": _boolean,
    "int32": partial(_whole, -(2**31), 2**31 - 1),
    "integer": partial(_whole, -(2**63), 2**63 - 1),
    "mode": _mode,
    "port": _port,
    "quantity": _quantity,
    "string": _text,
}
