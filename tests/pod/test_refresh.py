"""What later starts bring of a newer image, and what they leave alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from envspawner.pod.starter_files import StarterFiles

from .containers import SIGN, Pod, SmallDisk, Tree, hand_over, tree, write

ODD = [
    "two words",
    " leading and trailing ",
    "new\nline",
    "ends with newline\n",
    "\nbegins with one",
    "two\n\nnewlines",
    "tab\tand\\backslash",
    "return\r",
    "quotes ' \" `",
    "$HOME $(reboot) ${x}",
    "*",
    "-rf",
    "--",
    "...",
    ".hidden",
    "=x",
    "nn",
    "größe.txt",
    os.fsdecode(b"latin1-\xe9"),
    "x" * 255,
]
BOTH = ["new-files", "unmodified"]
WITH_TOOLS_OF_THEIR_OWN = ["dash", "bash"]
"""Busybox's shell has its tools built in, so that none can be taken away."""


def entry(pod: Pod, refresh: str) -> StarterFiles:
    return StarterFiles(str(pod.image), refresh=refresh)


def starts(pod: Pod, refresh: str) -> Tree:
    """A server starts and nothing goes wrong. What is in the home then."""
    result = pod.start(entry(pod, refresh))
    assert (result.returncode, result.stdout, result.stderr, pod.log.read_text()) == (0, "", "", "")
    assert not pod.part.exists()
    return pod.got()


def mine(pod: Pod, files: Mapping[str, str]) -> None:
    """The user writes files."""
    for name, text in files.items():
        (pod.home / name).write_text(text)
    hand_over(pod.home)


# --- what is new -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh", BOTH)
def test_new_files_and_folders_arrive(pod: Pod, refresh: str) -> None:
    write(pod.image, {"old/a": "x", "old/deep/b": "x", "c": "x"})
    starts(pod, refresh)
    for name in ODD:
        write(
            pod.image,
            {name: "new", f"old/{name}": "new", f"old/deep/dir {name[:40]}/{name[:40]}/{name}": "new"},
        )
    write(pod.image, {"link": None, "empty/": None, "old/link": None})
    assert starts(pod, refresh) == tree(pod.image)


def test_new_files_leave_what_is_there_as_it_is(pod: Pod) -> None:
    write(pod.image, {"untouched": "1", "edited": "1", "folder/untouched": "1"})
    starts(pod, "new-files")
    mine(pod, {"edited": "mine"})
    write(pod.image, {"untouched": "22", "edited": "22", "folder/untouched": "22", "folder/new": "22"})
    found = starts(pod, "new-files")
    assert {path.decode(): content.decode() for path, (_, content) in found.items()} == {
        "untouched": "1",
        "edited": "mine",
        "folder": "",
        "folder/untouched": "1",
        "folder/new": "22",
    }


@pytest.mark.parametrize("refresh", BOTH)
def test_what_the_user_deleted_stays_away(pod: Pod, refresh: str) -> None:
    write(
        pod.image,
        {"file": "1", "folder/file": "1", "other/file": "1", "link": None, **dict.fromkeys(ODD, "1")},
    )
    starts(pod, refresh)
    for name in ["file", "folder/file", "other/file", "link", *ODD]:
        (pod.home / name).unlink()
    (pod.home / "folder").rmdir()
    write(
        pod.image, {"file": "2", "folder/file": "2", "folder/new": "2", "other/file": "2", "other/new": "2"}
    )
    assert sorted(starts(pod, refresh)) == [b"other", b"other/new"]
    write(pod.image, {"third": "3"})
    assert sorted(starts(pod, refresh)) == [b"other", b"other/new", b"third"]


