"""Rules end: a date includes that whole day, in UTC unless an offset is given."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from .support import env, resolve


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("until", "last", "first_without"),
    [
        ("2026-12-20", "2026-12-20T23:59:59.999999+00:00", "2026-12-21T00:00:00+00:00"),
        ("2026-12-20T18:00", "2026-12-20T18:00:00+00:00", "2026-12-20T18:00:00.000001+00:00"),
        ("2026-12-20T18:00+02:00", "2026-12-20T16:00:00+00:00", "2026-12-20T16:00:01+00:00"),
        ("2026-12-20T18:00Z", "2026-12-20T19:00:00+01:00", "2026-12-20T19:00:01+01:00"),
    ],
)
def test_a_rule_holds_until_its_end_and_no_longer(until: str, last: str, first_without: str) -> None:
    text = f"users: {{ada: {{extraEnv: {{A: x}}, until: '{until}'}}}}"
    assert env(resolve(text, at=at(last))) == {"A": "x"}
    assert env(resolve(text, at=at(first_without))) == {}


@pytest.mark.parametrize(
    "section",
    [
        "defaults: {extraEnv: {A: x}, until: 2026-12-20}",
        "groups: {g: {extraEnv: {A: x}, until: 2026-12-20}}",
        "groups: {'*': {extraEnv: {A: x}, until: 2026-12-20}}",
        "admins: {extraEnv: {A: x}, until: 2026-12-20}",
        "users: {ada: {extraEnv: {A: x}, until: 2026-12-20}}",
    ],
)
def test_every_rule_about_people_can_end(section: str) -> None:
    assert env(resolve(section, groups=["g"], admin=True)) == {"A": "x"}
    later = at("2027-01-01T00:00+00:00")
    assert env(resolve(section, groups=["g"], admin=True, at=later)) == {}


def test_bounds_end_with_their_rule() -> None:
    text = """
        defaults: {memory: {limit: 8G}, atMost: {memory: 4G}}
        users: {ada: {atMost: {memory: 2G}, atLeast: {cpu: 1}, until: 2026-12-20}}
        """
    assert resolve(text).get("memory.limit") == 2 * 2**30
    assert resolve(text, at=at("2026-12-21T00:00+00:00")).get("memory.limit") == 4 * 2**30


def test_a_lifted_bound_is_back_when_the_lift_has_ended() -> None:
    text = """
        defaults: {atMost: {memory: 1G}}
        groups: {exam: {atMost: {memory: null}, until: 2026-12-20}}
        profiles: {small: {memory: {limit: 512M}, default: true}, big: {memory: {limit: 8G}}}
        """
    lifted = resolve(text, groups=["exam"], options={"profile": "big"})
    assert lifted.get("memory.limit") == 8 * 2**30
    later = at("2026-12-21T00:00+00:00")
    assert resolve(text, groups=["exam"], at=later).get("memory.limit") == 2**29


def test_time_zones_do_not_matter() -> None:
    text = "users: {ada: {extraEnv: {A: x}, until: 2026-12-20}}"
    zone = timezone(timedelta(hours=14))
    assert env(resolve(text, at=datetime(2026, 12, 21, 13, 59, tzinfo=zone))) == {"A": "x"}
    assert env(resolve(text, at=datetime(2026, 12, 21, 14, 0, tzinfo=zone))) == {}
