"""A `jupyterhub_config.py` is read as JupyterHub reads it: its policy, and KubeSpawner's settings beneath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envspawner.cli import main
from envspawner.hub import configfile

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def values(capsys: pytest.CaptureFixture[str], name: str, *words: str) -> dict[str, Any]:
    assert main(["explain", name, "--user", "ada", *words, "-o", "json"]) == 0
    return {value["path"]: value for value in json.loads(capsys.readouterr().out)["values"]}


CONFIG = """\
c = get_config()
c.KubeSpawner.image = "a/b:1"
c.KubeSpawner.mem_limit = "64G"
c.EnvSpawner.defaults = {
    "memory": {"limit": "2G"},
    "extraEnv": {"A": 1},
}
c.EnvSpawner.users = dict(ada={"memory": {"limit": "3G"}})
"""


def test_its_settings_count_and_lines_of_literals_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    Path("jupyterhub_config.py").write_text(CONFIG)
    found = values(capsys, "jupyterhub_config.py")
    assert found["image.name"]["value"] == "a/b"
    assert found["extraEnv.A"]["location"] == "jupyterhub_config.py:6"
    limit = found["memory.limit"]
    assert (limit["value"], limit["location"]) == ("3G", "c.EnvSpawner")
    assert [(old["value"], old["location"]) for old in limit["overrode"]] == [
        ("2G", "jupyterhub_config.py:5"),
        ("64G", "c.KubeSpawner"),
    ]


def test_it_is_rendered_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hub.py").write_text(CONFIG)
    assert main(["render", "hub.py", "--user", "ada", "-o", "json"]) == 0
    box = json.loads(capsys.readouterr().out)[-1]["spec"]["containers"][0]
    assert box["image"] == "a/b:1"
    assert box["resources"]["limits"]["memory"] == 3 * 2**30


def test_one_that_loads_others_and_modules_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("site.py").write_text("c.EnvSpawner.defaults = {'memory': {'limit': '2G'}}")
    Path("ourlib.py").write_text("IMAGE = 'x/y:2'")
    Path("hub.py").write_text(
        "import ourlib\nload_subconfig('site.py')\nc.KubeSpawner.image = ourlib.IMAGE\n"
    )
    found = values(capsys, "hub.py")
    assert found["memory.limit"]["value"] == "2G"
    assert found["image.name"]["value"] == "x/y"


def test_a_policy_file_that_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("defaults:\n  memory: {limit: 2G}\n")
    Path("hub.py").write_text("c.EnvSpawner.policy_file = 'policy.yaml'")
    assert values(capsys, "hub.py")["memory.limit"]["location"] == "policy.yaml:2"


def test_its_own_subclass_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hub.py").write_text(
        "from envspawner import EnvSpawner\n"
        "class Mine(EnvSpawner):\n"
        "    async def get_pod_manifest(self):\n"
        "        pod = await super().get_pod_manifest()\n"
        "        pod.spec.hostname = 'mine'\n"
        "        return pod\n"
        "c.JupyterHub.spawner_class = Mine\n"
        "c.Mine.defaults = {'memory': {'limit': '2G'}}\n"
    )
    assert main(["render", "hub.py", "--user", "ada", "-o", "json"]) == 0
    pod = json.loads(capsys.readouterr().out)[-1]
    assert pod["spec"]["hostname"] == "mine"
    assert pod["spec"]["containers"][0]["resources"]["limits"]["memory"] == 2**31


def test_one_without_a_policy_is_plain_kubespawner(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hub.py").write_text(
        "c.KubeSpawner.image = 'x/y:2'\nc.KubeSpawner.storage_pvc_ensure = True\nc.KubeSpawner.storage_capacity = '1Gi'"
    )
    found = values(capsys, "hub.py")
    assert found["image.tag"]["value"] == "2"
    assert found["storage.capacity"]["value"] == "1Gi"
    assert "memory.guarantee" not in found
    assert main(["check", "hub.py"]) == 0
    assert "no policy" in capsys.readouterr().err
    assert main(["render", "hub.py", "--user", "ada"]) == 0


def test_the_example_configuration_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    name = str(ROOT / "jupyterhub_config.py.example")
    assert main(["check", name]) == 0
    assert "4 profiles" in capsys.readouterr().err
    found = values(capsys, name, "--group", "course::stat101", "--profile", "large", "--option", "cpu=2")
    assert found["cpu.limit"]["value"] == "2"
    assert found["cpu.limit"]["location"].startswith(name + ":")


WRONG = {
    "it raises": ("x = 1\nx / 0\n", "hub.py:2: ZeroDivisionError: division by zero"),
    "it raises in what it loads": ("load_subconfig('sub.py')\n", "sub.py:1: RuntimeError: deep"),
    "it is not Python": ("c.KubeSpawner.image = \n", "hub.py:1:23: is not Python"),
    "it ends the program": ("import sys\nsys.exit(3)\n", "hub.py:2: ends the program (SystemExit: 3)"),
    "it prints": ("print('hello there')\n", "hub.py: prints 'hello there'"),
    "it asks for something that is not there": (
        "import os\nos.environ['NO_SUCH_THING']\n",
        "hub.py:2: KeyError",
    ),
    "it names no spawner": (
        "c.JupyterHub.spawner_class = 'no.such.Thing'\n",
        "hub.py: c.JupyterHub.spawner_class: ",
    ),
    "its policy is wrong": (
        "c.EnvSpawner.defaults = {\n    'memroy': 1,\n}\n",
        "hub.py:2:5: defaults.memroy: unknown key 'memroy'",
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_it_is_a_problem_with_its_place(capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    Path("hub.py").write_text(text)
    Path("sub.py").write_text("raise RuntimeError('deep')")
    assert main(["check", "hub.py"]) == 1
    assert message in capsys.readouterr().out


def test_one_that_never_ends_is_ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configfile, "SECONDS", 1)
    Path("hub.py").write_text("while True:\n    pass\n")
    assert main(["check", "hub.py"]) == 1
    assert "hub.py:" in (out := capsys.readouterr().out)
    assert "does not end within 1 s" in out


def test_one_that_is_not_there_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere.py"]) == 2
    assert capsys.readouterr().err == "envspawner check: nowhere.py: No such file or directory\n"
