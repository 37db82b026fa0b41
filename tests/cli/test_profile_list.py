"""The commands read KubeSpawner's `profile_list` as the hub does, with its places in the file."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from envspawner.cli import main

Run = Any


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(name, text, command, words…)` is (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def do(name: str, text: str, command: str, *words: str) -> tuple[int, str, str]:
        Path(name).write_text(textwrap.dedent(text))
        code = main([command, name, *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return do


CHART = """\
singleuser:
  profileList:
    - display_name: Small
      kubespawner_override: {mem_limit: 1G}
    - display_name: GPU
      allowed_groups: [staff]
      profile_options:
        image:
          choices:
            a:
              kubespawner_override:
                image: quay.io/a/b:1
"""
PYTHON = """\
c = get_config()
c.KubeSpawner.profile_list = [
    {"display_name": "Small", "kubespawner_override": {"mem_limit": "1G", "cpu_limit": lambda s: 2}},
    {
        "display_name": "GPU",
        "allowed_groups": ["staff"],
        "profile_options": {
            "image": {"choices": {"a": {"kubespawner_override": {"image": "quay.io/a/b:1"}}}},
        },
    },
]
"""
FILES = {"config.yaml": (CHART, 4, 12), "hub.py": (PYTHON, 3, 8)}


@pytest.mark.parametrize(("name", "text", "limit", "image"), [(n, *f) for n, f in FILES.items()], ids=FILES)
def test_values_have_their_places(run: Run, name: str, text: str, limit: int, image: int) -> None:
    code, out, err = run(name, text, "explain", "--user", "ada", "-o", "json")
    assert code == 0, err
    found = {value["path"]: value for value in json.loads(out)["values"]}
    assert found["memory.limit"]["location"] == f"{name}:{limit}"
    assert found["memory.limit"]["source"] == "profile_list.small"
    code, out, err = run(
        name, text, "explain", "--user", "ada", "--group", "staff", "--profile", "gpu", "-o", "json"
    )
    assert code == 0, err
    found = {value["path"]: value for value in json.loads(out)["values"]}
    assert found["image.tag"]["location"] == f"{name}:{image}"
    assert found["image.tag"]["source"] == "profile_list.gpu.profile_options.image.choices.a"


@pytest.mark.parametrize(("name", "text"), [(name, file[0]) for name, file in FILES.items()], ids=FILES)
def test_a_profile_for_others_is_refused(run: Run, name: str, text: str) -> None:
    for command in ("explain", "render"):
        code, _, err = run(name, text, command, "--user", "ada", "--profile", "gpu")
        assert code == 1
        assert "profile-forbidden" in err


@pytest.mark.parametrize(("name", "text"), [(name, file[0]) for name, file in FILES.items()], ids=FILES)
def test_a_list_without_mistakes_is_fine(run: Run, name: str, text: str) -> None:
    code, out, err = run(name, text, "check")
    assert (code, out) == (0, "")
    assert "2 profiles" in err


def test_mistakes_of_a_chart_have_their_places(run: Run) -> None:
    code, out, _ = run("config.yaml", CHART.replace("mem_limit: 1G", "mem_limitt: 1G"), "check")
    assert code == 1
    assert out == (
        "config.yaml:4:30: singleuser.profileList[0].kubespawner_override.mem_limitt: "
        "KubeSpawner has no trait 'mem_limitt' (did you mean mem_limit?)\n"
    )


def test_mistakes_of_a_python_file_have_their_places(run: Run) -> None:
    code, out, _ = run("hub.py", PYTHON.replace('"mem_limit"', '"mem_limitt"'), "check")
    assert code == 1
    assert out.startswith(
        "hub.py:3:56: profile_list[0].kubespawner_override.mem_limitt: KubeSpawner has no trait"
    )


@pytest.mark.parametrize(
    "change", ["c.KubeSpawner.profile_list.pop()", 'c.KubeSpawner.profile_list[0]["slug"] = "s"']
)
def test_a_list_that_the_file_changes_later_has_no_lines(run: Run, change: str) -> None:
    code, out, err = run("hub.py", PYTHON + change, "explain", "--user", "ada", "-o", "json")
    assert code == 0, err
    found = {value["path"]: value for value in json.loads(out)["values"]}
    assert found["memory.limit"]["location"] == "c.KubeSpawner.profile_list[0]"


def test_a_list_in_the_hubs_own_configuration_takes_the_place_of_the_charts(run: Run) -> None:
    text = CHART + "hub: {config: {KubeSpawner: {profile_list: [{display_nam: x}]}}}\n"
    code, out, _ = run("config.yaml", text, "check")
    assert code == 1
    assert "config.yaml:13" in out
    assert "hub.config.KubeSpawner.profile_list[0]" in out


def test_a_callable_list_is_called_for_the_person_asked_about(run: Run) -> None:
    text = """\
    c = get_config()
    def listed(spawner):
        return [{"display_name": group.name} for group in spawner.user.groups]
    c.KubeSpawner.profile_list = listed
    """
    assert run("hub.py", text, "check")[0] == 0
    assert run("hub.py", text, "explain", "--user", "ada", "--group", "x", "--profile", "x")[0] == 0
    code, _, err = run("hub.py", text, "explain", "--user", "ada", "--group", "y", "--profile", "x")
    assert code == 1
    assert "profile-unknown" in err


def test_a_policy_beside_the_charts_list_bounds_it(run: Run) -> None:
    text = CHART + "hub: {config: {EnvSpawner: {defaults: {atMost: {memory: 512M}}}}}\n"
    code, _, err = run("config.yaml", text, "explain", "--user", "ada", "--profile", "small")
    assert code == 1
    assert "over-bound" in err
