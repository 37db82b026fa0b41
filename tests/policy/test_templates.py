"""Placeholders: known ones once, from left to right; every other brace byte for byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envspawner.policy.problems import Fault
from envspawner.policy.templates import (
    JOINED,
    KNOWN,
    SERVER,
    USER,
    Placeholder,
    Template,
    compile_text,
    compile_value,
    fill_value,
    names_in,
    put,
    through_placeholders,
)

NAMES = sorted(KNOWN)
known = st.sampled_from(NAMES)
# Text in which braces and names are frequent.
braces = st.text(alphabet="{}$%ab\n\"' :()") | st.lists(
    st.sampled_from(
        ["{", "}", "{{", "}}", "$", "${", "%", "%%", "%s", "x", " ", *NAMES, "{username}x", "auth_state."]
    ),
    max_size=8,
).map("".join)


def filled(text: str, **words: str) -> str:
    compiled = compile_text(text)
    return compiled.fill(words) if isinstance(compiled, Template) else compiled


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        "${HOME}",
        "${username}",
        "{{x}}",
        "^[a-z]{2,5}$",
        "{{ .Values.x }}",
        "{nobody}",
        "{ username }",
        "{USERNAME}",
        "{username!r}",
        "{username:>10}",
        "{auth_state}",
        "{auth_state.}",
        "{}",
        "{",
        "",
        "}{",
    ],
)
def test_every_other_brace_stays_as_it_is(text: str) -> None:
    assert compile_text(text) == text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{username}", "ada"),
        ("a-{username}-b", "a-ada-b"),
        ("{username}{username}", "adaada"),
        ("{{username}}", "{username}"),
        ("{{{username}}}", "{{username}}"),
        ("${{username}}", "${username}"),
        ("$ {username}", "$ ada"),
        ("{{username}}{username}", "{username}ada"),
        ("{{username}", "{ada"),
        ("{username}}", "ada}"),
        ('{"user": "{username}"}', '{"user": "ada"}'),
        ("{username}\n{nobody}", "ada\n{nobody}"),
    ],
)
def test_a_known_placeholder_is_filled_and_its_doubled_braces_are_text(text: str, result: str) -> None:
    assert filled(text, username="ada") == result


@pytest.mark.parametrize("name", [*NAMES, "auth_state.a", "auth_state.a.b-c_D9"])
def test_every_known_name_is_a_placeholder(name: str) -> None:
    assert compile_text(f"x{{{name}}}") == Template(("x", Placeholder(name)))


def test_what_is_filled_in_is_never_expanded_again() -> None:
    assert (
        filled("{username}{servername}", username="{servername}", servername="{username}")
        == "{servername}{username}"
    )


def test_parts_do_not_join_into_a_new_placeholder() -> None:
    assert filled("{{username}{servername}", username="x", servername="}") == "{x}"


@given(braces.filter(lambda text: not re.search("|".join(NAMES) + r"|auth_state\.", text)))
def test_text_without_a_known_name_is_exactly_that_text(text: str) -> None:
    assert compile_text(text) == text


@given(
    st.lists(
        braces.filter(lambda t: isinstance(compile_text(t), str)) | known.map("{{{}}}".format), max_size=6
    )
)
def test_a_template_is_filled_from_left_to_right_once(pieces: list[str]) -> None:
    text = "".join(pieces)
    assume("auth_state." not in text)  # names that are in no list
    words = {name: f"<{{{name}}}>%s" for name in NAMES}
    expected, rest = "", text
    while rest:  # the rule, spelled out
        name = next((n for n in NAMES if rest.startswith(f"{{{{{n}}}}}")), None)
        if name:
            expected, rest = expected + f"{{{name}}}", rest[len(name) + 4 :]
            continue
        name = next((n for n in NAMES if rest.startswith(f"{{{n}}}")), None)
        if name and not text[: len(text) - len(rest)].endswith("$"):
            expected, rest = expected + words[name], rest[len(name) + 2 :]
            continue
        expected, rest = expected + rest[0], rest[1:]
    assert filled(text, **words) == expected


@given(braces)
def test_the_text_of_a_template_has_the_same_placeholders(text: str) -> None:
    compiled = compile_text(text)
    if isinstance(compiled, Template):
        assert (
            compiled.names == names_in(compiled) <= KNOWN | {n for n in compiled.names if "auth_state." in n}
        )
        for name in compiled.names:
            assert f"{{{name}}}" in compiled.text


def test_values_are_compiled_inside_but_their_keys_are_not() -> None:
    compiled = compile_value({"{username}": ["{username}", 1, None, True], "b": ("{{username}}",)})
    assert compiled == {
        "{username}": [Template((Placeholder("username"),)), 1, None, True],
        "b": ["{username}"],
    }
    assert names_in(compiled) == {"username"}
    assert fill_value(compiled, {"username": "ada"}) == {
        "{username}": ["ada", 1, None, True],
        "b": ["{username}"],
    }


def test_filling_shares_nothing_that_could_be_changed_later() -> None:
    compiled = compile_value({"a": [{"b": "c"}]})
    first = fill_value(compiled, {})
    first["a"][0]["b"] = "changed"
    assert fill_value(compiled, {}) == {"a": [{"b": "c"}]}


def test_a_word_that_nobody_knows_is_not_filled() -> None:
    with pytest.raises(KeyError, match="match"):
        fill_value(compile_text("{match}"), {})


@pytest.mark.parametrize(
    ("text", "checked"),
    [
        ("plain", "plain"),
        ("a-{username}", "a-x"),
        ("{{username}}", "{username}"),
        ("{{nobody}}", "{{nobody}}"),
    ],
)
def test_spelling_is_checked_with_placeholders_taken_for_letters(text: str, checked: str) -> None:
    seen: list[str] = []
    through_placeholders(text, seen.append)
    assert seen == [checked]


def test_what_a_check_of_spelling_finds_is_raised() -> None:
    def refuse(text: str) -> None:
        raise Fault(text)

    with pytest.raises(Fault, match=r"^x$"):
        through_placeholders("{username}", refuse)


def test_placeholders_that_tell_users_or_servers_apart_are_known() -> None:
    assert USER | SERVER <= KNOWN
    assert JOINED == (USER & SERVER)


def test_one_placeholder_is_put_in_and_the_others_wait() -> None:
    compiled = compile_value({"a": "{username} {value}", "b": ["{value}", "plain", 1, None], "{value}": "x"})
    typed = put(compiled, "value", "{username} {value}")
    assert typed["b"] == ["{username} {value}", "plain", 1, None]
    assert list(typed) == ["a", "b", "{value}"]
    assert typed["a"].names == {"username"}
    assert typed["a"].fill({"username": "ada"}) == "ada {username} {value}"
    assert compiled == compile_value(
        {"a": "{username} {value}", "b": ["{value}", "plain", 1, None], "{value}": "x"}
    )
