"""The lifecycle handler that Kubernetes gets for starter files."""

from __future__ import annotations

import subprocess
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import envspawner.pod
from envspawner.pod.starter_files import PARTS, SCRIPT, StarterFiles, post_start, without_comments

FULL = "".join(Path(envspawner.pod.__file__).with_name(part).read_text() for part in PARTS)


def test_handler_is_an_exec_of_the_script_with_six_arguments_for_each_entry() -> None:
    entries = [StarterFiles(), StarterFiles("/opt/{x}", "sub dir", ".term", True, "unmodified", timeout=9)]
    arguments = ["/srv/app/src", "", ".copied", "no", "never", ""]
    arguments += ["/opt/{x}", "sub dir", ".term", "yes", "unmodified", "9"]
    command = ["/bin/sh", "-c", SCRIPT, "envspawner-copy-once", *arguments]
    assert post_start(entries) == {"exec": {"command": command}}


def test_own_command_follows_two_dashes_unchanged() -> None:
    own = ("sh", "-c", "echo -- $HOME {x}", "--", "")
    command = post_start([StarterFiles()], own)["exec"]["command"]
    assert command[4:] == ["/srv/app/src", "", ".copied", "no", "never", "", "--", *own]


@pytest.mark.parametrize("own", [None, []])
def test_no_own_command_means_no_dashes(own: list[str] | None) -> None:
    assert "--" not in post_start([StarterFiles()], own)["exec"]["command"]


@pytest.mark.parametrize("source", ["", "relative", "--", "~/src"])
def test_source_is_an_absolute_path(source: str) -> None:
    with pytest.raises(ValueError, match="is not an absolute path"):
        StarterFiles(source)


@pytest.mark.parametrize("marker", ["", ".", "..", "a/b", "../.copied"])
def test_marker_is_the_name_of_a_file(marker: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a file"):
        StarterFiles(marker=marker)


def test_entries_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        StarterFiles().required = True  # type: ignore[misc]


def test_two_handlers_share_nothing() -> None:
    first = post_start([StarterFiles()])
    first["exec"]["command"].append("x")
    assert post_start([StarterFiles()])["exec"]["command"][-3] == "no"


def test_only_comment_lines_and_blank_lines_are_left_out() -> None:
    script = "#!/bin/sh\n# why\n\necho '#' # not a line of its own\n    # why\n\techo ${x#y}\n"
    assert without_comments(script) == "echo '#' # not a line of its own\n\techo ${x#y}\n"


def test_script_in_the_pod_is_small_and_has_no_prose() -> None:
    assert len(SCRIPT) < 16_000
    assert all(not line.lstrip().startswith("#") and line.strip() for line in SCRIPT.splitlines())
    assert SCRIPT.isascii()


def outcome(script: str, source: Path, home: Path) -> tuple[list[str], int, str, str]:
    """What is in the home after the script has run, its status and output."""
    (home / "deep").mkdir(parents=True)
    command = ["/bin/sh", "-c", script.replace("/proc/1/fd/2", "/not/there"), "envspawner-copy-once"]
    arguments = [str(source), str(home), ".copied", "yes", "unmodified", "", "--", "echo", "own"]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True)
    words = result.stderr.partition(" ")[2].replace(str(home), "HOME")
    return sorted(path.name for path in home.rglob("*")), result.returncode, result.stdout, words


@pytest.mark.parametrize("source", ["there", "not there"])
def test_script_without_comments_does_the_same(tmp_path: Path, source: str) -> None:
    (tmp_path / "there/deep").mkdir(parents=True)
    (tmp_path / "there/deep/file").write_text("x")
    full = outcome(FULL, tmp_path / source, tmp_path / "full")
    short = outcome(SCRIPT, tmp_path / source, tmp_path / "short")
    assert short == full
    assert full[1] == (0 if source == "there" else 1)


def test_the_default_marker_is_that_of_the_classic_recipe() -> None:
    assert StarterFiles().marker == ".copied"


def test_an_entry_of_a_policy_is_read_word_by_word() -> None:
    words = {"from": "/a", "to": "/b", "marker": ".m", "required": True, "refresh": "new-files", "timeout": 5}
    one = StarterFiles("/a", "/b", ".m", True, "new-files", False, 5)
    assert StarterFiles.of(words) == one
    assert StarterFiles.of({"when": "postStart"}) == StarterFiles()
    assert StarterFiles.of({"when": "initContainer"}) == StarterFiles(before=True)