@pytest.mark.parametrize("refresh", BOTH)
def test_what_was_away_from_the_image_for_a_while_was_still_deleted(pod: Pod, refresh: str) -> None:
    write(pod.image, {"a": "1", "b": "1"})
    starts(pod, refresh)
    (pod.home / "a").unlink()
    (pod.image / "a").unlink()
    write(pod.image, {"c": "2"})
    assert sorted(starts(pod, refresh)) == [b"b", b"c"]
    write(pod.image, {"a": "3", "d": "3"})
    assert sorted(starts(pod, refresh)) == [b"b", b"c", b"d"]


@pytest.mark.parametrize("refresh", BOTH)
def test_a_file_of_the_users_own_is_theirs_though_the_image_has_one_now(pod: Pod, refresh: str) -> None:
    write(pod.image, {"a": "1"})
    starts(pod, refresh)
    mine(pod, {"notes": "mine"})
    write(pod.image, {"notes": "22"})
    assert starts(pod, refresh)[b"notes"][1] == b"mine"
    (pod.home / "notes").unlink()
    assert sorted(starts(pod, refresh)) == [b"a"]


def test_deleting_the_marker_asks_for_everything_again(pod: Pod) -> None:
    write(pod.image, {"a": "1", "b": "1"})
    starts(pod, "new-files")
    (pod.home / "a").unlink()
    mine(pod, {"b": "mine"})
    pod.marker.unlink()
    assert starts(pod, "new-files") == {b"a": ("-rw-r--r--", b"1"), b"b": ("-rw-r--r--", b"mine")}


# --- what the user never touched -------------------------------------------------------------------------------


def test_untouched_files_are_updated_whole_with_their_modes(pod: Pod) -> None:
    write(
        pod.image,
        {"folder/sub/a": "1", **{f"{where}{name}": "1" for where in ("", "folder/") for name in ODD}},
    )
    starts(pod, "unmodified")
    for path in [
        pod.image / "folder/sub/a",
        *(pod.image / where / name for where in ("", "folder") for name in ODD),
    ]:
        path.write_text("the second")
        path.chmod(0o755)
    assert starts(pod, "unmodified") == tree(pod.image)


def test_edited_and_replaced_files_are_not_updated(pod: Pod, place: Path) -> None:
    names = ["edited", "folder", "link", "dangling", "sub/edited", "same size"]
    write(
        pod.image,
        dict.fromkeys(names, "1") | {"sub/untouched": "1", "away/file": "1", "away/deep/file": "1"},
    )
    write(place / "outside", {"file": "1", "deep/file": "1"})
    hand_over(place / "outside")
    starts(pod, "unmodified")
    mine(pod, {"edited": "mine", "sub/edited": "mine", "same size": "7"})
    for name in ("folder", "link", "dangling", "away/file", "away/deep/file"):
        (pod.home / name).unlink()
    (pod.home / "away/deep").rmdir()
    (pod.home / "away").rmdir()
    (pod.home / "folder").mkdir()
    (pod.home / "link").symlink_to(place / "outside/file")
    (pod.home / "dangling").symlink_to("nowhere")
    (pod.home / "away").symlink_to(place / "outside")
    outside = tree(place / "outside")
    expected = pod.got() | {b"sub/untouched": ("-rw-r--r--", b"22")}
    write(pod.image, dict.fromkeys(names, "2") | {"sub/untouched": "22"})
    write(pod.image, {"away/file": "22", "away/deep/file": "22", "away/new": "22", "folder2": "22"})
    hand_over(pod.home)
    assert starts(pod, "unmodified") == expected | {b"folder2": ("-rw-r--r--", b"22")}
    assert tree(place / "outside") == outside


def test_an_older_image_brings_the_older_content_back(pod: Pod) -> None:
    for content in ("first", "second", "first", "third"):
        write(pod.image, {"a": content, "folder/b": content})
        assert starts(pod, "unmodified") == tree(pod.image)


def test_what_was_edited_once_and_is_as_it_was_again_is_updated(pod: Pod) -> None:
    write(pod.image, {"a": "first"})
    starts(pod, "unmodified")
    mine(pod, {"a": "mine"})
    write(pod.image, {"a": "second"})
    assert starts(pod, "unmodified")[b"a"][1] == b"mine"
    mine(pod, {"a": "first"})
    write(pod.image, {"a": "third"})
    assert starts(pod, "unmodified")[b"a"][1] == b"third"


