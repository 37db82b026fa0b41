"""Problems read like a compiler's, and suggestions name what was probably meant."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envspawner.policy.problems import Fault, Faults, Place, PolicyError, Problem, step_of, suggest

PLACE = Place("policy.yaml", 3, 7)


def test_a_problem_is_file_line_column_path_message_and_hint() -> None:
    problem = Problem(PLACE, "users.ada.memroy", "unknown key 'memroy'", "did you mean memory?")
    assert str(problem) == "policy.yaml:3:7: users.ada.memroy: unknown key 'memroy' (did you mean memory?)"


def test_a_problem_of_a_trait_has_no_line() -> None:
    assert str(Problem(Place("c.EnvSpawner"), "groups.staff", "says nothing")) == (
        "c.EnvSpawner: groups.staff: says nothing"
    )


def test_a_problem_of_the_whole_file_has_no_path() -> None:
    assert (
        str(Problem(Place("p.yaml", 1, 1), "", "the file holds nothing"))
        == "p.yaml:1:1: the file holds nothing"
    )


def test_a_warning_says_so() -> None:
    assert str(Problem(PLACE, "a", "b", warning=True)) == "policy.yaml:3:7: warning: a: b"


def test_a_place_is_shown_with_its_line_and_in_full_with_its_column() -> None:
    assert (str(PLACE), PLACE.full) == ("policy.yaml:3", "policy.yaml:3:7")
    assert Place("policy.yaml", 3).full == "policy.yaml:3"


def test_a_problem_is_one_line_whatever_names_hold() -> None:
    problem = Problem(Place("a\nb.yaml", 1, 1), "users.a\nb", "\x1b[31m \udcff", "é…")
    assert str(problem) == r"a\nb.yaml:1:1: users.a\nb: \x1b[31m \udcff (é…)"


def test_a_problem_stays_short_whatever_names_hold() -> None:
    assert len(str(Problem(PLACE, "x" * 10_000, "y" * 10_000, "z" * 10_000))) < 1600


def test_problems_come_in_the_order_of_the_file() -> None:
    late, early = Problem(Place("p", 9, 1), "a", "late"), Problem(Place("p", 2, 4), "b", "early")
    nowhere, other = Problem(Place("p"), "c", "nowhere"), Problem(Place("o", 99, 1), "d", "other")
    error = PolicyError([late, early, nowhere, other])
    assert error.problems == (other, nowhere, early, late)
    assert str(error).splitlines() == [str(one) for one in error.problems]


def test_a_fault_is_seen_from_further_out_step_by_step() -> None:
    fault = Fault("wrong", "do right", of_key=True).under("key").under(2).under("list")
    assert (fault.message, fault.hint, fault.loc, fault.of_key) == (
        "wrong",
        "do right",
        ("list", 2, "key"),
        True,
    )


def test_faults_say_all_that_is_wrong() -> None:
    faults = Faults(Fault(word) for word in ("one", "two"))
    assert str(faults) == "one; two"
    assert [fault.message for fault in faults.faults] == ["one", "two"]


@pytest.mark.parametrize(
    ("key", "step"),
    [("a", "a"), (7, 7), (None, "(NoneType)"), (("a",), "(tuple)"), (10**5000, "(int)"), (1.5, "(float)")],
    ids=["text", "a number", "None", "a tuple", "a huge number", "a float"],
)
def test_any_python_key_is_a_step_of_a_path(key: object, step: object) -> None:
    assert step_of(key) == step


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("memroy", "memory"),
        ("Memory", "memory"),
        ("EXTRAENV", "extraEnv"),
        ("extra_env", "extraEnv"),
        ("storge", "storage"),
    ],
)
def test_a_slip_is_met_with_the_word_that_was_meant(word: str, meant: str) -> None:
    assert suggest(word, ["memory", "extraEnv", "storage"]) == f"did you mean {meant}?"


@pytest.mark.parametrize("word", ["", "xyz", "m", "memory" * 10_000])
def test_what_is_near_nothing_gets_no_suggestion(word: str) -> None:
    assert suggest(word, ["memory", "extraEnv"]) is None


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=5, unique_by=str.lower))
def test_the_quick_look_at_letters_hides_no_suggestion(word: str, known: list[str]) -> None:
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), [name.lower() for name in known], n=1, cutoff=0.6)
    assert (suggest(word, known) is None) == (not near)


def test_problems_can_be_sent_to_another_process() -> None:
    problem = Problem(PLACE, "a", "b")
    assert pickle.loads(pickle.dumps(problem)) == problem
