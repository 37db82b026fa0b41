"""`envspawner explain` says what somebody gets, why, and what that beat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envspawner.cli import main

POLICY = """\
defaults:
  memory: {limit: 2G, guarantee: 50%}
  cpu: {limit: 500m}
  extraEnv: {A: a, TOKEN: "{auth_state.token}"}
  supplementalGids: [1, 2]
  extraTolerations: [{key: x, operator: Exists}]
  atMost: {memory: 8G}
groups:
  course: {memory: {limit: 4G}, extraEnv: {A: null}}
profiles:
  small: {default: true}
  big: {allow: {groups: [staff]}}
  menu: {options: {size: {choices: {s: {memory: {limit: 1G}}, m: {}}}}}
  broken: {storage: {type: static}}
"""


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY)
    return "policy.yaml"


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["explain", "policy.yaml", *words, "-o", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def values(facts: dict[str, Any]) -> dict[str, Any]:
    return {value["path"]: value for value in facts["values"]}


def test_each_value_has_its_rule_line_and_what_it_beat(
    policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = explained(capsys, "--user", "ada", "--group", "course")
    assert facts["user"] == "ada"
    assert facts["groups"] == ["course"]
    assert facts["profile"] == "small"
    assert facts["home"] == {"type": "dynamic", "claim": "claim-ada", "identity": "default"}
    found = values(facts)
    assert found["memory.limit"] == {
        "path": "memory.limit",
        "value": "4G",
        "source": "groups.course",
        "location": "policy.yaml:9",
        "overrode": [{"value": "2G", "source": "defaults", "location": "policy.yaml:2"}],
    }
    assert found["memory.guarantee"]["value"] == "2G"
    assert [old["value"] for old in found["memory.guarantee"]["overrode"]] == ["50%", "1G"]
    assert found["cpu.limit"]["value"] == "0.5"
    assert found["extraEnv.A"]["value"] is None
    assert found["supplementalGids"]["value"] == [1, 2]
    assert found["extraTolerations[0]"]["value"] == {"key": "x", "operator": "Exists"}


def test_what_comes_from_the_auth_state_is_masked(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert values(explained(capsys, "--user", "ada"))["extraEnv.TOKEN"]["value"] == "***"


def test_the_table_is_for_people(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", policy, "--user", "ada", "--group", "course", "--profile", "menu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "ada in course, profile menu, size s; home: dynamic (claim claim-ada); policy "
    )
    assert any(
        line.split() == ["memory.limit", "1G", "profiles.menu.options.size.choices.s", "(policy.yaml:13)"]
        for line in lines
    )
    assert any(line.split() == ["beat", "4G", "groups.course", "(policy.yaml:9)"] for line in lines)
    assert any("(removed)" in line for line in lines)


def test_no_profile_and_no_home_read_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("defaults: {storage: {type: none}}")
    assert main(["explain", str(path), "--user", "ada"]) == 0
    assert capsys.readouterr().out.startswith("ada; home: none; policy ")


REFUSED = {
    "a forbidden profile": (["--profile", "big"], "refused: profile-forbidden: "),
    "an unknown choice": (["--profile", "menu", "--option", "size=x"], "refused: choice-unknown: "),
    "rules that contradict": (["--profile", "broken"], "refused: policy-unusable: "),
}


@pytest.mark.parametrize("command", ["explain", "render"])
@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refused_selection_ends_with_1(
    policy: str, capsys: pytest.CaptureFixture[str], command: str, words: list[str], message: str
) -> None:
    assert main([command, policy, "--user", "ada", *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)


@pytest.mark.parametrize("command", ["explain", "render"])
def test_a_wrong_policy_ends_with_1_and_its_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("defaults: {memroy: 1}")
    assert main([command, str(path), "--user", "ada"]) == 1
    assert "unknown key 'memroy'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "render"])
def test_a_policy_that_cannot_be_read_ends_with_2(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "nowhere.yaml", "--user", "ada"]) == 2
    assert capsys.readouterr().err == f"envspawner {command}: nowhere.yaml: No such file or directory\n"


WRONG_WORDS = {
    "no user": [],
    "an option without a value": ["--user", "ada", "--option", "size"],
    "a time that is none": ["--user", "ada", "--at", "tomorrow"],
    "an unknown flag": ["--user", "ada", "--colour"],
}


@pytest.mark.parametrize("words", WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_wrong_words_end_with_2(policy: str, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", policy, *words])
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_the_time_can_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("groups: {exam: {memory: {limit: 4G}, until: 2026-12-20}}")
    for at, words in (("2026-12-20T23:59", "4G"), ("2026-12-21", "")):
        assert main(["explain", str(path), "--user", "ada", "--group", "exam", "--at", at]) == 0
        assert ("memory.limit" in capsys.readouterr().out) == bool(words)


def test_the_answer_needs_neither_jupyterhub_nor_kubespawner(policy: str) -> None:
    code = (
        "import sys; from envspawner.cli import main; "
        "assert main(['check', 'policy.yaml']) == 0; "
        "assert main(['explain', 'policy.yaml', '--user', 'ada']) == 0; "
        "wrong = {'jupyterhub', 'kubespawner', 'traitlets', 'kubernetes_asyncio'} & set(sys.modules); "
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_reader_that_has_seen_enough_is_no_error(policy: str) -> None:
    command = f"{sys.executable} -m envspawner explain {policy} --user ada | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_terminal_that_knows_only_ascii_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("users: {ada: {note: é, extraEnv: {É: é}}}")
    command = [sys.executable, "-m", "envspawner", "check", str(path)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "\\xc9" in done.stdout


def test_words_that_are_no_text_end_with_2(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", policy, "--user", "\udcff"]) == 2
    assert "is not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["> /dev/full", ">&-"])
def test_an_answer_that_cannot_be_written_ends_with_2(policy: str, where: str) -> None:
    command = f"{sys.executable} -m envspawner explain {policy} --user ada {where}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_notes_of_the_rules_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("users:\n  ada: {note: ticket 4711, uid: 7}\n  bob: {note: no}\n")
    assert main(["explain", str(path), "--user", "ada"]) == 0
    assert f"note: ticket 4711  users.ada ({path}:2)" in " ".join(capsys.readouterr().out.split(" ")).replace(
        "   ", ""
    )


def test_one_path_shows_what_lies_there_and_below(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(values(explained(capsys, "--user", "ada", "--path", "memory"))) == [
        "memory.guarantee",
        "memory.limit",
    ]
    paths = ["--path", "memory.limit", "--path", "extraTolerations"]
    assert list(values(explained(capsys, "--user", "ada", *paths))) == ["memory.limit", "extraTolerations[0]"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("memory.limitt", "no layer says anything of memory.limitt (did you mean memory.limit?)\n"),
        ("image.name", "no layer says anything of image.name\n"),
        ("mem", "no layer says anything of mem\n"),
    ],
)
def test_a_path_where_nothing_is_ends_with_1(
    policy: str, capsys: pytest.CaptureFixture[str], path: str, message: str
) -> None:
    assert main(["explain", policy, "--user", "ada", "--path", path]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", message)
