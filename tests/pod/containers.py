"""Containers without Kubernetes: a shell with its tools, a folder of the image, a home, and what may befall them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envspawner.pod.starter_files import StarterFiles, post_start

SHELLS = ["dash", "bash", "busybox"]
BOTH_SETS_OF_TOOLS = ["dash", "busybox"]
"""dash and bash use the system's tools (GNU's), busybox its own."""

TOOLS = [
    *["chmod", "cksum", "cp", "date", "find", "ln", "mkdir", "mv", "printf"],
    *["rm", "rmdir", "sed", "sha256sum", "sleep", "sort", "uname", "uniq"],
]
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
    applets: list[str] = []
    if name == "busybox":  # some builds leave tools out; cksum, say
        applets = subprocess.run(
            [program, "--list"], capture_output=True, text=True, check=True
        ).stdout.split()
    for tool in TOOLS:
        source = program if tool in applets else shutil.which(tool)
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


# --- interruptions -------------------------------------------------------------------------------------------

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


def at_every_call(
    pod: Pod,
    place: Path,
    try_at: Callable[[Pod, Path, int], None],
    entry: StarterFiles | None = None,
    prepared: Path | None = None,
) -> None:
    """Calls `try_at` with a home of its own for the first call of a tool, the second, up to the last.

    entry: what is copied; without one, a first copy. prepared: what the home looks like before.
    """
    if prepared is None:
        prepared = place / "prepared"
        write(prepared, {"README": "mine", "old/mine": "mine"})
        first_image(pod)

    def fresh(number: int) -> tuple[Pod, Path, int]:
        fresh = pod.another(place / f"call{number}")
        shutil.copytree(prepared, fresh.home, symlinks=True, dirs_exist_ok=True)
        hand_over(fresh.home)
        counter = fresh.log.with_name("counter")
        counter.write_text("0\n")
        counter.chmod(0o666)
        return fresh, counter, number

    first, counter, _ = fresh(0)
    entries = [entry] if entry else []
    assert first.start(*entries, prelude=at_call(0, counter, ":")).returncode == 0
    assert first.marker.exists()
    assert not first.log.read_text()
    calls = int(counter.read_text())
    assert calls > 20
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda number: try_at(*fresh(number)), range(1, calls + 1)))


def first_image(pod: Pod) -> None:
    """What the image holds when it is copied for the first time."""
    write(pod.image, {"README": "x", "new/a": "x", "new/b/c": "x", "old/d": "x", "old/new/e": "x", "f": "x"})
    (pod.image / "new").chmod(0o555)
    (pod.image / "link").symlink_to("nowhere")


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
