"""Says in one sentence why the cluster refused a pod or a claim: a quota, a range of limits, or what it is made of.

The words are those of Kubernetes' own admission plugins ResourceQuota and LimitRanger (seen in 1.20 to 1.33).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from ..policy.problems import Fault
from ..policy.quantities import capacity_bytes, cpu_cores, memory_bytes

_ASK: Final = "Pick something smaller, or ask the people who run this hub."
_LONGEST: Final = 600  # characters of the cluster's own words in the log
_QUOTA: Final = re.compile(r"exceeded quota: [^,]+, requested: (\S+), used: (\S+), limited: (\S+)")
_RANGE: Final = re.compile(
    r"(?P<bound>maximum|minimum) (?P<resource>\S+) usage per \S+ is (?P<allowed>[^\s,]+), "
    r"but (?:limit|request) is (?P<asked>[^\s,\]]+)"
)
_UNITS: Final = ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "KB"))


class Rejection(NamedTuple):
    """reason: machine-readable; message: one sentence for the user; detail: for the log."""

    reason: str
    message: str
    detail: str


def rejection(status: int, body: str | bytes | None) -> Rejection | None:
    """What an answer of the API server means for a user, or None where it is no judgement of what was sent.

    Trouble of the hub's own (no rights, no connection, a broken server) is none.
    """
    detail = _message(body)
    if status not in (400, 403, 422) or detail is None or " cannot create resource " in detail:
        return None
    quota = _QUOTA.search(detail)
    if quota is not None:
        return Rejection("quota-exceeded", _of_quota(*map(_amounts, quota.groups())), detail)
    bound = _RANGE.search(detail)
    if bound is not None:
        return Rejection("limit-range", _of_range(**bound.groupdict()), detail)
    message = "The cluster refused your server. Tell the people who run this hub."
    return Rejection("cluster-refused", message, detail)


def _message(body: str | bytes | None) -> str | None:
    """The message of a Kubernetes Status."""
    try:
        status = json.loads(body or "")
    except ValueError:
        return None
    message = status.get("message") if isinstance(status, dict) else None
    return message[:_LONGEST] if isinstance(message, str) else None


def _amounts(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _of_quota(requested: dict[str, str], used: dict[str, str], limited: dict[str, str]) -> str:
    for name, asked in requested.items():
        word = name.removeprefix("limits.").removeprefix("requests.")
        number = _number(word)
        try:
            wanted, left = number(asked), number(limited[name]) - number(used[name])
        except (Fault, KeyError, ValueError):
            continue
        if wanted <= left:
            continue
        if "." in name:
            return f"Your server needs {_of(word, wanted)}, and {_left(word, max(left, 0))} left. {_ASK}"
        return "There is no room for another server or home now. Ask the people who run this hub."
    return f"There is not enough room for your server. {_ASK}"


def _of_range(bound: str, resource: str, allowed: str, asked: str) -> str:
    number = _number(resource)
    word = "most" if bound == "maximum" else "least"
    try:
        wanted, limit = _of(resource, number(asked)), _of(resource, number(allowed))
    except (Fault, ValueError):
        wanted, limit = f"{asked} of {resource}", allowed
    tail = _ASK if bound == "maximum" else "Tell the people who run this hub."
    return f"Your server asks for {wanted}, and the {word} that the cluster allows is {limit}. {tail}"


def _number(resource: str) -> Callable[[str], float]:
    known: dict[str, Callable[[str], float]] = {
        "memory": memory_bytes,
        "cpu": cpu_cores,
        "storage": capacity_bytes,
    }
    return known.get(resource, float)


def _left(resource: str, amount: float) -> str:
    text = _of(resource, amount, short=True)
    return f"{text} {'is' if text.split()[0] == '1' else 'are'}"


def _of(resource: str, amount: float, *, short: bool = False) -> str:
    if resource not in ("memory", "storage"):
        name = "CPU" if resource == "cpu" else resource
        return f"{amount:g}" if short else f"{amount:g} {name}"
    size, unit = next(((size, unit) for size, unit in _UNITS if amount >= size), (1, "bytes"))
    text = f"{round(amount / size, 1):g} {unit}"
    return text if short else f"{text} of {resource}"
