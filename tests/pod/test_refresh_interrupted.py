"""A refresh that is interrupted, fails, takes too long or runs twice at once loses nothing and is finished later."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envspawner.pod.starter_files import StarterFiles

from .containers import (
    BOTH_SETS_OF_TOOLS,
    PART,
    SIGN,
    Pod,
    SmallDisk,
    Tree,
    at_call,
    at_every_call,
    hand_over,
    tree,
    without_modes,
    write,
)

OLD = {"a": "first", "deep/b": "first", "deep/edited": "first", "deep/deleted": "first", "gone/x": "first"}
NEW = {
    "a": "second",
    "deep/b": "second",
    "deep/edited": "second",
    "deep/deleted": "second",
    "gone/x": "second",
}
ADDED = {"new/file": "second", "new/folder/file": "second", "deep/new": "second", "gone/new": "second"}


def entry(pod: Pod) -> StarterFiles:
    return StarterFiles(str(pod.image), refresh="unmodified")


def prepare(pod: Pod, place: Path) -> Path:
    """A home whose user has edited and deleted what the first image brought; then the image is a newer one."""
    write(pod.image, OLD)
    prepared = pod.another(place / "prepared")
    assert prepared.start(entry(pod)).returncode == 0
    (prepared.home / "deep/edited").write_text("mine")
    (prepared.home / "deep/mine").write_text("mine")
    (prepared.home / "deep/deleted").unlink()
    (prepared.home / "gone/x").unlink()
    (prepared.home / "gone").rmdir()
    write(pod.image, NEW | ADDED)
    return prepared.home


def expected(pod: Pod) -> Tree:
    """What is there when all was done."""
    image = tree(pod.image, mode=False)
    lost = {b"gone", b"gone/x", b"gone/new", b"deep/deleted"}
    mine = {b"deep/edited": ("-", b"mine"), b"deep/mine": ("-", b"mine")}
    return {path: what for path, what in image.items() if path not in lost} | mine


def assert_whole(pod: Pod) -> None:
    """Whatever happened: each file has its old content or its new one, and nothing of the user's is lost or back."""
    wanted = expected(pod)
    for path, what in tree(pod.home, mode=False).items():
        if PART.encode() in path or path.startswith(b".copied"):
            continue
        old = OLD.get(path.decode())
        assert what in (wanted.get(path), ("-", old.encode() if old else b"")), path
    assert (pod.home / "deep/mine").read_text() == (pod.home / "deep/edited").read_text() == "mine"
    assert (pod.home / "a").exists()
    assert (pod.home / "deep/b").exists()
    assert SIGN in pod.marker.read_text()
    if (pod.home / "new").exists():
        assert (pod.home / "new/folder/file").read_text() == "second"


def assert_done(pod: Pod) -> None:
    assert not pod.log.read_text()
    assert without_modes(pod.got()) == expected(pod)


def test_refresh_killed_at_any_point_is_finished_by_the_next_start(pod: Pod, place: Path) -> None:
    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        killed = fresh.start(entry(pod), prelude=at_call(number, counter, "kill -9 0"))
        assert killed.returncode == -signal.SIGKILL
        assert_whole(fresh)
        assert fresh.start(entry(pod)).returncode == 0
        assert_done(fresh)

    at_every_call(pod, place, try_at, entry(pod), prepare(pod, place))


@pytest.mark.parametrize("pod", ["dash"], indirect=True)
def test_what_was_updated_before_a_kill_is_still_untouched_for_the_image_after(pod: Pod, place: Path) -> None:
    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        fresh.start(entry(pod), prelude=at_call(number, counter, "kill -9 0"))
        assert fresh.start(StarterFiles(f"{place}/third", refresh="unmodified")).returncode == 0
        assert (fresh.home / "a").read_text() == (fresh.home / "deep/b").read_text() == "third"

    prepared = prepare(pod, place)
    write(place / "third", dict.fromkeys({**NEW, **ADDED}, "third"))
    at_every_call(pod, place, try_at, entry(pod), prepared)


@pytest.mark.parametrize("pod", BOTH_SETS_OF_TOOLS, indirect=True)
def test_any_tool_may_fail_once_without_a_refresh_being_forgotten(pod: Pod, place: Path) -> None:
    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        assert fresh.start(entry(pod), prelude=at_call(number, counter, "return 1")).returncode == 0
        assert_whole(fresh)
        fresh.log.write_text("")
        assert fresh.start(entry(pod)).returncode == 0
        assert_done(fresh)

    at_every_call(pod, place, try_at, entry(pod), prepare(pod, place))


@pytest.mark.parametrize("tool", ["find", "sed", "sort", "uniq", "sha256sum", "mv", "cp", "mkdir"])
def test_a_tool_that_never_works_is_told_and_changes_nothing_of_the_users(
    pod: Pod, place: Path, tool: str
) -> None:
    prepared = prepare(pod, place)
    broken = pod.another(place / "broken")
    subprocess.run(["cp", "-a", f"{prepared}/.", broken.home], check=True)
    assert broken.start(entry(pod), prelude=f"{tool}() {{ return 1; }}").returncode == 0
    assert_whole(broken)
    if tool not in ("sed", "sort", "uniq"):  # without these, not even the message can be cut short
        assert "could not copy" in broken.log.read_text()
    broken.log.write_text("")
    assert broken.start(entry(pod)).returncode == 0
    assert_done(broken)


