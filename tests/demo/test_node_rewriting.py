"""The fallback without mount namespaces: a pod's paths become those of this machine, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envspawner.demo.commands import Command
from envspawner.demo.rewriting import link_nested, rewritten
from envspawner.demo.volumes import Mount

HOME = Mount(Path("/demo/homes/ada"), "/home/jovyan")
DATA = Mount(Path("/demo/data"), "/home/jovyan/data")


def here(text: str, *mounts: Mount, name: str = "WORD") -> str:
    command = Command(("true",), {name: text}, "/", mounts or (HOME, DATA), 1000, 100, "host")
    return rewritten(command).environment[name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/jovyan", "/demo/homes/ada"),
        ("/home/jovyan/", "/demo/homes/ada/"),
        ("/home/jovyan/a b", "/demo/homes/ada/a b"),
        ("--dir=/home/jovyan/x", "--dir=/demo/homes/ada/x"),
        ("/bin:/home/jovyan/bin:/home/jovyan", "/bin:/demo/homes/ada/bin:/demo/homes/ada"),
        ("cp -r /srv/x '/home/jovyan'", "cp -r /srv/x '/demo/homes/ada'"),
        ("/home/jovyan/data/set", "/demo/data/set"),
    ],
)
def test_paths_under_a_mount_are_rewritten_by_the_longest_one(text: str, expected: str) -> None:
    assert here(text) == expected


@pytest.mark.parametrize(
    "text", ["/home/jovyans", "/mnt/home/jovyan", "/home", "/home/jovyan.bak", "jovyan", ""]
)
def test_other_paths_stay(text: str) -> None:
    assert here(text) == text


def test_jupyterhubs_own_variables_stay() -> None:
    prefix = Mount(Path("/demo/x"), "/user")
    assert here("/user/ada/", prefix, name="JUPYTERHUB_SERVICE_PREFIX") == "/user/ada/"
    assert here("/user/ada/", prefix) == "/demo/x/ada/"


def test_arguments_and_working_directory_are_rewritten_too() -> None:
    command = Command(("ls", "/home/jovyan"), {}, "/home/jovyan/src", (HOME,), 1000, 100, "host")
    assert rewritten(command).argv == ("ls", "/demo/homes/ada")
    assert rewritten(command).cwd == "/demo/homes/ada/src"


@given(st.text(alphabet="abc:= '\"\n", max_size=40))
def test_text_without_a_path_is_never_touched(text: str) -> None:
    assert here(text) == text


def test_a_mount_within_another_shows_there(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    data.mkdir()
    mounts = [Mount(home, "/home/jovyan"), Mount(data, "/home/jovyan/deep/data")]
    link_nested(mounts)
    link_nested(mounts)
    assert (home / "deep/data").resolve() == data


def test_what_the_user_has_there_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    link_nested([Mount(home, "/home/jovyan"), Mount(tmp_path, "/home/jovyan/data")])
    assert not (home / "data").is_symlink()