def test_an_edit_at_the_very_moment_of_the_update_wins(pod: Pod) -> None:
    write(pod.image, {"a": "first", "b": "first"})
    starts(pod, "unmodified")
    write(pod.image, {"a": "second", "b": "second"})
    edit = f"cp() {{ echo mine >'{pod.home}/a'; command cp \"$@\"; }}"
    assert pod.start(entry(pod, "unmodified"), prelude=edit).returncode == 0
    assert "were edited at the same time" in pod.note.read_text()
    assert (pod.home / "a").read_text() == "mine\n"
    pod.log.write_text("")
    found = starts(pod, "unmodified")
    assert (found[b"a"][1], found[b"b"][1]) == (b"mine\n", b"second")
    assert not pod.note.exists()


def test_a_volume_within_the_home_is_refreshed_by_renames_too(pod: Pod) -> None:
    """Between two mounts `ln` fails and `mv` copies bit by bit: here both refuse."""
    write(pod.image, {"shared/a": "1", "shared/sub/b": "1"})
    starts(pod, "unmodified")
    write(pod.image, {"shared/a": "22", "shared/sub/b": "22", "shared/sub/new": "22", "shared/dir/new": "22"})
    volume = f"""
    same_volume() {{
        for last; do :; done
        case $1 in '{pod.home}/shared/'*) one=1 ;; *) one=0 ;; esac
        case $last in '{pod.home}/shared/'*) two=1 ;; *) two=0 ;; esac
        [ $one = $two ] || {{ echo 'Invalid cross-device link' >&2; return 1; }}
    }}
    ln() {{ same_volume "$@" && command ln "$@"; }}
    mv() {{ shift; same_volume "$@" && command mv -f "$@"; }}
    """
    assert pod.start(entry(pod, "unmodified"), prelude=volume).returncode == 0
    assert (pod.got(), pod.log.read_text()) == (tree(pod.image), "")


@pytest.mark.parametrize("pod", WITH_TOOLS_OF_THEIR_OWN, indirect=True)
@pytest.mark.parametrize("missing", [["sha256sum"], ["cksum"], ["sha256sum", "cksum"]])
def test_either_tool_for_checksums_will_do_and_none_is_told(pod: Pod, missing: list[str]) -> None:
    for tool in missing:
        (pod.sh.parent / tool).unlink()
    write(pod.image, {"a": "first", "new\nline": "first"})
    if len(missing) == 2:
        pod.assert_failed(
            pod.start(entry(pod, "unmodified")), "there is neither sha256sum nor cksum in the image"
        )
        starts(pod.another(pod.home.parent / "other"), "new-files")
        return
    starts(pod, "unmodified")
    write(pod.image, {"a": "second", "new\nline": "second"})
    assert starts(pod, "unmodified") == tree(pod.image)


@pytest.mark.parametrize("pod", WITH_TOOLS_OF_THEIR_OWN, indirect=True)
def test_another_tool_than_last_time_takes_nothing_for_untouched_that_was_edited(pod: Pod) -> None:
    write(pod.image, {"a": "first", "b": "first"})
    starts(pod, "unmodified")
    mine(pod, {"b": "mine"})
    (pod.sh.parent / "sha256sum").unlink()
    starts(pod, "unmodified")
    write(pod.image, {"a": "second", "b": "second"})
    found = starts(pod, "unmodified")
    assert (found[b"a"][1], found[b"b"][1]) == (b"second", b"mine")


