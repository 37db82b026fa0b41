"""The machinery of single values in a policy, and the plain ones: text, numbers, amounts, moments.

Every type is a pydantic type that takes what YAML or a traitlets file holds (`Scalar`, str, numbers, None),
returns plain data, and raises `Faults` that name every mistake. None passes through: it means "remove".
What converts is a function or a `partial` of one, so that `schema.py` can tell what each type takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timezone
from fractions import Fraction
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from pydantic import PlainValidator

from . import quantities
from .located import Scalar
from .names import quoted
from .problems import Fault, Faults, Step, step_of, suggest
from .templates import through_placeholders

T = TypeVar("T")
U = TypeVar("U")
A = TypeVar("A", int, float)

_TRUE: Final = frozenset({"true", "yes", "on"})
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_OWNER: Final = re.compile("([0-9]+):([0-9]+)")
_LARGEST: Final = 2**31 - 1
"""Kubernetes takes no user or group id above it."""


def leaf(convert: Callable[[Any], T]) -> PlainValidator:
    """A pydantic validator that lets None pass."""
    return PlainValidator(partial(_unless_none, convert))


def _unless_none(convert: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else convert(value)


def collect(parts: Iterable[tuple[Step, T]], convert: Callable[[Step, T], U]) -> list[U]:
    """Converts every part of a value; raises Faults that name all the wrong ones."""
    found: list[U] = []
    faults: list[Fault] = []
    for step, part in parts:
        try:
            found.append(convert(step, part))
        except (Fault, Faults) as wrong:
            faults += [fault.under(step_of(step)) for fault in wrong.faults]
    if faults:
        raise Faults(faults)
    return found


def each(convert: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A list of values; one value alone is a list of one."""
    return partial(each_of, convert)


