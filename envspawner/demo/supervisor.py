"""Two processes, so that nothing is left whichever is killed: one does the work, one watches over it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import psutil

from . import launcher


def supervised(work: Callable[[int], int]) -> int:
    """Runs `work` in a child process, and ends whatever is left of it when it ends; its exit code.

    `work` gets a file descriptor that reads as ended when this process is gone; it should then end too. SIGINT,
    SIGTERM and SIGHUP are passed on to it as SIGTERM, a second one as SIGKILL.
    """
    adopt_orphans()
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.setsid()  # Ctrl-C is for the watcher, which passes it on
        adopt_orphans()
        os._exit(_worked(work, reading))
    os.close(reading)
    try:
        return _attend(child)
    finally:
        end_descendants()
        os.close(writing)


def adopt_orphans() -> None:
    """Processes beneath this one that lose their parent become its children (on Linux)."""
    if launcher.LINUX:
        launcher.call("prctl", launcher.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _worked(work: Callable[[int], int], parent: int) -> int:
    try:
        code = work(parent)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 2
    with suppress(Exception):
        end_descendants()
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def _attend(child: int) -> int:
    signals = [signal.SIGTERM, signal.SIGKILL]

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, signals.pop(0) if len(signals) > 1 else signals[0])

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return 2
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 2


def end_descendants() -> None:
    """Ends every process beneath this one, until there is none."""
    me = psutil.Process()
    while left := me.children(recursive=True):
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(left, timeout=1)


async def until_ended(descriptor: int) -> None:
    """Returns when the other end of a pipe is gone."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not ended.done():
            ended.set_result(None)

    loop.add_reader(descriptor, readable)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
