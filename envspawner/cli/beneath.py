"""What lies beneath a policy in a hub's configuration, for one person and, with stand-ins, for anybody."""

from __future__ import annotations

from typing import Final, cast

from ..policy.rules import Rule
from ..resolve.request import Person, SpawnRequest, Start
from ..resolve.slugs import Scheme
from .alike import Asked, Beneath, nothing_beneath, words_of
from .sources import Subject
from .standins import OF_USERS, put

_SOMEBODY: Final = "Some.body+x@example.org"
"""A name that no scheme leaves as it is, so that no two stand-ins are the same for it."""


def beneath_of(subject: Subject, asked: Asked) -> Beneath | None:
    """What lies beneath a subject's policy; None where stand-ins cannot take the place of names.

    That is so where only a start knows the `profile_list` or what its overrides say.
    """
    configuration = subject.configuration
    if configuration is None:
        return nothing_beneath(asked)
    from ..hub.offline import listed_beneath, request_of, with_names
    from ..hub.profile_start import put_into, with_more, with_own

    listed = listed_beneath(configuration)
    if listed is None:
        return None

    def start(person: Person) -> Start:
        return Start(person, asked.server, {}, asked.at)

    def request(person: Person) -> SpawnRequest:
        return request_of(configuration, start(person))

    def picked(request: SpawnRequest, rules: list[Rule]) -> SpawnRequest:
        names = put_into(rules)
        return with_own(request, [setting for setting in listed if setting.key in names])

    stand_in, scheme = with_names(configuration, start(Person(_SOMEBODY)), OF_USERS)
    words = words_of(_SOMEBODY, asked.server, cast(Scheme, scheme))
    real = request(Person(_SOMEBODY))
    if put(repr((stand_in.own, dict(stand_in.names))), words) != repr((real.own, dict(real.names))):
        return None
    bare = configuration.loaded is None
    return Beneath(request, stand_in, with_more(stand_in.own, listed), cast(Scheme, scheme), picked, bare)
