"""A failed copy is told, changes nothing, and is tried again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envspawner.pod.starter_files import StarterFiles

from .containers import (
    PART,
    ROOT,
    SIGN,
    Pod,
    SmallDisk,
    hand_over,
    tree,
    write,
)


def test_missing_source_is_told_and_tried_again(pod: Pod, place: Path) -> None:
    entry = StarterFiles(f"{place}/later")
    pod.assert_failed(
        pod.start(entry), f"could not copy {place}/later to {pod.home}: there is no such folder"
    )
    write(place / "later", {"a": "x"})
    assert pod.start(entry).returncode == 0
    assert sorted(path.name for path in pod.home.iterdir()) == [".copied", "a"]


def test_file_where_the_target_should_be_is_told(pod: Pod) -> None:
    write(pod.home, {"file": "mine"})
    assert pod.start(StarterFiles(str(pod.image), "file")).returncode == 0
    assert pod.start(StarterFiles(str(pod.image), "file/deeper")).returncode == 0
    assert len(pod.log.read_text().splitlines()) == 2
    assert sorted(pod.got()) == [b"file"]


def test_file_as_source_is_told(pod: Pod) -> None:
    write(pod.image, {"a": "x"})
    pod.assert_failed(pod.start(StarterFiles(f"{pod.image}/a")), "there is no such folder")


@pytest.mark.parametrize("closed", ["file", "folder/file", "folder", "."])
def test_partly_unreadable_source_is_told_and_copied_when_it_is_cured(pod: Pod, closed: str) -> None:
    write(pod.image, {"a": "x", "file": "x", "folder/file": "x", "z": "x"})
    mode = (pod.image / closed).stat().st_mode
    (pod.image / closed).chmod(0)
    pod.assert_failed(pod.start(), "")
    assert sorted(pod.got()) == [b".copied.failed"]
    (pod.image / closed).chmod(mode)
    assert pod.start().returncode == 0
    assert pod.got() == tree(pod.image)


def test_a_thousand_errors_become_twenty_lines(pod: Pod) -> None:
    write(pod.image, {f"file{number}": "x" for number in range(1000)})
    for path in pod.image.iterdir():
        path.chmod(0)
    pod.assert_failed(pod.start(), "Permission denied")
    assert len(pod.log.read_text().splitlines()) == 20


def test_full_disk_is_told_and_finished_when_there_is_room(pod: Pod, small_disk: SmallDisk) -> None:
    write(pod.image, {"big": "x" * 300_000, "a": "x"})
    write(pod.home, {"mine": "mine"})
    hand_over(pod.home)
    pod.assert_failed(pod.start(prelude=small_disk.prelude()), "No space left" if small_disk.mounted else "")
    assert sorted(pod.got()) == [b".copied.failed", b"mine"]
    (pod.image / "big").write_text("x" * 200_000)
    assert pod.start(prelude=small_disk.prelude()).returncode == 0
    assert sorted(pod.got()) == [b"a", b"big", b"mine"]


def test_disk_full_to_the_last_byte_is_told_on_the_log(pod: Pod, small_disk: SmallDisk) -> None:
    write(pod.image, {"a": "x"})
    small_disk.fill(pod.home / "mine")
    before = tree(pod.home)
    pod.log = Path("/not/there")
    result = pod.start(prelude=small_disk.prelude(0))
    assert result.returncode == 0
    assert "could not copy" in result.stderr
    assert tree(pod.home) == before


def test_leftover_that_filled_the_disk_is_no_obstacle(pod: Pod, small_disk: SmallDisk) -> None:
    """The sign in it cannot be renewed before the rest is gone."""
    write(pod.image, {"a": "x"})
    write(pod.home, {f"{PART}/{SIGN}": "", f"{PART}/files/big": ""})
    small_disk.fill(pod.part / "files/big")
    hand_over(pod.home)
    assert pod.start(prelude=small_disk.prelude()).returncode == 0
    assert sorted(pod.got()) == [b"a"]


def test_read_only_home_is_told_on_the_log(pod: Pod) -> None:
    write(pod.image, {"a": "x"})
    pod.home.chmod(0o555)
    pod.assert_failed(pod.start(), "", noted=False)
    pod.assert_failed(pod.start(StarterFiles(str(pod.image), "new/folder")), "", noted=False)


def test_home_of_somebody_else_is_told_on_the_log(pod: Pod) -> None:
    write(pod.image, {"a": "x"})
    if ROOT:
        os.chown(pod.home, 0, 0)
    else:
        pod.home = Path("/usr")
    pod.assert_failed(pod.start(), "Permission denied", noted=False)


@pytest.mark.parametrize("target", [None, "a,/b"])
@pytest.mark.parametrize("home", ["", "relative"])
def test_missing_home_is_told(pod: Pod, home: str, target: str | None) -> None:
    pod.env = {"HOME": home}
    result = pod.start(StarterFiles(str(pod.image), target))
    assert (result.returncode, result.stderr) == (0, "")
    assert "HOME is not set" in pod.log.read_text()


def test_owner_and_times_that_cannot_be_kept_are_no_failure(pod: Pod) -> None:
    """GNU cp fails where root may not give files away (no CAP_CHOWN, NFS); then it is asked to do without."""
    write(pod.image, {"a": "x", "d/b": "x", "old/c/d": "x"})
    (pod.image / "a").chmod(0o777)
    (pod.image / "d").chmod(0o555)
    write(pod.home, {"old/mine": "mine"})
    hand_over(pod.home)
    stubborn = (
        'cp() { command cp "$@"; case $1 in *p*) echo "failed to preserve ownership" >&2; return 1 ;; esac; }'
    )
    assert pod.start(prelude=f"umask 077; {stubborn}").returncode == 0
    assert not pod.log.read_text()
    assert pod.got() == tree(pod.image) | {b"old/mine": ("-rw-r--r--", b"mine")}


def test_where_the_log_cannot_be_written_stderr_gets_the_message(pod: Pod) -> None:
    pod.log = pod.log.with_name("not-there") / "log"
    result = pod.start(StarterFiles("/not there"))
    assert result.returncode == 0
    assert "could not copy /not there to" in result.stderr


def test_note_is_renewed_and_goes_after_a_success(pod: Pod, place: Path) -> None:
    for name in ("one", "two"):
        pod.start(StarterFiles(f"/not/there/{name}"))
        assert f"/not/there/{name}" in pod.note.read_text()
        assert "Nothing of yours was changed" in pod.note.read_text()
    pod.start()
    assert not pod.note.exists()


@pytest.mark.parametrize("kind", ["file", "empty", "folder", "symlink", "dangling"])
def test_note_never_replaces_what_is_the_users(pod: Pod, place: Path, kind: str) -> None:
    note = ".copied.failed"
    write(pod.home, {"mine": "mine"})
    if kind == "symlink":
        (pod.home / note).symlink_to("mine")
    else:
        one = {"file": {note: "my own words"}, "empty": {note: ""}, "folder": {f"{note}/": ""}}
        write(pod.home, one.get(kind, {note: None}))
    hand_over(pod.home)
    before = tree(pod.home)
    assert pod.start(StarterFiles("/not/there")).returncode == 0
    assert tree(pod.home) == before
    assert pod.start().returncode == 0
    assert pod.got() == before


def test_required_entry_fails_the_hook_after_the_others_were_tried(pod: Pod) -> None:
    write(pod.image, {"a": "x"})
    entries = [StarterFiles("/not/there", marker=".required", required=True), StarterFiles(str(pod.image))]
    result = pod.start(*entries, own=["/bin/sh", "-c", "echo called"])
    assert (result.returncode, result.stdout) == (1, "")
    assert (pod.home / "a").exists()
    assert (pod.home / ".required.failed").exists()
