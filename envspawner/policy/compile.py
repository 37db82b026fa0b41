"""Turns checked blocks into rules: one setting a value, placeholders found, places remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from . import quantities
from .environment import Block, Environment
from .fields import FIELDS, Combine, Field
from .located import Source, dotted
from .problems import Problem, Step
from .rules import Rule, Setting
from .sections import Rule as RuleBlock
from .strings import misplaced
from .templates import Template, compile_text, compile_value, names_in

Loc = tuple[Step, ...]


def compile_rule(
    block: Environment, source: Source, loc: Loc, problems: list[Problem], *, group: str | None = None
) -> Rule:
    """The rule that a block at `loc` of a document means; what is wrong with it is added to `problems`."""
    settings: list[Setting] = []
    for path, value, at in _leaves(block, (), loc, source):
        field = FIELDS[path]
        for setting in _settings(field, value, at, source):
            settings.append(setting)
            for message, hint in misplaced(setting, group):
                problems.append(Problem(setting.place, dotted(at), message, hint))
    problems += _contradictions(block, source, loc)
    bounds = block if isinstance(block, RuleBlock) else RuleBlock()
    places = {
        f"{word}.{name}": source.place((*loc, word, name))
        for word, amounts in (("atLeast", bounds.at_least), ("atMost", bounds.at_most))
        for name in amounts or ()
    }
    return Rule(
        dotted(loc),
        source.place(loc, of_key=True),
        tuple(settings),
        dict(bounds.at_least or {}),
        dict(bounds.at_most or {}),
        places,
        bounds.until,
        bounds.note,
    )


def _leaves(block: Block, path: tuple[str, ...], loc: Loc, source: Source) -> Iterator[tuple[str, Any, Loc]]:
    """(path, value, place) of every field that a block sets, whole sub-blocks that are null included."""
    for name in sorted(block.model_fields_set, key=list(type(block).model_fields).index):
        alias = type(block).model_fields[name].alias or name
        value, below, at = getattr(block, name), (*path, alias), (*loc, alias)
        dotted_path = ".".join(below)
        if dotted_path in FIELDS:
            yield dotted_path, value, at
        elif isinstance(value, Block):
            yield from _leaves(value, below, at, source)
        elif value is None:
            yield from ((f, None, at) for f in FIELDS if f.startswith(dotted_path + "."))


def _settings(field: Field, value: Any, loc: Loc, source: Source) -> Iterator[Setting]:
    place = source.place(loc)
    if value is None or field.combine is Combine.REPLACE:
        if isinstance(value, tuple) and value and isinstance(value[0], Block):
            value = [item.model_dump(by_alias=True, exclude_none=True) for item in value]
        compiled = compile_value(value)
        yield Setting(field, compiled, place, slot=field.path, dynamic=bool(names_in(compiled)))
    elif field.combine is Combine.KEYED:
        for key, item in value.items():
            compiled = compile_value(item)
            slot = f"{field.path}.{key}"
            yield Setting(field, compiled, source.place((*loc, key)), key, slot, bool(names_in(compiled)))
    elif field.combine is Combine.NAMED:
        for index, (label, item) in enumerate(value):
            yield _entry(field, label, item, source.place((*loc, index if label is None else label)))
    else:
        for index, item in enumerate(value):
            compiled = compile_value(item)
            dynamic = bool(names_in(compiled))
            key = None if dynamic else repr(compiled)
            slot = None if dynamic else f"{field.path}.{key}"
            yield Setting(field, compiled, source.place((*loc, index)), key, slot, dynamic)


def _entry(field: Field, label: str | None, item: Any, place: Any) -> Setting:
    if item is None:
        return Setting(field, None, place, label, f"{field.path}.{label}", label=label)
    key = compile_text(str(item[field.identity]))
    compiled = compile_value(item)
    slot = None if isinstance(key, Template) else f"{field.path}.{key}"
    return Setting(field, compiled, place, key, slot, bool(names_in(compiled)), label)


def _contradictions(block: Environment, source: Source, loc: Loc) -> Iterator[Problem]:
    """What no server could ever have, though each value alone is fine."""

    def problem(at: tuple[Step, ...], message: str, hint: str) -> Problem:
        return Problem(source.place((*loc, *at)), dotted((*loc, *at)), message, hint)

    for word in ("memory", "cpu"):
        part = getattr(block, word)
        if part is None or part.guarantee is None:
            continue
        at = (word, "guarantee")
        if isinstance(part.guarantee, Fraction):
            if part.limit is None and "limit" in part.model_fields_set:
                yield problem(at, "a share of no limit", f"set {word}.limit, or write an amount")
        elif part.limit is not None and part.guarantee > part.limit:
            yield problem(at, "the guarantee is above the limit", "Kubernetes refuses such a pod; lower it")
    yield from _extended_contradictions(block, problem)
    for path, message, hint in _nulls(block):
        yield problem(path, message, hint)
    yield from _copy_contradictions(block, problem)
    if isinstance(block, RuleBlock):
        for name, least in (block.at_least or {}).items():
            most = (block.at_most or {}).get(name)
            if least is not None and most is not None and _number(name, least) > _number(name, most):
                yield problem(("atLeast", name), "above atMost of the same rule", "lower it, or raise atMost")


def _extended_contradictions(block: Environment, problem: Any) -> Iterator[Problem]:
    extended = block.extra_resource
    if extended is None:
        return
    limits = extended.limits or {}
    for name, amount in (extended.guarantees or {}).items():
        limit = limits.get(name)
        at = ("extraResource", "guarantees", name)
        if amount is None or limit is None:
            continue
        if "/" in name and amount != limit:
            yield problem(at, "differs from the limit", "Kubernetes wants them equal; the limit alone is enough")
        elif quantities.amount_number(amount) > quantities.amount_number(limit):
            yield problem(at, "the guarantee is above the limit", "lower it")


def _nulls(block: Environment) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Fields whose removal would leave a server without what it needs."""
    for name, path, hint in (
        ("image", ("image",), "name another image"),
        ("storage", ("storage",), "write storage: {type: none} for no home"),
        ("start_timeout", ("startTimeout",), "write seconds"),
    ):
        if name in block.model_fields_set and getattr(block, name) is None:
            yield path, "null cannot remove this", hint
    if block.image and "name" in block.image.model_fields_set and block.image.name is None:
        yield ("image", "name"), "null cannot remove this", "name another image"
    storage = block.storage
    if storage is not None:
        for name, alias in (("type", "type"), ("home_mount_path", "homeMountPath")):
            if name in storage.model_fields_set and getattr(storage, name) is None:
                yield ("storage", alias), "null cannot remove this", "write type: none for no home"


def _copy_contradictions(block: Environment, problem: Any) -> Iterator[Problem]:
    seen: set[tuple[str | None, str]] = set()
    for index, entry in enumerate(block.copy_once or ()):
        key = (entry.to, entry.marker or ".copied")
        if key in seen:
            hint = "give each entry a marker of its own, so that each is done once"
            yield problem(("copyOnce", index), "another entry has this marker too", hint)
        seen.add(key)
    hook = block.lifecycle_hooks.post_start if block.lifecycle_hooks else None
    if block.copy_once and hook is not None and "exec" not in hook:
        hint = "make it an exec hook"
        yield problem(("lifecycleHooks", "postStart"), "cannot be joined with copyOnce", hint)


def _number(name: str, amount: Any) -> float:
    if name == "storage":
        return quantities.capacity_bytes(amount)
    return float(amount) if isinstance(amount, float) else quantities.amount_number(amount)


def amounts_by_name(amounts: Mapping[str, Any]) -> dict[str, float]:
    """Comparable numbers of a mapping of bounds."""
    return {name: _number(name, amount) for name, amount in amounts.items() if amount is not None}