def each_of(convert: Callable[[Any], T], value: Any) -> tuple[T, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(collect(enumerate(items), lambda _, item: convert(item)))


def keyed(
    check_key: Callable[[str], Any],
    convert: Callable[[str, Any], Any],
    hint: str = "write `name: value` lines",
) -> Callable[[Any], dict[str, Any]]:
    """A mapping whose keys are checked and whose values are converted; a null value stays null."""
    return partial(keyed_by, check_key, convert, hint)


def keyed_by(
    check_key: Callable[[str], Any], convert: Callable[[str, Any], Any], hint: str, value: Any
) -> dict[str, Any]:
    def convert_one(key: Any, item: Any) -> tuple[str, Any]:
        if not isinstance(key, str):
            raise Fault(f"a key must be text, got {kind_of(key)}", "put it in quotes", of_key=True)
        try:
            check_key(key)
        except Fault as fault:
            raise Fault(fault.message, fault.hint, of_key=True) from None
        return str(key), None if item is None else convert(key, item)

    if not isinstance(value, Mapping):
        raise Fault(f"expected a mapping, got {kind_of(value)}", hint)
    return dict(collect(value.items(), convert_one))


def kind_of(value: Any) -> str:
    """What a value is, in a word for people."""
    if isinstance(value, Scalar):
        return {"str": "text", "timestamp": "a date", "bool": "true or false"}.get(value.tag, "a number")
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else "true or false"
    kinds: tuple[tuple[Any, str], ...] = (
        (str, "text"),
        (int | float, "a number"),
        (Mapping, "a mapping"),
        (list | tuple, "a list"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), f"a Python {type(value).__name__}")


def text(value: Any) -> str:
    """The file's own text; numbers and booleans of a Python file in YAML's spelling."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise Fault("a character in it cannot be sent to a container", "remove it")
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= 64:
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))
    raise Fault(
        "the number is too large" if isinstance(value, int) else f"expected text, got {kind_of(value)}"
    )


def filled_text(value: Any) -> str:
    """Text that is not empty."""
    result = text(value)
    if not result.strip():
        raise Fault("expected text, got nothing", "write a word, or delete the line")
    return result


def checked(check: Callable[[str], Any], base: Callable[[Any], str] = filled_text) -> Callable[[Any], str]:
    """Text that passes a check of its spelling, placeholders taken for letters."""
    return partial(text_checked, check, base)


def text_checked(check: Callable[[str], Any], base: Callable[[Any], str], value: Any) -> str:
    result = base(value)
    through_placeholders(result, check)
    return result


def one_of(*words: str) -> Callable[[Any], str]:
    return partial(word_of, words)


def word_of(words: tuple[str, ...], value: Any) -> str:
    result = text(value)
    if result not in words:
        message = f"{quoted(result)} is not one of {', '.join(words)}"
        raise Fault(message, suggest(result, words))
    return result


def flag(value: Any) -> bool:
    if isinstance(value, Scalar) and value.tag == "bool":
        return value.lower() in _TRUE
    if not isinstance(value, bool):
        hint = "write true or false" + (" without quotes" if isinstance(value, str) else "")
        raise Fault(f"expected true or false, got {kind_of(value)}", hint)
    return value


def whole(value: Any) -> int:
    """A whole number from 0 to 2^31 - 1."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Fault(f"expected a whole number, got {kind_of(value)}")
    if isinstance(value, str):
        if not re.fullmatch("[0-9]{1,20}", value):
            raise Fault(f"expected a whole number, got {quoted(value)}", "write it in decimal digits")
        if len(value) > 1 and value.startswith("0"):
            raise Fault("a whole number does not begin with 0", f"write {value.lstrip('0') or '0'}")
        value = int(value)
    if not 0 <= value <= _LARGEST:
        raise Fault(f"expected a whole number from 0 to {_LARGEST}")
    return int(value)


def seconds(value: Any) -> int:
    result = whole(value)
    if not 1 <= result <= 86_400:
        raise Fault("expected seconds, from 1 to 86400 (a day)")
    return result


def owner(value: Any) -> str:
    """A user and a group by their numbers, such as `1000:100`."""
    found = _OWNER.fullmatch(text(value).strip())
    if found is None:
        raise Fault(f"{quoted(text(value))} is not a user and a group", "write their numbers: 1000:100")
    return f"{whole(found[1])}:{whole(found[2])}"


def positive_memory(value: Any) -> int:
    return _positive(quantities.memory_bytes(value))


def positive_cpu(value: Any) -> float:
    return _positive(quantities.cpu_cores(value))


def _positive(amount: A) -> A:
    if amount <= 0:
        raise Fault("a limit is above 0", "write null for no limit")
    return amount


def or_share(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A guarantee: an amount, or a share of the limit such as `50%`."""
    return partial(amount_or_share, convert)


def amount_or_share(convert: Callable[[Any], Any], value: Any) -> Any:
    part = quantities.share(value)
    return convert(value) if part is None else part


def moment(value: Any) -> datetime:
    """A date (that whole day included) or a date and time; UTC unless an offset is given."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    if isinstance(value, date):
        return datetime.combine(value, time.max, timezone.utc)
    hint = "write 2026-12-20 or 2026-12-20T18:00+01:00"
    if not isinstance(value, str):
        raise Fault(f"expected a date, got {kind_of(value)}", hint)
    found = _MOMENT.fullmatch(value.strip())
    try:
        if found is not None:
            kind = datetime if found["time"] else date
            return moment(kind.fromisoformat(found[0].replace("Z", "+00:00")))
    except ValueError:
        pass  # such as the 30th of February
    raise Fault(f"{quoted(value)} is not a date", hint)


Text = Annotated[str | None, leaf(text)]
FilledText = Annotated[str | None, leaf(filled_text)]
Flag = Annotated[bool | None, leaf(flag)]
Whole = Annotated[int | None, leaf(whole)]
Seconds = Annotated[int | None, leaf(seconds)]
Wholes = Annotated[tuple[int, ...] | None, leaf(each(whole))]
Texts = Annotated[tuple[str, ...] | None, leaf(each(text))]
Names = Annotated[tuple[str, ...] | None, leaf(each(filled_text))]
Moment = Annotated[datetime | None, leaf(moment)]
MemoryLimit = Annotated[int | None, leaf(positive_memory)]
MemoryGuarantee = Annotated[int | Fraction | None, leaf(or_share(quantities.memory_bytes))]
CpuLimit = Annotated[float | None, leaf(positive_cpu)]
CpuGuarantee = Annotated[float | Fraction | None, leaf(or_share(quantities.cpu_cores))]
Capacity = Annotated[str | None, leaf(quantities.capacity)]
