"""Keeps the cards of the spawn page for everybody for whom the same rules hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from markupsafe import Markup

from ..policy.templates import GROUP, names_in
from ..resolve.access import Offered
from ..resolve.figures import SOON
from ..resolve.home import CLAIM_FIELDS
from ..resolve.match import Applied
from ..resolve.preview import Picked
from ..resolve.request import OwnLayer, SpawnRequest
from ..resolve.resolver import Resolver
from .card import Card, card_of

MOST: Final = 5000
"""How many cards are kept; one is about 3 KiB."""
_VALUES: Final = ("memory", "cpu", "extraResource", "image", "storage.type", "storage.capacity")
"""The beginnings of the paths of KubeSpawner's own settings that figures come from."""


class Cards:
    """The cards of one policy."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._numbers = {profile.slug: number for number, profile in enumerate(resolver.policy.profiles)}
        self._words = _words_that_count(resolver)
        self._kept: OrderedDict[Hashable, dict[Hashable, Markup]] = OrderedDict()

    def basis(self, request: SpawnRequest) -> Hashable:
        """What figures depend on besides the profile: requests of which this is equal have equal cards."""
        people = self._resolver.people(request)
        soon = tuple(one.rule.until is not None and one.rule.until - request.at <= SOON for one in people)
        words = tuple(sorted((word, request.names.get(word)) for word in self._words))
        groups = tuple(map(_group_words, people)) if self._words & set(GROUP) else ()
        claims = (
            (request.own.claim, tuple(sorted(request.homes.items()))) if "pvc_name" in self._words else ()
        )
        homes = (frozenset(request.homes), frozenset(request.shared_homes))
        return tuple(one.source for one in people), soon, words, groups, claims, homes, _own(request.own)

    def kept(self, basis: Hashable) -> dict[Hashable, Markup]:
        """The rendered cards of requests with this basis, by `key_of`; add to it what is not there."""
        found = self._kept.get(basis)
        if found is None:
            while self._kept and sum(map(len, self._kept.values())) >= MOST:
                self._kept.popitem(last=False)
            found = self._kept[basis] = {}
        self._kept.move_to_end(basis)
        return found

    def card(self, request: SpawnRequest, offered: Offered, picked: Sequence[Picked] | None) -> Card:
        """A profile's card. picked: what is chosen in its options; None makes one that is not checked."""
        number = self._numbers[offered.profile.slug]
        return card_of(self._resolver, request, offered, picked, number)


def key_of(offered: Offered, picked: Sequence[Picked] | None) -> Hashable:
    """What a card shows of a profile: what is offered in it, and what is picked (None: it is not checked)."""
    options = [(one.other is None, *(choice.slug for choice in one.choices)) for one in offered.options]
    return offered.profile.slug, *options, None if picked is None else tuple(one.slug for one in picked)


_cards: WeakKeyDictionary[Resolver, Cards] = WeakKeyDictionary()


def cards_of(resolver: Resolver) -> Cards:
    """The cards of a policy, which live as long as it does."""
    found = _cards.get(resolver)
    if found is None:
        found = _cards[resolver] = Cards(resolver)
    return found


def _words_that_count(resolver: Resolver) -> frozenset[str]:
    """Placeholders in what figures show, and those that tell one home from another."""
    found: set[str] = set()
    for rule in resolver.policy.rules():
        for setting in rule.settings:
            if setting.dynamic and setting.field.path.startswith("image."):
                found |= names_in(setting.value)
            elif setting.dynamic and setting.field.path in CLAIM_FIELDS:
                found |= names_in(setting.value) & set(GROUP)
    return frozenset(found)


def _group_words(one: Applied) -> tuple[str, ...]:
    return tuple(one.words.values())


def _own(own: OwnLayer) -> Hashable:
    settings = () if own.rule is None else own.rule.settings
    shown_ones = [(s.slot, str(s.value)) for s in settings if s.field.path.startswith(_VALUES)]
    mounts = any(s.field.path == "storage.extraVolumeMounts" for s in settings)
    return own.has_storage, mounts, tuple(shown_ones)
