"""Our slugs are KubeSpawner's slugs, whatever the names, and tell any two names apart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kubespawner import KubeSpawner
from kubespawner import slugs as theirs

from envspawner.resolve import slugs

ODD = "aAzZ09-._ @\n/éßſİıK÷::Ωÿ\x00\U0001f600"
any_name = st.one_of(
    st.text(),
    st.text(ODD, max_size=80),
    st.text("ab-", max_size=70),
    st.from_regex(r"\A[a-z]([a-z0-9-]{0,70}[a-z0-9])?\Z"),
    st.sampled_from(
        ["a---12345678", "x--y", "course::stat101", "Ada.Lovelace@example.org", "a" * 63, "a" * 64]
    ),
)
# JupyterHub takes no control characters; escapism writes those below 16 with one digit, which can be misread.
printable = any_name.map(lambda name: "".join(char for char in name if char >= " "))
schemes = st.sampled_from(["safe", "escape"])
relaxed = settings(deadline=None)


def expanded(username: str, servername: str, scheme: str, key: str) -> str:
    """What KubeSpawner puts in for `{key}`."""
    stand_in = SimpleNamespace(
        name=servername,
        user=SimpleNamespace(name=username, id=1),
        slug_scheme=scheme,
        _namespace_default=lambda: "hub",
    )
    # A dash at the end of the template keeps KubeSpawner from taking dashes off the value.
    found: str = KubeSpawner._expand_user_properties(stand_in, f"{{{key}}}-")
    return found.removesuffix("-")


@relaxed
@given(any_name, st.none() | st.integers(0, 80))
@example("a" * 63, None)
@example("a\n", None)
@example("9", 12)
@example("-9-9", 14)
@example("", None)
def test_a_safe_slug_is_kubespawners(name: str, max_length: int | None) -> None:
    try:
        expected = theirs.safe_slug(name, max_length=max_length)
    except ValueError:
        with pytest.raises(ValueError, match="are too few for the slug of a name"):
            slugs.safe_slug(name, max_length)
        return
    assert slugs.safe_slug(name, max_length) == expected


@relaxed
@given(any_name)
@example("")
@example("a\n")
@example("aſb")
@example("ſ")
@example("A.b_c")
@example("K" + "a" * 62)
def test_a_label_slug_is_kubespawners(name: str) -> None:
    assert slugs.label_slug(name) == theirs.safe_slug(name, is_valid=theirs.is_valid_label)


@relaxed
@given(st.lists(any_name, min_size=1, max_size=4), st.integers(0, 100))
def test_a_slug_of_several_names_is_kubespawners(names: list[str], max_length: int) -> None:
    try:
        expected = theirs.multi_slug(names, max_length)
    except ValueError:
        with pytest.raises(ValueError, match="are too few for the slug of"):
            slugs.multi_slug(names, max_length)
        return
    assert slugs.multi_slug(names, max_length) == expected


def test_a_slug_of_several_names_has_kubespawners_length_by_default() -> None:
    names = ["a" * 60, "b" * 60]
    assert slugs.multi_slug(names) == theirs.multi_slug(names)


@relaxed
@given(any_name)
def test_an_escaped_slug_is_kubespawners(name: str) -> None:
    assert slugs.escape_slug(name) == theirs.escape_slug(name)


@relaxed
@given(any_name, any_name | st.just(""), schemes)
@example("a" * 46, "", "safe")
@example("a" * 47, "", "safe")
@example("a" * 23, "b" * 23, "safe")
@example("a" * 23, "b" * 24, "escape")
@example("ada", "gpu", "escape")
def test_the_names_of_a_user_are_kubespawners(username: str, servername: str, scheme: slugs.Scheme) -> None:
    names = slugs.user_names(username, servername, scheme)
    assert names == {key: expanded(username, servername, scheme, key) for key in names}


def test_every_name_that_a_template_may_use_is_given() -> None:
    assert slugs.user_names("Ada", "", "safe") == {
        "username": "ada---" + slugs.safe_slug("Ada")[-8:],
        "servername": "",
        "user_server": slugs.safe_slug("Ada"),
        "unescaped_username": "Ada",
        "unescaped_servername": "",
        "safe_username": slugs.safe_slug("Ada"),
        "safe_servername": "",
        "safe_user_server": slugs.safe_slug("Ada"),
        "escaped_username": "-41da",
        "escaped_servername": "",
        "escaped_user_server": "-41da--",
    }


@relaxed
@given(any_name, any_name)
def test_two_names_never_share_a_safe_slug(one: str, other: str) -> None:
    assert (slugs.safe_slug(one) == slugs.safe_slug(other)) == (one == other)
    assert (slugs.label_slug(one) == slugs.label_slug(other)) == (one == other)
    # A name may be given that looks like the slug of another.
    assert slugs.safe_slug(slugs.safe_slug(one)) != slugs.safe_slug(other) or slugs.safe_slug(one) == other


@relaxed
@given(printable, printable)
def test_two_printable_names_never_share_an_escaped_slug(one: str, other: str) -> None:
    assert (slugs.escape_slug(one) == slugs.escape_slug(other)) == (one == other)


@relaxed
@given(st.tuples(printable, printable), st.tuples(printable, printable), schemes)
@example(("a", "b"), ("a--b", ""), "safe")
@example(("a-", "b"), ("a", "-b"), "safe")
@example(("a" * 50, "bc"), ("a" * 50 + "b", "c"), "safe")
@example(("a", "b"), ("a--b", ""), "escape")
def test_two_servers_never_share_a_user_server(
    one: tuple[str, str], other: tuple[str, str], scheme: slugs.Scheme
) -> None:
    mine = slugs.user_names(*one, scheme)["user_server"]
    others = slugs.user_names(*other, scheme)["user_server"]
    assert (mine == others) == (one == other)


@relaxed
@given(any_name)
def test_a_safe_slug_is_always_a_valid_name(name: str) -> None:
    assert theirs.is_valid_object_name(slugs.safe_slug(name))
