"""What a hub knows of its users and of their servers, whichever way it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..resolve.request import Person


@dataclass(frozen=True)
class Kept:
    """What a hub keeps of a server. options: chosen last. state: None where it may not be read."""

    running: bool
    options: Any = None
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Account:
    """A user with all of their servers, by name. userid: None where it is not told."""

    person: Person
    servers: Mapping[str, Kept] = field(default_factory=dict)
    userid: str | None = None
