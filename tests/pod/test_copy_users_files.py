"""A user's files are never overwritten or lost when starter files arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from envspawner.pod.starter_files import StarterFiles

from .containers import (
    Pod,
    hand_over,
    tree,
    write,
)


def test_existing_files_folders_and_symlinks_win(pod: Pod) -> None:
    image = {
        "file": "x",
        "folder/in": "x",
        "link": "x",
        "dangling": "x",
        "dangling folder/in": "x",
        "empty": "x",
    }
    write(
        pod.image, image | {"linked folder/in": "x", "new": "x", "deep/down/file": "x", "deep/down/new": "x"}
    )
    (pod.image / "a link").symlink_to("/etc")
    write(pod.home, {"file/mine": "mine", "folder": "mine", "target": "mine", "dangling": None, "empty": ""})
    write(pod.home, {"dangling folder": None, "a link": "mine", "deep/down/file": "mine", "other/": ""})
    (pod.home / "link").symlink_to("target")
    (pod.home / "linked folder").symlink_to("other")
    expected = tree(pod.home) | {b"new": ("-rw-r--r--", b"x"), b"deep/down/new": ("-rw-r--r--", b"x")}
    hand_over(pod.home)
    assert pod.start().returncode == 0
    assert pod.got() == expected


@pytest.mark.parametrize("links", ["hard links work", "no hard links"])
def test_folder_on_both_sides_is_merged(pod: Pod, links: str) -> None:
    write(
        pod.image,
        {"d/a": "x", "d/b": "x", "d/new/c": "x", "d/e/f": "x", "d/.h": "x", "g": "x", "locked/l": "x"},
    )
    (pod.image / "d/link").symlink_to("nowhere")
    write(pod.home, {"d/a": "mine", "d/e/mine": "mine", "h": "mine"})
    for locked in ("locked", "d/new", "d"):
        (pod.image / locked).chmod(0o555)
    expected = tree(pod.image) | tree(pod.home)
    hand_over(pod.home)
    inode = (pod.home / "d/a").stat().st_ino
    result = pod.start(prelude="" if links == "hard links work" else "ln() { return 1; }")
    assert (result.returncode, pod.log.read_text()) == (0, "")
    assert pod.got() == expected
    assert (pod.home / "d/a").stat().st_ino == inode


def test_file_made_in_the_very_moment_wins_without_hard_links_too(pod: Pod) -> None:
    write(pod.image, {"README": "x", "other": "x"})
    moment = f"""
    ln() {{ return 1; }}
    mv() {{ taken '{pod.home}/README' || echo mine >'{pod.home}/README'; command mv "$@"; }}
    """
    assert pod.start(prelude=moment).returncode == 0
    assert pod.log.read_text() == ""
    assert pod.got() == {b"README": ("-rw-r--r--", b"mine\n"), b"other": ("-rw-r--r--", b"x")}


def test_without_hard_links_and_with_an_old_mv_files_arrive(pod: Pod) -> None:
    write(pod.image, {"a": "x", "d/b": "x"})
    old = 'ln() { return 1; }\nmv() { [ "$1" != -n ] || return 1; command mv "$@"; }'
    assert pod.start(prelude=old).returncode == 0
    assert sorted(pod.got()) == [b"a", b"d", b"d/b"]


def test_what_goes_to_another_volume_in_the_home_is_staged_there(pod: Pod) -> None:
    """Between two mounts `ln` fails and `mv` copies bit by bit: here both refuse."""
    write(pod.image, {"shared/a": "x", "shared/new/b": "x", "shared/old/c": "x", "shared/old/new/d": "x"})
    write(pod.home, {"shared/old/mine": "mine", "shared/read me": "mine"})
    (pod.image / "shared/new").chmod(0o555)
    expected = tree(pod.image) | tree(pod.home)
    hand_over(pod.home)
    volume = f"""
    same_volume() {{
        for last; do :; done
        case $1 in '{pod.home}/shared/'*) one=1 ;; *) one=0 ;; esac
        case $last in '{pod.home}/shared/'*) two=1 ;; *) two=0 ;; esac
        [ $one = $two ] || {{ echo 'Invalid cross-device link' >&2; return 1; }}
    }}
    ln() {{ same_volume "$@" && command ln "$@"; }}
    mv() {{ shift; same_volume "$@" && command mv "$@"; }}
    """
    assert pod.start(prelude=volume).returncode == 0
    assert (pod.got(), pod.log.read_text()) == (expected, "")


def test_folder_without_write_permission_is_fine_if_it_lacks_nothing(pod: Pod) -> None:
    write(pod.image, {"shared/a": "x", "shared/deep/b": "x", "new": "x"})
    write(pod.home, {"shared/a": "mine", "shared/deep/b": "mine"})
    hand_over(pod.home)
    (pod.home / "shared/deep").chmod(0o555)
    (pod.home / "shared").chmod(0o555)
    assert pod.start().returncode == 0
    assert pod.marker.exists()
    assert (pod.home / "new").exists()


def test_one_closed_folder_does_not_keep_the_rest_out(pod: Pod) -> None:
    write(pod.image, {"a/new": "x", "b/new": "x", "c": "x", ".d": "x"})
    write(pod.home, {"a/mine": "mine"})
    hand_over(pod.home)
    (pod.home / "a").chmod(0o555)
    pod.assert_failed(pod.start(), "Permission denied")
    assert sorted(pod.got()) == [b".copied.failed", b".d", b"a", b"a/mine", b"b", b"b/new", b"c"]
    (pod.home / "a").chmod(0o755)
    assert pod.start().returncode == 0
    assert sorted(pod.got()) == [b".d", b"a", b"a/mine", b"a/new", b"b", b"b/new", b"c"]


def test_source_in_the_home_is_copied(pod: Pod) -> None:
    write(pod.home, {"starter/a/b": "x", "starter/starter": "x"})
    hand_over(pod.home)
    assert pod.start(StarterFiles(f"{pod.home}/starter")).returncode == 0
    assert sorted(pod.got()) == [b"a", b"a/b", b"starter", b"starter/a", b"starter/a/b", b"starter/starter"]


@pytest.mark.parametrize("source", ["home", "above", "symlink", "root"])
def test_source_that_holds_the_target_is_refused(pod: Pod, place: Path, source: str) -> None:
    (place / "link").symlink_to(pod.home)
    write(pod.home, {"mine": "mine"})
    hand_over(pod.home)
    path = {"home": pod.home, "above": pod.home.parent, "symlink": place / "link", "root": Path("/")}[source]
    result = pod.start(StarterFiles(str(path)), prelude="cp() { echo 'it copies' >&2; return 1; }")
    pod.assert_failed(result, "a folder cannot be copied into itself")
    assert sorted(pod.got()) == [b".copied.failed", b"mine"]


def test_folder_with_a_longer_name_is_not_inside(pod: Pod) -> None:
    source = pod.home.with_name(pod.home.name[:-1])
    write(source, {"a": "x"})
    assert pod.start(StarterFiles(str(source))).returncode == 0
    assert sorted(pod.got()) == [b"a"]
