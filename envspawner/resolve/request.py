"""What is known about one start of one server: who, when, above which own layer of KubeSpawner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from ..policy.rules import Rule
from .slugs import user_names

_NONE: Final[Mapping[str, str]] = {}


class Person(NamedTuple):
    """The owner of the server. groups: JupyterHub groups, in no order."""

    name: str
    groups: frozenset[str] = frozenset()
    admin: bool = False


class OwnLayer(NamedTuple):
    """What KubeSpawner's traits hold when a start begins.

    rule: its fields, values carried whole. has_storage: whether it sets volumes, mounts or a claim. claim:
    the name that it would give to a new claim. claim_template: the template of that name. home_volume,
    home_mounts: which of its volumes is the home, and where that is mounted.
    """

    rule: Rule | None = None
    has_storage: bool = False
    claim: str = "claim"
    claim_template: str = "claim-{user_server}"
    home_volume: str | None = None
    home_mounts: frozenset[str] = frozenset()


class SpawnRequest(NamedTuple):
    """Everything that a resolution depends on besides the policy.

    at: now, with a time zone. names: values of the placeholders that KubeSpawner knows. homes: claims
    remembered by the identity of a home; shared_homes: the same of the user's other servers. auth_state: None
    where it is not known (on the command line); then what would come from it is shown as `***`.
    """

    person: Person
    at: datetime
    names: Mapping[str, str]
    own: OwnLayer = OwnLayer()
    homes: Mapping[str, str] = _NONE
    auth_state: Mapping[str, Any] | None = None
    shared_homes: Mapping[str, str] = _NONE


@dataclass(frozen=True, slots=True)
class Start:
    """One start that is asked about without a hub. server: "" is the unnamed one. options: raw user options."""

    person: Person
    server: str
    options: Mapping[str, Any]
    at: datetime
    namespace: str = "default"

    def request(self) -> SpawnRequest:
        """The request that a hub with KubeSpawner's default templates would make."""
        names = user_names(self.person.name, self.server, "safe")
        words = names | {
            "userid": "1",
            "hubnamespace": "user" if self.namespace == "default" else self.namespace,
            "namespace": self.namespace,
            "pod_name": f"jupyter-{names['user_server']}",
        }
        own = OwnLayer(claim=f"claim-{names['user_server']}")
        return SpawnRequest(self.person, self.at, words, own)
