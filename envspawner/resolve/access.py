"""Decides what was chosen: one evaluator for form, REST API, saved options and admins who start servers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from ..policy.form_names import OTHER_WORDS
from ..policy.problems import Fault
from ..policy.rules import Choice, Option, Other, Policy, Profile
from ..policy.sections import UNLISTED
from .bounds import Bounds, asks, most_for, over_bound
from .match import Applied, Audience
from .request import Person
from .typed import Typed, typed

C = TypeVar("C", bound=Choice | Other)
N = TypeVar("N", bound=Choice)
_OF_BUILDERS: Final = ("--ref", "--repo")
"""Ends of fields with which fancy-profiles builds an image; the text is the image, and nobody reads them."""
_ASK: Final = "If you need it, ask the people who run this hub."
_LONGEST: Final = 16 * 1024  # characters of all options together
_MOST: Final = 4096
"""How many user options are kept with what they mean; then all are read anew."""
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
    choices: tuple[tuple[Option, Choice | Typed], ...] = ()

    @property
    def slug(self) -> str:
        return self.profile.slug if self.profile else ""


@dataclass(frozen=True, slots=True)
class OfferedOption:
    """What one person may choose in an option. default: what is taken where nothing is given, if anything can be."""

    option: Option
    choices: tuple[Choice, ...]
    other: Other | None
    default: Choice | None


@dataclass(frozen=True, slots=True)
class Offered:
    """A profile that one person may use. default: whether it is the one that is taken where nothing is given."""

    profile: Profile
    options: tuple[OfferedOption, ...]
    default: bool


class _Offer(Generic[C]):
    """A profile, a choice or an `other`, with what decides for whom it is. word: what it is, for people."""

    def __init__(self, word: str, choice: C) -> None:
        self.choice = choice
        self._word = word
        self._audience = None if choice.allow is None else Audience(choice.allow)
        self._asks = asks(choice.rule)
        self.judges = self._audience is not None or bool(self._asks)

    def why_not(self, person: Person, most: Bounds) -> tuple[str, str] | None:
        """(reason, detail) why this is not for a person, or None."""
        rule = self.choice.rule
        if self._audience is not None and not self._audience.admits(person):
            return f"{self._word}-forbidden", f"allow of {rule.source} does not admit {person.name}"
        bound = over_bound(self._asks, most) if most else None
        if bound is not None:
            return "over-bound", f"{rule.source} asks for more {bound.resource} than {bound}"
        return None


class _Offers(Generic[N]):
    """Profiles, or the choices of an option, ready to be picked from. word: which of the two, for people."""

    def __init__(self, word: str, choices: Iterable[N]) -> None:
        self._word = word
        offers = [_Offer(word, choice) for choice in choices]
        # sorted() keeps the order written among those that are no default.
        self._by_preference = sorted(offers, key=lambda offer: not offer.choice.default)
        self.named = {name: offer for offer in offers for name in (offer.choice.slug, *offer.choice.aliases)}
        self.written = [offer.choice for offer in offers]

    def pick(self, slug: str, person: Person, most: Bounds, detail: str) -> N:
        """The one of this name. Raises Refusal if it is missing (as `detail` says) or not theirs."""
        offer = self.named.get(slug)
        if offer is None:
            raise _not_offered(self._word, f"{self._word}-unknown", f"{detail} {slug[:_SHOWN]!r}")
        why = offer.why_not(person, most)
        if why is not None:
            raise _not_offered(self._word, *why)
        return offer.choice

    def usable(self, person: Person, most: Bounds) -> Iterator[N]:
        """Those that are for this person, the default first."""
        return (offer.choice for offer in self._by_preference if offer.why_not(person, most) is None)


class _Option:
    """An option of a profile, ready to be chosen in."""

    def __init__(self, profile: Profile, option: Option) -> None:
        self.option = option
        self._place = f"option {option.slug} of profile {profile.slug}"
        self.choices = _Offers("choice", option.choices)
        self._other = None if option.other is None else _Offer("choice", option.other)

    def offered(self, person: Person, most: Bounds) -> OfferedOption | None:
        """What a person may choose here, or None where that is nothing."""
        usable = list(self.choices.usable(person, most))
        other = self._usable_other(person, most)
        if not usable and other is None:
            return None
        slugs = {choice.slug for choice in usable}
        written = tuple(choice for choice in self.choices.written if choice.slug in slugs)
        return OfferedOption(self.option, written, other, usable[0] if usable else None)

    def choose(self, given: dict[str, str], person: Person, most: Bounds) -> Choice | Typed:
        """What user options say of this option, which are taken out of `given`. Raises Refusal."""
        slug, text = given.pop(self.option.slug, None), ""
        if self._other is not None:
            text = given.pop(self.option.slug + UNLISTED, "")
            for field in _OF_BUILDERS:
                given.pop(self.option.slug + UNLISTED + field, None)
        if text:
            return self._typed(text, slug, person, most)
        if slug is None:
            return self._default(person, most)
        if slug in OTHER_WORDS and slug not in self.choices.named and self._usable_other(person, most):
            raise self._needs_text()
        return self.choices.pick(slug, person, most, f"{self._place} has no choice")

    def _usable_other(self, person: Person, most: Bounds) -> Other | None:
        return None if self._other is None or self._other.why_not(person, most) else self._other.choice

    def _default(self, person: Person, most: Bounds) -> Choice:
        found = next(self.choices.usable(person, most), None)
        if found is not None:
            return found
        if self._usable_other(person, most):
            raise self._needs_text()
        raise _not_offered("profile", "choice-forbidden", f"{self._place} has no choice for {person.name}")

    def _typed(self, text: str, slug: str | None, person: Person, most: Bounds) -> Typed:
        """The text counts, whatever choice is named beside it, as in KubeSpawner; but that must be one of theirs."""
        assert self._other is not None
        why = self._other.why_not(person, most)
        if why is not None:  # in the words for an option that takes no text
            raise _not_offered("option", *why)
        if slug and slug not in OTHER_WORDS:
            self.choices.pick(slug, person, most, f"{self._place} has no choice")
        other = self._other.choice
        try:
            return typed(other, text)
        except Fault as fault:
            what = "This image is" if other.images else "What you typed is"
            message = other.message or f"{what} not one that you may use. {_ASK}"
            typed_text = repr(text[:_SHOWN]) if other.images else f"a text of {len(text)} characters"
            detail = f"{self._place}: {typed_text}: {fault.message}"
            raise Refusal("value-invalid", message, detail) from None

    def _needs_text(self) -> Refusal:
        message = f"Type what you want for {self.option.display_name}."
        return Refusal("value-invalid", message, f"{self._place} needs text")


class _Named(NamedTuple):
    """What some user options mean that name everything. judged: what is not for everybody."""

    selection: Selection
    judged: tuple[_Offer[Any], ...]

    def of(self, person: Person, people: Iterable[Applied]) -> Selection | None:
        """The selection, if all of it is for this person."""
        if self.judged:
            most = most_for(people)
            for offer in self.judged:
                if offer.why_not(person, most) is not None:
                    return None
        return self.selection


class Menu:
    """What a policy offers. most, where a method asks for it: the person's atMost."""

    def __init__(self, policy: Policy) -> None:
        self._profiles = _Offers("profile", policy.profiles)
        self._options = {p.slug: [_Option(p, option) for option in p.options] for p in policy.profiles}
        self._named: dict[Hashable, _Named] = {}

    def menu(self, person: Person, most: Bounds) -> list[Offered]:
        """The profiles that a person may use, in the order written, each with what they may choose in it."""
        found = {offered.profile.slug: offered for offered in self._offered(person, most)}
        return [found[profile.slug] for profile in self._profiles.written if profile.slug in found]

    def choose(self, person: Person, options: Any, people: Iterable[Applied]) -> Selection:
        """What raw user options mean for a person. Raises Refusal.

        people: the rules about people that hold for them. The shape of user options is KubeSpawner's:
        `{"profile": SLUG, OPTION: CHOICE, "OPTION--unlisted-choice": TEXT}`; nothing given means defaults, and so
        does an empty text.
        """
        key = tuple(options.items()) if isinstance(options, dict) else ()
        try:
            known = self._named.get(key)
        except TypeError:  # no page sends that
            key, known = (), None
        theirs = None if known is None else known.of(person, people)
        if theirs is not None:
            return theirs
        selection = self._choose(person, options, most_for(people))
        if key and selection.profile is not None:
            self._remember(key, options, selection, selection.profile)
        return selection

    def _remember(
        self, key: Hashable, options: Mapping[str, str], selection: Selection, profile: Profile
    ) -> None:
        """Keeps what was named in full: what nobody chose depends on who it is for."""
        named: list[tuple[_Offers[Any], str]] = [(self._profiles, "profile")]
        named += [(one.choices, one.option.slug) for one in self._options[profile.slug]]
        chosen = (profile, *(choice for _, choice in selection.choices))
        judged = []
        for (offers, name), choice in zip(named, chosen, strict=True):
            offer = offers.named.get(options.get(name, ""))
            if offer is None or offer.choice is not choice:
                return
            if offer.judges:
                judged.append(offer)
        if len(options) == len(named):
            if len(self._named) >= _MOST:
                self._named.clear()
            self._named[key] = _Named(selection, tuple(judged))

    def _choose(self, person: Person, options: Any, most: Bounds) -> Selection:
        given = _given(options)
        profile = self._profile(person, given.pop("profile", ""), most)
        chosen: list[tuple[Option, Choice | Typed]] = []
        if profile is not None:
            for one in self._options[profile.slug]:
                chosen.append((one.option, one.choose(given, person, most)))
        for name in given:
            raise _not_offered("option", "option-unknown", _unknown(profile, name))
        return Selection(profile, tuple(chosen))

    def _profile(self, person: Person, slug: str, most: Bounds) -> Profile | None:
        """The profile of this name, without a name the default; None where there are no profiles at all."""
        if slug:
            return self._profiles.pick(slug, person, most, "there is no profile")
        if not self._profiles.written:
            return None
        found = next(self._offered(person, most), None)
        if found is None:
            message = "There is no server profile that you may use. Ask the people who run this hub."
            raise Refusal("no-profile", message, f"no profile is for {person.name}")
        return found.profile

    def _offered(self, person: Person, most: Bounds) -> Iterator[Offered]:
        """Profiles for this person, the default first, that have something for them in every option."""
        default = True
        for profile in self._profiles.usable(person, most):
            options = [option.offered(person, most) for option in self._options[profile.slug]]
            if None not in options:
                yield Offered(profile, tuple(one for one in options if one is not None), default)
                default = False


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
