"""Makes a Policy from documents: all problems at once, each entry apart, so that no mistake hides another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from . import sections, values
from .compile import compile_rule
from .document import parse_document, read_document
from .lint import contradictions, warnings_of
from .located import Source, dotted
from .people import doubtful
from .problems import Fault, PolicyError, Problem, Step, step_of
from .rules import Allow, Choice, Option, Other, Policy, Profile, Rule
from .templates import AUTH_STATE, names_in
from .wording import MANY, place_in, problems_of, unknown_key

Loc = tuple[Step, ...]
B = TypeVar("B", bound=BaseModel)


def load_file(path: Path, name: str | None = None) -> tuple[Policy, list[Problem]]:
    """The policy in a YAML file and its warnings; raises OSError and PolicyError."""
    source, warnings = read_document(path, name or str(path))
    policy, more = load_policy([source])
    return policy, [*warnings, *more]


def load_text(text: str, name: str = "policy.yaml") -> tuple[Policy, list[Problem]]:
    """The policy in YAML text and its warnings; raises PolicyError."""
    source, warnings = parse_document(text.encode("utf-8", "surrogatepass"), name)
    policy, more = load_policy([source])
    return policy, [*warnings, *more]


def load_policy(
    sources: Sequence[Source], volumes: frozenset[str] | None = frozenset()
) -> tuple[Policy, list[Problem]]:
    """One policy from several documents (a file and traits), and its warnings; raises PolicyError.

    The error holds what was wrong with the documents' text too; the caller has the warnings about it already.
    volumes: those that the hub's own configuration defines; None where they are not known.
    """
    return _Loader(sources).load(volumes)


class _Loader:
    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def load(self, volumes: frozenset[str] | None) -> tuple[Policy, list[Problem]]:
        for source in self.sources:
            self._top(source)
        policy = Policy(
            "",
            self._rule("defaults"),
            self._rules("groups"),
            self._rule("admins"),
            self._rules("users"),
            tuple(self._profiles()),
        )
        if not any("extraVolumes" in problem.path for problem in self.problems):
            self.problems += contradictions(policy, volumes)
        found = [problem for source in self.sources for problem in source.problems]
        if self.problems or any(not problem.warning for problem in found):
            raise PolicyError(list(dict.fromkeys([*found, *self.problems])))
        uses_auth_state = any(map(_uses_auth_state, policy.rules()))
        policy = replace(policy, digest=self._digest(), uses_auth_state=uses_auth_state)
        warnings = [*self.warnings, *warnings_of(policy, volumes)]
        return policy, sorted(warnings, key=lambda problem: problem.order)

    def _problem(
        self, source: Source, loc: Loc, message: str, hint: str | None = None, *, of_key: bool = False
    ) -> None:
        self.problems.append(Problem(source.place(loc, of_key=of_key), dotted(loc), message, hint))

    def _warning(self, source: Source, loc: Loc, message: str, hint: str, *, of_key: bool = False) -> None:
        place = source.place(loc, of_key=of_key)
        self.warnings.append(Problem(place, dotted(loc), message, hint, warning=True))

    def _told_below(self, loc: Loc) -> bool:
        """Whether something is wrong there already, so that what is missing may only have been misread."""
        above = dotted(loc)
        return any(problem.path == above or problem.path.startswith(f"{above}.") for problem in self.problems)

    def _top(self, source: Source) -> None:
        if not isinstance(source.data, Mapping):
            message = f"expected a mapping, got {values.kind_of(source.data)}"
            self._problem(source, (), message, "begin with `defaults:`")
            return
        unknown = [key for key in source.data if key not in sections.SECTIONS]
        for count, key in enumerate(unknown):
            self.problems.append(unknown_key(source, (step_of(key),), hints=count < MANY))
        version = source.data.get("version")
        if version is not None and version not in (1, "1"):
            self._problem(
                source, ("version",), "this version of the language is not known", "write version: 1"
            )

    def _section(self, name: str) -> Iterable[tuple[Source, str, Any]]:
        """(document, key, value) of every entry of a section, in the order written."""
        seen: dict[str, Source] = {}
        for source in self.sources:
            section = source.data.get(name) if isinstance(source.data, Mapping) else None
            if section is None:
                continue
            if not isinstance(section, Mapping):
                message = f"expected a mapping, got {values.kind_of(section)}"
                self._problem(source, (name,), message, sections.SHAPES[name])
                continue
            for key, value in section.items():
                loc = (name, step_of(key))
                if not isinstance(key, str) or not key.strip():
                    message = "a name is empty" if isinstance(key, str) else "a name must be text"
                    self._problem(source, loc, message, "write a name in quotes", of_key=True)
                elif key in seen:
                    first = seen[key].place(loc, of_key=True)
                    message = f"{name}.{key} is also in {first}"
                    self._problem(source, loc, message, "keep one of the two", of_key=True)
                else:
                    seen[key] = source
                    yield source, key, value

    def _block(self, model: type[B], value: Any, source: Source, loc: Loc) -> B:
        """The value as a block; what is wrong becomes problems, and the rest of the block stands."""
        if value is None:
            return model()
        if not isinstance(value, Mapping):
            message = f"expected a mapping, got {values.kind_of(value)}"
            self._problem(source, loc, message, sections.SHAPES[str(loc[0])])
            return model()
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += problems_of(error, model, source, loc)
            wrong = [place_in(details) for details in error.errors(include_url=False)]
        return model.model_validate(_without(value, wrong))

    def _rule(self, name: str) -> Rule | None:
        found: Rule | None = None
        for source in self.sources:
            if not isinstance(source.data, Mapping) or source.data.get(name) is None:
                continue
            if found is not None:
                message = f"{name} is also in {found.place}"
                self._problem(source, (name,), message, "keep one of the two", of_key=True)
                continue
            block = self._block(sections.Rule, source.data[name], source, (name,))
            found = compile_rule(block, source, (name,), self.problems)
        return found

    def _rules(self, name: str) -> dict[str, Rule]:
        found: dict[str, Rule] = {}
        for source, key, value in self._section(name):
            loc = (name, key)
            self._doubt(name, key, source, loc, of_key=True)
            block = self._block(sections.Rule, value, source, loc)
            group = key if name == "groups" else None
            found[key] = compile_rule(block, source, loc, self.problems, group=group)
        return found

    def _doubt(self, kind: str, name: str, source: Source, loc: Loc, *, of_key: bool = False) -> None:
        doubt = doubtful(kind, name)
        if doubt is not None:
            self._warning(source, loc, *doubt, of_key=of_key)

    def _profiles(self) -> Iterable[Profile]:
        taken: dict[str, str] = {}
        profiles: list[tuple[Choice, Source, Loc]] = []
        for source, slug, value in self._section("profiles"):
            loc = ("profiles", slug)
            block = self._block(sections.Profile, value, source, loc)
            base = self._choice(block, source, loc, taken)
            profiles.append((base, source, loc))
            options = tuple(self._options(block, source, loc))
            yield Profile(**{one.name: getattr(base, one.name) for one in fields(Choice)}, options=options)
        self._defaults(profiles)

    def _options(self, block: sections.Profile, source: Source, loc: Loc) -> Iterable[Option]:
        for name, option in (block.options or {}).items():
            at = (*loc, "options", name)
            self._check_slug(name, source, at, option=True)
            if option is None or not (option.choices or option.other):
                if not self._told_below(at):
                    hint = "write choices, or other"
                    self._problem(source, at, "nothing to choose from", hint, of_key=True)
                continue
            taken: dict[str, str] = {}
            choices: list[tuple[Choice, Source, Loc]] = []
            for slug, choice in (option.choices or {}).items():
                where = (*at, "choices", slug)
                choices.append(
                    (self._choice(choice or sections.Choice(), source, where, taken), source, where)
                )
            self._defaults(choices)
            other = self._other(option.other, source, (*at, "other")) if option.other else None
            yield Option(name, option.display_name or name, tuple(choice for choice, _, _ in choices), other)

    def _defaults(self, choices: Iterable[tuple[Choice, Source, Loc]]) -> None:
        """The default of a person is the first that they may use; after one for all, few see a later one."""
        first: str | None = None
        for choice, source, loc in choices:
            if choice.default and first is not None:
                message = f"{first} is the default already, for everybody who may have it"
                self._warning(source, (*loc, "default"), message, "delete the line")
            elif choice.default and choice.allow is None:
                first = choice.slug

    def _check_slug(self, name: str, source: Source, loc: Loc, *, option: bool = False) -> None:
        try:
            sections.slug(name, option=option)
        except Fault as fault:
            self._problem(source, loc, fault.message, fault.hint, of_key=True)

    def _choice(self, block: sections.Choice, source: Source, loc: Loc, taken: dict[str, str]) -> Choice:
        name = str(loc[-1])
        aliases = block.aliases or ()
        for index, word in enumerate((name, *aliases)):
            at = loc if index == 0 else (*loc, "aliases", index - 1)
            self._check_slug(word, source, at)
            if word in taken:
                message = f"{word} is also a name of {taken[word]}"
                self._problem(source, at, message, "a name is for one thing only", of_key=True)
            taken[word] = name
        rule = compile_rule(block, source, loc, self.problems)
        return Choice(
            name,
            block.display_name or name,
            rule,
            block.description or "",
            bool(block.default),
            self._allow(block, source, (*loc, "allow")),
            tuple(aliases),
        )

    def _other(self, block: sections.Other, source: Source, loc: Loc) -> Other:
        if bool(block.images) == bool(block.pattern) and not self._told_below(loc):
            message = "images and pattern: one of them" if block.images else "does not say what may be typed"
            hint = "write images: [quay.io/jupyter/*], or pattern: a regular expression"
            self._problem(source, loc, message, hint, of_key=True)
        return Other(
            block.display_name or "Other",
            compile_rule(block, source, loc, self.problems, typed=True),
            block.description or "",
            self._allow(block, source, (*loc, "allow")),
            block.images or (),
            block.pattern,
            block.message or "",
        )

    def _allow(self, owner: sections.Choice | sections.Other, source: Source, loc: Loc) -> Allow | None:
        if "allow" not in owner.model_fields_set:
            return None
        block = owner.allow
        if self._told_below(loc):
            return Allow()
        if block is None or not block.model_fields_set:
            hint = "name users, groups or admins; without allow it is for everybody"
            self._problem(source, loc, "says nobody", hint)
            return Allow()
        for kind, names in (("users", block.users or ()), ("groups", block.groups or ())):
            for index, name in enumerate(names):
                self._doubt(kind, name, source, (*loc, kind, index))
        if not (block.users or block.groups or block.admins):
            self._warning(source, loc, "admits nobody", "name users, groups or admins")
        return Allow(frozenset(block.users or ()), tuple(block.groups or ()), bool(block.admins))

    def _digest(self) -> str:
        """Changes with what the policy says, not with comments or blanks."""
        digest = hashlib.sha256()
        for source in self.sources:
            for text in _json(source.data, 2):
                digest.update(text.encode())
        return digest.hexdigest()[:16]


def _json(data: Any, depth: int) -> Iterable[str]:
    """JSON in pieces, one for each entry: no other thread runs while a piece is made."""
    if not depth or not isinstance(data, dict):
        yield json.dumps(data, default=repr, ensure_ascii=True)
        return
    comma = "{"
    for key, value in data.items():
        yield f"{comma}{json.dumps(key)}: "
        yield from _json(value, depth - 1)
        comma = ", "
    yield "}" if data else "{}"


def _without(data: Mapping[str, Any], wrong: list[Loc]) -> dict[str, Any]:
    """What is right in a block, so that contradictions in it are found too."""
    below: dict[Any, list[Loc]] = {}
    for first, *rest in wrong:
        below.setdefault(first, []).append(tuple(rest))
    kept: dict[str, Any] = {}
    for key, value in data.items():
        if key not in below:
            kept[key] = value
        elif isinstance(value, Mapping) and all(loc and loc[0] in value for loc in below[key]):
            kept[key] = _without(value, below[key])
    return kept


def _uses_auth_state(rule: Rule) -> bool:
    return any(
        name.startswith(AUTH_STATE)
        for setting in rule.settings
        if setting.dynamic
        for name in names_in(setting.value)
    )
