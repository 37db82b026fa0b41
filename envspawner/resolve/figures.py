"""What people are shown of an environment: image, memory, CPU, devices, home, starter files, and when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from ..policy.fields import Field
from ..policy.quantities import format_cpu, format_memory
from .amounts import NUMBERS
from .bounds import Bound
from .merge import Entries, Entry
from .result import ResolvedEnvironment

SOON: Final = timedelta(days=30)
"""How long before its end people are told that a rule ends."""
_RANGE: Final = "\N{EN DASH}"
_LOST: Final = "Files are lost when the server stops"
_UNITS: Final = ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "KB"))
_QUANTITY: Final = re.compile(r"([0-9.]+)(k|[KMGTPE])i?")
_VENDORS: Final = {"nvidia.com/gpu": "NVIDIA", "amd.com/gpu": "AMD", "gpu.intel.com/i915": "Intel"}
_LABELS: Final = {
    "image": "Image",
    "memory": "Memory",
    "cpu": "CPU",
    "extraResource": "Devices",
    "storage": "Home",
    "copyOnce": "Starter files",
}
"""What people read for a family of fields: the first part of their paths."""
UNTIL: Final = "until"
SHOWN: Final = frozenset(_LABELS)
"""The families that figures are made of."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that people should know. key: what it is of. exact: the same in full, "" where `text` says all.

    warns: whether it is something to beware of.
    """

    key: str
    label: str
    text: str
    exact: str = ""
    warns: bool = False


def family(field: Field) -> str:
    """What a field is part of; fields of one family are shown in one figure, those of two never are."""
    return field.path.partition(".")[0]


def figures(environment: ResolvedEnvironment, at: datetime) -> tuple[Figure, ...]:
    """What a card shows of an environment, in order. at: the time of the request."""
    found = (
        _image(environment),
        _amounts(environment, "memory", _size, format_memory),
        _amounts(environment, "cpu", _cores, format_cpu),
        *_devices(environment),
        _home(environment),
        _starter_files(environment),
        _end(environment.entries, at),
    )
    return tuple(figure for figure in found if figure is not None)


def short_image(image: str) -> str:
    """An image without its registry, its folders, and a digest that stands behind a tag."""
    name, _, digest = image.partition("@")
    last = name.rpartition("/")[2]
    if ":" in last or not digest:
        return last
    algorithm, _, digits = digest.partition(":")
    return f"{last}@{algorithm}:{digits[:8]}"


def _image(environment: ResolvedEnvironment) -> Figure | None:
    image = environment.image() if isinstance(environment.get("image.name"), str) else None
    return None if image is None else Figure("image", _LABELS["image"], short_image(image), image)


def _amounts(environment: ResolvedEnvironment, name: str, words: Any, exact: Any) -> Figure | None:
    """A guarantee and a limit; nothing where there is neither."""
    low, high = (environment.get(f"{name}.{word}") for word in ("guarantee", "limit"))
    low, high = (value if isinstance(value, NUMBERS) and value else None for value in (low, high))
    if high is None:
        if low is None:
            return None
        return Figure(name, _LABELS[name], f"{words(low)} or more", f"{exact(low)} guaranteed, no limit")
    if low is None:
        return Figure(name, _LABELS[name], f"up to {words(high)}", f"{exact(high)} at most")
    if low == high:
        return Figure(name, _LABELS[name], words(high), f"{exact(high)} guaranteed, and no more")
    guaranteed = f"{exact(low)} guaranteed, {exact(high)} at most"
    return Figure(name, _LABELS[name], _range(words(low), words(high)), guaranteed)


def _range(low: str, high: str) -> str:
    """Both with one unit, or each with its own."""
    number, _, unit = low.partition(" ")
    if unit == high.partition(" ")[2] or (unit == "core" and high.endswith(" cores")):
        return f"{number}{_RANGE}{high}"
    return f"{low} {_RANGE} {high}"


def _size(n: float) -> str:
    """Bytes in the largest unit (of 1024) of which there is at least one."""
    for factor, unit in _UNITS:
        if n >= factor:
            return f"{round(n / factor, 2):g} {unit}"
    return f"{n:g} bytes"


def _cores(n: float) -> str:
    return f"{round(n, 3):g} {'core' if n == 1 else 'cores'}"


def _devices(environment: ResolvedEnvironment) -> Iterator[Figure]:
    """Extended resources: what the server may use of them, by name."""
    found: dict[str, Any] = {}
    for path in ("extraResource.guarantees", "extraResource.limits"):
        for entry in environment.by_field.get(path, ()):
            found[str(entry.key)] = entry.value
    for name, amount in sorted(found.items()):
        if not isinstance(amount, int | str) or str(amount) == "0":
            continue
        exact = f"{name}: {amount}"
        if name in _VENDORS:
            yield Figure(name, "GPU", f"{amount} \N{MULTIPLICATION SIGN} {_VENDORS[name]}", exact)
        elif "/" in name:
            yield Figure(name, name.rpartition("/")[2], str(amount), exact)
        else:
            label = "Temporary disk" if name == "ephemeral-storage" else name
            yield Figure(name, label, _capacity(str(amount)), exact)


def _capacity(text: str) -> str:
    """A quantity as people write it: `10Gi` and `10G` are 10 GB, and the exact text stands beside it."""
    found = _QUANTITY.fullmatch(text)
    return text if found is None else f"{found[1]} {found[2].upper()}B"


def _home(environment: ResolvedEnvironment) -> Figure | None:
    """What becomes of the user's files; None where KubeSpawner's own volumes do not tell."""
    home, capacity = environment.home, environment.get("storage.capacity")
    kind = home.kind
    if kind == "own":
        kind = environment.get("storage.type") or ("own" if _mounts(environment) else "none")
    if kind == "none":
        return Figure("storage", _LABELS["storage"], _LOST, warns=True)
    if kind == "static":
        return Figure("storage", _LABELS["storage"], "Existing storage", "Files stay when the server stops")
    if kind != "dynamic":
        return None
    if home.remembered:
        return Figure("storage", _LABELS["storage"], "Your home", "The home that you have, with its files")
    capacity = capacity if isinstance(capacity, str) else ""
    size = _capacity(capacity) if capacity else "New"
    exact = f"A new home{f' of {capacity}' if capacity else ''}; its files stay when the server stops"
    return Figure("storage", _LABELS["storage"], size, exact)


def _mounts(environment: ResolvedEnvironment) -> bool:
    return bool(environment.by_field.get("storage.extraVolumeMounts"))


def _starter_files(environment: ResolvedEnvironment) -> Figure | None:
    if not environment.get("copyOnce"):
        return None
    lost = environment.home.kind == "none"
    text = "Copied in at each start" if lost else "Copied in once"
    return Figure("copyOnce", _LABELS["copyOnce"], text)


def _end(entries: Entries, at: datetime) -> Figure | None:
    """When the first of the rules ends that what is shown comes from, if that is soon."""
    ends: dict[datetime, list[str]] = {}
    for entry in entries.values():
        until, kind = _rule_end(entry), family(entry.field)
        if until is not None and until - at <= SOON and kind in SHOWN:
            labels = ends.setdefault(until, [])
            if _LABELS[kind] not in labels:
                labels.append(_LABELS[kind])
    if not ends:
        return None
    first = min(ends)
    day = first.astimezone(first.tzinfo or timezone.utc)
    what = " and ".join(ends[first])
    return Figure(UNTIL, f"{what} until", f"{day.day} {day:%B} {day.year}", "It may change after this day")


def _rule_end(entry: Entry) -> datetime | None:
    by = entry.by.by if isinstance(entry.by, Bound) else entry.by
    return by.rule.until
