"""The JSON Schema of a policy, made from the models that read it: for editors, which then know every key."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainValidator
from pydantic.fields import FieldInfo

from .descriptions import DESCRIPTIONS, SECTIONS
from .environment import Block
from .schema_kubernetes import Schema, closed, nullable
from .schema_values import EITHER, value_schema
from .sections import Profile, Rule

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> Schema:
    """The schema of a whole policy, which takes what `check` takes and refuses unknown keys and wrong types."""
    definitions: dict[str, Schema] = {}
    rule = nullable(_model(Rule, definitions))
    profile = nullable(_model(Profile, definitions))
    kinds = {
        "version": {"enum": [1, "1", None]},
        "defaults": rule,
        "groups": _named(rule),
        "admins": rule,
        "users": _named(rule),
        "profiles": _named(profile),
    }
    properties = {name: _described(kind, *SECTIONS[name]) for name, kind in kinds.items()}
    top = {"$schema": DIALECT, "title": "Environment policy of envspawner", **closed(properties)}
    return {**top, "$defs": dict(sorted(definitions.items()))}


def _named(entry: Schema) -> Schema:
    names = {"pattern": r"\S"}
    return {"type": ["object", "null"], "propertyNames": names, "additionalProperties": entry}


def _described(schema: Schema, description: str, example: Any) -> Schema:
    return {"description": description, "examples": [example], **schema}


def _model(model: type[BaseModel], definitions: dict[str, Schema]) -> Schema:
    """A reference to the schema of a block, which is added to `definitions`."""
    if model.__name__ not in definitions:
        definitions[model.__name__] = {}  # a profile holds no profile, but stay safe
        properties = {}
        for name, field in model.model_fields.items():
            key = field.alias or name
            schema = _field(field, definitions)
            properties[key] = _described(schema, *DESCRIPTIONS[f"{_owner(model, name)}.{key}"])
        definitions[model.__name__] = closed(properties)
    return {"$ref": f"#/$defs/{model.__name__}"}


def _owner(model: type[BaseModel], name: str) -> str:
    """The class that says what a field is."""
    return next(base.__name__ for base in model.__mro__ if name in vars(base).get("__annotations__", ()))


def _field(field: FieldInfo, definitions: dict[str, Schema]) -> Schema:
    if field.metadata:
        (validator,) = field.metadata
        if isinstance(validator, BeforeValidator):
            block = _of(field.annotation, definitions)
            return {"anyOf": [*EITHER[validator.func](block), {"type": "null"}]}
        assert isinstance(validator, PlainValidator)
        assert isinstance(validator.func, partial)
        return nullable(value_schema(validator.func.args[0], definitions))
    return nullable(_of(field.annotation, definitions))


def _of(annotation: Any, definitions: dict[str, Schema]) -> Schema:
    """The schema of an annotation such as `dict[str, Choice | None]`, None at its top apart."""
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return _model(annotation, definitions)
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return {"type": "object", "additionalProperties": nullable(_of(arguments[1], definitions))}
    if get_origin(annotation) is tuple:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    return _of(arguments[0], definitions)  # X | None
