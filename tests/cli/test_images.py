"""`envspawner images` lists what a policy can lead to, and writes what pulls it ahead of time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from envspawner.cli import main
from envspawner.pod.init_containers import OWNER_IMAGE
from tests.hub.support import NEWEST

DIGEST = "sha256:" + "ab" * 32
POLICY = f"""\
defaults:
  image: {{name: quay.io/jupyter/scipy-notebook, tag: 2026-11-02, pullSecrets: [first]}}
  extraTolerations: [{{key: a, operator: Exists}}]
groups:
  next: {{image: {{tag: next}}}}
  gpu:
    extraTolerations: [{{key: a, operator: Exists}}, {{key: b, operator: Exists}}]
    image: {{pullSecrets: second}}
profiles:
  small: {{}}
  pinned: {{image: "registry.example.org:5000/x@{DIGEST}"}}
  both: {{image: "y:1@{DIGEST}"}}
  mine: {{image: "z/{{username}}:1"}}
"""
IMAGES = [
    "quay.io/jupyter/scipy-notebook:2026-11-02",
    "quay.io/jupyter/scipy-notebook:next",
    f"registry.example.org:5000/x@{DIGEST}",
    f"y:1@{DIGEST}",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["images", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_list_is_one_image_a_line_and_what_cannot_be_listed_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "policy.yaml")
    assert (code, out.splitlines()) == (0, IMAGES)
    assert err == (
        "policy.yaml:13:17: warning: profiles.mine.image: depends on who starts the server, and cannot be listed\n"
    )


def test_json_tells_the_parts_and_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "policy.yaml", "-o", "json")
    found = json.loads(out)
    assert [one["image"] for one in found] == IMAGES
    assert found[1] == {
        "image": "quay.io/jupyter/scipy-notebook:next",
        "name": "quay.io/jupyter/scipy-notebook",
        "tag": "next",
        "digest": None,
        "sources": ["defaults", "groups.next"],
        "location": "policy.yaml:5",
    }


def test_the_values_for_the_chart_give_the_same_images(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "policy.yaml", "-o", "z2jh")
    extra = yaml.safe_load(out)["prePuller"]["extraImages"]
    assert [f"{one['name']}:{one['tag']}" for one in extra.values()] == IMAGES  # as the chart's template does
    assert all(set(one) == {"name", "tag"} for one in extra.values())
    assert all(len(f"image-pull-{key}") <= 63 and key.replace("-", "").isalnum() for key in extra)


def test_an_image_without_a_tag_is_latest_for_the_chart(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("defaults: {image: a/b}")
    _, out, _ = run(capsys, "policy.yaml", "-o", "z2jh")
    assert list(yaml.safe_load(out)["prePuller"]["extraImages"].values()) == [
        {"name": "a/b", "tag": "latest"}
    ]


def daemon_set(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, out, _ = run(capsys, "policy.yaml", "-o", "daemonset", *words)
    assert code == 0
    found: dict[str, Any] = yaml.safe_load(out)
    kubernetes_validate.validate(found, NEWEST, strict=True)
    return found


def test_the_daemon_set_is_what_kubernetes_takes_and_pulls_each_image(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = daemon_set(capsys, "--tools-image", "tools:1")["spec"]["template"]["spec"]
    assert [one["image"] for one in spec["initContainers"]] == ["tools:1", *IMAGES]
    assert [one["image"] for one in spec["containers"]] == ["tools:1"]
    names = [one["name"] for one in (*spec["initContainers"], *spec["containers"])]
    assert len(set(names)) == len(names)
    assert all(one["resources"]["limits"] for one in (*spec["initContainers"], *spec["containers"]))


def test_its_pods_go_where_servers_go(capsys: pytest.CaptureFixture[str]) -> None:
    spec = daemon_set(capsys)["spec"]["template"]["spec"]
    keys = [one["key"] for one in spec["tolerations"]]
    assert keys == ["hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated", "a", "b"]
    assert spec["imagePullSecrets"] == [{"name": "first"}, {"name": "second"}]


def test_without_pull_secrets_it_names_none(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("defaults: {image: a/b:1}")
    assert "imagePullSecrets" not in daemon_set(capsys)["spec"]["template"]["spec"]


def test_kubespawners_own_images_count(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.yaml").write_text(
        "singleuser: {image: {name: a/b, tag: 1}}\n"
        "hub: {config: {EnvSpawner: {groups: {next: {image: {tag: 2}}}}}}\n"
    )
    _, out, _ = run(capsys, "config.yaml")
    assert out.splitlines() == ["a/b:1", "a/b:2", "quay.io/jupyterhub/k8s-network-tools:4.4.0"]
    Path("hub.py").write_text(
        "c.KubeSpawner.image = 'a/b:1'\n"
        "c.KubeSpawner.image_pull_secrets = [{'name': 'mine'}]\n"
        "c.KubeSpawner.init_containers = [{'name': 'i', 'image': 'i:1'}]\n"
    )
    assert run(capsys, "hub.py")[1].splitlines() == ["a/b:1", "i:1"]
    _, out, _ = run(capsys, "hub.py", "-o", "daemonset")
    assert yaml.safe_load(out)["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "mine"}]


def test_what_a_home_of_a_given_owner_needs_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    storage = "{type: static, static: {pvcName: nfs, subPath: '{username}'}, owner: '1000:100'}"
    Path("policy.yaml").write_text(f"defaults: {{image: a/b:1, storage: {storage}}}")
    assert run(capsys, "policy.yaml")[1].splitlines() == ["a/b:1", OWNER_IMAGE]


def test_a_wrong_policy_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("defaults: {imag: a}")
    code, out, err = run(capsys, "policy.yaml")
    assert (code, out) == (1, "")
    assert "unknown key 'imag'" in err


# --- check --pinned --------------------------------------------------------------------------------------------


def test_check_refuses_unpinned_images_when_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(
        "defaults:\n  image: a/b\n  initContainers: [{name: i, image: i:latest}]\n"
        "groups:\n  next: {image: {tag: 1}}\nusers: {ada: {until: 2020-01-01}}\n"
    )
    assert main(["check", "policy.yaml"]) == 0
    assert "policy.yaml:2:10: warning: defaults.image" in capsys.readouterr().out
    assert main(["check", "policy.yaml", "--pinned"]) == 1
    out, err = capsys.readouterr()
    hint = "(name a tag that stays what it is, or a digest)"
    assert out.splitlines() == [
        f"policy.yaml:2:10: defaults.image: a/b has no tag, so Kubernetes takes latest {hint}",
        f"policy.yaml:3:20: defaults.image: i:latest may change without notice {hint}",
        "policy.yaml:6:9: warning: users.ada: ended on 2020-01-01, and is no longer used "
        "(delete the rule, or move its end)",
    ]
    assert err == "policy.yaml: 2 problems\n"


def test_check_takes_pinned_images_when_told_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(f"defaults: {{image: 'a/b:latest@{DIGEST}'}}\nadmins: {{image: c:1}}")
    assert main(["check", "policy.yaml", "--pinned"]) == 0
    assert "fine" in capsys.readouterr().err
