"""What CI promises: the README's command, faultless shell, cluster tests that no accident skips."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest"


def lines(file: str) -> list[str]:
    return [line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]


def pytest_on_cluster_tests(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in tests/cluster where the environment names no cluster but what `environ` says."""
    ours = ("ENVSPAWNER_", "KUBECONFIG", "PYTEST_", "COV_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n0", "tests/cluster", *options],
        cwd=ROOT,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_readme_and_ci_hold_the_same_test_command() -> None:
    assert TEST_COMMAND in lines("README.md")
    assert TEST_COMMAND in lines(".ci/run")


def test_the_ci_script_is_executable_and_without_faults() -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck comes with the test extra"
    assert os.access(ROOT / ".ci/run", os.X_OK)
    done = subprocess.run(
        [shellcheck, ROOT / ".ci/run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


def test_cluster_tests_are_deselected_unless_asked_for() -> None:
    done = pytest_on_cluster_tests("--collect-only", "-q")
    assert "deselected" in done.stdout
    assert "[embedded" in done.stdout
    assert "[real" not in done.stdout


def test_cluster_tests_fail_when_asked_for_and_no_cluster_is_named() -> None:
    done = pytest_on_cluster_tests("-x", "-m", "cluster", ENVSPAWNER_CLUSTER_TESTS="1")
    assert done.returncode == 1
    assert (
        "no cluster to test on: cluster tests were asked for, but KUBECONFIG names no cluster" in done.stdout
    )


def test_cluster_tests_fail_when_asked_for_and_the_cluster_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for tool, says in {"kubectl": "connection refused", "configurable-http-proxy": "unused"}.items():
        (tmp_path / "bin" / tool).write_text(f"#!/bin/sh\necho {says} >&2; exit 1\n")
        (tmp_path / "bin" / tool).chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = pytest_on_cluster_tests(
        "-x", "-m", "cluster", ENVSPAWNER_CLUSTER_TESTS="1", KUBECONFIG="/nowhere", PATH=path
    )
    assert done.returncode == 1
    assert "no cluster to test on: kubectl get --raw /readyz" in done.stdout
    assert "connection refused" in done.stdout
