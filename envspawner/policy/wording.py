"""Says what pydantic found wrong in the words of the policy: place, path, what is wrong, what to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .located import Source, dotted
from .overrides import hint_for
from .problems import Fault, Problem, Step, suggest
from .sections import SECTIONS
from .values import Faults, kind_of

Loc = tuple[Step, ...]


def problems_of(error: ValidationError, model: type[BaseModel], source: Source, loc: Loc) -> Iterator[Problem]:
    """One problem for everything that pydantic complains about in the block at `loc`."""
    for details in error.errors(include_url=False):
        below: Loc = tuple(details["loc"])
        at = (*loc, *below)
        if details["type"] == "extra_forbidden":
            yield unknown_key(source, at, known_keys(_model_at(model, below[:-1])))
            continue
        for fault in _faults(details):
            path = (*at, *fault.loc)
            yield Problem(_place(source, path, fault), dotted(path), fault.message, fault.hint)


def unknown_key(source: Source, at: Loc, known: list[str]) -> Problem:
    """An unknown key, with the key that was probably meant."""
    key = str(at[-1])
    hint = hint_for(key) or suggest(key, known)
    if hint is None and key in SECTIONS:
        hint = f"{key} stands at the top of a policy"
    return Problem(source.place(at, of_key=True), dotted(at), f"unknown key {key!r}", hint)


def known_keys(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _faults(details: ErrorDetails) -> list[Fault]:
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Faults):
        return list(cause.faults)
    if isinstance(cause, Fault):
        return [cause]
    wanted = {"dict_type": "a mapping", "model_type": "a mapping", "tuple_type": "a list"}
    wanted |= {"model_attributes_type": "a mapping"}
    got = kind_of(details["input"])
    if details["type"] in wanted:
        return [Fault(f"expected {wanted[details['type']]}, got {got}")]
    return [Fault(details["msg"])]


def _place(source: Source, path: Loc, fault: Fault) -> Any:
    about_key = fault.message.startswith(("unknown key", "a key must")) or "has a key of its own" in fault.message
    return source.place(path, of_key=about_key)


def _model_at(model: type[BaseModel] | None, loc: Loc) -> type[BaseModel] | None:
    """The block that stands at `loc` below a block of type `model`."""
    steps = list(loc)
    while steps and model is not None:
        step = steps.pop(0)
        field = next((f for name, f in model.model_fields.items() if step in (f.alias, name)), None)
        if field is None:
            return None
        inside, in_container = _inner_model(field.annotation)
        if in_container and steps:
            steps.pop(0)
        model = inside
    return model


def _inner_model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The block inside an annotation such as `dict[str, Choice | None] | None`, and whether it is in a container."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in get_args(annotation):
        model, in_container = _inner_model(part)
        if model is not None:
            return model, in_container or getattr(annotation, "__origin__", None) in (dict, tuple)
    return None, False
