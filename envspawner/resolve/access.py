"""Decides what was chosen: one evaluator for form, REST API, saved options and admins who start servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from ..policy.rules import Choice, Option, Policy, Profile
from ..policy.sections import UNLISTED
from .bounds import Bounds, asks, over_bound
from .match import Audience
from .request import Person

C = TypeVar("C", bound=Choice)
_ASK: Final = "If you need it, ask the people who run this hub."
_LONGEST: Final = 16 * 1024  # characters of all options together
_SHOWN: Final = 100  # characters of what was sent that the hub's log repeats


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


class _Offers(Generic[C]):
    """Profiles, or the choices of an option, ready to be picked from. word: which of the two, for people."""

    def __init__(self, word: str, choices: Iterable[C]) -> None:
        self._word = word
        offers = [_Offer(word, choice) for choice in choices]
        # sorted() keeps the order written among those that are no default.
        self._by_preference = sorted(offers, key=lambda offer: not offer.choice.default)
        self._named = {name: offer for offer in offers for name in (offer.choice.slug, *offer.choice.aliases)}
        self.written = [offer.choice for offer in offers]

    def pick(self, slug: str, person: Person, most: Bounds, detail: str) -> C:
        """The one of this name. Raises Refusal if it is missing (as `detail` says) or not theirs."""
        offer = self._named.get(slug)
        if offer is None:
            raise _not_offered(self._word, f"{self._word}-unknown", f"{detail} {slug[:_SHOWN]!r}")
        why = offer.why_not(person, most)
        if why is not None:
            raise _not_offered(self._word, *why)
        return offer.choice

    def usable(self, person: Person, most: Bounds) -> Iterable[C]:
        """Those that are for this person, the default first."""
        return (offer.choice for offer in self._by_preference if offer.why_not(person, most) is None)


class _Offer(Generic[C]):
    """One profile or choice, with what decides for whom it is."""

    def __init__(self, word: str, choice: C) -> None:
        self.choice = choice
        self._word = word
        self._audience = None if choice.allow is None else Audience(choice.allow)
        self._asks = asks(choice.rule)

    def why_not(self, person: Person, most: Bounds) -> tuple[str, str] | None:
        """(reason, detail) why this is not for a person, or None."""
        source = self.choice.rule.source
        if self._audience is not None and not self._audience.admits(person):
            return f"{self._word}-forbidden", f"allow of {source} does not admit {person.name}"
        bound = over_bound(self._asks, most)
        if bound is not None:
            return "over-bound", f"{source} asks for more {bound.resource} than {bound.source}"
        return None


class Menu:
    """What a policy offers. most, in each method: the person's atMost."""

    def __init__(self, policy: Policy) -> None:
        self._profiles = _Offers("profile", policy.profiles)
        self._options = {
            profile.slug: [(option, _Offers("choice", option.choices)) for option in profile.options]
            for profile in policy.profiles
        }

    def offered(self, person: Person, most: Bounds) -> list[Profile]:
        """The profiles that a person may use, in the order written."""
        usable = {profile.slug for profile in self._startable(person, most)}
        return [profile for profile in self._profiles.written if profile.slug in usable]

    def choose(self, person: Person, options: Any, most: Bounds) -> Selection:
        """What raw user options mean for a person. Raises Refusal.

        Their shape is KubeSpawner's: `{"profile": SLUG, OPTION: CHOICE}`; nothing given means defaults.
        """
        given = _given(options)
        profile = self._profile(person, given.pop("profile", ""), most)
        chosen: list[tuple[Option, Choice]] = []
        if profile is not None:
            for option, choices in self._options[profile.slug]:
                slug = given.pop(option.slug, None)
                chosen.append((option, _choice(profile, option, choices, person, slug, most)))
        for name in given:
            raise _not_offered("option", "option-unknown", _unknown(profile, name))
        return Selection(profile, tuple(chosen))

    def _profile(self, person: Person, slug: str, most: Bounds) -> Profile | None:
        """The profile of this name, without a name the default; None where there are no profiles at all."""
        if slug:
            return self._profiles.pick(slug, person, most, "there is no profile")
        if not self._profiles.written:
            return None
        found = next(iter(self._startable(person, most)), None)
        if found is None:
            message = "There is no server profile that you may use. Ask the people who run this hub."
            raise Refusal("no-profile", message, f"no profile is for {person.name}")
        return found

    def _startable(self, person: Person, most: Bounds) -> Iterable[Profile]:
        """Profiles for this person, the default first, that have a choice for them in every option."""
        for profile in self._profiles.usable(person, most):
            if all(any(True for _ in c.usable(person, most)) for _, c in self._options[profile.slug]):
                yield profile


def _choice(
    profile: Profile, option: Option, choices: _Offers[Choice], person: Person, slug: str | None, most: Bounds
) -> Choice:
    place = f"option {option.slug} of profile {profile.slug}"
    if slug is not None:
        return choices.pick(slug, person, most, f"{place} has no choice")
    found = next(iter(choices.usable(person, most)), None)
    if found is None:
        raise _not_offered("profile", "choice-forbidden", f"{place} has no choice for {person.name}")
    return found


def _given(options: Any) -> dict[str, str]:
    """User options as text by text. Raises Refusal for everything else that may arrive."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise _invalid(f"user options are a {type(options).__name__}, not an object")
    given: dict[str, str] = {}
    size = 0
    for key, value in options.items():
        if not isinstance(key, str):
            raise _invalid(f"a key is a {type(key).__name__}, not text")
        if not isinstance(value, str):
            raise _invalid(f"the value of {key[:_SHOWN]!r} is a {type(value).__name__}, not text")
        size += len(key) + len(value)
        given[key] = value
    if size > _LONGEST:
        raise _invalid(f"user options hold {size} characters")
    return given


def _unknown(profile: Profile | None, name: str) -> str:
    if profile is None:
        return f"the policy has no profiles, so no option {name[:_SHOWN]!r}"
    if name.endswith(UNLISTED):
        return f"{name[:_SHOWN]!r} of profile {profile.slug} takes no typed value"
    return f"profile {profile.slug} has no option {name[:_SHOWN]!r}"


def _invalid(detail: str) -> Refusal:
    return Refusal("options-invalid", "This request is not one that the spawn page sends.", detail)


def _not_offered(what: str, reason: str, detail: str) -> Refusal:
    return Refusal(reason, f"This {what} is not offered to you. {_ASK}", detail)
