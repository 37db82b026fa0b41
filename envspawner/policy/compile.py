"""Turns checked blocks into rules: one setting a value, placeholders found, places remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .contradictions import contradictions_in
from .environment import Block, Environment
from .fields import FIELDS, HOME_VOLUME, Combine, Field
from .located import Source, dotted
from .problems import Place, Problem, Step
from .rules import Rule, Setting
from .sections import Rule as RuleBlock
from .strings import misplaced
from .templates import Template, compile_text, compile_value, names_in

Loc = tuple[Step, ...]


def compile_rule(
    block: Environment,
    source: Source,
    loc: Loc,
    problems: list[Problem],
    *,
    group: str | None = None,
    typed: bool = False,
) -> Rule:
    """The rule that a block at `loc` of a document means; what is wrong with it is added to `problems`.

    group: whose rule it is, if a group's. typed: whether it is that of an `other`.
    """
    settings: list[Setting] = []
    for path, value, at in leaves(block, (), loc):
        found = list(_settings(FIELDS[path], value, at, source))
        settings += found
        for setting in found:
            complaints = [*misplaced(setting, group, typed=typed), *_wrong(setting)]
            problems += [Problem(setting.place, dotted(at), *complaint) for complaint in complaints]
        problems += [
            Problem(place, dotted(at), message, "a rule has each of them once")
            for place, message in _twice(found)
        ]
    for at, message, hint in contradictions_in(block):
        problems.append(Problem(source.place((*loc, *at)), dotted((*loc, *at)), message, hint))
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


def leaves(block: Block, path: tuple[str, ...], loc: Loc) -> Iterator[tuple[str, Any, Loc]]:
    """(path, value, loc) of every field that a block sets, whole sub-blocks that are null included."""
    given = block.model_fields_set
    for name, field in type(block).model_fields.items():
        if name not in given:
            continue
        alias = field.alias or name
        value, below, at = getattr(block, name), (*path, alias), (*loc, alias)
        dotted_path = ".".join(below)
        if dotted_path in FIELDS:
            yield dotted_path, value, at
        elif isinstance(value, Block):
            yield from leaves(value, below, at)
        elif value is None:
            yield from ((f, None, at) for f in FIELDS if f.startswith(dotted_path + "."))


def _settings(field: Field, value: Any, loc: Loc, source: Source) -> Iterator[Setting]:
    if value is None or field.combine is Combine.REPLACE:
        if isinstance(value, tuple):
            value = [_plain(item) for item in value]
        compiled = compile_value(value)
        yield Setting(field, compiled, source.place(loc), slot=field.path, dynamic=bool(names_in(compiled)))
    elif field.combine is Combine.KEYED:
        for key, item in value.items():
            compiled = compile_value(item)
            dynamic = bool(names_in(compiled))
            yield Setting(field, compiled, source.place((*loc, key)), key, f"{field.path}.{key}", dynamic)
    elif field.combine is Combine.NAMED:
        for index, (label, item) in enumerate(value):
            yield _entry(field, label, item, source.place((*loc, index if label is None else label)))
    else:
        for index, item in enumerate(value):
            compiled = compile_value(item)
            dynamic = bool(names_in(compiled))
            identity = None if dynamic else repr(compiled)
            slot = None if dynamic else f"{field.path}.{identity}"
            yield Setting(field, compiled, source.place((*loc, index)), identity, slot, dynamic)


def _plain(item: Any) -> Any:
    return item.model_dump(by_alias=True, exclude_none=True) if isinstance(item, Block) else item


def _entry(field: Field, label: str | None, item: Any, place: Place) -> Setting:
    if item is None:
        return Setting(field, None, place, label, f"{field.path}.{label}", label=label)
    key = compile_text(item[field.identity])
    compiled = compile_value(item)
    slot = None if isinstance(key, Template) else f"{field.path}.{key}"
    return Setting(field, compiled, place, key, slot, bool(names_in(compiled)), label)


def _wrong(setting: Setting) -> Iterator[tuple[str, str]]:
    """What a value may not be in its field, whatever stands beside it."""
    if setting.value is None and not setting.field.nullable:
        hint = "write storage: {type: none} for no home" if "storage" in setting.field.path else "set a value"
        yield "null cannot remove this", hint
    if (
        setting.field.path == "storage.extraVolumes"
        and setting.key == HOME_VOLUME
        and setting.value is not None
    ):
        yield "the volume of the home itself is called home", "choose another name"


def _twice(settings: list[Setting]) -> Iterator[tuple[Place, str]]:
    """Entries of one rule with one identity: the later would silently replace the earlier."""
    seen: dict[str | Template, Place] = {}
    for setting in settings:
        if setting.field.combine is not Combine.NAMED or setting.key is None or setting.value is None:
            continue
        if setting.key in seen:
            word = "mountPath" if setting.field.identity == "mountPath" else "name"
            text = setting.key.text if isinstance(setting.key, Template) else setting.key
            yield setting.place, f"the {word} {text} is also that of the entry in {seen[setting.key]}"
        seen.setdefault(setting.key, setting.place)