@pytest.mark.parametrize("pod", BOTH_SETS_OF_TOOLS, indirect=True)
@pytest.mark.parametrize("host", ["jupyter-ada--gpu", "jupyter-ada"])
def test_another_server_may_refresh_at_any_point(pod: Pod, place: Path, host: str) -> None:
    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        other = fresh.command(entry(pod), host=host)
        script = counter.with_name("other")
        script.write_text(other[2])
        arguments = " ".join(f"'{argument}'" for argument in other[4:])
        run = f"'{pod.sh}' '{script}' {arguments} >/dev/null 2>&1"
        fresh.start(entry(pod), prelude=at_call(number, counter, run))
        fresh.log.write_text("")
        assert fresh.start(entry(pod)).returncode == 0
        assert_done(fresh)

    at_every_call(pod, place, try_at, entry(pod), prepare(pod, place))


def test_many_servers_that_refresh_at_once_do_no_harm(pod: Pod, place: Path) -> None:
    prepared = prepare(pod, place)
    for turn in range(4):
        home = pod.another(place / f"turn{turn}")
        subprocess.run(["cp", "-a", f"{prepared}/.", home.home], check=True)
        with ThreadPoolExecutor(6) as pool:
            hosts = [f"pod-{number}" for number in range(6)]
            list(pool.map(lambda host, home=home: home.start(entry(pod), host=host), hosts))
        assert_whole(home)
        home.log.write_text("")
        assert home.start(entry(pod)).returncode == 0
        assert_done(home)


# --- failures ----------------------------------------------------------------------------------------------------


def test_missing_source_is_told_and_the_note_goes_when_it_is_back(pod: Pod) -> None:
    write(pod.image, OLD)
    pod.start(entry(pod))
    before = pod.got()
    away = pod.image.rename(pod.image.with_name("away"))
    assert pod.start(entry(pod)).returncode == 0
    assert "there is no such folder" in pod.note.read_text()
    away.rename(pod.image)
    pod.log.write_text("")
    assert pod.start(entry(pod)).returncode == 0
    assert (pod.got(), pod.log.read_text()) == (before, "")


@pytest.mark.parametrize("closed", ["a", "deep/b", "deep", "."])
def test_unreadable_source_is_told_and_brought_when_it_is_cured(pod: Pod, place: Path, closed: str) -> None:
    pod.home = prepare(pod, place)
    before = tree(pod.home)
    mode = (pod.image / closed).stat().st_mode
    (pod.image / closed).chmod(0)
    assert pod.start(entry(pod)).returncode == 0
    assert "could not copy" in pod.note.read_text()
    pod.note.unlink()
    assert tree(pod.home) == before
    (pod.image / closed).chmod(mode)
    pod.log.write_text("")
    assert pod.start(entry(pod)).returncode == 0
    assert_done(pod)


def test_a_full_disk_keeps_what_is_there_and_is_refreshed_when_there_is_room(
    pod: Pod, small_disk: SmallDisk
) -> None:
    write(pod.image, {"a": "x" * 50_000, "b": "x"})
    assert pod.start(entry(pod), prelude=small_disk.prelude()).returncode == 0
    (pod.image / "a").write_text("y" * 300_000)
    write(pod.image, {"new": "y"})
    before = pod.got()
    assert pod.start(entry(pod), prelude=small_disk.prelude()).returncode == 0
    assert "could not copy" in pod.log.read_text()
    found = pod.got()
    assert {**before, **found, b"new": b"", b".copied.failed": b""} == {
        **found,
        b"new": b"",
        b".copied.failed": b"",
    }
    assert found[b"a"] == before[b"a"]
    (pod.image / "a").write_text("y" * 60_000)
    assert pod.start(entry(pod), prelude=small_disk.prelude()).returncode == 0
    assert pod.got() == tree(pod.image)


def test_a_required_entry_fails_the_hook_when_its_refresh_fails(pod: Pod) -> None:
    write(pod.image, OLD)
    one = StarterFiles(str(pod.image), refresh="unmodified", required=True)
    assert pod.start(one).returncode == 0
    pod.image.rename(pod.image.with_name("away"))
    assert pod.start(one).returncode == 1


# --- leftovers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh", ["first copy", "never", "unmodified"])
def test_what_a_host_that_is_gone_left_goes_after_a_day(pod: Pod, refresh: str) -> None:
    write(pod.image, {"old/a": "x"})
    if refresh != "first copy":
        pod.start(entry(pod))
    write(pod.home, {"old/mine": "mine"} if refresh == "first copy" else {})
    for place in ("", "old/") if refresh == "first copy" else ("",):
        for host in ("young", "gone", "theirs"):
            part = f"{place}.copied.part.{host}"
            sign = {} if host == "theirs" else {f"{part}/{SIGN}": "x"}
            write(pod.home, {f"{part}/files/deep/a": "x", **sign})
            if host != "young":
                os.utime(pod.home / part / (SIGN if sign else "files"), (1e9, 1e9))
    hand_over(pod.home)
    assert (
        pod.start(StarterFiles(str(pod.image), refresh=refresh.replace("first copy", "never"))).returncode
        == 0
    )
    left = {path.name.removeprefix(".copied.part.") for path in pod.home.rglob(".copied.part.*")}
    assert left == {"young", "theirs"}
    assert not pod.log.read_text()
