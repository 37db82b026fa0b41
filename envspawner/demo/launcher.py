"""A container's first process: makes the rooms that the container sees, and becomes its command.

Run by path, as `python -I -S launcher.py REPORT_FD`, with an order (JSON, see `Order`) on standard input, so that
neither variables nor tokens stand in an argument list. It needs nothing but the standard library.

What it reports on REPORT_FD, a line each: `pid N` (the command's process, as the caller sees it) and `error TEXT` if
the command could not be started. The report ends when the command runs. The launcher stays as the command's
parent, passes SIGTERM on, ends with its exit status, and leaves no descendant behind.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
import sys
from contextlib import suppress
from typing import Any, NoReturn, TypedDict


class Bind(TypedDict):
    source: str
    target: str
    readOnly: bool


class Order(TypedDict):
    argv: list[str]
    env: dict[str, str]
    cwd: str
    namespaces: bool  # user, mount, pid and host name: else the command sees this machine as it is
    uid: int  # who the command is inside; outside it is whoever called
    gid: int
    hostname: str
    root: str  # an empty folder, over which the new root is put together
    binds: list[Bind]  # in order: what is beneath comes first
    join: int | None  # a running container's process: use its rooms


MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x4000000, 0x10000000, 0x20000000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOCKED = {  # flags that a mount of an unprivileged namespace must keep: statvfs's and mount's names of them
    os.ST_NOSUID: 2,
    getattr(os, "ST_NODEV", 4): 4,
    getattr(os, "ST_NOEXEC", 8): 8,
    getattr(os, "ST_NOATIME", 1024): 1024,
    getattr(os, "ST_NODIRATIME", 2048): 2048,
    getattr(os, "ST_RELATIME", 4096): 1 << 21,
}
LINUX = sys.platform == "linux"


def call(name: str, *arguments: Any) -> None:
    """A function of the C library that answers -1 for an error."""
    words = [a.encode() if isinstance(a, str) else a for a in arguments]
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*words) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    try:
        call("mount", source, target, kind, ctypes.c_ulong(flags), data)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} ({source} at {target})") from None


def tie_to_parent() -> None:
    """This process is killed when its parent dies, however it dies; orphans beneath it become its children."""
    if LINUX:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


# --- Rooms --------------------------------------------------------------------------------------------------------


def unshare(uid: int, gid: int) -> None:
    """Own namespaces, in which the caller is `uid` and `gid`."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID)
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{file}", "w") as stream:
            stream.write(text)


def join(pid: int) -> None:
    """Enters the namespaces of a process; the next child is in its pid namespace."""
    handles = [(os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)) for kind in ("user", "mnt", "uts", "pid")]
    for handle in handles:
        call("setns", handle, 0)
        os.close(handle)


def shadowed(targets: list[str]) -> set[str]:
    """Folders of this machine that must be shown anew, because something is to appear in them that they lack."""
    found: set[str] = set()
    for target in targets:
        missing = target
        while not os.path.lexists(missing):
            missing = os.path.dirname(missing)
        if missing != target:
            while missing not in found:
                found.add(missing)
                missing = os.path.dirname(missing)
    return found | {"/"}


def show(folder: str, new: str, shadows: set[str]) -> None:
    """Fills the empty folder `new` with all that is in `folder`; what is in `shadows` is filled likewise."""
    for entry in os.scandir(folder):
        path, there = entry.path, os.path.join(new, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(path), there)
        elif path in shadows:
            os.mkdir(there, stat.S_IMODE(entry.stat().st_mode) | 0o700)
            show(path, there, shadows)
        elif path != "/proc":
            bind_beneath(path, there)
        else:
            os.mkdir(there)


def bind_beneath(source: str, target: str) -> None:
    """Shows `source` with all that is mounted in it; what may not be shown is left out."""
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    try:
        mount(source, target, None, MS_BIND | MS_REC)
    except OSError:
        if os.path.isdir(source):
            os.rmdir(target)
        else:
            os.unlink(target)


def bind(one: Bind, root: str) -> None:
    target = root + os.path.realpath(one["target"])
    if os.path.isdir(one["source"]):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    mount(one["source"], target, None, MS_BIND | MS_REC)
    if one["readOnly"]:
        has = os.statvfs(target).f_flag
        kept = sum(flag for told, flag in LOCKED.items() if has & told)
        mount("none", target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | kept)


def furnish(order: Order) -> None:
    """Makes the root that the command sees: this machine's, with the binds in their places."""
    root = order["root"]
    call("sethostname", order["hostname"], len(order["hostname"].encode()))
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", 0, "mode=755,size=16m")
    show("/", root, shadowed([os.path.realpath(b["target"]) for b in order["binds"]]))
    mount("proc", f"{root}/proc", "proc", 2 | 4 | 8)
    for one in order["binds"]:
        bind(one, root)
    os.chdir(root)
    call("pivot_root", ".", ".")
    call("umount2", ".", MNT_DETACH)
    os.chdir("/")


# --- Processes ----------------------------------------------------------------------------------------------------


def become(order: Order, report: int) -> NoReturn:
    """The command, or a line that says why not."""
    try:
        tie_to_parent()
        if order["namespaces"] and order["join"] is None:
            furnish(order)
        os.makedirs(order["cwd"], exist_ok=True)
        os.chdir(order["cwd"])
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(order["argv"][0], order["argv"], order["env"])
    except Exception as error:
        told = getattr(error, "strerror", None) or str(error)
        command = f"{order['argv'][0]}: " if isinstance(error, FileNotFoundError) else ""
        os.write(report, f"error {command}{told}\n".encode())
    os._exit(127)


def descendants() -> list[int]:
    """Processes beneath this one, as /proc knows them."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(name)}/stat") as stream:
                parents[int(name)] = int(stream.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    beneath, found = {os.getpid()}, set[int]()
    while beneath:
        beneath = {pid for pid, parent in parents.items() if parent in beneath}
        found |= beneath
    return sorted(found)


def end_descendants() -> None:
    """Ends what the command left behind, until nothing is there."""
    while LINUX and (left := descendants()):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, 0)[0]:
                pass
        except ChildProcessError:
            pass


def attend(child: int) -> int:
    """Waits for the command, and for nothing else; its exit status, 128 and the number if a signal ended it."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main() -> int:
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    order: Order = json.load(sys.stdin)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if order["join"] is not None and order["namespaces"]:
            join(order["join"])
        elif order["namespaces"]:
            unshare(order["uid"], order["gid"])
        tie_to_parent()
    except OSError as error:
        os.write(report, f"error {error.strerror}\n".encode())
        return 127
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        become(order, report)
    os.write(report, f"pid {child}\n".encode())
    os.close(report)
    code = attend(child)
    if not order["namespaces"]:  # else the kernel has ended them with their namespace
        end_descendants()
    return code


if __name__ == "__main__":
    sys.exit(main())
