"""What a start was given, written down on its pod, so that it can be held against the policy of a later day.

What came from auth state is not written down, not even hashed: what is compared is the text of its rule. Neither is
what KubeSpawner's own layer holds, but for amounts and single words such as the image: hooks put tokens there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from json.encoder import encode_basestring_ascii as _text
from typing import Any, Final, NamedTuple, cast

from ..policy.fields import FIELDS, Combine, Field
from ..policy.rules import Rule
from ..policy.templates import Template, names_in
from .match import KUBESPAWNER
from .merge import SCALARS, Entries, Entry
from .plan import Plan
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
_BEGIN: Final = f'{{"version":{VERSION},'
_WAITS: Final = object()
_USERID: Final = "userid"


class Fact(NamedTuple):
    """One value. hidden: it is compared by what stands for it, and never shown. digest: of the value, if known."""

    path: str
    value: Any
    hidden: bool = False
    digest: str = ""


class _Fixed(NamedTuple):
    """What of a record is the same for everybody with the same rules, as JSON.

    values: each with its name, "" for one that is not. waiting: (index in `values`, slot, name) of those. own:
    KubeSpawner's layer. says_userid: whether some value depends on the number of the user.
    """

    values: tuple[str, ...]
    waiting: tuple[tuple[int, str, str], ...]
    own: str
    says_userid: bool


def written(environment: ResolvedEnvironment, request: SpawnRequest, scheme: str) -> str:
    """What a start was given, and what lay beneath, as compact JSON. scheme: of the slugs in its names."""
    try:
        text = None
        if environment.plan is not None:
            text = _planned(environment.plan, environment, request, scheme)
        if text is None or len(text) > ROOMY:
            text = _record(environment, request, scheme)
    except (TypeError, ValueError, RecursionError):  # what a callable of a hub's configuration made
        return as_json({"version": VERSION, "none": "a value is no plain data"})
    if len(text) > MOST:
        return as_json({"version": VERSION, "none": f"it is longer than {MOST // 1024} KiB"})
    return text


def _planned(plan: Plan, environment: ResolvedEnvironment, request: SpawnRequest, scheme: str) -> str:
    fixed = _fixed(plan, environment, request)
    values, rules = list(fixed.values), {}
    for index, slot, name in fixed.waiting:
        fact = fact_of(environment.entries[slot])
        if fact is not None and fact.hidden:
            rules[slot] = fact.value
        elif fact is not None:
            values[index] = name + (_text if isinstance(fact.value, str) else as_json)(fact.value)
    said = ",".join(filter(None, values))
    rest = _rest(environment, request, scheme, says_userid=fixed.says_userid)
    own = as_json(_own(request.own.rule)[0]) if plan.holds_own else fixed.own
    hidden = as_json(rules) if rules else "{}"
    return f'{_BEGIN}"own":{own},"values":{{{said}}},"rules":{hidden},{rest}}}'


def _fixed(plan: Plan, environment: ResolvedEnvironment, request: SpawnRequest) -> _Fixed:
    if _Fixed not in plan.derived:
        own, slots = _own(request.own.rule)
        entries = environment.entries.copy()
        for slot in plan.open:
            entries[slot] = entries[slot]._replace(value=_WAITS, secret=False)
        said = _said(entries, slots)
        assert not said.rules  # what is not written down, such as a secret, waits
        named = {name: slot for slot, name in slots.items()}
        values: list[str] = []
        waiting: list[tuple[int, str, str]] = []
        for name, value in said.values.items():
            key = f"{as_json(name)}:"
            if value is _WAITS:
                waiting.append((len(values), named.get(name, name), key))
            values.append("" if value is _WAITS else key + as_json(value))
        says_userid = any(map(_says_userid, environment.entries.values()))
        plan.derived[_Fixed] = _Fixed(tuple(values), tuple(waiting), as_json(own), says_userid)
    found: _Fixed = plan.derived[_Fixed]
    return found


def _rest(environment: ResolvedEnvironment, request: SpawnRequest, scheme: str, *, says_userid: bool) -> str:
    """What a record says besides values and rules, as JSON without braces, which is quicker than by a mapping."""
    own, home, picked = request.own, environment.home, environment.selection
    options = ",".join([f"{_text(option.slug)}:{_text(choice.slug)}" for option, choice in picked.choices])
    userid = f',"userid":{_text(request.names["userid"])}' if says_userid else ""
    return (
        f'"profile":{_text(picked.slug)},"options":{{{options}}},'
        f'"home":[{_word(home.identity)},{_word(home.claim)}],'
        f'"scheme":{_text(scheme)},"hubnamespace":{_text(request.names["hubnamespace"])},'
        f'"storage":[{"true" if own.has_storage else "false"},{_text(own.claim)},'
        f"{_text(own.claim_template)},{_word(own.home_volume)},"
        f"{as_json(sorted(own.home_mounts)) if own.home_mounts else '[]'}]{userid}"
    )


def _record(environment: ResolvedEnvironment, request: SpawnRequest, scheme: str) -> str:
    layer, slots = _own(request.own.rule)
    values, rules = _said(environment.entries, slots)
    says_userid = any(map(_says_userid, environment.entries.values()))
    begin = f'{_BEGIN}"own":{as_json(layer)},"values":'
    end = f'"rules":{as_json(rules)},{_rest(environment, request, scheme, says_userid=says_userid)}'
    text = f"{begin}{as_json(values)},{end}}}"
    if len(text) <= ROOMY:
        return text
    long = {slot: digest_of(value) for slot, value in values.items() if _is_long(value)}
    short = {slot: value for slot, value in values.items() if slot not in long}
    return f'{begin}{as_json(short)},{end},"long":{as_json(long)}}}'


class _Said(NamedTuple):
    """What a policy says, by slot: values, and what stands for those that are not written down."""

    values: dict[str, Any]
    rules: dict[str, str]


def _said(entries: Entries, slots: Mapping[str, str]) -> _Said:
    """slots: other names of slots."""
    values: dict[str, Any] = {}
    rules: dict[str, str] = {}
    counts: dict[str, int] = {}
    for slot, entry in entries.items():
        field, _, value, by, _, _, secret, setting = entry
        if by.layer == KUBESPAWNER:
            continue
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
    return _Said(values, rules)


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, Template) else plain(value)


as_json: Final = json.JSONEncoder(separators=(",", ":"), default=_plain).encode
"""Of text, `_text` makes the same in a fifth of the time."""


def _word(text: str | None) -> str:
    return "null" if text is None else _text(text)


def _says_userid(entry: Entry) -> bool:
    setting = entry.setting
    if setting is None or not setting.dynamic or entry.layer == KUBESPAWNER:
        return False
    return _USERID in names_in(setting.value)


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
    return alone and type(value) in SCALARS


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
