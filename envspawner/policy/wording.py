"""Says what pydantic found wrong in the words of the policy: place, path, what is wrong, what to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .environment import Environment
from .fields import FIELDS
from .located import Source, dotted
from .names import quoted
from .overrides import hint_for
from .problems import Fault, Faults, Problem, Step, suggest
from .sections import SECTIONS, Choice, Option, Other, Profile, Rule
from .values import kind_of

Loc = tuple[Step, ...]

MANY: Final = 50
"""So many unknown keys of one block get a suggestion each; to look for more would take minutes."""
_EXPECTED: Final = {"string_type": "a key must be text", "invalid_key": "a key must be text"}
_AMOUNTS: Final = {"memory": "limit", "cpu": "limit", "storage": "capacity"}
_OTHER_WORDS: Final = {
    "allowed_groups": "allow: {groups: [...]}",
    "allowed_users": "allow: {users: [...]}",
    "affinity": "extraNodeAffinity, extraPodAffinity or extraPodAntiAffinity",
    "cpu_request": "cpu.guarantee",
    "env": "extraEnv",
    "gpu": "extraResource: {limits: {nvidia.com/gpu: 1}}",
    "gpus": "extraResource: {limits: {nvidia.com/gpu: 1}}",
    "labels": "extraLabels",
    "name": "displayName, or image.name",
    "title": "displayName",
    "mounts": "storage.extraVolumeMounts",
    "pvc": "storage",
    "request": "guarantee",
    "requests": "guarantee",
    "resources": "memory, cpu and extraResource",
    "unlisted_choice": "other",
}
"""What people know these things as elsewhere, and what they are called here."""


def problems_of(
    error: ValidationError, model: type[BaseModel], source: Source, loc: Loc
) -> Iterator[Problem]:
    """One problem for everything that pydantic complains about in the block at `loc`."""
    unknown = 0
    for details in error.errors(include_url=False):
        below = place_in(details)
        at = (*loc, *below)
        if details["type"] == "extra_forbidden":
            unknown += 1
            yield unknown_key(source, at, _model_at(model, below[:-1]), hints=unknown <= MANY)
            continue
        for fault in _faults(details):
            path = (*at, *fault.loc)
            yield Problem(source.place(path, of_key=fault.of_key), dotted(path), fault.message, fault.hint)


def place_in(details: ErrorDetails) -> Loc:
    """Where in a block pydantic found something wrong."""
    found = tuple(details["loc"])
    return found[:-1] if found[-1:] == ("[key]",) else found


def unknown_key(
    source: Source, at: Loc, model: type[BaseModel] | None = None, *, hints: bool = True
) -> Problem:
    """An unknown key in a block of this type (None: at the top), with the key that was probably meant."""
    key = str(at[-1])
    hint = _hint(key, model) if hints else None
    return Problem(source.place(at, of_key=True), dotted(at), f"unknown key {quoted(key)}", hint)


def _hint(key: str, model: type[BaseModel] | None) -> str | None:
    if model is None:
        return _hint_at_top(key)
    if key in SECTIONS:
        return f"{key} stands at the top of a policy"
    if key in _OTHER_WORDS:
        return f"write {_OTHER_WORDS[key]}"
    near, elsewhere = suggest(key, _keys(model)), _elsewhere(key)
    if not issubclass(model, Environment):
        moved = "it does not belong into this block" if key in _keys(Environment) else None
        choices = f"write choices: {{{key}: ...}}" if model is Option and len(key) < 60 else None
        return moved or near or elsewhere or hint_for(key) or choices
    if key in _keys(Rule):
        return "only defaults, groups, admins and users have it"
    if key in _keys(Choice):
        return "only profiles and their choices have it"
    if key in _keys(Profile):
        return "only profiles have it"
    if key in _keys(Other):
        return "only the other of an option has it"
    return hint_for(key) or elsewhere or near


def _hint_at_top(key: str) -> str | None:
    if key in _keys(Environment):
        return f"write defaults: {{{key}: ...}}"
    everything = "a policy has defaults, groups, admins, users and profiles"
    return suggest(key, SECTIONS) or hint_for(key) or everything


def _elsewhere(key: str) -> str | None:
    """For a word that is a key of one inner block."""
    paths = [path for path in FIELDS if path.endswith(f".{key}")]
    return f"write {paths[0]}" if len(paths) == 1 else None


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _faults(details: ErrorDetails) -> tuple[Fault, ...]:
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Fault | Faults):
        return cause.faults
    got = kind_of(details["input"])
    if details["type"] in _EXPECTED:
        return (Fault(f"{_EXPECTED[details['type']]}, got {got}", of_key=True),)
    return (Fault(f"expected a mapping, got {got}", _amount_hint(details)),)


def _amount_hint(details: ErrorDetails) -> str | None:
    """For an amount that stands where a block belongs, such as `memory: 4G`."""
    key, given = str(details["loc"][-1]), details["input"]
    if key not in _AMOUNTS or not isinstance(given, str | int | float) or len(str(given)) > 20:
        return None
    return f"write {key}: {{{_AMOUNTS[key]}: {given}}}"


def _model_at(model: type[BaseModel] | None, loc: Loc) -> type[BaseModel] | None:
    """The block that stands at `loc` below a block of type `model`."""
    steps = list(loc)
    while steps and model is not None:
        step = steps.pop(0)
        field = next(f for name, f in model.model_fields.items() if step == (f.alias or name))
        model, in_container = _inner_model(field.annotation)
        if in_container:
            steps.pop(0)
    return model


def _inner_model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The block inside an annotation such as `dict[str, Choice | None]`, and whether a container holds it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in get_args(annotation):
        model, in_container = _inner_model(part)
        if model is not None:
            return model, in_container or get_origin(annotation) in (dict, tuple)
    return None, False
