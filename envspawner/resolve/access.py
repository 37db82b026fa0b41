"""Decides what was chosen: one evaluator for the form, the REST API, saved options and admins who start servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..policy.rules import Choice, Option, Policy, Profile
from ..policy.sections import UNLISTED
from .bounds import Bounds, over_bound
from .match import admits
from .request import Person

C = TypeVar("C", bound=Choice)


class Refusal(Exception):
    """Why this person does not get this. reason: machine-readable. message: one sentence for the person.

    detail: for the hub's log. Forbidden and unknown read the same in `message`.
    """

    def __init__(self, reason: str, message: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.message = message
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Selection:
    """A profile and its choices, as chosen or by default. Nothing where a policy has no profiles."""

    profile: Profile | None = None
    choices: tuple[tuple[Option, Choice], ...] = ()

    @property
    def slug(self) -> str:
        return self.profile.slug if self.profile else ""


ASK = "If you need it, ask the people who run this hub."


def choose(policy: Policy, person: Person, options: Any, most: Bounds) -> Selection:
    """What raw user options mean for a person; most: their atMost. Raises Refusal.

    The shape of user options is KubeSpawner's: `{"profile": SLUG, OPTION: CHOICE}`; nothing given means defaults.
    """
    given = _given(options)
    if not policy.profiles:
        if "profile" in given:
            raise _not_offered("profile", "profile-unknown", "the policy has no profiles")
        return Selection()
    profile = _profile(policy, person, given.pop("profile", None), most)
    chosen: list[tuple[Option, Choice]] = []
    for option in profile.options:
        chosen.append((option, _choice(profile, option, person, given.pop(option.slug, None), most)))
    for name in given:
        if name.endswith(UNLISTED):
            detail = f"{name[:100]!r} of profile {profile.slug} takes no typed value"
        else:
            detail = f"profile {profile.slug} has no option {name[:100]!r}"
        raise _not_offered("option", "option-unknown", detail)
    return Selection(profile, tuple(chosen))


def offered(policy: Policy, person: Person, most: Bounds) -> list[Profile]:
    """The profiles that a person may use, in the order written."""
    return [p for p in policy.profiles if _why_not(p, person, most, "profile") is None and _startable(p, person, most)]


def _startable(profile: Profile, person: Person, most: Bounds) -> bool:
    """Whether every option has a choice for this person."""
    return all(any(_why_not(c, person, most, "choice") is None for c in o.choices) for o in profile.options)


def _given(options: Any) -> dict[str, str]:
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise _invalid(f"user options are a {type(options).__name__}, not an object")
    given: dict[str, str] = {}
    for key, value in options.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise _invalid(f"the value of {str(key)[:100]!r} is a {type(value).__name__}, not text")
        given[key] = value
    return {key: value for key, value in given.items() if value or key != "profile"}


def _invalid(detail: str) -> Refusal:
    return Refusal("options-invalid", "This request is not one that the spawn page sends.", detail)


def _not_offered(what: str, reason: str, detail: str) -> Refusal:
    return Refusal(reason, f"This {what} is not offered to you. {ASK}", detail)


def _why_not(choice: Choice, person: Person, most: Bounds, what: str) -> tuple[str, str] | None:
    """(reason, detail) why a profile or choice is not for a person, or None."""
    if not admits(choice.allow, person):
        return f"{what}-forbidden", f"allow of {choice.rule.source} does not admit {person.name}"
    resource = over_bound(choice.rule, most)
    if resource is not None:
        bound = most[resource]
        return "over-bound", f"{choice.rule.source} asks for more {resource} than {bound.source}"
    return None


def _profile(policy: Policy, person: Person, slug: str | None, most: Bounds) -> Profile:
    if slug is not None:
        profile = _find(policy.profiles, slug)
        if profile is None:
            raise _not_offered("profile", "profile-unknown", f"there is no profile {slug[:100]!r}")
        reason = _why_not(profile, person, most, "profile")
        if reason is not None:
            raise _not_offered("profile", *reason)
        return profile
    usable = offered(policy, person, most)
    if not usable:
        message = "There is no server profile that you may use. Ask the people who run this hub."
        raise Refusal("no-profile", message, f"no profile admits {person.name}")
    return next((profile for profile in usable if profile.default), usable[0])


def _choice(profile: Profile, option: Option, person: Person, slug: str | None, most: Bounds) -> Choice:
    if slug is not None:
        choice = _find(option.choices, slug)
        if choice is None:
            detail = f"option {option.slug} of profile {profile.slug} has no choice {slug[:100]!r}"
            raise _not_offered("choice", "choice-unknown", detail)
        reason = _why_not(choice, person, most, "choice")
        if reason is not None:
            raise _not_offered("choice", *reason)
        return choice
    usable = [choice for choice in option.choices if _why_not(choice, person, most, "choice") is None]
    if not usable:
        detail = f"no choice of option {option.slug} of profile {profile.slug} admits {person.name}"
        raise _not_offered("profile", "choice-forbidden", detail)
    return next((choice for choice in usable if choice.default), usable[0])


def _find(choices: Sequence[C], slug: str) -> C | None:
    for choice in choices:
        if choice.slug == slug or slug in choice.aliases:
            return choice
    return None
