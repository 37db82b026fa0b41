"""What `envspawner demo` refuses, and says, before anything runs."""

from __future__ import annotations

import importlib.util
import os
import pty
import socket
import subprocess
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from envspawner.cli import main
from envspawner.demo import preflight
from envspawner.demo.places import Places
from envspawner.demo.ports import free_port
from tests.demo.running import ENVSPAWNER

POLICY = "defaults: {image: a:1}\n"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "mine.yaml"
    file.write_text(POLICY)
    return str(file)


def refused(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 2) -> str:
    """What is told when the command ends with `code`."""
    assert main(["demo", *argv]) == code
    return capsys.readouterr().err


def test_a_busy_port_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        told = refused(capsys, "--port", str(port), "--dir", str(tmp_path / "demo"))
    assert f"port {port}: Address already in use" in told
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("package", ["jupyterlab", "psutil"])
def test_a_missing_package_is_told_with_the_cure(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec

    def lacking(name: str, parent: str | None = None) -> ModuleSpec | None:
        return None if name == package else find(name, parent)

    monkeypatch.setattr(importlib.util, "find_spec", lacking)
    told = refused(capsys)
    assert f"{package} is not installed (pip install 'envspawner[demo]')" in told


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_told(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["demo", f"--port={port}"])
    assert "is not the number of a port" in capsys.readouterr().err


def test_what_a_killed_demo_left_of_its_pods_is_removed(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.make()
    (places.pods / "uid/volumes/v").mkdir(parents=True)
    (places.homes / "claim-ada").mkdir()
    with preflight.take(places):
        assert list(places.pods.iterdir()) == []
        assert (places.homes / "claim-ada").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    told = refused(capsys, "--dir", str(tmp_path / "file" / "demo"), "--port", str(free_port()))
    assert "Not a directory (choose another --dir)" in told


def test_a_folder_of_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "pods/web").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "pods/web/pod.yaml").write_text("mine")
    (folder / "lock").write_text("mine too")
    with pytest.raises(preflight.NotReady) as caught:
        preflight.take(Places(folder))
    assert str(caught.value) == f"{folder}: it holds files that are not a demo's (choose another --dir)"
    assert (folder / "pods/web/pod.yaml").read_text() == "mine"
    assert (folder / "lock").read_text() == "mine too"
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("made", [0, 1, 2, 7])
def test_a_demo_that_was_killed_while_it_made_its_folder_can_be_started_again(
    tmp_path: Path, made: int
) -> None:
    Places(tmp_path / "whole").make()
    (tmp_path / "part").mkdir()
    places = Places(tmp_path / "part")
    for one in (places.lock, *places.folders)[:made]:
        one.touch() if one == places.lock else one.mkdir()
    with preflight.take(places):
        assert sorted(os.listdir(tmp_path / "part")) == sorted(os.listdir(tmp_path / "whole"))


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    places = Places(tmp_path / "demo")
    places.make()
    (tmp_path / "file").write_text("mine")
    places.lock.unlink()
    places.lock.symlink_to(tmp_path / "file")
    with pytest.raises(preflight.NotReady, match="choose another --dir"):
        preflight.take(places)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_another_demo_uses_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with preflight.take(Places(tmp_path)):
        told = refused(capsys, "--dir", str(tmp_path), "--port", str(free_port()))
    assert f"another demo is running in {tmp_path}" in told


def test_a_wrong_policy_fails_with_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("defaults: {memroy: {limit: 1G}, storage: {capacity: 8 Gib}}\n")
    told = refused(capsys, str(file), code=1)
    assert "wrong.yaml:1:12: defaults.memroy" in told
    assert "defaults.storage.capacity" in told


def test_a_policy_that_is_no_yaml_policy_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("singleuser: {memory: {limit: 1G}}\n")
    assert "takes a YAML policy" in refused(capsys, str(file))


def test_image_files_that_are_not_there_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no such folder" in refused(capsys, "--image-files", str(tmp_path / "none"))


def test_somebodys_policy_is_not_run_unasked(policy: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [ENVSPAWNER, "demo", policy, "--dir", str(tmp_path / "demo"), "--port", str(free_port())],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "will run\non this machine as" in done.stderr
    assert "use --yes" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_somebody_who_says_no_is_believed(policy: str, tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    try:
        os.write(mine, b"n\n")
        done = subprocess.run(
            [ENVSPAWNER, "demo", policy, "--dir", str(tmp_path / "demo"), "--port", str(free_port())],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(mine)
        os.close(theirs)
    assert done.returncode == 2
    assert "nothing was started" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_the_folder_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert preflight.default_folder() == tmp_path / "envspawner-demo"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert preflight.default_folder() == Path.home() / ".local/share/envspawner-demo"
