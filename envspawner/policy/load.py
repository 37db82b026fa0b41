"""Makes a Policy from documents: all problems at once, each entry on its own, so that one mistake hides no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from . import sections, values
from .compile import compile_rule
from .document import parse_document, read_document
from .lint import contradictions, warnings_of
from .located import Source, dotted
from .problems import Fault, PolicyError, Problem, Step
from .rules import Allow, Choice, Option, Policy, Profile, Rule
from .templates import AUTH_STATE, names_in
from .wording import problems_of, unknown_key

Loc = tuple[Step, ...]
B = TypeVar("B", bound=BaseModel)


def load_file(path: Path, name: str | None = None) -> tuple[Policy, list[Problem]]:
    """The policy in a YAML file and its warnings; raises OSError and PolicyError."""
    source, warnings = read_document(path, name or str(path))
    policy, more = load_policy([source])
    return policy, [*warnings, *more]


def load_text(text: str, name: str = "policy.yaml") -> tuple[Policy, list[Problem]]:
    """The policy in YAML text and its warnings; raises PolicyError."""
    source, warnings = parse_document(text.encode(), name)
    policy, more = load_policy([source])
    return policy, [*warnings, *more]


def load_policy(
    sources: Sequence[Source], volumes: frozenset[str] | None = frozenset()
) -> tuple[Policy, list[Problem]]:
    """One policy from several documents (a file and traits), and its warnings; raises PolicyError.

    volumes: those that the hub's own configuration defines; None where they are not known.
    """
    return _Loader(sources).load(volumes)


class _Loader:
    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.problems: list[Problem] = []

    def load(self, volumes: frozenset[str] | None) -> tuple[Policy, list[Problem]]:
        for source in self.sources:
            self._top(source)
        defaults = self._rule("defaults")
        groups = self._rules("groups")
        admins = self._rule("admins")
        users = self._rules("users")
        profiles = tuple(self._profiles())
        policy = Policy(self._digest(), defaults, groups, admins, users, profiles)
        if any(_uses_auth_state(rule) for rule in policy.rules()):
            policy = Policy(policy.digest, defaults, groups, admins, users, profiles, True)
        if not self.problems:
            self.problems += contradictions(policy, volumes)
        if self.problems:
            raise PolicyError(self.problems)
        return policy, sorted(warnings_of(policy), key=lambda problem: problem.order)

    def _problem(self, source: Source, loc: Loc, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(source.place(loc), dotted(loc), message, hint))

    def _top(self, source: Source) -> None:
        if not isinstance(source.data, Mapping):
            message = f"expected a mapping, got {values.kind_of(source.data)}"
            self._problem(source, (), message, "begin with `defaults:`")
            return
        for key in source.data:
            if key not in sections.SECTIONS:
                self.problems.append(unknown_key(source, (key,), list(sections.SECTIONS)))
        version = source.data.get("version")
        if version is not None and str(version) != "1":
            self._problem(source, ("version",), f"version {str(version)[:20]!r} is not known", "write version: 1")

    def _section(self, name: str) -> Iterable[tuple[Source, str, Any]]:
        """(document, key, value) of every entry of a section, in the order written."""
        seen: dict[str, Source] = {}
        for source in self.sources:
            section = source.data.get(name) if isinstance(source.data, Mapping) else None
            if section is None:
                continue
            if not isinstance(section, Mapping):
                self._problem(source, (name,), f"expected a mapping, got {values.kind_of(section)}")
                continue
            for key, value in section.items():
                if not isinstance(key, str) or not key:
                    self._problem(source, (name, key), f"{key!r} is not a name", "write text")
                elif key in seen:
                    first = seen[key].place((name, key), of_key=True)
                    self._problem(source, (name, key), f"{key} is also in {first}", "keep one of the two")
                else:
                    seen[key] = source
                    yield source, key, value

    def _block(self, model: type[B], value: Any, source: Source, loc: Loc) -> B:
        """The value as a block; what is wrong becomes problems, and an empty block stands in."""
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            self._problem(source, loc, f"expected a mapping, got {values.kind_of(value)}")
            return model()
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += problems_of(error, model, source, loc)
            wrong = [tuple(details["loc"]) for details in error.errors(include_url=False)]
        try:
            return model.model_validate(_without(value, wrong))
        except ValidationError:
            return model()

    def _rule(self, name: str) -> Rule | None:
        found: Rule | None = None
        for source in self.sources:
            if not isinstance(source.data, Mapping) or source.data.get(name) is None:
                continue
            if found is not None:
                self._problem(source, (name,), f"{name} is also in {found.place}", "keep one of the two")
                continue
            block = self._block(sections.Rule, source.data[name], source, (name,))
            found = compile_rule(block, source, (name,), self.problems)
        return found

    def _rules(self, name: str) -> dict[str, Rule]:
        found: dict[str, Rule] = {}
        for source, key, value in self._section(name):
            block = self._block(sections.Rule, value, source, (name, key))
            group = key if name == "groups" else None
            found[key] = compile_rule(block, source, (name, key), self.problems, group=group)
        return found

    def _profiles(self) -> Iterable[Profile]:
        taken: dict[str, str] = {}
        default: str | None = None
        for source, slug, value in self._section("profiles"):
            loc = ("profiles", slug)
            block = self._block(sections.Profile, value, source, loc)
            if block.default:
                if default is not None:
                    self._problem(source, (*loc, "default"), f"{default} is the default already")
                default = slug
            base = self._choice(block, source, loc, taken)
            options = tuple(self._options(block, source, loc))
            yield Profile(
                base.slug,
                base.display_name,
                base.rule,
                base.description,
                base.default,
                base.allow,
                base.aliases,
                options,
            )

    def _options(self, block: sections.Profile, source: Source, loc: Loc) -> Iterable[Option]:
        for name, option in (block.options or {}).items():
            at = (*loc, "options", name)
            self._check_slug(name, source, at, option=True)
            if option is None or not option.choices:
                self._problem(source, at, "nothing to choose from", "write choices")
                continue
            taken: dict[str, str] = {}
            choices = []
            for slug, choice in option.choices.items():
                where = (*at, "choices", slug)
                choices.append(self._choice(choice or sections.Choice(), source, where, taken))
            defaults = [choice.slug for choice in choices if choice.default]
            for slug in defaults[1:]:
                message = f"{defaults[0]} is the default already"
                self._problem(source, (*at, "choices", slug, "default"), message)
            yield Option(name, option.display_name or name, tuple(choices))

    def _check_slug(self, name: str, source: Source, loc: Loc, *, option: bool = False) -> None:
        try:
            sections.slug(name, option=option)
        except Fault as fault:
            self._problem(source, loc, fault.message, fault.hint)

    def _choice(
        self, block: sections.Choice, source: Source, loc: Loc, taken: dict[str, str]
    ) -> Choice:
        name = str(loc[-1])
        aliases = block.aliases or ()
        for index, word in enumerate((name, *aliases)):
            at = loc if index == 0 else (*loc, "aliases", index - 1)
            self._check_slug(word, source, at)
            if word in taken:
                self._problem(source, at, f"{word!r} also names {taken[word]}", "a name is for one thing only")
            taken[word] = name
        rule = compile_rule(block, source, loc, self.problems)
        allow = None
        if "allow" in block.model_fields_set:
            allow = self._allow(block.allow, source, (*loc, "allow"))
        return Choice(
            name,
            block.display_name or name,
            rule,
            block.description or "",
            bool(block.default),
            allow,
            tuple(aliases),
        )

    def _allow(self, block: sections.Allow | None, source: Source, loc: Loc) -> Allow | None:
        if block is None or not block.model_fields_set:
            hint = "name users, groups or admins; without allow it is for everybody"
            self._problem(source, loc, "says nobody", hint)
            return None
        return Allow(frozenset(block.users or ()), tuple(block.groups or ()), bool(block.admins))

    def _digest(self) -> str:
        """Changes with what the policy says, not with comments or blanks."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update(json.dumps(source.data, default=repr, ensure_ascii=True).encode())
        return digest.hexdigest()[:16]


def _without(data: Mapping[str, Any], wrong: list[Loc]) -> dict[str, Any]:
    """What is right in a block, so that contradictions in it are found too."""
    kept: dict[str, Any] = {}
    for key, value in data.items():
        below = [loc[1:] for loc in wrong if loc[:1] == (key,)]
        if not below:
            kept[key] = value
        elif isinstance(value, Mapping) and all(below):
            kept[key] = _without(value, below)
    return kept


def _uses_auth_state(rule: Rule) -> bool:
    return any(
        name.startswith(AUTH_STATE)
        for setting in rule.settings
        if setting.dynamic
        for name in names_in(setting.value)
    )
