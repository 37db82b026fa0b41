"""What a case of a suite expects of a value: text, an amount in any unit, a comparison, or nothing at all."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..policy import quantities, values
from ..policy.fields import FIELDS, Combine, Field
from ..policy.located import Source, dotted
from ..policy.names import quoted
from ..policy.problems import Fault, Place, Problem, Step, suggest

ABSENT: Final = "absent"
FACTS: Final = ("profile", "image", "home.type", "home.claim", "home.identity")
"""What can be expected beside the fields of an environment; `options.NAME` too."""
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_COMPARISON: Final = re.compile(rf"({'|'.join(_OPERATORS)})\s*(.+)", re.DOTALL)
_AMOUNTS: Final[Mapping[str, Callable[[Any], float]]] = {
    "memory.guarantee": quantities.memory_bytes,
    "memory.limit": quantities.memory_bytes,
    "cpu.guarantee": quantities.cpu_cores,
    "cpu.limit": quantities.cpu_cores,
    "storage.capacity": lambda value: quantities.capacity_bytes(quantities.capacity(value)),
    "startTimeout": values.whole,
    "uid": values.whole,
    "gid": values.whole,
    "fsGid": values.whole,
}
"""Fields that hold one amount, and how it is read; extended resources are the others."""
_EXTENDED: Final = ("extraResource.limits.", "extraResource.guarantees.")
Fits = Callable[[Any], bool]
Loc = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One value that a case expects. fits: whether a value is right; None is none at all."""

    path: str
    wanted: str
    fits: Fits
    place: Place


def expectations(data: Any, source: Source, loc: Loc, problems: list[Problem]) -> Iterator[Expectation]:
    """What the mapping at `loc` of a suite expects; what is wrong with it is added to `problems`."""
    if not isinstance(data, Mapping):
        message = f"expected a mapping, got {values.kind_of(data)}"
        problems.append(Problem(source.place(loc), dotted(loc), message, "write {memory.limit: 4G}"))
        return
    for path, wanted, at in _flat(data, "", loc):
        try:
            fits = _fits(path, wanted)
        except Fault as fault:
            problems.append(
                Problem(source.place(at, of_key=fault.of_key), dotted(at), fault.message, fault.hint)
            )
        else:
            yield Expectation(path, words(wanted), fits, source.place(at))


def words(value: Any) -> str:
    """A value on one line."""
    return (
        str(value)
        if isinstance(value, str) and value.isprintable() and value
        else json.dumps(value, ensure_ascii=False)
    )


def _flat(data: Mapping[str, Any], above: str, loc: Loc) -> Iterator[tuple[str, Any, Loc]]:
    """(path, value, loc); `memory: {limit: 4G}` is `memory.limit: 4G`."""
    for key, value in data.items():
        path, at = f"{above}{key}", (*loc, key)
        field = FIELDS.get(path)
        inner = field.combine in (Combine.KEYED, Combine.NAMED) if field else _is_above(path)
        if inner and isinstance(value, Mapping):
            yield from _flat(value, f"{path}.", at)
        else:
            yield path, value, at


def _is_above(path: str) -> bool:
    return path == "options" or any(known.startswith(f"{path}.") for known in (*FIELDS, *FACTS))


def _fits(path: str, wanted: Any) -> Fits:
    """Raises Fault for a path that nothing has, and for what is no value of it."""
    if not _is_known(path):
        hint = suggest(path, [*FIELDS, *FACTS]) or "`envspawner explain` shows every path"
        raise Fault(f"unknown path {quoted(path)}", hint, of_key=True)
    if wanted is None:
        raise Fault("nothing is expected here", f"write {ABSENT}")
    if wanted == ABSENT:
        return lambda got: got is None
    read = _reader(path)
    if read is None:
        return lambda got: same(got, wanted)
    found = _COMPARISON.fullmatch(wanted) if isinstance(wanted, str) else None
    compare, amount = (_OPERATORS[found[1]], read(found[2])) if found else (operator.eq, read(wanted))
    return lambda got: _compares(read, compare, got, amount)


def _is_known(path: str) -> bool:
    if path in FIELDS or path in FACTS:
        return True
    if path.startswith("options."):
        return True
    return any(
        path.startswith((f"{field.path}.", f"{field.path}[")) for field in FIELDS.values() if _deep(field)
    )


def _deep(field: Field) -> bool:
    """Whether a value has parts."""
    whole = field.combine is Combine.REPLACE
    return (
        not whole or field.path in ("copyOnce", "cmd", "supplementalGids") or "lifecycleHooks" in field.path
    )


def _reader(path: str) -> Callable[[Any], float] | None:
    for prefix in _EXTENDED:
        if path.startswith(prefix):
            name = path.removeprefix(prefix)
            return lambda value: quantities.amount_number(quantities.resource_amount(name, value))
    return _AMOUNTS.get(path)


def _compares(
    read: Callable[[Any], float], compare: Callable[[Any, Any], bool], got: Any, amount: float
) -> bool:
    try:
        return got is not None and compare(read(got), amount)
    except Fault:
        return False  # KubeSpawner's own value, which nobody checked


def same(got: Any, wanted: Any) -> bool:
    """Whether a value is what the text of a suite says; numbers and booleans as YAML reads them."""
    if isinstance(got, Mapping) and isinstance(wanted, Mapping):
        return got.keys() == wanted.keys() and all(same(got[key], wanted[key]) for key in got)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(same, got, wanted))
    if not isinstance(got, str | int | float) or not isinstance(wanted, str):
        return got is None and wanted is None
    if isinstance(got, bool):
        return bool(_read(values.flag, wanted) == got)
    return got == wanted if isinstance(got, str) else bool(_read(float, wanted) == got)


def _read(convert: Callable[[Any], Any], text: str) -> Any:
    try:
        return convert(text)
    except ValueError:  # a Fault is one
        return None