# --- other markers, other words --------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh", BOTH)
def test_with_a_classic_marker_the_first_image_counts_as_known(pod: Pod, refresh: str) -> None:
    write(pod.image, {"a": "1", "b": "1", "c": "1"})
    write(pod.home, {".copied": "", "a": "1", "c": "mine"})
    hand_over(pod.home)
    before = pod.got()
    assert starts(pod, refresh) == before
    write(pod.image, {"a": "22", "b": "22", "c": "22", "d": "22"})
    found = starts(pod, refresh)
    assert sorted(found) == [b"a", b"c", b"d"]
    assert found[b"a"][1] == (b"22" if refresh == "unmodified" else b"1")
    assert found[b"c"][1] == b"mine"


def test_a_first_copy_is_remembered_whatever_is_to_be_refreshed(pod: Pod) -> None:
    write(pod.image, {"a": "1", "b": "1", "c": "1"})
    starts(pod, "never")
    (pod.home / "b").unlink()
    write(pod.image, {"d": "2"})
    assert sorted(starts(pod, "new-files")) == [b"a", b"c", b"d"]
    mine(pod, {"c": "mine"})
    starts(pod, "unmodified")
    write(pod.image, {"a": "33", "b": "33", "c": "33"})
    found = starts(pod, "unmodified")
    assert (found[b"a"][1], found[b"c"][1], b"b" in found) == (b"33", b"mine", False)


def test_an_image_that_held_nothing_at_first_brings_what_it_holds_now(pod: Pod) -> None:
    starts(pod, "new-files")
    write(pod.image, {"a": "1"})
    assert starts(pod, "new-files") == tree(pod.image)


@pytest.mark.parametrize("kind", ["text", "folder", "symlink", "dangling"])
def test_a_marker_that_is_not_ours_is_left_alone_and_told(pod: Pod, kind: str) -> None:
    write(pod.image, {"a": "1"})
    write(pod.home, {"mine": "my own words"})
    if kind in ("symlink", "dangling"):
        pod.marker.symlink_to("mine" if kind == "symlink" else "nowhere")
    else:
        write(pod.home, {".copied": "my own words"} if kind == "text" else {".copied/": None})
    hand_over(pod.home)
    before = tree(pod.home)
    assert pod.start(entry(pod, "unmodified")).returncode == 0
    assert "is not our file" in pod.note.read_text()
    pod.note.unlink()
    assert tree(pod.home) == before


def test_names_of_ours_are_not_taken_from_a_newer_image(pod: Pod) -> None:
    write(pod.image, {"a": "1"})
    starts(pod, "unmodified")
    write(pod.image, {".copied": "2", ".copied.failed": "2", f".copied.part.x/{SIGN}": "2", ".copied2": "2"})
    assert sorted(starts(pod, "unmodified")) == [b".copied2", b"a"]


# --- what does not change --------------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh", BOTH)
def test_an_image_with_nothing_new_changes_nothing_and_writes_nothing(pod: Pod, refresh: str) -> None:
    write(pod.image, {"a": "1", "folder/b": "1"})
    starts(pod, refresh)
    (pod.home / "a").unlink()
    (pod.image / "folder/b").unlink()
    before = tree(pod.home), pod.marker.stat().st_mtime_ns
    forbidden = ["cp", "mv", "ln", "mkdir", "rm", "rmdir"]
    prelude = "\n".join(f"{tool}() {{ echo {tool} >>'{pod.log}'; }}" for tool in forbidden)
    pod.home.chmod(0o555)
    assert pod.start(entry(pod, refresh), prelude=prelude).returncode == 0
    pod.home.chmod(0o755)
    assert (tree(pod.home), pod.marker.stat().st_mtime_ns) == before
    assert pod.log.read_text() == ""


def test_a_full_disk_is_no_obstacle_where_nothing_is_new(pod: Pod, small_disk: SmallDisk) -> None:
    write(pod.image, {"a": "x"})
    starts(pod, "unmodified")
    small_disk.fill(pod.home / "mine")
    before = tree(pod.home)
    assert pod.start(entry(pod, "unmodified"), prelude=small_disk.prelude(0)).returncode == 0
    assert (tree(pod.home), pod.log.read_text()) == (before, "")
