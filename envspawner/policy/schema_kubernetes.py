"""JSON Schema of the pieces of Kubernetes objects that a policy may hold, from the package's own table of types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .kubernetes import fields_of, needed_in

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
"""Where text is wanted the file's own text counts, whatever YAML takes it for."""
HINT: Final = "patternErrorMessage"
"""A keyword of the YAML language server: what it says of text that does not fit a pattern."""
_FLAGS: Final = "^([Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$"
FLAG: Final[Schema] = {"type": ["boolean", "string"], "pattern": _FLAGS, HINT: "write true or false"}
"""YAML 1.1, which PyYAML reads, has more words for true and false than the YAML that editors read."""
_INT64: Final = 2**63 - 1
_WORDS: Final[Mapping[str, Schema]] = {
    "boolean": FLAG,
    "integer": {"type": "integer", "minimum": -_INT64 - 1, "maximum": _INT64},
    "int32": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "mode": {"type": "integer", "minimum": 0, "maximum": 777},  # editors read 0644 as 644
    "port": {"type": ["integer", "string"], "minimum": 1, "maximum": 65535},
    "quantity": {"type": ["string", "number"]},
}
"""Words of the table that are no text."""


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema or "anyOf" in schema:
        return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    kinds = schema["type"]
    return {**schema, "type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}


def closed(properties: Mapping[str, Schema], needed: list[str] | None = None) -> Schema:
    """A mapping with these keys and no others."""
    more = {"required": needed} if needed else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **more}


def kubernetes_schema(kind: str, definitions: dict[str, Schema]) -> Schema:
    """The schema of a type of the table; what it refers to is added to `definitions`."""
    if kind in _WORDS:
        return _WORDS[kind]
    if kind[0] == "[":
        items = kubernetes_schema(kind.rstrip("+")[1:-1], definitions)
        return {"type": "array", "items": items, **({"minItems": 1} if kind[-1] == "+" else {})}
    if kind[0] == "{":
        values = kubernetes_schema(kind[1:-1].rpartition(":")[2], definitions)
        return {"type": "object", "additionalProperties": values}
    if "|" in kind:
        return {"enum": kind.split("|")}
    if ".." in kind:
        low, high = map(int, kind.split(".."))
        return {"type": "integer", "minimum": low, "maximum": high}
    return _object(kind, definitions) if kind[0].isupper() else TEXT


def _object(kind: str, definitions: dict[str, Schema]) -> Schema:
    name = f"kubernetes.{kind}"
    if name not in definitions:
        definitions[name] = {}  # no type holds itself
        needed = needed_in(kind)
        properties = {
            field: schema if field in needed else nullable(schema)
            for field, word in fields_of(kind).items()
            for schema in [kubernetes_schema(word, definitions)]
        }
        definitions[name] = closed(properties, needed)
    return {"$ref": f"#/$defs/{name}"}
