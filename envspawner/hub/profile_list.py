"""Reads KubeSpawner's `profile_list` as profiles of a policy, so that one evaluator decides about both.

Its words keep the meaning that KubeSpawner gives them. What it takes silently and nobody can mean is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from slugify import slugify

from ..policy.form_names import confused
from ..policy.located import Source
from ..policy.overrides import KEYS
from ..policy.patterns import Pattern, parse_pattern
from ..policy.problems import Fault, Problem
from ..policy.rules import Allow, Choice, Option, Other, Profile, Rule
from ..policy.values import kind_of
from .profile_overrides import settings_of
from .profile_reading import Loc, Reader
from .profile_traits import Traits

_OVERRIDE: Final = "kubespawner_override"
_CHOICE: Final = ("display_name", "description", "default", _OVERRIDE, "allowed_groups")
_PROFILE: Final = (*_CHOICE, "slug", "profile_options")
_OPTION: Final = ("display_name", "choices", "unlisted_choice")
_OTHER: Final = (
    "enabled",
    "display_name",
    "display_name_in_choices",
    "validation_regex",
    "validation_message",
    _OVERRIDE,
    "allowed_groups",
)
_OF_PAGES: Final = frozenset({"description", "description_in_choices", "dynamic_image_building", "slug"})
"""Keys of options and choices that only pages of other projects read, such as jupyterhub-fancy-profiles."""
_ELSEWHERE: Final = {
    "allow": "write allowed_groups: [...]",
    "allowed_users": "write the profile as c.EnvSpawner.profiles, with allow: {users: [...]}",
    "groups": "write allowed_groups",
    "kubespawner_overwrite": f"did you mean {_OVERRIDE}?",
    "name": "write display_name",
    "options": "write profile_options",
    "title": "write display_name",
}
_WHOLE: Final = re.compile(r"(?<!\\)(\$|\.[*+]\)*)\Z")
"""How an expression ends that says where the text ends."""


@dataclass(frozen=True)
class Override:
    """A `kubespawner_override` as it was written. typed: whether `{value}` in it is what a user typed."""

    values: Mapping[Any, Any]
    loc: Loc
    typed: bool = False

    @property
    def calls(self) -> bool:
        """Whether there are callables in it, which only a start can call."""
        return any(map(callable, self.values.values()))


@dataclass(frozen=True)
class ProfileList:
    """A `profile_list` as profiles. overrides: as they were written, by the source of the rule made of each."""

    profiles: tuple[Profile, ...]
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    traits: Traits
    source: Source
    above: Loc
    overrides: Mapping[str, Override] = field(default_factory=dict)


def profiles_of(
    profile_list: Any,
    traits: Traits,
    source: Source | None = None,
    above: Loc = ("profile_list",),
    *,
    strict: bool = True,
) -> ProfileList:
    """The profiles of a list or mapping such as KubeSpawner takes, and all that is wrong with it.

    source: a document in which the list stands at `above`; only its places are used. strict: see `Reader`.
    """
    source = source or Source("c.KubeSpawner", None)
    reader = Reader(source, above, strict)
    found = _List(reader, traits)
    profiles = tuple(found.profiles(profile_list))
    for one in confused(profiles):
        (reader.errors if strict else reader.warnings).append(replace(one, warning=not strict))
    problems = tuple(reader.errors), tuple(reader.warnings)
    return ProfileList(profiles, *problems, traits, source, above, found.overrides)


class _List:
    def __init__(self, reader: Reader, traits: Traits) -> None:
        self.reader = reader
        self.traits = traits
        self.overrides: dict[str, Override] = {}

    def profiles(self, profile_list: Any) -> Iterator[Profile]:
        if not isinstance(profile_list, list | tuple | Mapping):
            message = f"expected a list of profiles, got {kind_of(profile_list)}"
            self.reader.error((), message, "write a list of mappings")
            return
        # KubeSpawner shows a mapping of profiles sorted by its keys.
        written: Iterable[tuple[Any, Any]] = enumerate(profile_list)
        if isinstance(profile_list, Mapping):
            written = [(str(key), profile_list[key]) for key in sorted(profile_list, key=str)]
        taken: dict[str, Loc] = {}
        default: Loc | None = None
        for step, profile in written:
            loc: Loc = (step,)
            found = self._profile(profile, loc) if self.reader.is_mapping(profile, loc) else None
            if found is None:
                continue
            if found.slug in taken:
                message = f"the slug {found.slug} is also that of {self.reader.named(taken[found.slug])}"
                self.reader.error(loc, message, "give one of the two another slug")
            taken.setdefault(found.slug, loc)
            default = self._default(found, loc, default)
            yield found

    def _default(self, choice: Choice, loc: Loc, first: Loc | None) -> Loc | None:
        """The first default for everybody. As in KubeSpawner it wins, so that few ever see another."""
        if choice.default and first is not None:
            message = f"{self.reader.named(first)} is the default already"
            self.reader.warning((*loc, "default"), message, "delete the line")
        return loc if choice.default and choice.allow is None and first is None else first

    def _profile(self, profile: Mapping[str, Any], loc: Loc) -> Profile | None:
        self._check_keys(profile, loc, _PROFILE)
        name = self.reader.text(profile, "display_name", loc)
        if not profile.get("display_name"):
            self.reader.error(loc, "a profile needs a display_name", "write what people shall read")
        slug = self.reader.text(profile, "slug", loc) if "slug" in profile else str(slugify(name))
        if not name or not self.reader.is_slug(slug, (*loc, "slug")):
            return None
        base = self._choice(profile, loc, slug, f"profile_list.{slug}")
        own = {one.name: getattr(base, one.name) for one in fields(Choice)}
        at = (*loc, "profile_options")
        options = self.reader.mapping(profile, "profile_options", loc)
        found = (self._option(base, key, option, (*at, str(key))) for key, option in options.items())
        return Profile(**own, options=tuple(option for option in found if option is not None))

    def _choice(self, given: Mapping[str, Any], loc: Loc, slug: str, source: str) -> Choice:
        return Choice(
            slug,
            self.reader.text(given, "display_name", loc) or slug,
            self._rule(given, loc, source),
            self.reader.text(given, "description", loc),
            self.reader.flag(given, "default", loc),
            self._allow(given, loc),
        )

    def _option(self, profile: Choice, key: Any, option: Any, loc: Loc) -> Option | None:
        if not self.reader.is_slug(key, loc, option=True) or not self.reader.is_mapping(option, loc):
            return None
        self._check_keys(option, loc, _OPTION)
        source = f"{profile.rule.source}.profile_options.{key}"
        choices = tuple(self._choices(self.reader.mapping(option, "choices", loc), loc, source))
        other = self._other(self.reader.mapping(option, "unlisted_choice", loc), loc, source)
        if not option.get("choices") and other is None:
            hint = "write choices, or unlisted_choice with enabled: True"
            self.reader.error(loc, "nothing to choose from", hint)
        return Option(key, self.reader.text(option, "display_name", loc) or key, choices, other)

    def _choices(self, choices: Mapping[Any, Any], option: Loc, source: str) -> Iterator[Choice]:
        default: Loc | None = None
        for slug, choice in choices.items():
            loc = (*option, "choices", str(slug))
            if self.reader.is_slug(slug, loc) and self.reader.is_mapping(choice, loc):
                self._check_keys(choice, loc, _CHOICE)
                found = self._choice(choice, loc, slug, f"{source}.choices.{slug}")
                default = self._default(found, loc, default)
                yield found

    def _other(self, unlisted: Mapping[str, Any], option: Loc, source: str) -> Other | None:
        loc = (*option, "unlisted_choice")
        self._check_keys(unlisted, loc, _OTHER)
        if not self.reader.flag(unlisted, "enabled", loc):
            return None
        names = (self.reader.text(unlisted, f"display_name{end}", loc) for end in ("", "_in_choices"))
        return Other(
            next(filter(None, names), "Other..."),
            self._rule(unlisted, loc, f"{source}.unlisted_choice", typed=True),
            allow=self._allow(unlisted, loc),
            pattern=self._pattern(unlisted, loc),
            message=self.reader.text(unlisted, "validation_message", loc),
        )

    def _pattern(self, unlisted: Mapping[str, Any], loc: Loc) -> Pattern | None:
        text = self.reader.text(unlisted, "validation_regex", loc)
        at = (*loc, "validation_regex")
        if not text:
            return None
        if not _WHOLE.search(text):
            message = "KubeSpawner looked only at how a text begins; here the whole text must match"
            self.reader.warning(at, message, "write .* at its end if anything may follow, else $")
        try:
            return parse_pattern(text)
        except Fault as fault:
            self.reader.error(at, fault.message, fault.hint)
            return None

    def _rule(self, given: Mapping[str, Any], loc: Loc, source: str, *, typed: bool = False) -> Rule:
        override = Override(self.reader.mapping(given, _OVERRIDE, loc), (*loc, _OVERRIDE), typed)
        self.overrides[source] = override
        settings = settings_of(override.values, self.traits, self.reader, override.loc, typed=typed)
        return Rule(source, self.reader.place(loc), tuple(settings))

    def _allow(self, given: Mapping[str, Any], loc: Loc) -> Allow | None:
        """`allowed_groups`, as 2i2c's hubs have it: members of any of these groups."""
        groups = given.get("allowed_groups")
        if groups is None:
            return None
        at = (*loc, "allowed_groups")
        if not isinstance(groups, list | tuple | set) or not all(isinstance(name, str) for name in groups):
            hint = f"write [{groups!r}]" if isinstance(groups, str) and len(groups) < 60 else None
            self.reader.error(at, f"expected a list of group names, got {kind_of(groups)}", hint)
            return Allow()
        if not groups:
            self.reader.warning(at, "admits nobody", "name groups, or delete the line")
        return Allow(groups=tuple(groups))

    def _check_keys(self, given: Mapping[Any, Any], loc: Loc, known: tuple[str, ...]) -> None:
        for key in given:
            at = (*loc, str(key))
            if key in known:
                continue
            if key in _OF_PAGES:
                self.reader.warning(at, "passed over: only a page of another project reads it", of_key=True)
            elif key in self.traits.known or key in KEYS:
                self.reader.unknown(at, known, f"write it below {_OVERRIDE}")
            else:
                self.reader.unknown(at, known, _ELSEWHERE.get(str(key)))
