"""YAML as admins write it, with every value's place; and as nobody should, with a place and a reason."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy import document
from envspawner.policy.document import parse_document, read_document
from envspawner.policy.located import Map, Scalar, Seq, Source, dotted
from envspawner.policy.problems import Place, PolicyError

relaxed = settings(deadline=None)


def parsed(text: str | bytes) -> Source:
    source, warnings = parse_document(text.encode() if isinstance(text, str) else text, "p.yaml")
    assert [problem for problem in source.problems if problem.warning] == warnings
    return source


def refused(text: str | bytes) -> str:
    with pytest.raises(PolicyError) as caught:
        parsed(text)
    return str(caught.value)


def complaints(text: str) -> list[str]:
    return [str(problem) for problem in parsed(text).problems]


def test_values_keep_their_own_text() -> None:
    data = parsed(
        "{tag: 1.10, sha: 89655e1, mask: 0002, flag: Yes, none: ~, day: 2026-12-20, text: '1'}"
    ).data
    assert data == {
        "tag": "1.10",
        "sha": "89655e1",
        "mask": "0002",
        "flag": "Yes",
        "none": None,
        "day": "2026-12-20",
        "text": "1",
    }
    tags = {key: value.tag for key, value in data.items() if value is not None}
    assert tags == {
        "tag": "float",
        "sha": "str",
        "mask": "int",
        "flag": "bool",
        "day": "timestamp",
        "text": "str",
    }


def test_every_value_knows_its_line_and_column() -> None:
    source = parsed("defaults:\n  cmd:\n  - a\n  - [b, c]\n  memory: {limit: 1G}\n")
    assert source.place(()) == Place("p.yaml", 1, 1)
    assert source.place(("defaults", "cmd", 0)) == Place("p.yaml", 3, 5)
    assert source.place(("defaults", "cmd", 1, 1)) == Place("p.yaml", 4, 9)
    assert source.place(("defaults", "memory", "limit")) == Place("p.yaml", 5, 19)
    assert source.place(("defaults", "memory", "limit"), of_key=True) == Place("p.yaml", 5, 12)
    assert source.place(("defaults", "memory"), of_key=True) == Place("p.yaml", 5, 3)


@pytest.mark.parametrize(
    ("loc", "column"),
    [
        (("a", "nothing", "below"), 4),
        (("a", "b", "below"), 8),
        (("a", 0, "b"), 8),
        (("a", 1), 4),
        (("z",), 1),
    ],
    ids=[
        "a missing key",
        "below a scalar",
        "one entry without its list",
        "a missing item",
        "a missing section",
    ],
)
def test_what_is_not_there_is_placed_where_it_would_be(loc: tuple[str | int, ...], column: int) -> None:
    assert parsed("a: {b: 1}").place(loc) == Place("p.yaml", 1, column)


def test_plain_data_has_no_lines() -> None:
    assert Source("c.EnvSpawner", {"a": [1]}).place(("a", 0)) == Place("c.EnvSpawner")


@pytest.mark.parametrize(
    ("loc", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("profiles", "gpu", "extraTolerations", 0, "key"), "profiles.gpu.extraTolerations[0].key"),
        ((0, "a"), "[0].a"),
    ],
)
def test_a_path_is_dotted(loc: tuple[str | int, ...], text: str) -> None:
    assert dotted(loc) == text


def test_a_scalar_survives_pickling_with_its_tag() -> None:
    copied = pickle.loads(pickle.dumps(Scalar("1.10", "float")))
    assert (copied, copied.tag) == ("1.10", "float")


def test_an_alias_is_what_its_anchor_holds() -> None:
    source = parsed("a: &x {m: 1}\nb: *x\nc: [*x, &y 2, *y]")
    assert source.data == {"a": {"m": "1"}, "b": {"m": "1"}, "c": [{"m": "1"}, "2", "2"]}
    assert source.place(("b",)) == Place("p.yaml", 2, 4)
    assert source.place(("b", "m")) == Place("p.yaml", 1, 11)


def test_an_anchor_may_be_used_anew() -> None:
    assert parsed("a: &x [&x 1, *x]\nb: &x 2\nc: *x").data == {"a": ["1", "1"], "b": "2", "c": "2"}


def test_a_merge_brings_the_keys_that_are_not_there() -> None:
    source = parsed("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: {<<: *a, <<: *b}")
    assert source.data["c"] == {"x": "3", "y": "1", "z": "2"}
    assert source.data["d"] == {"x": "1", "y": "1", "z": "2"}
    assert source.place(("c", "z")) == Place("p.yaml", 2, 17)
    assert source.problems == ()


def test_quoted_angles_are_a_key_like_others() -> None:
    assert parsed("'<<': 1").data == {"<<": "1"}


def test_tags_of_plain_yaml_are_understood() -> None:
    data = parsed("{a: !!str 1, b: !!int 5, c: ! 5, d: !!null '', e: !!map {}, f: !!seq [], g: !!str }").data
    assert data == {"a": "1", "b": "5", "c": "5", "d": None, "e": {}, "f": [], "g": ""}
    assert (data["a"].tag, data["b"].tag, data["c"].tag, data["g"].tag) == ("str", "int", "str", "str")
    assert isinstance(data["e"], Map)
    assert isinstance(data["f"], Seq)


@pytest.mark.parametrize("text", ["=", "<<", "abc", "1:x", "0o17", "-1-"])
def test_what_yaml_has_no_plain_kind_for_is_text(text: str) -> None:
    assert parsed(f"[{text} ]").data[0].tag == "str"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parsed(b"\xef\xbb\xbfa: 1").data == {"a": "1"}


def test_windows_lines_are_lines() -> None:
    assert parsed("a: 1\r\nb:\r\n  c: 2\r\n").place(("b", "c")) == Place("p.yaml", 3, 6)


def test_an_empty_value_is_warned_of_and_null_is_not() -> None:
    assert complaints("a:\nb: null\nc: ~\nd: ''\ne: [x, ]\nf:\n-\n") == [
        "p.yaml:1:3: warning: a: nothing is written here (write null to remove what is beneath, "
        "{} for a block without settings, or delete the line)",
        "p.yaml:7:2: warning: f[0]: nothing is written here (write null to remove what is beneath, "
        "{} for a block without settings, or delete the line)",
    ]


def test_a_key_that_stands_there_twice_is_told_and_the_first_one_holds() -> None:
    source = parsed("a:\n  b: 1\n  c: 2\n  b: 3\n  b: {d: 4}\n")
    assert [str(problem) for problem in source.problems] == [
        "p.yaml:4:3: a.b: this key stands here twice, first in line 2 (join the two)",
        "p.yaml:5:3: a.b: this key stands here twice, first in line 2 (join the two)",
    ]
    assert source.data == {"a": {"b": "1", "c": "2"}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{? : 1}", "p.yaml:1:4: a key is empty (write a name before the colon)"),
        ("{a: {<<: 5}}", "p.yaml:1:10: a: << takes a mapping or a list of mappings (write <<: *NAME)"),
        ("{<<: [1]}", "p.yaml:1:6: << takes a mapping or a list of mappings (write <<: *NAME)"),
        (
            "a: !!bool maybe",
            "p.yaml:1:4: a: the tag !!bool does not fit the value (write the value without a tag)",
        ),
        ("!!int a: b", "p.yaml:1:1: the tag !!int does not fit the value (write the value without a tag)"),
        ("a: !!int x", "p.yaml:1:4: a: the tag !!int does not fit the value (write the value without a tag)"),
    ],
)
def test_what_is_wrong_in_one_place_does_not_hide_the_rest(text: str, complaint: str) -> None:
    assert complaints(text) == [complaint]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = 100_000


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("", "p.yaml:1:1: the file holds nothing (write at least", id="nothing"),
        pytest.param("# words\n", "p.yaml:1:1: the file holds nothing", id="only a comment"),
        pytest.param("~", "p.yaml:1:1: the file holds nothing", id="null"),
        pytest.param(
            "a: b\0c", "p.yaml:1:5: the character U+0000 may not stand in YAML (save the", id="a NUL"
        ),
        pytest.param(
            "a:\n b: \a", "p.yaml:2:5: the character U+0007 may not stand in YAML (remove it)", id="a bell"
        ),
        pytest.param(b"a: \xe9", "p.yaml:1:4: byte 0xe9 is not UTF-8 (save the file as UTF-8)", id="Latin-1"),
        pytest.param(
            b"\xef\xbb\xbfa:\n  \xff", "p.yaml:2:3: byte 0xff is not UTF-8", id="not UTF-8 after a mark"
        ),
        pytest.param("a: 1".encode("utf-16"), "p.yaml:1:1: byte 0xff is not UTF-8", id="UTF-16"),
        pytest.param(
            "a: 1".encode("utf-16-le"), "p.yaml:1:2: the character U+0000", id="UTF-16 without a mark"
        ),
        pytest.param(
            "a:\n\tb: 1", "p.yaml:2:1: a tab stands where blanks must (indent with blanks)", id="a tab"
        ),
        pytest.param(
            "a: @x", "p.yaml:1:4: no text begins with @ in YAML (put it in quotes)", id="an at sign"
        ),
        pytest.param("a: `x", "p.yaml:1:4: no text begins with `", id="a backtick"),
        pytest.param("a: b: c", "p.yaml:1:5: a colon stands where none can (quote", id="two colons"),
        pytest.param(
            "a:\n  b c\n  d: e", "p.yaml:3:4: a colon stands where none can", id="a line without a colon"
        ),
        pytest.param("a:\n   b: 1\n  c: 2", "p.yaml:3:3: this does not fit the lines above it", id="uneven"),
        pytest.param(
            "a:\n - 1\n b: 2", "p.yaml:3:2: this does not fit the lines above", id="a key in a list"
        ),
        pytest.param(
            "a: 'b' c", "p.yaml:1:8: this does not fit the lines above it", id="text behind a quote"
        ),
        pytest.param(
            "a: 'b\nc: d", "p.yaml:1:4: a quote is opened here and never closed", id="an open quote"
        ),
        pytest.param(
            'a: "b\nc: d', "p.yaml:1:4: a quote is opened here and never closed", id="an open double quote"
        ),
        pytest.param('a: "\\q"', "p.yaml:1:5: a backslash between double quotes", id="an unknown escape"),
        pytest.param(
            'a: "\\ud800"', "p.yaml:1:7: a backslash between double quotes", id="half a surrogate pair"
        ),
        pytest.param(
            "a: [b,\nc: d", "p.yaml:1:4: the list that begins here is not closed", id="an open list"
        ),
        pytest.param(
            "a: {b: c\nd: e", "p.yaml:1:4: the mapping that begins here is not closed", id="an open mapping"
        ),
        pytest.param("a: - b", "p.yaml:1:4: a list cannot begin here", id="a list in a line"),
        pytest.param(
            "*: x", "p.yaml:1:2: no name follows the * (put text that begins with * in", id="a bare star"
        ),
        pytest.param("a: &", "p.yaml:1:5: no name follows the &", id="a bare ampersand"),
        pytest.param(
            "a: !b!c d", "p.yaml:1:4: an unknown tag (put text that begins with !", id="an unknown tag handle"
        ),
        pytest.param(
            "a: ]", "p.yaml:1:4: a value is missing here (put text", id="a bracket that closes nothing"
        ),
        pytest.param(
            "%YAML 3.0\n---\na", "p.yaml:1:1: found incompatible YAML document", id="YAML of the future"
        ),
        pytest.param("a: *b", "p.yaml:1:4: a: no anchor &b stands above (put text", id="an alias of nothing"),
        pytest.param("*a : b", "p.yaml:1:1: an alias cannot be a key (put text that", id="an alias as a key"),
        pytest.param(
            "a: &a [*a]", "p.yaml:1:8: a[0]: *a stands for something that holds it", id="a cyclic anchor"
        ),
        pytest.param(
            "a: &a {b: {c: *a}}", "p.yaml:1:15: a.b.c: *a stands for", id="a cyclic anchor further in"
        ),
        pytest.param("a: &a {<<: *a}", "p.yaml:1:12: a.<<: *a stands for", id="a cyclic merge"),
        pytest.param(BOMB, "aliases add too many values", id="an anchor bomb"),
        pytest.param("{[a]: b}", "p.yaml:1:2: a key must be plain text (put text", id="a list as a key"),
        pytest.param("? {a: b}\n: c", "p.yaml:1:3: a key must be plain text", id="a mapping as a key"),
        pytest.param(
            "a: !!python/object:os.system {}",
            "p.yaml:1:4: a: the YAML tag !!python/object:os.system",
            id="Python",
        ),
        pytest.param("a: !!binary aGk=", "p.yaml:1:4: a: the YAML tag !!binary is not known", id="binary"),
        pytest.param(
            "a: !mine b", "p.yaml:1:4: a: the YAML tag !mine is not known here", id="a tag of one's own"
        ),
        pytest.param("a: !!set {b}", "p.yaml:1:4: a: the YAML tag !!set is not known here", id="a set"),
        pytest.param("a: 1\n---\nb: 2", "p.yaml:2:1: a second document begins here", id="several documents"),
        pytest.param("[" * DEEP, "nested more than 100 deep (no policy needs that)", id="brackets"),
        pytest.param("{a: " * DEEP, "nested more than 100 deep", id="braces"),
        pytest.param("- " * DEEP, "nested more than 100 deep", id="dashes"),
        pytest.param(
            "".join(" " * i + "a:\n" for i in range(1000)), "nested more than 100 deep", id="indents"
        ),
        pytest.param("? " * DEEP, "p.yaml:1:3: a key must be plain text", id="question marks"),
    ],
)
def test_what_is_no_policy_is_answered_with_a_place_and_a_reason(text: str | bytes, answer: str) -> None:
    said = refused(text)
    assert re.match("p.yaml:[0-9]+:[0-9]+: ", said)
    assert answer in said


def test_what_was_wrong_before_the_text_broke_off_is_told_too() -> None:
    assert refused("a: 1\na: 2\nb: 'c").splitlines() == [
        "p.yaml:2:1: a: this key stands here twice, first in line 1 (join the two)",
        "p.yaml:3:4: a quote is opened here and never closed (close it)",
    ]


def test_more_values_than_any_policy_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_VALUES", 10)
    assert parsed("[1, 2, 3, 4, 5, 6, 7, 8, 9]").data
    assert "p.yaml:1:29: [9]: the file holds more than 10 values" in refused("[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]")
    assert "more than 10 values" in refused("[&a [1, 2, 3, 4], *a, *a]")


def test_aliases_that_people_write_are_not_taken_for_a_bomb() -> None:
    lines = "".join(f"  u{n}: *student\n" for n in range(30_000))
    data = parsed("groups: {students: &student {a: 1, b: 2, c: [1, 2, 3], d: {e: 4}}}\nusers:\n" + lines).data
    assert data["users"]["u29999"] == {"a": "1", "b": "2", "c": ["1", "2", "3"], "d": {"e": "4"}}


def test_a_mapping_of_a_hundred_thousand_keys_is_read() -> None:
    assert len(parsed("".join(f"k{n}: 1\n" for n in range(100_000))).data) == 100_000


@pytest.mark.parametrize(
    "text", ["a: 'b", "a: [", "a: b: c", 'a: "\\q"', "a:\n\tb: c", "a:\n   b: 1\n  c: 2", "a: *"]
)
def test_the_parser_in_python_is_understood_as_the_one_in_c(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    in_c = refused(text).split(": ", 1)[1]
    monkeypatch.setattr(document, "Parser", yaml.SafeLoader)
    assert refused(text).split(": ", 1)[1] == in_c


def test_the_parser_in_python_finds_bad_characters_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "Parser", yaml.SafeLoader)
    assert (
        refused("a: b\0c")
        == "p.yaml:1:5: the character U+0000 may not stand in YAML (save the file as UTF-8)"
    )


def test_a_file_is_read_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a: 1")
    source, warnings = read_document(tmp_path / "x", "policy.yaml")
    assert (source.data, warnings, source.place(("a",))) == ({"a": "1"}, [], Place("policy.yaml", 1, 4))


def test_what_is_no_file_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError, match="it is a directory, not a file"):
        read_document(tmp_path, "policy.yaml")
    with pytest.raises(FileNotFoundError):
        read_document(tmp_path / "missing", "policy.yaml")
    for special in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is not a regular file"):
            read_document(special, "policy.yaml")


def test_a_file_larger_than_any_policy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 2**20)
    (tmp_path / "x").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(PolicyError, match=r"^policy\.yaml: the file is larger than 1 MiB$"):
        read_document(tmp_path / "x", "policy.yaml")


def plain(value: Any) -> Any:
    """Data as PyYAML's own loader for text would give it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if value is None else str(value)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
nodes = st.recursive(
    st.none() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@relaxed
@given(nodes.filter(lambda node: node is not None), st.booleans())
def test_whatever_yaml_can_write_is_read_back(node: Any, flow: bool) -> None:
    text = yaml.safe_dump(node, default_flow_style=flow, allow_unicode=False)
    assert plain(parsed(text).data) == plain(node)


@relaxed
@given(st.binary() | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_arbitrary_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refused(content)


@relaxed
@given(
    st.lists(
        st.sampled_from(
            [*"{}[]:,-?*&!|>'\"%@`#\n\t ", "a", "<<", "&a ", "*a ", "!!str ", "- ", ": ", "\n  ", "---\n"]
        )
    )
)
def test_arbitrary_yaml_signs_are_read_or_refused(signs: list[str]) -> None:
    read_or_refused("".join(signs).encode())


def read_or_refused(content: bytes) -> None:
    try:
        source, _ = parse_document(content, "p.yaml")
    except PolicyError as error:
        problems = error.problems
    else:
        problems = source.problems
        assert isinstance(source.data, Map | Seq | Scalar)
    assert all(problem.place.line and problem.place.column for problem in problems)
