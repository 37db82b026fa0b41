"""`envspawner render` shows the claim and the pod without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from envspawner.cli import main

POLICY = """\
defaults:
  image: a/b:1
  extraEnv: {WHERE: "{namespace} {pod_name} {pvc_name} {servername}", TOKEN: "{auth_state.token}"}
  lifecycleHooks: {postStart: {exec: {command: [sh, -c, "a\\nb"]}}}
groups: {exam: {memory: {limit: 4G}, until: 2026-12-20}}
profiles: {p: {}, n: {storage: {type: none}}}
"""


@pytest.fixture(autouse=True)
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY)


def test_yaml_has_one_document_each_and_json_one_array(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "policy.yaml", "--user", "ada"]) == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [one["kind"] for one in documents] == ["PersistentVolumeClaim", "Pod"]
    assert main(["render", "policy.yaml", "--user", "ada", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == documents


def test_there_is_no_claim_without_storage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "policy.yaml", "--user", "ada", "--profile", "n", "-o", "json"]) == 0
    assert [one["kind"] for one in json.loads(capsys.readouterr().out)] == ["Pod"]


def test_the_hubs_secrets_and_the_users_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "policy.yaml", "--user", "ada", "-o", "json"]) == 0
    env = {
        e["name"]: e.get("value")
        for e in json.loads(capsys.readouterr().out)[1]["spec"]["containers"][0]["env"]
    }
    assert env["JUPYTERHUB_API_TOKEN"] == env["JPY_API_TOKEN"] == env["TOKEN"] == "***"
    assert env["JUPYTERHUB_CLIENT_ID"] == "jupyterhub-user-ada"


def test_a_named_server_and_a_namespace_show_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["render", "policy.yaml", "--user", "Ada", "--server", "lab", "--namespace", "prod", "-o", "json"]
    assert main(words) == 0
    claim, pod = json.loads(capsys.readouterr().out)
    env = {e["name"]: e.get("value") for e in pod["spec"]["containers"][0]["env"]}
    assert env["WHERE"] == f"prod {pod['metadata']['name']} {claim['metadata']['name']} lab"
    assert env["JUPYTERHUB_SERVICE_PREFIX"] == "/user/Ada/lab/"


def test_the_time_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    for at, limit in (("2026-12-20", 4 * 2**30), ("2026-12-21", None)):
        assert (
            main(["render", "policy.yaml", "--user", "ada", "--group", "exam", "--at", at, "-o", "json"]) == 0
        )
        limits = json.loads(capsys.readouterr().out)[1]["spec"]["containers"][0]["resources"]["limits"]
        assert limits.get("memory") == limit


def test_text_of_several_lines_reads_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "policy.yaml", "--user", "ada"]) == 0
    assert "- |-\n" in capsys.readouterr().out
