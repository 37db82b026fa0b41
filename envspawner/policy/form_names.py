"""Names with which the fields of a form would be taken for something else.

KubeSpawner's forms name a field `profile-option-PROFILE--OPTION`, and take for the options of the chosen profile
whatever begins with `profile-option-PROFILE--`; a typed text is the choice `unlisted-choice` of its option.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from .problems import Problem
from .rules import Profile

OTHER_WORDS: Final = frozenset({"unlisted-choice", "unlisted_choice", "--extra-selectable-item"})
"""What pages send as the choice beside a typed text: KubeSpawner's, and those of jupyterhub-fancy-profiles."""
_BETWEEN: Final = "--"


def confused(profiles: Iterable[Profile]) -> Iterator[Problem]:
    """Profiles whose fields would be taken for those of another, and choices that would be taken for typed text."""
    found = {profile.slug: profile for profile in profiles}
    for slug, profile in found.items():
        other = next(filter(found.__contains__, _before(slug)), None) if profile.options else None
        if other is not None:
            message = f"in a form, the options of {slug} would be taken for options of {other}"
            hint = f"choose a name that does not begin with {other}{_BETWEEN}"
            yield Problem(profile.rule.place, profile.rule.source, message, hint)
        for option in profile.options:
            for choice in option.choices if option.other is not None else ():
                for name in OTHER_WORDS.intersection((choice.slug, *choice.aliases)):
                    message = f"{name} is what forms send for a text that was typed"
                    yield Problem(choice.rule.place, choice.rule.source, message, "choose another name")


def _before(slug: str) -> Iterator[str]:
    """What stands before each `--` in a name."""
    at = slug.find(_BETWEEN)
    while at >= 0:
        yield slug[:at]
        at = slug.find(_BETWEEN, at + 1)
