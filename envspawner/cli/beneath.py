"""What lies beneath a policy in a hub's configuration, for one person and, with stand-ins, for anybody."""

from __future__ import annotations

from typing import Final, cast

from ..resolve.request import Person, SpawnRequest, Start
from ..resolve.slugs import Scheme
from .alike import Asked, Beneath, nothing_beneath, words_of
from .sources import Subject
from .standins import OF_USERS, put

_SOMEBODY: Final = "Some.body+x@example.org"
"""A name that no scheme leaves as it is, so that no two stand-ins are the same for it."""


def beneath_of(subject: Subject, asked: Asked) -> Beneath | None:
    """What lies beneath a subject's policy; None where stand-ins cannot take the place of names.

    That is so without a policy, and with a `profile_list`, whose overrides meet KubeSpawner's own values.
    """
    configuration = subject.configuration
    if configuration is None:
        return nothing_beneath(asked)
    if configuration.loaded is None or configuration.loaded.profile_list:
        return None
    from ..hub.offline import request_of, with_names

    def start(person: Person) -> Start:
        return Start(person, asked.server, {}, asked.at)

    def request(person: Person) -> SpawnRequest:
        return request_of(configuration, start(person))

    stand_in, scheme = with_names(configuration, start(Person(_SOMEBODY)), OF_USERS)
    words = words_of(_SOMEBODY, asked.server, cast(Scheme, scheme))
    real = request(Person(_SOMEBODY))
    if put(repr((stand_in.own, dict(stand_in.names))), words) != repr((real.own, dict(real.names))):
        return None
    return Beneath(request, stand_in, cast(Scheme, scheme))
