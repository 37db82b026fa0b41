"""Reads what a pod says of its start, and tells what a restart would change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ..policy.fields import FIELDS
from ..policy.problems import Place
from ..policy.rules import Rule, Setting
from .record import LISTS, VERSION, Fact, as_json, digest_of, fact_of, is_listed
from .request import OwnLayer, Person, SpawnRequest
from .result import ResolvedEnvironment
from .slugs import Scheme, user_names

AS_CONFIGURED: Final = "(as KubeSpawner has it)"
NOT_KEPT: Final = "(too long to keep)"
CLAIM: Final = "home.claim"
_NEW_CLAIMS: Final = (
    "storage.dynamic.storageClass",
    "storage.dynamic.pvcNameTemplate",
    "storage.dynamic.storageAccessModes",
    "storage.extraLabels",
    "storage.expand",
)
_SOURCE: Final = "kubespawner"
_PLACE: Final = Place("the server's own start")


class NoRecord(Exception):
    """A pod does not say what it was given; the message says why."""


@dataclass(frozen=True)
class Record:
    """What a pod says of its start. options: by the slugs of options. own: what lay beneath the policy.

    home: identity and claim. userid: where the policy spoke of it.
    """

    profile: str | None
    options: Mapping[str, str]
    facts: tuple[tuple[str, Fact], ...]
    own: OwnLayer
    home: tuple[str | None, str | None]
    scheme: Scheme
    hubnamespace: str
    userid: str | None = None

    def request(
        self,
        person: Person,
        at: datetime,
        *,
        server: str,
        namespace: str,
        pod: str,
        userid: str | None = None,
        homes: Mapping[str, str] | None = None,
        shared_homes: Mapping[str, str] | None = None,
    ) -> SpawnRequest:
        """The request of a restart now, above what lay beneath then; nobody knows the auth state.

        homes, shared_homes: what is remembered besides the home that the server has.
        """
        names = user_names(person.name, server, self.scheme) | {
            "userid": userid or self.userid or "{userid}",
            "hubnamespace": self.hubnamespace,
            "namespace": namespace,
            "pod_name": pod,
        }
        identity, claim = self.home
        mine = {identity: claim} if identity is not None and claim is not None else {}
        return SpawnRequest(person, at, names, self.own, {**mine, **(homes or {})}, None, shared_homes or {})


def read(text: str) -> Record:
    """The record in an annotation. Raises NoRecord."""
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise NoRecord("it was written by another version of envspawner")
        if "none" in data:
            raise NoRecord(str(data["none"]))
        has_storage, claim, template, volume, mounts = data["storage"]
        settings = tuple(_setting(*one) for one in data["own"])
        identity, home = data["home"]
        return Record(
            data["profile"] or None,
            dict(data["options"]),
            tuple(_facts(data["values"], data["rules"], data.get("long", {}))),
            OwnLayer(
                Rule(_SOURCE, _PLACE, settings), has_storage, claim, template, volume, frozenset(mounts)
            ),
            (identity, home),
            data["scheme"],
            data["hubnamespace"],
            data.get("userid"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoRecord("it cannot be read") from None


def _setting(path: str, key: str | None, value: Any) -> Setting:
    slot = path if key is None else f"{path}.{key}"
    shown = AS_CONFIGURED if value is None else value
    return Setting(FIELDS[path], shown, _PLACE, key, slot, opaque=True)


def _facts(
    values: Mapping[str, Any], rules: Mapping[str, str], long: Mapping[str, str]
) -> Iterator[tuple[str, Fact]]:
    yield from ((slot, Fact(_path(slot), value)) for slot, value in values.items())
    yield from ((slot, Fact(_path(slot), rule, True)) for slot, rule in rules.items())
    yield from ((slot, Fact(_path(slot), NOT_KEPT, False, digest)) for slot, digest in long.items())


def _path(slot: str) -> str:
    """The path of the field, for those whose entries have no name; else the slot, as reports show it."""
    path = slot.partition("[")[0]
    return path if path in LISTS else slot


def compare(record: Record, environment: ResolvedEnvironment) -> list[tuple[Fact | None, Fact | None]]:
    """(then, now) of every value that a restart would change; None for nothing.

    environment: what `record.request` resolves to.
    """
    before = _by_slot([*record.facts, *_claim(record.home[1])])
    found = ((slot, fact_of(entry)) for slot, entry in environment.entries.items())
    now = [
        (slot, fact if is_listed(fact) else fact._replace(path=slot))
        for slot, fact in found
        if fact is not None
    ]
    after = _by_slot([*now, *_claim(environment.home.claim)])
    rule = record.own.rule
    own = {str(s.slot): Fact(str(s.slot), s.value) for s in rule.settings} if rule else {}
    passed = _of_new_claims(record, environment)
    pairs = (
        (before.get(slot, own.get(slot)), after.get(slot, own.get(slot)))
        for slot in dict.fromkeys([*before, *after])
        if not slot.startswith(passed)
    )
    changed = [(_value(old), _value(new)) for old, new in pairs if _standing(old) != _standing(new)]
    return sorted(changed, key=lambda pair: _order(pair[0] or pair[1]))


def _of_new_claims(record: Record, environment: ResolvedEnvironment) -> tuple[str, ...]:
    """What a restart leaves as it is, since the claim is there already."""
    home = environment.home
    if home.kind != "dynamic" or home.claim != record.home[1]:
        return ()
    return _NEW_CLAIMS if environment.get("storage.expand") == "grow" else (*_NEW_CLAIMS, "storage.capacity")


def _claim(claim: str | None) -> list[tuple[str, Fact]]:
    return [] if claim is None else [(CLAIM, Fact(CLAIM, claim))]


def _by_slot(facts: Iterable[tuple[str, Fact]]) -> dict[str, Fact]:
    """Facts by their slot; what stands in a list, by itself, since numbers move."""
    found: dict[str, Fact] = {}
    for slot, fact in facts:
        if is_listed(fact):
            slot = f"{fact.path}[{fact.digest or digest_of(fact.value)}]"
        found[slot] = fact
    return found


def _order(fact: Fact | None) -> int:
    """Where reports show a value: as the table of fields has them, the claim last."""
    path = "" if fact is None else fact.path
    found = (at for at, known in enumerate(FIELDS) if path == known or path.startswith(f"{known}."))
    return next(found, len(FIELDS))


def _standing(fact: Fact | None) -> tuple[bool, str]:
    """What a value is compared by; nothing and removed are the same."""
    if fact is None or fact.value is None:
        return False, ""
    return fact.hidden, fact.digest or digest_of(fact.value)


def _value(fact: Fact | None) -> Fact | None:
    """A fact as plain data."""
    return (
        None if fact is None or fact.value is None else fact._replace(value=json.loads(as_json(fact.value)))
    )
