"""Label and field selectors: which objects a list or a watch is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..policy import names
from ..policy.problems import Fault
from .wire import Json, bad_request

Test = Callable[[Json], bool]

_OWN: Final = ("metadata.name", "metadata.namespace")
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        *(f"involvedObject.{part}" for part in ("apiVersion", "fieldPath", "kind", "name", "namespace")),
        "involvedObject.resourceVersion",
        "involvedObject.uid",
        "reason",
        "source",
        "type",
    ),
    "secrets": ("type",),
}
"""The fields that the API server selects by, beside the name and the namespace."""

_REQUIREMENT: Final = re.compile(
    r"""\s*(?:
        (?P<no>!)?\s*(?P<alone>[^\s=!<>(),]+)
      | (?P<key>[^\s=!<>(),]+)\s*(?P<sign>==|=|!=|<|>)\s*(?P<value>[^\s=!<>(),]*)
      | (?P<one>[^\s=!<>(),]+)\s+(?P<word>in|notin)\s*\((?P<values>[^()=!<>]*)\)
    )\s*(?:,|$)""",
    re.VERBOSE,
)
_FIELD: Final = re.compile(r"(?P<field>[^=!]+?)(?P<sign>==|!=|=)(?P<value>[^=!]*)")


def selector(kind: str, labels: str, fields: str) -> Test:
    """Tells whether an object of `kind` (a plural) is selected. Raises `ApiError` 400 for what cannot be read."""
    tests = [*_label_tests(labels), *_field_tests(kind, fields)]
    return lambda thing: all(test(thing) for test in tests)


def _label_tests(text: str) -> Iterator[Test]:
    at = 0
    while at < len(text):
        found = _REQUIREMENT.match(text, at)
        if not found or (found.end() == len(text) and text.endswith(",")):
            raise bad_request(f"unable to parse requirement: {text[at:]!r} in the label selector {text!r}")
        at = found.end()
        yield _requirement(**found.groupdict(default=""))


def _requirement(
    no: str, alone: str, key: str, sign: str, value: str, one: str, word: str, values: str
) -> Test:
    label = _checked(names.check_label_key, alone or key or one)
    if alone:
        return lambda thing: (label in _labels(thing)) != bool(no)
    if sign in ("<", ">"):
        return _compared(label, sign, value)
    wanted = {
        _checked(names.check_label_value, item.strip()) for item in (values if word else value).split(",")
    }
    if sign == "!=" or word == "notin":
        return lambda thing: _labels(thing).get(label) not in wanted
    return lambda thing: _labels(thing).get(label) in wanted


def _compared(label: str, sign: str, value: str) -> Test:
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise bad_request(f"unable to parse requirement: {value!r} is no number to compare {label} with")
    bound = int(value)

    def test(thing: Json) -> bool:
        text = str(_labels(thing).get(label))
        known = re.fullmatch(r"[0-9]{1,18}", text) is not None
        return known and (int(text) > bound if sign == ">" else int(text) < bound)

    return test


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except Fault as fault:
        raise bad_request(f"unable to parse requirement: {fault.message}") from None


def _labels(thing: Json) -> Json:
    found: Json = thing["metadata"].get("labels", {})
    return found


def _field_tests(kind: str, text: str) -> Iterator[Test]:
    for part in filter(None, text.split(",")):
        found = _FIELD.fullmatch(part)
        if not found:
            raise bad_request(f"invalid selector: {text!r}; can't understand {part!r}")
        field, sign, value = found.group("field", "sign", "value")
        if field not in (*_OWN, *_FIELDS.get(kind, ())):
            raise bad_request(f"field label not supported: {field}")
        yield _field_test(field, value, sign != "!=")


def _field_test(field: str, value: str, same: bool) -> Test:
    # An event's `source` is an object; what is selected by is the component in it.
    path = ("source", "component") if field == "source" else tuple(field.split("."))

    def test(thing: Json) -> bool:
        found: Any = thing
        for step in path:
            found = found.get(step, "") if isinstance(found, dict) else ""
        return bool(found == value) == same

    return test
