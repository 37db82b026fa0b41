"""JSON Schema of single values: what each converter of `values.py` and its kin takes, as far as a schema can say.

A schema may take what `check` refuses later (a name that is misspelt), never the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from . import environment, kinds, names, overrides, quantities, sections, values
from .kubernetes import fields_of
from .schema_kubernetes import FLAG, HINT, TEXT, Schema, closed, kubernetes_schema, nullable

Definitions = dict[str, Schema]

FILLED: Final[Schema] = {**TEXT, "pattern": r"\S"}
_NUMBER: Final = r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
_MEMORY: Final = rf"{_NUMBER}\s*([KMGTPE]i?)?"
_CPU: Final = rf"{_NUMBER}\s*m?"
_CAPACITY: Final = rf"{_NUMBER}([kMGTPE]|[KMGTPE]i)?"
_SHARE: Final = rf"{_NUMBER}\s*%"
_SUCH_AS: Final = {_MEMORY: "512M", _CPU: "0.5 or 500m", _CAPACITY: "10Gi", _SHARE: "50%"}
_LARGEST: Final = 2**31 - 1


def _amount(*patterns: str) -> Schema:
    pattern = rf"^\s*({'|'.join(patterns)})\s*$"
    hint = " or ".join(_SUCH_AS[one] for one in patterns)
    return {"type": ["string", "number"], "minimum": 0, "pattern": pattern, HINT: f"write {hint}"}


_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?"
_COUNT: Final[Schema] = {"type": ["string", "number"]}
_BOUNDS: Final[Mapping[str, Schema]] = {
    "memory": _amount(_MEMORY),
    "cpu": _amount(_CPU),
    "storage": _amount(_CAPACITY),
}

PLAIN: Final[Mapping[Callable[..., Any], Schema]] = {
    values.text: TEXT,
    values.filled_text: FILLED,
    values.flag: FLAG,
    values.whole: {"type": ["integer", "string"], "minimum": 0, "maximum": _LARGEST, "pattern": "^[0-9]+$"},
    values.seconds: {"type": ["integer", "string"], "minimum": 1, "maximum": 86_400, "pattern": "^[0-9]+$"},
    values.moment: {"type": "string", "pattern": rf"^\s*{_DATE}({_TIME})?\s*$", HINT: "write 2026-12-20"},
    values.positive_memory: _amount(_MEMORY),
    values.positive_cpu: _amount(_CPU),
    quantities.memory_bytes: _amount(_MEMORY),
    quantities.cpu_cores: _amount(_CPU),
    quantities.capacity: _amount(_CAPACITY),
    environment.folder: FILLED,
    environment.marker_name: FILLED,
    values.owner: FILLED,
    kinds.image_name: FILLED,
    kinds.pull_secret: {"anyOf": [FILLED, closed({"name": FILLED}, ["name"])]},
    sections.image_glob: FILLED,
    sections.expression: FILLED,
}
"""What plain converters take; null apart."""


def _env(definitions: Definitions) -> Schema:
    source = closed({"valueFrom": kubernetes_schema("EnvVarSource", definitions)}, ["valueFrom"])
    return {"type": "object", "additionalProperties": {"anyOf": [TEXT, source, {"type": "null"}]}}


def _texts(_: Definitions) -> Schema:
    return {"type": "object", "additionalProperties": nullable(TEXT)}


def _extended(_: Definitions) -> Schema:
    keys = {"pattern": "^(ephemeral-storage|hugepages-.*)$|/"}
    return {"type": "object", "propertyNames": keys, "additionalProperties": nullable(_COUNT)}


def _bounds(_: Definitions) -> Schema:
    properties = {name: nullable(schema) for name, schema in _BOUNDS.items()}
    others = {"pattern": f"^({'|'.join(_BOUNDS)})$|/"}
    return {
        "type": "object",
        "properties": properties,
        "propertyNames": others,
        "additionalProperties": nullable(_COUNT),
    }


def _overrides(definitions: Definitions) -> Schema:
    return closed({
        name: nullable(value_schema(convert, definitions)) for name, convert in overrides.ADMITTED.items()
    })  # fmt: skip


KEYED: Final[Mapping[Callable[..., Any], Callable[[Definitions], Schema]]] = {
    kinds.env_name: _env,
    kinds.label_name: _texts,
    names.check_label_key: _texts,
    kinds.annotation_name: _texts,
    kinds.extended_name: _extended,
    sections.check_resource: _bounds,
    overrides.check_trait: _overrides,
}
"""What mappings take, by the check of their keys."""


def value_schema(convert: Callable[..., Any], definitions: Definitions) -> Schema:
    """What a converter takes; Kubernetes types are added to `definitions`. Raises KeyError for an unknown one."""
    if not isinstance(convert, partial):
        return MADE[convert](definitions) if convert in MADE else PLAIN[convert]
    return FACTORIES[convert.func](definitions, *convert.args)


def _each(definitions: Definitions, convert: Callable[..., Any]) -> Schema:
    one = value_schema(convert, definitions)
    return {"anyOf": [*one.get("anyOf", [one]), {"type": "array", "items": one}]}


def _entries(definitions: Definitions, kind: str) -> Schema:
    one = kubernetes_schema(kind, definitions)
    labelled = {"type": "object", "additionalProperties": nullable(one)}
    return {"anyOf": [{"type": "array", "items": one}, labelled]}


def _some(definitions: Definitions, kind: str, elsewhere: Mapping[str, str]) -> Schema:
    return closed({
        field: nullable(kubernetes_schema(word, definitions))
        for field, word in fields_of(kind).items()
        if field not in elsewhere
    })  # fmt: skip


FACTORIES: Final[Mapping[Callable[..., Any], Callable[..., Schema]]] = {
    values.each_of: _each,
    values.keyed_by: lambda definitions, check, *_: KEYED[check](definitions),
    values.text_checked: lambda definitions, _, base: value_schema(base, definitions),
    values.word_of: lambda _, words: {"enum": list(words)},
    values.amount_or_share: lambda _, convert: _amount(_PATTERNS[convert], _SHARE),
    kinds.piece_of: lambda definitions, kind: kubernetes_schema(kind, definitions),
    kinds.pieces_of: lambda definitions, kind: kubernetes_schema(f"[{kind}]", definitions),
    kinds.entries_of: _entries,
    kinds.some_of: _some,
}
"""What converters that were made by others take."""
_PATTERNS: Final[Mapping[Callable[..., Any], str]] = {
    quantities.memory_bytes: _MEMORY,
    quantities.cpu_cores: _CPU,
}
MADE: Final[Mapping[Callable[..., Any], Callable[[Definitions], Schema]]] = {
    environment.access_modes: lambda definitions: value_schema(environment.ACCESS_MODES, definitions),
}
"""Converters that look at a whole list."""
EITHER: Final[Mapping[Callable[..., Any], Callable[[Schema], list[Schema]]]] = {
    environment.image_parts: lambda block: [FILLED, block],
    environment.copy_entries: lambda entries: [FILLED, entries["items"], entries],
    sections.allow_block: lambda block: [block],
}
"""What may stand for a block, by the validator before it."""
