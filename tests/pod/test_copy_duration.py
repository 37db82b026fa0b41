"""How long starter files take: no process for each file, and an end when the time is up."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from envspawner.pod.starter_files import StarterFiles

from .containers import AS_USER, TOOLS, Pod, tree, write

OLD = {"a": "first", "deep/b": "first"}


def entry(pod: Pod) -> StarterFiles:
    return StarterFiles(str(pod.image), refresh="unmodified")


def calls(pod: Pod, *entries: StarterFiles) -> Counter[str]:
    """How often a start calls each tool."""
    seen = pod.log.with_name("calls")
    seen.write_text("")
    seen.chmod(0o666)
    count = [f'{tool}() {{ echo {tool} >>"{seen}"; command {tool} "$@"; }}' for tool in TOOLS]
    assert pod.start(*entries, prelude="\n".join(count)).returncode == 0
    return Counter(seen.read_text().split())


def test_a_refresh_does_not_take_a_process_for_each_file(pod: Pod) -> None:
    write(pod.image, {f"{folder}/{number}": "first" for folder in "abc" for number in range(150)})
    pod.start(entry(pod))
    assert sum(calls(pod, entry(pod)).values()) < 15
    write(pod.image, {f"{folder}/{number}": "second" for folder in "abcd" for number in range(150)})
    for folder in "abc":
        write(pod.image, {f"{folder}/new {number}": "second" for number in range(150)})
    assert sum(calls(pod, entry(pod)).values()) < 250
    assert (pod.got(), pod.log.read_text()) == (tree(pod.image), "")


def processes_of(session: int) -> list[str]:
    """What still runs in a session."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session:
            found.append((process / "comm").read_text().strip())
    return found


def timed(pod: Pod, one: StarterFiles) -> tuple[float, list[str]]:
    """How long a start takes, and what still runs when it is over."""
    env = {"HOME": str(pod.home), "PATH": str(pod.sh.parent), "LC_ALL": "C.UTF-8"}
    began = time.monotonic()
    with subprocess.Popen(pod.command(one), env=env, start_new_session=True, **AS_USER) as process:
        assert process.wait(60) == 0
    return time.monotonic() - began, processes_of(process.pid)


def slow(pod: Pod, tool: str) -> None:
    """From now on a tool takes an hour."""
    name = pod.sh.parent / tool
    name.unlink()
    name.write_text("#!/bin/sh\nexec sleep 3600\n")
    name.chmod(0o755)


WITHOUT_BUILT_IN_TOOLS = ["dash", "bash"]


@pytest.mark.parametrize("pod", WITHOUT_BUILT_IN_TOOLS, indirect=True)
def test_what_takes_too_long_is_given_up_and_tried_again(pod: Pod) -> None:
    write(pod.image, OLD)
    cp = os.readlink(pod.sh.parent / "cp")
    slow(pod, "cp")
    one = StarterFiles(str(pod.image), timeout=1)
    took, left = timed(pod, one)
    assert 1 <= took < 20
    assert left == []
    assert "it took longer than 1 seconds" in pod.note.read_text()
    assert [path.name for path in pod.home.iterdir()] == [".copied.failed"]
    (pod.sh.parent / "cp").unlink()
    (pod.sh.parent / "cp").symlink_to(cp)
    timed(pod, StarterFiles(str(pod.image), timeout=3600))
    assert pod.got() == tree(pod.image)


@pytest.mark.parametrize("pod", WITHOUT_BUILT_IN_TOOLS, indirect=True)
def test_the_second_in_which_a_start_begins_is_not_counted(pod: Pod) -> None:
    """`date` tells whole seconds: a start at its end would otherwise be given up when it has just begun."""
    write(pod.image, OLD)
    mkdir = pod.sh.parent / "mkdir"
    real = os.readlink(mkdir)
    mkdir.unlink()
    mkdir.write_text(f'#!/bin/sh\nsleep 0.3\nexec {real} "$@"\n')
    mkdir.chmod(0o755)
    slow(pod, "cp")
    time.sleep((0.8 - time.time()) % 1)
    assert 1 <= timed(pod, StarterFiles(str(pod.image), timeout=1))[0] < 20


@pytest.mark.parametrize("pod", WITHOUT_BUILT_IN_TOOLS, indirect=True)
def test_a_list_of_the_image_that_takes_too_long_is_given_up(pod: Pod) -> None:
    write(pod.image, OLD)
    pod.start(entry(pod))
    before = pod.got()
    slow(pod, "find")
    took, left = timed(pod, StarterFiles(str(pod.image), refresh="new-files", timeout=1))
    assert 1 <= took < 20
    assert left == []
    assert "it took longer than 1 seconds" in pod.note.read_text()
    pod.note.unlink()
    assert pod.got() == before


def test_a_copy_in_time_leaves_no_alarm_behind(pod: Pod) -> None:
    write(pod.image, OLD)
    one = StarterFiles(str(pod.image), refresh="unmodified", timeout=3600)
    for _ in range(2):
        took, left = timed(pod, one)
        assert (took < 30, left) == (True, [])
    assert (pod.got(), pod.log.read_text()) == (tree(pod.image), "")


def test_a_tool_that_ends_at_once_is_not_waited_for_until_the_alarm(pod: Pod) -> None:
    """The alarm may be told to end before it has properly begun: a fork ago, it still ignores signals."""
    write(pod.image, OLD)
    one = StarterFiles(str(pod.image), timeout=3600)
    hurry = f"deadline=$(($(date +%s) + 3600)); for _ in {' _' * 200}; do bounded : || exit 3; done"
    command = pod.command(one)
    script, _, calls = command[2].rpartition("\nenvspawner_failed=no\n")
    command[2] = f"{script}\n{hurry}; deadline=''\nenvspawner_failed=no\n{calls}"
    assert pod.run(command).returncode == 0
    assert (pod.got(), pod.log.read_text()) == (tree(pod.image), "")
