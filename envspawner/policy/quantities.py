"""Knows the units: reads and writes amounts of memory, CPU, storage and countable resources."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from .problems import Fault

_LONGEST = 40  # characters; far below the 4300 digits that Python refuses to turn into an int
_INT64 = 2**63 - 1  # Kubernetes keeps these amounts as signed 64-bit numbers
_FARTHEST = 60  # powers of ten; text this short can be neither valid nor rounded otherwise beyond it
_BINARY = {f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: Fraction(1000**power) for power, letter in enumerate("kMGTPE", 1)}
_ONE = {"": Fraction(1)}

_AMOUNT = re.compile(
    r"(?P<number>[+-]?(?=\.?[0-9])(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:[eE](?P<power>[+-]?[0-9]+))?)"
    r"(?P<blank>\s*)(?P<unit>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, eq=False, slots=True)
class _Kind:
    """What is read: its name, its units, its largest value, and what to write instead of anything else."""

    name: str
    units: Mapping[str, Fraction]
    most: int
    hint: str
    noise: str = "(?!)"  # what people put behind a unit, as a pattern in lower case
    strict: bool = False  # the text goes to Kubernetes as it is: no blank in it, no exponent beside a unit


_MEMORY_UNITS = _ONE | {unit[0]: factor for unit, factor in _BINARY.items()} | _BINARY
_MEMORY_HINT = "write bytes, or a number with K, M, G or T such as 512M or 1.5G"
_MEMORY = _Kind("an amount of memory", _MEMORY_UNITS, _INT64, _MEMORY_HINT, "b|bytes?")
_CPU_UNITS = _ONE | {"m": Fraction(1, 1000)}
_CPU_HINT = "write cores such as 2 or 0.5, or thousandths of a core such as 500m"
_CPU = _Kind("a number of CPU cores", _CPU_UNITS, 10**6, _CPU_HINT, "cores?|v?cpus?")
_SHARE = _Kind("a share", {"%": Fraction(1, 100)}, _INT64, "write more than 0% and at most 100%, such as 50%")
_STORAGE_UNITS = _ONE | _DECIMAL | _BINARY
_STORAGE_HINT = "write a Kubernetes quantity such as 10Gi or 500M"
_STORAGE = _Kind("an amount of storage", _STORAGE_UNITS, _INT64, _STORAGE_HINT, "b|bytes?", strict=True)
_PARTS = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)}
_CLAIMED = _Kind("an amount of storage", _STORAGE_UNITS | _PARTS, _INT64, _STORAGE_HINT, strict=True)
_COUNT = _Kind("a whole number", _ONE, _INT64, "write a whole number such as 1")


def memory_bytes(value: object) -> int:
    """Memory in whole bytes (rounded down), at least 0 and below 2**63.

    K M G T are powers of 1024, as in JupyterHub's `ByteSpecification`, and so are P E and Ki to Ei.
    A blank before the unit is forgiven, as there.
    Raises `Fault` for what is no amount of memory, and for more than nothing but less than a byte.
    """
    number, _ = _read(value, _MEMORY)
    if 0 < number < 1:
        raise Fault(f"{_shown(value)} is less than one byte", "write a unit behind it: 0.5G")
    return math.floor(number)


def cpu_cores(value: object) -> float:
    """CPU in cores, 0 or from 0.001 (the finest that Kubernetes knows) to 1000000; `500m` is 0.5.

    Raises `Fault` for everything else.
    """
    number, _ = _read(value, _CPU)
    if 0 < number < Fraction(1, 1000):
        raise Fault(f"{_shown(value)} is less than a thousandth of a core", "write at least 1m, or 0")
    return float(number)


def share(value: object) -> Fraction | None:
    """The part of one that a percentage is: `50%` is 1/2; None if `value` is no text with a % in it.

    Raises `Fault` for a percentage that is malformed, not above 0% or above 100%.
    """
    if not isinstance(value, str) or "%" not in value:
        return None
    number, _ = _read(value, _SHARE)
    if not 0 < number <= 1:
        raise Fault(f"{_shown(value)} is not above 0% and at most 100%", _SHARE.hint)
    return number


def capacity(value: object) -> str:
    """The text of a Kubernetes quantity of storage, above 0, as the API server accepts it.

    Raises `Fault` for everything else. The grammar is that of apimachinery's `resource.Quantity` but for
    `n`, `u` and `m`, parts of a byte; 2**63 and above, which it would cut silently, is refused.
    """
    text = _storage(value)
    if capacity_bytes(text) == 0:
        raise Fault(f"{_shown(value)} leaves no room at all", "write more than 0, such as 10Gi")
    return text


def capacity_bytes(text: str) -> int:
    """Storage in bytes, rounded up; here G is 10**9 and Gi is 2**30, as in Kubernetes.

    Raises `Fault` for what is no amount of storage.
    """
    return math.ceil(_read(text, _STORAGE)[0])


def exact_capacity(text: str) -> Fraction:
    """Storage in bytes, exactly, as the API server writes it: it also knows parts of a byte (n, u, m).

    Raises `Fault` for what is no amount of storage.
    """
    return _read(text, _CLAIMED)[0]


def whole_count(value: object) -> int:
    """How many of something that cannot be divided, at least 0 and below 2**63.

    Raises `Fault` for everything else: Kubernetes gives out extended resources in whole numbers.
    """
    number, _ = _read(value, _COUNT)
    if number.denominator != 1:
        raise Fault(f"{_shown(value)} is not a whole number", _COUNT.hint)
    return int(number)


def resource_amount(name: str, value: object) -> str | int:
    """How much of the resource `name`: a count of an extended one (`nvidia.com/gpu`), else a quantity.

    Raises `Fault` for a wrong amount, and where `name` is neither, `ephemeral-storage` or `hugepages-…`.
    """
    if "/" in name:
        return whole_count(value)
    if name == "ephemeral-storage" or name.startswith("hugepages-"):
        return _storage(value)
    raise Fault(f"{_shown(name)} is not an extended resource", "write its full name, such as nvidia.com/gpu")


def amount_number(value: str | int) -> int:
    """What `resource_amount` gave, as a number to compare: a count, or bytes rounded up."""
    return value if isinstance(value, int) else capacity_bytes(value)


def format_memory(n: int) -> str:
    """`n` bytes as people write them, exactly: with the largest of T G M K (of 1024) that divides them."""
    for power, letter in ((40, "T"), (30, "G"), (20, "M"), (10, "K")):
        if n and n % 2**power == 0:
            return f"{n >> power}{letter}"
    return str(n)


def format_cpu(cores: float) -> str:
    """`cores` as people write them, exactly: `0.5`, `16`."""
    return repr(float(cores)).removesuffix(".0")


def _storage(value: object) -> str:
    number, text = _read(value, _STORAGE)
    if number.denominator != 1 and not text[-1].isalpha():
        raise Fault(f"{_shown(value)} is not a whole number of bytes", "write a unit behind it: 0.5Gi")
    return text


def _read(value: object, kind: _Kind) -> tuple[Fraction, str]:
    """The amount that `value` says, and its text; raises `Fault` if it is none, negative or too large."""
    if type(value) is str and len(value) <= _LONGEST:
        return _known(value, kind)  # thousands of users may have the same few amounts
    return _read_anew(value, kind)


def _read_anew(value: object, kind: _Kind) -> tuple[Fraction, str]:
    text = _text(value, kind)
    found = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise Fault(f"{_shown(value)} is not {kind.name}", kind.hint)
    number, power, unit, part = found["number"], found["power"], found["unit"], found["part"] or ""
    if number.startswith("-"):
        raise Fault(f"{_shown(value)} is below 0", kind.hint)
    if unit not in kind.units or (kind.strict and (found["blank"] or (power and unit))):
        meant = None if power else _meant(unit, kind)
        hint = kind.hint if meant is None else f"did you mean {number}{meant}?"
        raise Fault(f"{_shown(value)} is not {kind.name}", hint)
    exponent = max(-_FARTHEST, min(int(power or 0), _FARTHEST)) - len(part)
    amount = int(found["whole"] + part) * Fraction(10) ** exponent * kind.units[unit]
    if amount > kind.most:
        raise Fault(f"{_shown(value)} is too large to be {kind.name}", kind.hint)
    return amount, text


_known: Final = lru_cache(maxsize=1024)(_read_anew)


def _text(value: object, kind: _Kind) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        return str(int(value)) if abs(value) < 2**63 and value.is_integer() else repr(float(value))
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 64:
        return str(int(value))
    raise Fault(f"{_shown(value)} is not {kind.name}", kind.hint)


def _meant(unit: str, kind: _Kind) -> str | None:
    """The unit that was probably meant, whatever its case and with what people put behind it."""
    bare = re.sub(f"(?:{kind.noise})$", "", unit.strip().lower())
    return next((known for known in kind.units if known.lower() == bare), None)


def _shown(value: object) -> str:
    """`value` for a message: short, whatever it is."""
    if isinstance(value, str):
        text = value.strip()
        return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…") if text else "an empty text"
    if isinstance(value, int | float):
        return repr(value) if abs(value) < 2**64 or isinstance(value, float) else "a number this far from 0"
    return "null" if value is None else f"a {type(value).__name__.lower()}"
