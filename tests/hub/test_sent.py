"""What is stored of what users sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from envspawner.hub.sent import guard_storage, is_storable


def nested(depth: int) -> Any:
    """Options of objects in one another."""
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.fixture
def db() -> Iterator[Session]:
    guard_storage()
    with orm.new_session_factory("sqlite://")() as session:
        yield session


def test_whatever_counts_as_storable_is_stored_at_any_depth_that_a_request_can_have(db: Session) -> None:
    server = orm.Spawner(name="", user=orm.User(name="ada"), server=orm.Server())
    db.add(server)
    db.commit()
    for depth in range(2, 990, 5):
        options = nested(depth)
        server.user_options = options
        db.commit()  # a RecursionError here would be a failure of the hub's
        assert server.user_options == (options if is_storable(options) else nested(32))


def test_options_that_a_hook_may_like_are_storable() -> None:
    assert is_storable(None)
    assert is_storable({})
    assert is_storable({"profile": "x", "more": [{"a": [1, 2, {"b": None}]}]})
