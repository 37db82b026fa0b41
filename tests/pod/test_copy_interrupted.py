"""What is interrupted at any point is finished by the next start, and servers may copy at the same time."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envspawner.pod.starter_files import StarterFiles

from .containers import (
    BOTH_SETS_OF_TOOLS,
    PART,
    SIGN,
    Pod,
    assert_all_done,
    assert_nothing_half_done,
    at_call,
    at_every_call,
    hand_over,
    tree,
    without_modes,
    write,
)


def test_copy_killed_at_any_point_is_finished_by_the_next_start(pod: Pod, place: Path) -> None:
    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        killed = fresh.start(prelude=at_call(number, counter, "kill -9 0"))
        assert killed.returncode == -signal.SIGKILL
        assert_nothing_half_done(fresh)
        assert fresh.start().returncode == 0
        assert_all_done(fresh, pod.image)

    at_every_call(pod, place, try_at)


@pytest.mark.parametrize("pod", BOTH_SETS_OF_TOOLS, indirect=True)
def test_any_tool_may_fail_once_without_the_marker_hiding_it(pod: Pod, place: Path) -> None:
    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        assert fresh.start(prelude=at_call(number, counter, "return 1")).returncode == 0
        assert_nothing_half_done(fresh)
        if fresh.marker.exists():
            assert tree(pod.image, mode=False).keys() <= fresh.got().keys()
        else:
            assert "could not copy" in fresh.log.read_text()
            fresh.log.write_text("")
            assert fresh.start().returncode == 0
            assert_all_done(fresh, pod.image)

    at_every_call(pod, place, try_at)


def test_half_copied_files_never_have_their_names(pod: Pod) -> None:
    write(pod.image, {"README": "all of it", "folder/file": "all of it"})
    halfway = """
    cp() {
        mkdir "$3/folder"
        for file in README folder/file; do printf all >"$3/$file"; done
        chmod 555 "$3/folder"
        kill -9 0
    }
    """
    assert pod.start(prelude=halfway).returncode == -signal.SIGKILL
    assert [path.name for path in pod.home.iterdir()] == [PART]
    assert pod.start().returncode == 0
    assert without_modes(pod.got()) == tree(pod.image, mode=False)


def test_what_an_interrupted_run_left_is_removed_with_the_users_modes_untouched(pod: Pod) -> None:
    """Staged files are hard links to the user's, and staged folders may be read-only."""
    write(pod.image, {"a": "x"})
    write(pod.home, {"mine": "mine", f"{PART}/{SIGN}": "", f"{PART}/files/d/e/f": "x"})
    os.link(pod.home / "mine", pod.part / "files/d/e/mine")
    (pod.part / "files/out").symlink_to("../../mine")
    (pod.home / "mine").chmod(0o444)
    hand_over(pod.home)
    for folder in ("d/e", "d", "."):
        (pod.part / "files" / folder).chmod(0o000)
    assert pod.start().returncode == 0
    assert pod.got() == {b"a": ("-rw-r--r--", b"x"), b"mine": ("-r--r--r--", b"mine")}


def test_leftover_goes_even_if_another_server_has_finished_meanwhile(pod: Pod) -> None:
    write(pod.home, {".copied": "", f"{PART}/{SIGN}": "", f"{PART}/files/a": "x"})
    hand_over(pod.home)
    assert pod.start().returncode == 0
    assert [path.name for path in pod.home.iterdir()] == [".copied"]


@pytest.mark.parametrize("left", [[f"{PART}/"], [f"{PART}/{SIGN}"]])
def test_leftover_of_a_run_that_had_hardly_begun_is_no_obstacle(pod: Pod, left: list[str]) -> None:
    write(pod.image, {"a": "x"})
    write(pod.home, dict.fromkeys(left, ""))
    hand_over(pod.home)
    assert pod.start().returncode == 0
    assert sorted(pod.got()) == [b"a"]


@pytest.mark.parametrize("kind", ["folder", "file", "symlink to a signed folder", "linked sign"])
def test_what_is_not_ours_is_not_removed_whatever_its_name(pod: Pod, kind: str) -> None:
    write(pod.image, {"a": "x"})
    write(pod.home, {"work/files/mine": "mine", f"work/{SIGN}": "mine"})
    if kind == "folder":
        write(pod.home, {f"{PART}/files/mine": "mine"})
    elif kind == "file":
        write(pod.home, {PART: "mine"})
    elif kind == "symlink to a signed folder":
        pod.part.symlink_to("work")
    else:
        write(pod.home, {f"{PART}/files/mine": "mine"})
        (pod.part / SIGN).symlink_to(f"../work/{SIGN}")
    hand_over(pod.home)
    before = tree(pod.home)
    assert pod.start().returncode == 0
    assert "File exists" in pod.note.read_text()
    pod.note.unlink()
    assert tree(pod.home) == before


def test_staging_folder_bears_the_host_name(pod: Pod) -> None:
    """No two pods of a user have the same; a restarted one has its own again, and finds what it left."""
    command = pod.command(prelude="unset -f uname; cp() { kill -9 0; }")
    assert pod.run(command).returncode == -signal.SIGKILL
    assert [path.name for path in pod.home.iterdir()] == [f".copied.part.{os.uname().nodename}"]


# --- two servers ------------------------------------------------------------------------------------------------


def server_between_the_steps_of(pod: Pod, place: Path, host: str) -> None:
    """The whole run of one server takes place before the n-th step of the other."""

    def try_at(fresh: Pod, counter: Path, number: int) -> None:
        other = fresh.command(StarterFiles(str(pod.image)), host=host)
        script = counter.with_name("other")
        script.write_text(other[2])
        arguments = " ".join(f"'{argument}'" for argument in other[4:])
        fresh.start(prelude=at_call(number, counter, f"'{pod.sh}' '{script}' {arguments} >/dev/null 2>&1"))
        assert_all_done(fresh, pod.image)

    at_every_call(pod, place, try_at)


@pytest.mark.parametrize("pod", BOTH_SETS_OF_TOOLS, indirect=True)
def test_another_server_may_do_the_same_at_any_point(pod: Pod, place: Path) -> None:
    server_between_the_steps_of(pod, place, "jupyter-ada--gpu")


@pytest.mark.parametrize("pod", ["dash"], indirect=True)
def test_another_server_with_the_same_host_name_may_do_the_same_at_any_point(pod: Pod, place: Path) -> None:
    server_between_the_steps_of(pod, place, "jupyter-ada")


def test_many_servers_at_once_do_no_harm(pod: Pod) -> None:
    write(
        pod.image, {f"folder{number}/deep/file": "x" for number in range(5)} | {"README": "x", "old/a/b": "x"}
    )
    write(pod.home, {"README": "mine", "old/mine": "mine"})
    expected = tree(pod.image) | tree(pod.home)
    hand_over(pod.home)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: pod.start(host=f"pod-{number}"), range(8)))
    assert [result.returncode for result in results] == [0] * 8
    assert (pod.got(), pod.log.read_text()) == (expected, "")


def test_another_run_under_the_same_host_name_is_noticed(pod: Pod) -> None:
    """Pods in their node's network share its name. Who lost its staging folder must not write the marker."""
    write(pod.image, {"a": "x"})
    stolen = f"""ln() {{ echo 'another run' >"${{1%/files/*}}/{SIGN}"; command rm -rf "${{1%/*}}"; }}"""
    assert pod.start(prelude=stolen).returncode == 0
    assert "same host name" in pod.note.read_text()
    assert not pod.marker.exists()
    assert pod.part.exists()
