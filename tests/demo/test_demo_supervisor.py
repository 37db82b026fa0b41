"""Whoever is killed, the watcher or the worker, nothing that was started is left."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.demo.running import gone

SCRIPT = """
import os, signal, subprocess, sys, threading
from envspawner.demo.supervisor import supervised

def work(parent):
    subprocess.Popen(["sh", "-c", "setsid sleep 300 & setsid sleep 301 & wait"])
    print("worker", os.getpid(), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=lambda: (os.read(parent, 1), os.kill(os.getpid(), signal.SIGTERM)), daemon=True).start()
    {then}

sys.exit(supervised(work))
"""


def start(then: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.replace("{then}", then)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, psutil.Process(int(process.stdout.readline().split()[1]))


@pytest.fixture
def watched() -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    process, worker = start("signal.pause()")
    yield process, worker
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All beneath it, once both sleepers are there."""
    while True:
        found = psutil.Process(process.pid).children(recursive=True)
        if sum("sleep" in p.name() for p in found) == 2:
            return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_the_work_and_all_it_started(
    watched: tuple[subprocess.Popen[str], psutil.Process], number: signal.Signals
) -> None:
    process, _ = watched
    left = tree(process)
    process.send_signal(number)
    process.wait(30)
    assert gone(left) == []


def test_a_killed_worker_leaves_nothing(watched: tuple[subprocess.Popen[str], psutil.Process]) -> None:
    process, worker = watched
    left = tree(process)
    worker.kill()
    assert process.wait(30) == 2
    assert gone(left) == []


def test_a_killed_watcher_leaves_nothing(watched: tuple[subprocess.Popen[str], psutil.Process]) -> None:
    process, _ = watched
    left = tree(process)
    process.kill()
    process.wait(30)
    assert gone(left) == []


@pytest.mark.parametrize(("then", "code"), [("return 0", 0), ("return 2", 2), ("raise SystemExit(1)", 2)])
def test_the_exit_code_is_the_works(then: str, code: int) -> None:
    process, _ = start(then)
    with process:
        assert process.wait(30) == code
