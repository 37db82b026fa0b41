"""A demo that runs as a command, as its user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from envspawner.demo.ports import free_port

ENVSPAWNER = str(Path(sys.executable).with_name("envspawner"))


class Demo:
    """A running demo. `output` is all that it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self.process = process
        self._output = output
        self.link = ""

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for_link(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not (found := re.search(r"^Open +(\S+)$", self.output, re.MULTILINE)):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        self.link = found[1]

    @property
    def tree(self) -> list[psutil.Process]:
        """All that it started, and itself."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def one(self, word: str) -> psutil.Process:
        """The one process with a word in its command line, launchers aside."""
        found = [p for p in self.tree if word in " ".join(p.cmdline()) and p.children()]
        found = found or [p for p in self.tree if word in " ".join(p.cmdline())]
        return found[-1]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def demo_in(folder: Path, *arguments: str) -> Iterator[Demo]:
    """Starts `envspawner demo` with a free port and waits for its link; ends it if it still runs."""
    output = folder.with_suffix(".out")
    argv = [ENVSPAWNER, "demo", "--dir", str(folder), "--port", str(free_port()), *arguments]
    with output.open("w") as stream:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "MY_OWN_SECRET": "not for servers"},
            start_new_session=True,
        )
    demo = Demo(process, output)
    try:
        demo.wait_for_link()
        yield demo
    finally:
        if process.poll() is None:
            demo.end()


def gone(processes: list[psutil.Process], seconds: float = 30) -> list[str]:
    """Which of these processes still run after some time."""
    deadline = time.monotonic() + seconds
    while (left := [p for p in processes if _runs(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [" ".join(p.cmdline()) for p in left]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
