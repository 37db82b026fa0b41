"""References of images: how they are taken apart, and what people are told who mistype one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy.images import Image, check_digest, check_image_name, check_tag, parse_image
from envspawner.policy.problems import Fault

SHA256 = "sha256:" + "0123456789abcdef" * 4
relaxed = settings(deadline=None)

names = st.builds(
    "{}{}{}".format,
    st.sampled_from(
        ["", "quay.io/", "localhost/", "Registry.Example.org:5000/", "10.0.0.1/", "[2001:db8::1]:5000/"]
    ),
    # A dot in the first part makes it a registry, so it comes after.
    st.from_regex(r"\A[a-z0-9]{1,5}((_|__|-{1,3})[a-z0-9]{1,5}){0,2}\Z"),
    st.from_regex(r"\A(/[a-z0-9]{1,5}(([._]|__|-{1,3})[a-z0-9]{1,5}){0,2}){0,3}\Z"),
)
tags = st.none() | st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
digests = st.none() | st.from_regex(r"\Asha256:[0-9a-f]{64}\Z") | st.from_regex(r"\Asha512:[0-9a-f]{128}\Z")
images = st.builds(Image, names, tags, digests)
reference_like = st.text("aZ09._-:/@[]{} \n", max_size=30) | st.text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ubuntu", Image("ubuntu")),
        ("ubuntu:24.04", Image("ubuntu", "24.04")),
        ("quay.io/jupyter/scipy-notebook:2026-11-02", Image("quay.io/jupyter/scipy-notebook", "2026-11-02")),
        ("localhost/a", Image("localhost/a")),
        ("registry:5000/a", Image("registry:5000/a")),
        ("registry:5000/a:b", Image("registry:5000/a", "b")),
        ("REGISTRY.example.org/a", Image("REGISTRY.example.org/a")),
        ("[::1]:5000/a:b", Image("[::1]:5000/a", "b")),
        (f"a/b@{SHA256}", Image("a/b", None, SHA256)),
        (f"a/b:c@{SHA256}", Image("a/b", "c", SHA256)),
        ("a__b/c--d/e.f/g_h", Image("a__b/c--d/e.f/g_h")),
        ("a:" + "t" * 128, Image("a", "t" * 128)),
        ("a@blake3+b64:" + "0" * 32, Image("a", None, "blake3+b64:" + "0" * 32)),
    ],
)
def test_a_reference_is_taken_apart_as_the_distribution_grammar_says(text: str, expected: Image) -> None:
    assert parse_image(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the image is empty", "write the image, or leave out the key"),
        ("  ", "has a blank in it", "leave out the blanks"),
        ("ubuntu ", "has a blank in it", "did you mean ubuntu?"),
        ("ubuntu 24.04", "has a blank in it", "leave out the blanks"),
        ("https://quay.io/a:b", "is an address, with https://", "did you mean quay.io/a:b?"),
        ("https://", "is an address", "leave out https://"),
        ("a:", "has no tag after its ':'", "write the tag, or leave out the ':'"),
        (f"a:@{SHA256}", "has no tag after its ':'", "write the tag, or leave out the ':'"),
        ("a@", "has no digest after its '@'", "write it as sha256:…"),
        (":b", "the image name is empty", "write the image name, or leave out the key"),
        (f"@{SHA256}", "the image name is empty", "write the image name, or leave out the key"),
        ("Foo/bar", "must be lower-case", "did you mean foo/bar?"),
        ("quay.io/Jupyter/Base:1", "must be lower-case", "did you mean quay.io/jupyter/base?"),
        ("a:b:c", "'a:b' has a ':' or '@' in it", "each once: name:tag@digest"),
        (f"a@{SHA256}:b", "has a ':' or '@' in it|cannot be a digest", "64 hexadecimal digits"),
        ("a//b", "has an empty part", "write one '/' between two parts"),
        ("a/", "has an empty part", "write one '/' between two parts"),
        ("/a", "has an empty part", "write one '/' between two parts"),
        ("a/-b", "has the part '-b'", "write lower-case letters and digits"),
        ("Foo/-b", "has the part 'Foo'", "write lower-case letters and digits"),
        ("a._b", "has the part 'a._b'", "write lower-case letters and digits"),
        ("a/{username}", "has the part '{username}'", "write lower-case letters and digits"),
        ("-.example.org/a", "has no proper registry", "such as registry.example.org:5000"),
        ("a_b.c/d", "has no proper registry", "such as registry.example.org:5000"),
        ("registry:port/a", "has no proper registry", "such as registry.example.org:5000"),
        ("0" * 64, "is an image's id", "write the image's name"),
        ("a" * 256, "is longer than 255 characters", "shorten it"),
        ("a:-t", "'-t' cannot be a tag", "with neither '.' nor '-' first"),
        ("a:" + "t" * 129, "cannot be a tag", "at most 128 letters"),
        ("a:v1+2", "'v1\\+2' cannot be a tag", "at most 128 letters"),
        ("a:ä", "cannot be a tag", "at most 128 letters"),
        ("a@sha256:abc", "'sha256:abc' cannot be a digest", "sha256: and 64 hexadecimal digits"),
        ("a@sha256:" + "0" * 63, "has 63 digits, not 64", "copy it whole"),
        ("a@sha512:" + "0" * 64, "has 64 digits, not 128", "copy it whole"),
        ("a@" + SHA256.upper(), "cannot be a digest", "write it in lower case"),
        ("a@" + "A" * 64, "cannot be a digest", "did you mean sha256:" + "a" * 64 + "?"),
        ("a@@" + SHA256, "cannot be a digest", "leave out the '@'"),
        ("a@sha256:" + "0" * 600, "is longer than any can be", "shorten it"),
    ],
)
def test_a_wrong_reference_is_refused_with_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(Fault, match=message) as caught:
        parse_image(text)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("text", ["ubuntu", "quay.io/a/b", "registry:5000/a", "a" * 255])
def test_a_name_without_tag_and_digest_is_given_back(text: str) -> None:
    assert check_image_name(text) is text


@pytest.mark.parametrize("text", ["ubuntu:24.04", f"ubuntu@{SHA256}", "quay.io/a:b", "[::1]"])
def test_a_name_with_a_tag_or_digest_in_it_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="has a ':' or '@' in it"):
        check_image_name(text)


@pytest.mark.parametrize("text", ["latest", "1.10", "_", "89655e1", "T" * 128])
def test_a_tag_is_given_back(text: str) -> None:
    assert check_tag(text) is text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "write the tag, or leave out the key"),
        (":1.10", "did you mean 1.10?"),
        (SHA256, "this is a digest, not a tag"),
        ("@" + SHA256, "this is a digest, not a tag"),
        (".1", "with neither '.' nor '-' first"),
        ("1.10\n", "did you mean 1.10?"),
    ],
)
def test_a_wrong_tag_is_refused_with_what_to_write(text: str, hint: str) -> None:
    with pytest.raises(Fault) as caught:
        check_tag(text)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("text", [SHA256, "sha512:" + "f" * 128, "sha384:" + "f" * 96])
def test_a_digest_is_given_back(text: str) -> None:
    assert check_digest(text) is text


@relaxed
@given(images)
def test_an_image_that_was_written_is_read_back(image: Image) -> None:
    assert parse_image(str(image)) == image


@relaxed
@given(reference_like)
def test_nothing_but_a_fault_is_ever_raised_and_what_is_read_is_the_text(text: str) -> None:
    for check in (parse_image, check_image_name, check_tag, check_digest):
        found = _outcome(check, text)
        if isinstance(found, Fault):
            assert found.hint
            assert len(found.message) < 1500  # names the text twice, up to 60 characters of up to ten each
        else:
            assert str(found) == text


def _outcome(check: Callable[[str], object], text: str) -> object:
    try:
        return check(text)
    except Fault as fault:
        return fault


@pytest.mark.parametrize("text", ["a" * 10**6, "a-" * 10**5, "a/" * 10**5 + "B", "a:" * 10**5, "-" * 10**6])
def test_very_long_text_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(Fault):
        parse_image(text)
    with pytest.raises(Fault):
        parse_image(f"a@{text}")
    assert time.process_time() - started < 60  # by the square of its length it would take hours
