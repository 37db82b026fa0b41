"""The answer: what a server is made of, each value with the rule that set it and what that beat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..policy.fields import FIELDS, Combine
from ..policy.rules import Rule
from .access import Selection
from .home import Home
from .merge import MASK, Entries, Entry
from .plan import Plan
from .request import Person


@dataclass(frozen=True)
class Overrode:
    """A value that a stronger one beat. location: `file:line`."""

    value: Any
    source: str
    location: str


@dataclass(frozen=True)
class Value:
    """One value of an environment. path: dotted, such as `memory.limit` or `extraEnv.COURSE`."""

    path: str
    value: Any
    source: str
    location: str
    overrode: tuple[Overrode, ...] = ()


@dataclass(frozen=True, init=False)
class ResolvedEnvironment:
    """What one person gets at one start. Nothing in it may be changed.

    plan: what is the same in it for everybody with these rules, where anything is.
    """

    person: Person
    selection: Selection
    digest: str
    home: Home
    entries: Entries
    noted: tuple[Rule, ...] = ()
    plan: Plan | None = field(default=None, repr=False, compare=False)

    def __init__(
        self,
        person: Person,
        selection: Selection,
        digest: str,
        home: Home,
        entries: Entries,
        noted: tuple[Rule, ...] = (),
        plan: Plan | None = None,
    ) -> None:
        mine = vars(self)  # a frozen dataclass would set each by a call, in three times the time
        mine["person"] = person
        mine["selection"] = selection
        mine["digest"] = digest
        mine["home"] = home
        mine["entries"] = entries
        mine["noted"] = noted
        mine["plan"] = plan

    @property
    def by_field(self) -> Mapping[str, list[Entry]]:
        """Entries by the path of their field, in the order of their slots; removed ones left out."""
        kept = vars(self)  # functools.cached_property takes a lock before Python 3.12
        if "_by_field" not in kept:
            kept["_by_field"] = self._sorted()
        found: Mapping[str, list[Entry]] = kept["_by_field"]
        return found

    def _sorted(self) -> Mapping[str, list[Entry]]:
        plan = self.plan
        if plan is None:
            return _by_field(self.entries.values())
        if _by_field not in plan.derived:
            fixed = [entry for entry in self.entries.values() if entry.field.path not in plan.personal]
            plan.derived[_by_field] = _by_field(fixed)
        found: Mapping[str, list[Entry]] = plan.derived[_by_field]
        if not plan.personal:
            return found
        return {**found, **_by_field([e for e in self.entries.values() if e.field.path in plan.personal])}

    def get(self, path: str) -> Any:
        """The value of a field that holds one, or None."""
        entry = self.entries.get(path)
        return None if entry is None else entry.value

    def says(self, path: str) -> bool:
        """Whether any layer speaks of a field, if only to remove what is beneath."""
        return any(entry.field.path == path for entry in self.entries.values())

    def image(self) -> str | None:
        """The image as Kubernetes takes it."""
        name = self.get("image.name")
        if name is None:
            return None
        tag, digest = self.get("image.tag"), self.get("image.digest")
        return f"{name}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}"

    def values(self) -> Iterator[Value]:
        """Every value in the order of the table of fields, as plain data, secrets masked."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries.values():
            found.setdefault(entry.field.path, []).append(entry)
        for path in FIELDS:
            for index, entry in enumerate(found.get(path, ())):
                overrode = (Overrode(_shown(old), old.source, str(old.place)) for old in beaten(entry))
                yield Value(
                    _path(entry, index), _shown(entry), entry.source, str(entry.place), tuple(overrode)
                )


def _by_field(among: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in among:
        if entry.value is not None:
            found.setdefault(entry.field.path, []).append(entry)
    for path, entries in found.items():
        if all(map(_own_label, entries)):  # KubeSpawner sorts mappings of entries by their labels
            found[path] = sorted(entries, key=_own_label)
    return found


def beaten(entry: Entry) -> Iterator[Entry]:
    """What an entry beat, the latest first.

    That an image's new name takes the old tag away is no step of its own where the same rule sets another.
    """
    old = entry.beat
    while old is not None:
        if old.value is not None or old.by is not entry.by:
            yield old
        old = old.beat


def _own_label(entry: Entry) -> str:
    """The label under which KubeSpawner's own configuration holds an entry; "" where it has none."""
    return (entry.setting.label or "") if entry.opaque and entry.setting is not None else ""


def _path(entry: Entry, index: int) -> str:
    if entry.field.combine is Combine.APPEND:
        return f"{entry.field.path}[{index}]"
    return entry.field.path if entry.key is None else f"{entry.field.path}.{entry.key}"


def _shown(entry: Entry) -> Any:
    return MASK if entry.secret and entry.value is not None else plain(entry.value)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: a share as a percentage, KubeSpawner's own objects as mappings."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Fraction):
        return f"{float(value * 100):g}%"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "attribute_map"):  # a model of the Kubernetes client, most of whose fields are None
        fields = ((name, getattr(value, attribute)) for attribute, name in value.attribute_map.items())
        return {name: plain(item) for name, item in fields if item is not None}
    return f"a Python {type(value).__name__}"
