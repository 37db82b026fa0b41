"""What a start was given, written down on its pod, so that it can be held against the policy of a later day.

What came from auth state is not written down, not even hashed: what is compared is the text of its rule. Neither is
what KubeSpawner's own layer holds, but for amounts and single words such as the image: hooks put tokens there.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, Final, NamedTuple, cast

from ..policy.fields import FIELDS, Combine, Field
from ..policy.rules import Rule
from ..policy.templates import Placeholder, Template, names_in
from .match import KUBESPAWNER
from .merge import Entry
from .request import SpawnRequest
from .result import ResolvedEnvironment, beaten, plain

VERSION: Final = 1
MOST: Final = 64 * 1024
"""Characters of a record. All annotations of an object may hold 256 KiB together."""
ROOMY: Final = 8 * 1024
"""Up to here every value is written out; above, the long ones are hashed."""
LONG: Final = 256
"""Characters of a value that is long."""
LISTS: Final = frozenset(path for path, field in FIELDS.items() if field.combine is Combine.APPEND)
_USERID: Final = Placeholder("userid")
_SCALARS: Final = frozenset({str, int, float, bool})


class Fact(NamedTuple):
    """One value. hidden: it is compared by what stands for it, and never shown. digest: of the value, if known."""

    path: str
    value: Any
    hidden: bool = False
    digest: str = ""


def written(environment: ResolvedEnvironment, request: SpawnRequest, scheme: str) -> str:
    """What a start was given, and what lay beneath, as compact JSON. scheme: of the slugs in its names."""
    own, slots = _own(request.own.rule)
    values: dict[str, Any] = {}
    rules: dict[str, str] = {}
    record: dict[str, Any] = {
        "version": VERSION,
        "profile": environment.selection.slug,
        "options": {option.slug: choice.slug for option, choice in environment.selection.choices},
        "values": values,
        "rules": rules,
        "home": [environment.home.identity, environment.home.claim],
        "scheme": scheme,
        "hubnamespace": request.names["hubnamespace"],
        "own": own,
        "storage": [
            request.own.has_storage,
            request.own.claim,
            request.own.claim_template,
            request.own.home_volume,
            sorted(request.own.home_mounts),
        ],
    }
    counts: dict[str, int] = {}
    for slot, entry in environment.entries.items():
        field, _, value, by, _, _, secret, setting = entry
        if by.layer == KUBESPAWNER:
            continue
        if setting is not None and setting.dynamic and _says_userid(setting.value):
            record["userid"] = request.names["userid"]
        deep = setting is not None and setting.deep
        if not (value is None or secret or deep or slots or field.combine is Combine.APPEND):
            values[slot] = value  # as below, in half the time
            continue
        fact = fact_of(entry)
        if fact is None:
            continue
        name = slots.get(slot, slot)
        if is_listed(fact):
            count = counts[fact.path] = counts.get(fact.path, -1) + 1
            name = f"{fact.path}[{count}]"
        (rules if fact.hidden else values)[name] = fact.value
    return _bounded(record)


def _bounded(record: dict[str, Any]) -> str:
    try:
        text = as_json(record)
        if len(text) > ROOMY:
            long = {slot: digest_of(value) for slot, value in record["values"].items() if _is_long(value)}
            values = {slot: value for slot, value in record["values"].items() if slot not in long}
            text = as_json({**record, "values": values, "long": long})
    except (TypeError, ValueError, RecursionError):  # what a callable of a hub's configuration made
        return as_json({"version": VERSION, "none": "a value is no plain data"})
    if len(text) > MOST:
        return as_json({"version": VERSION, "none": f"it is longer than {MOST // 1024} KiB"})
    return text


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, Template) else plain(value)


as_json: Final = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def _says_userid(value: Any) -> bool:
    return _USERID in value.parts if isinstance(value, Template) else _USERID.name in names_in(value)


def _is_long(value: Any) -> bool:
    return len(as_json(value)) > LONG


def digest_of(value: Any) -> str:
    return blake2b(as_json(value).encode(), digest_size=12).hexdigest()


def _own(rule: Rule | None) -> tuple[list[list[Any]], dict[str, str]]:
    """KubeSpawner's own layer as [path, key, value]; and other names of slots that hold their whole value."""
    own: list[list[Any]] = []
    slots: dict[str, str] = {}
    for setting in () if rule is None else rule.settings:
        field, key = setting.field, cast("str | None", setting.key)
        if field.combine is Combine.APPEND or (key is not None and key[:1] in "{<["):
            key = f"#{len(own)}"
            slots[setting.slot or ""] = f"{field.path}.{key}"
        own.append([field.path, key, setting.value if _is_kept(field, setting.value) else None])
    return own, slots


def _is_kept(field: Field, value: Any) -> bool:
    """Whether a value of KubeSpawner's own may be written down, since nobody puts a secret there."""
    alone = field.combine is Combine.REPLACE or field.path.startswith("extraResource.")
    return alone and type(value) in _SCALARS


def fact_of(entry: Entry) -> Fact | None:
    """What a policy says of a slot; None where it says nothing, or just removes what is not there."""
    if entry.by.layer == KUBESPAWNER:
        return None
    setting = entry.setting
    merged = setting is not None and setting.deep and _is_over_own(entry)
    if entry.secret or merged:
        return Fact(entry.field.path, digest_of(None if setting is None else setting.value), True)
    if entry.value is None and not _is_over_own(entry):
        return None
    return Fact(entry.field.path, entry.value)


def _is_over_own(entry: Entry) -> bool:
    return any(old.by.layer == KUBESPAWNER for old in beaten(entry))


def is_listed(fact: Fact) -> bool:
    """Whether a value stands in a list, without a name; one of KubeSpawner's own that is removed is numbered."""
    return fact.path in LISTS and fact.value is not None
