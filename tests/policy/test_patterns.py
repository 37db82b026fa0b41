"""Patterns for typed text: all of it, ASCII, and in no more time than a start can spare."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy.patterns import Pattern, parse_pattern
from envspawner.policy.problems import Fault

CATASTROPHIC = "(?:a|b|ab)*c"


@pytest.mark.parametrize(
    ("pattern", "typed", "matches"),
    [
        ("pangeo/.+", "pangeo/x:1", True),
        ("^pangeo/.+$", "pangeo/x:1", True),
        ("pangeo/", "pangeo/x:1; rm -rf", False),
        ("pangeo/.+", "evil/pangeo/x", False),
        ("^a/[a-z]+$", "a/b\n", False),
        ("a|ab", "ab", True),
        ("a", "a\x00", False),
        (r"\d+", "12", True),
        (r"\d+", "١٢", False),  # digits, but Arabic ones
        (r"\w+", "é", False),
        ("(?i)[a-k]+", "K", True),
        ("(?i)[a-k]+", "\u212a", False),  # the sign of Kelvin, whose lower case is k
        ("[a-zé]+", "é", True),
        ("", "", True),
    ],
)
def test_a_pattern_matches_all_of_a_text_and_no_look_alikes(pattern: str, typed: str, matches: bool) -> None:
    assert parse_pattern(pattern).matches(typed) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a", "this is no regular expression: missing )"),
        ("*a", "this is no regular expression: nothing to repeat"),
        ("[z-a]", "this is no regular expression: bad character range"),
        ("a{2,1}", "this is no regular expression: min repeat"),
        ("(" * 500 + ")" * 500, "this is no regular expression: maximum recursion"),
        ("(?u)a", "a pattern speaks of ASCII only"),
        ("a" * 1001, "the pattern is longer than 1000 characters"),
    ],
)
def test_a_bad_pattern_is_told(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_pattern(text)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_a_pattern_that_goes_over_its_steps_again_gives_up() -> None:
    pattern = parse_pattern(CATASTROPHIC)
    assert pattern.matches("abc")
    start = time.process_time()
    with pytest.raises(TimeoutError):
        pattern.matches("ab" * 127 + "cd")
    assert time.process_time() - start < 60  # without an end to it, it would take years


def test_patterns_of_one_text_are_one() -> None:
    assert parse_pattern("a") == Pattern("a")
    assert len({parse_pattern("a"), Pattern("a"), parse_pattern("b")}) == 2


@settings(deadline=None)
@given(st.text("a(?)[]{}*+|\\1,^$.-", max_size=15) | st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_a_pattern_or_a_fault(pattern: str, typed: str) -> None:
    with suppress(Fault, TimeoutError):
        assert parse_pattern(pattern).matches(typed) in (True, False)
