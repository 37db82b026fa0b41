"""Ports of the loopback interface, one for each server: on one machine, pods have one address between them."""

from __future__ import annotations

import random
import socket
from typing import Any

RANGE = range(20000, 32000)
"""Below the ports that the system gives to outgoing connections, so that none is lost to them meanwhile."""
_given: dict[tuple[str, str], int] = {}


def why_not(port: int) -> str:
    """Why this port cannot be had; "" if it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or str(error)
        return ""


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """A free port that is not `taken`."""
    candidates = [port for port in random.sample(RANGE, 200) if port not in taken]
    return next(port for port in candidates if not why_not(port))


def own_port(spawner: Any) -> None:
    """A `pre_spawn_hook`: gives each server 127.0.0.1 and a port that no other server of the hub has."""
    server = (spawner.user.name, spawner.name)
    others = frozenset(port for owner, port in _given.items() if owner != server)
    spawner.ip = "127.0.0.1"
    spawner.port = _given[server] = free_port(others)
