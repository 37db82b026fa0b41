"""Globs over images: which images they admit, part by part, and what admins are told who mistype one."""

from __future__ import annotations

from contextlib import suppress
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envspawner.policy.image_globs import parse_glob
from envspawner.policy.images import Image, parse_image
from envspawner.policy.problems import Fault

SHA256 = "sha256:" + "0123456789abcdef" * 4
relaxed = settings(deadline=None)


def admits(glob: str, typed: str) -> bool:
    """Whether a typed text is one of the images; what is no image at all is not."""
    try:
        image = parse_image(typed)
    except Fault:
        return False
    return parse_glob(glob).admits(image)


@pytest.mark.parametrize(
    ("glob", "typed"),
    [
        ("quay.io/jupyter/*", "quay.io/jupyter/scipy-notebook:2026-11-02"),
        ("quay.io/jupyter/*", f"quay.io/jupyter/x@{SHA256}"),
        ("quay.io/jupyter/*", f"quay.io/jupyter/x:1@{SHA256}"),
        ("quay.io/jupyter/*", "QUAY.io/jupyter/x:1"),
        ("Quay.IO/jupyter/*", "quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*-notebook", "quay.io/jupyter/r-notebook:1"),
        ("quay.io/*/*", "quay.io/jupyter/x:1"),
        ("quay.io/jupyter/x", "quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*:2026-*", "quay.io/jupyter/x:2026-11-02"),
        ("quay.io/jupyter/*:*", "quay.io/jupyter/x:y"),
        ("quay.io/jupyter/x:1", "quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*@sha256:*", f"quay.io/jupyter/x@{SHA256}"),
        ("quay.io/jupyter/*@sha256:*", f"quay.io/jupyter/x:1@{SHA256}"),
        (f"quay.io/jupyter/x@{SHA256}", f"quay.io/jupyter/x@{SHA256}"),
        ("jupyter/*", "jupyter/x:1"),
        ("jupyter/*", "docker.io/jupyter/x:1"),
        ("docker.io/jupyter/*", "jupyter/x:1"),
        ("docker.io/jupyter/*", "index.docker.io/jupyter/x:1"),
        ("docker.io/library/*", "ubuntu:24.04"),
        ("docker.io/*", "ubuntu:24.04"),
        ("ubuntu", "docker.io/library/ubuntu:24.04"),
        ("ubuntu", "docker.io/ubuntu:24.04"),
        ("registry.example.org:5000/*", "registry.example.org:5000/x:1"),
        ("localhost/*", "localhost/x:1"),
        ("[::1]:5000/*", "[::1]:5000/x:1"),
        ("*.example.org/team/*", "eu.example.org/team/x:1"),
        ("*.example.org/team/*", "a.b.Example.org/team/x:1"),
    ],
)
def test_an_image_that_fits_is_admitted(glob: str, typed: str) -> None:
    assert admits(glob, typed)


@pytest.mark.parametrize(
    ("glob", "typed"),
    [
        ("quay.io/jupyter/*", "quay.io/jupyter/x/../../evil:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/../evil:1"),
        ("quay.io/jupyter/*", "quay.io.evil/jupyter/x:1"),
        ("quay.io/jupyter/*", "quay.io:5000/jupyter/x:1"),
        ("quay.io/jupyter/*", "evil.quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*", "evil.io/quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*", "evil@quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x/y:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x:"),
        ("quay.io/jupyter/*", "quay.io/jupyter/X:1"),
        ("quay.io/jupyter/*", "quay.io/Jupyter/x:1"),
        ("quay.io/jupyter/*", "quay.io/jupyterx/x:1"),
        ("quay.io/jupyter/*", "jupyter/x:1"),
        ("quay.io/jupyter/*", "https://quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*", "quay.io//jupyter/x:1"),
        ("quay.io/jupyter/*", "quay.io\\jupyter\\x:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x:1\n"),
        ("quay.io/jupyter/*", "\nquay.io/jupyter/x:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x:1\x00"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x:1 --privileged"),
        ("quay.io/jupyter/*", "quay.io/jupyter/x:1;rm"),
        ("quay.io/jupyter/*", "quay.io/jupyter/*:1"),
        ("quay.io/jupyter/*", "quay.io/jupyter/х:1"),  # a Cyrillic letter
        ("quay.io/jupyter/*", "quay․io/jupyter/x:1"),  # a one dot leader
        ("quay.io/jupyter/*", "quay.io∕jupyter/x:1"),  # a division slash
        ("quay.io/jupyter/*:2026-*", "quay.io/jupyter/x:2025-11-02"),
        ("quay.io/jupyter/*:2026-*", "quay.io/jupyter/x:2026-"),
        ("quay.io/jupyter/*:2026-*", f"quay.io/jupyter/x@{SHA256}"),
        ("quay.io/jupyter/*:2026-*", f"quay.io/jupyter/x:2026-1@{SHA256}"),  # whose tag nobody looks at
        ("quay.io/jupyter/x:1", "quay.io/jupyter/x:10"),
        ("quay.io/jupyter/*@sha256:*", "quay.io/jupyter/x:1"),
        ("quay.io/jupyter/*@sha256:*", "quay.io/jupyter/x@sha512:" + "0" * 128),
        (f"quay.io/jupyter/x@{SHA256}", "quay.io/jupyter/x@sha256:" + "0" * 64),
        ("docker.io/*", "jupyter/x:1"),
        ("docker.io/library/*", "docker.io.evil/library/x:1"),
        ("jupyter/*", "quay.io/jupyter/x:1"),
        ("jupyter/*", "jupyter:1"),
        ("registry.example.org:5000/*", "registry.example.org/x:1"),
        ("registry.example.org/*", "registry.example.org:5000/x:1"),
        ("*.example.org/team/*", "example.org/team/x:1"),
        ("*.example.org/team/*", "evil-example.org/team/x:1"),
        ("*.example.org/team/*", "eu.example.org:5000/team/x:1"),
        ("*.example.org/team/*", "eu.example.org.evil/team/x:1"),
        ("*.example.org/team/*", "evil.io/x.example.org/team/x:1"),
    ],
)
def test_nothing_else_passes_for_it(glob: str, typed: str) -> None:
    assert not admits(glob, typed)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("*", "does not say which registry", "on Docker Hub this is docker.io/library/*"),
        ("*/x", "does not say which registry", "on Docker Hub this is docker.io/*/x"),
        ("scipy-*:1", "does not say which registry", "on Docker Hub this is docker.io/library/scipy-*"),
        ("*" + "x" * 300, "does not say which registry", None),
        ("quay.io*/x", "has no proper registry", "as *.example.org"),
        ("*.io/x", "has no proper registry", "as *.example.org"),
        ("*.*.org/x", "has no proper registry", "as *.example.org"),
        ("quay.io:*/x", "has no proper registry", "as *.example.org"),
        ("qu_ay.io/x", "has no proper registry", "such as registry.example.org:5000"),
        ("quay.io/jupyter/**", "has a '**'", "one * for each part"),
        ("quay.io/jupyter/", "ends with a '/'", "write a * after it"),
        ("quay.io/Jupyter/*", "has the part 'Jupyter', which no image has", "write lower-case letters"),
        ("quay.io//x", "has the part '', which no image has", "write lower-case letters"),
        ("quay.io/../x", "has the part '..', which no image has", "write lower-case letters"),
        ("quay.io/x:1 2", "has a blank in it", "leave out the blanks"),
        ("https://quay.io/*", "is an address", "did you mean quay.io/*?"),
        ("quay.io/x:-*", "cannot be a tag", "at most 128 letters"),
        ("quay.io/x@sha256:ab", "cannot be a digest", "64 hexadecimal digits"),
        ("quay.io/x@sha256:ab*", "cannot be a digest", "64 hexadecimal digits"),
        ("quay.io/x:*@sha256:*", "has a tag and a digest", "leave out the tag"),
        ("quay.io/x:", "has no tag after its ':'", "leave out the ':'"),
        (":1", "names no image", "such as quay.io/jupyter/*"),
        ("", "the image is empty", "write the image"),
    ],
)
def test_a_wrong_glob_is_told(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(Fault) as caught:
        parse_glob(text)
    assert message in caught.value.message
    assert caught.value.hint is None if hint is None else hint in (caught.value.hint or "")


# --- a slow and obvious oracle -----------------------------------------------------------------------------

words = st.sampled_from(["a", "b", "ab", "a-b", "aab"])
hosts = st.sampled_from(["", "docker.io/", "index.docker.io/", "a.b/", "a.b:5/", "x.a.b/", "localhost/"])
versions = st.sampled_from(["", ":a", ":ab", ":b-a", f"@{SHA256}", f":a@{SHA256}"])
globbed = st.sampled_from(["a", "*", "a*", "*b", "a*b", "*a*"])
glob_hosts = st.sampled_from(["docker.io/", "a.b/", "a.b:5/", "*.a.b/", "localhost/", "A.b/"])
glob_versions = st.sampled_from(["", ":a", ":a*", ":*", "@sha256:*", f"@{SHA256}"])


def whole(image: str) -> str:
    """The name with everything that a runtime puts in where it is left out."""
    first, slash, rest = image.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first):
        first, rest = "docker.io", image
    first = first.lower().removeprefix("index.")
    return f"{first}/library/{rest}" if first == "docker.io" and "/" not in rest else f"{first}/{rest}"


def obviously(glob: str, glob_version: str, name: str, version: str) -> bool:
    one, other = whole(glob).split("/"), whole(name).split("/")
    if len(one) != len(other):
        return False
    for index, (pattern, part) in enumerate(zip(one, other, strict=True)):
        # fnmatch's * takes nothing too, ours at least one character.
        if not fnmatchcase(part, pattern.replace("*", "?*")):
            return False
        if index == 0 and ("*" in pattern) and (":" in part):
            return False
    if not glob_version:
        return version != ""
    wanted = "@" + version.partition("@")[2] if glob_version.startswith("@") else version
    return fnmatchcase(wanted, glob_version.replace("*", "?*")) and ("@" in wanted) == ("@" in glob_version)


@relaxed
@given(
    glob_hosts, st.lists(globbed, min_size=1, max_size=3), glob_versions,
    hosts, st.lists(words, min_size=1, max_size=3), versions,
)  # fmt: skip
@example("docker.io/", ["*"], "", "", ["a"], ":a")
def test_a_glob_admits_what_a_slow_comparison_admits(
    glob_host: str, glob_path: list[str], glob_version: str, host: str, path: list[str], version: str
) -> None:
    glob, name = glob_host + "/".join(glob_path), host + "/".join(path)
    expected = obviously(glob, glob_version, name, version)
    assert parse_glob(glob + glob_version).admits(parse_image(name + version)) is expected


@relaxed
@given(st.text("aA*./:@-_ [\x00\n", max_size=20) | st.text(max_size=40))
def test_any_text_is_a_glob_or_a_fault(text: str) -> None:
    with suppress(Fault):
        assert not parse_glob(text).admits(Image("evil.example/x", "1"))
