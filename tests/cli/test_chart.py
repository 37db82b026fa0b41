"""A chart's `config.yaml` is KubeSpawner's own layer above the chart's default values, and is checked like a policy.

The snippets are those of the Zero to JupyterHub user-environment and user-resources pages, in their own indentation.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from envspawner.cli import main
from tests.hub.support import NEWEST, without_nulls


class Chart:
    """A chart's file in the current folder, and what the commands say of it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def write(self, text: str) -> Chart:
        Path("config.yaml").write_text(textwrap.dedent(text))
        return self

    def run(self, command: str, *words: str) -> tuple[int, str, str]:
        code = main([command, "config.yaml", *words])
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err

    def render(self, *words: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        code, out, err = self.run("render", "--user", "ada", *words, "-o", "json")
        assert code == 0, err
        documents = json.loads(out)
        for document in documents:
            kubernetes_validate.validate(without_nulls(document), NEWEST, strict=True)
        return (documents[0] if len(documents) == 2 else None), documents[-1]

    def values(self, *words: str) -> dict[str, Any]:
        code, out, err = self.run("explain", "--user", "ada", *words, "-o", "json")
        assert code == 0, err
        return {value["path"]: value for value in json.loads(out)["values"]}


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Chart:
    monkeypatch.chdir(tmp_path)
    return Chart(capsys)


def notebook(pod: dict[str, Any]) -> dict[str, Any]:
    return dict(pod["spec"]["containers"][0])


def test_an_image(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          image:
            # You should replace the "latest" tag with a fixed version from:
            # https://quay.io/repository/jupyter/datascience-notebook?tab=tags
            # Inspect the Dockerfile at:
            # https://github.com/jupyter/docker-stacks/tree/HEAD/images/datascience-notebook/Dockerfile
            name: quay.io/jupyter/datascience-notebook
            tag: 2024-10-07
          # `cmd: null` allows the custom CMD of the Jupyter docker-stacks to be used
          # which performs further customization on startup.
          cmd: null
        """
    )
    _, pod = chart.render()
    assert notebook(pod)["image"] == "quay.io/jupyter/datascience-notebook:2024-10-07"
    assert "args" not in notebook(pod)
    image = chart.values()["image.name"]
    assert (image["source"], image["location"]) == ("kubespawner", "config.yaml:8")


def test_environment_variables(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          extraEnv:
            EDITOR: "vim"
        """
    )
    _, pod = chart.render()
    assert {"name": "EDITOR", "value": "vim"} in notebook(pod)["env"]
    assert chart.values()["extraEnv.EDITOR"]["location"] == "config.yaml:4"


def test_memory_and_cpu(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          memory:
            limit: 1G
            guarantee: 1G
          cpu:
            limit: .5
            guarantee: .5
        """
    )
    _, pod = chart.render()
    half = {"cpu": 0.5, "memory": 2**30}
    assert notebook(pod)["resources"] == {"limits": half, "requests": half}


def test_no_storage(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          storage:
            type: none
        """
    )
    claim, pod = chart.render()
    assert claim is None
    assert pod["spec"]["volumes"] == []


def test_a_capacity(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          storage:
            capacity: 5Gi
        """
    )
    claim, pod = chart.render()
    assert claim is not None
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert pod["spec"]["volumes"][0]["name"] == "volume-ada"


def test_the_copy_once_line(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          lifecycleHooks:
            postStart:
              exec:
                command:
                  - "sh"
                  - "-c"
                  - >
                    cp -r /tmp/foo /home/jovyan;
                    test -f $HOME/.copied || cp -Rf /srv/app/src/. $HOME/; touch $HOME/.copied
        """
    )
    _, pod = chart.render()
    command = notebook(pod)["lifecycle"]["postStart"]["exec"]["command"]
    assert command[2].endswith("touch $HOME/.copied\n")


def test_static_storage_under_jupyterhub(chart: Chart) -> None:
    chart.write(
        """
        jupyterhub:
            singleuser:
                storage:
                    type: static
                    static:
                        pvcName: nfs
                        subPath: 'home/{username}'
                    extraVolumes:
                        - name: shm-volume
                          emptyDir:
                            medium: Memory
                    extraVolumeMounts:
                        - name: shm-volume
                          mountPath: /dev/shm
        """
    )
    claim, pod = chart.render()
    assert claim is None
    mounts = notebook(pod)["volumeMounts"]
    assert {"name": "home", "mountPath": "/home/jovyan", "subPath": "home/ada"} in mounts
    assert {"name": "shm-volume", "mountPath": "/dev/shm"} in mounts


def test_the_chart_adds_what_it_always_adds(chart: Chart) -> None:
    chart.write("singleuser: {}")
    _, pod = chart.render()
    spec = pod["spec"]
    assert notebook(pod)["image"] == "quay.io/jupyterhub/k8s-singleuser-sample:4.4.0"
    assert [one["name"] for one in spec["initContainers"]] == ["block-cloud-metadata"]
    assert [one["key"] for one in spec["tolerations"]] == [
        "hub.jupyter.org/dedicated",
        "hub.jupyter.org_dedicated",
    ]
    assert pod["metadata"]["labels"]["hub.jupyter.org/network-access-hub"] == "true"


def test_the_output_names_the_charts_version(chart: Chart) -> None:
    chart.write("singleuser: {memory: {limit: 1G}}")
    code, _, err = chart.run("check")
    assert code == 0
    assert "KubeSpawner as chart 4.4.0 sets it" in err
    assert chart.values()["storage.capacity"]["location"] == "chart 4.4.0"
    _, out, _ = chart.run("explain", "--user", "ada")
    assert "beneath all: KubeSpawner as chart 4.4.0 sets it" in out


def test_a_policy_in_hub_config_lies_above(chart: Chart) -> None:
    chart.write(
        """
        hub:
          config:
            JupyterHub: {spawner_class: envspawner}
            KubeSpawner: {working_dir: /srv, delete_grace_period: 5}
            EnvSpawner:
              defaults: {memory: {limit: 2G}, atMost: {memory: 4G}}
              users: {ada: {storage: {capacity: 20Gi}}}
        singleuser:
          memory: {limit: 64G}
          extraEnv: {WHO: "{username}"}
        """
    )
    claim, pod = chart.render()
    assert claim is not None
    assert claim["spec"]["resources"]["requests"]["storage"] == "20Gi"
    assert notebook(pod)["resources"]["limits"]["memory"] == 2**31
    assert notebook(pod)["workingDir"] == "/srv"
    assert {"name": "WHO", "value": "ada"} in notebook(pod)["env"]
    limit = chart.values()["memory.limit"]
    assert limit["location"] == "config.yaml:7"
    assert [old["location"] for old in limit["overrode"]] == ["config.yaml:10"]


def test_a_profile_list_is_rendered_as_kubespawner_would(chart: Chart) -> None:
    chart.write(
        """
        singleuser:
          profileList:
            - display_name: "Minimal environment"
              description: "To avoid too much bells and whistles: Python."
              default: true
            - display_name: "Datascience environment"
              kubespawner_override:
                image: quay.io/jupyter/datascience-notebook:2024-10-07
                mem_limit: 2G
        """
    )
    _, pod = chart.render("--profile", "datascience-environment")
    assert notebook(pod)["image"] == "quay.io/jupyter/datascience-notebook:2024-10-07"


def test_problems_of_a_chart_file_have_their_places(chart: Chart) -> None:
    chart.write(
        """\
        singleuser:
          memroy: {limit: 1G}
          mem_limit: 2G
          storage: {capacity: 8 Gib}
          extraEnv: {JSON: '{"a": 1}', FINE: '{{"a": 1}}', HOME: '${HOME}'}
          networkPolicy: {enabled: false}
          extraFiles: {}
        hub:
          config:
            EnvSpawner: {users: {ada: {memroy: 1}}}
        """
    )
    code, out, _ = chart.run("check")
    assert code == 1
    lines = out.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["config.yaml:2:3", "singleuser.memroy"],
        ["config.yaml:3:3", "singleuser.mem_limit"],
        ["config.yaml:4:23", "singleuser.storage.capacity"],
        ["config.yaml:5:20", "singleuser.extraEnv.JSON"],
        ["config.yaml:5:58", "singleuser.extraEnv.HOME"],
        ["config.yaml:10:32", "users.ada.memroy"],
    ]
    assert "KubeSpawner cannot format this text" in lines[3]


def test_the_charts_own_words_are_noted(chart: Chart) -> None:
    chart.write("singleuser: {networkPolicy: {}, extraFiles: {}, cloudMetadata: {}}\nproxy: {}")
    code, out, _ = chart.run("check")
    assert code == 0
    assert out.count("the chart's own business, passed over") == 3


def test_a_policy_file_of_the_hubs_container_is_noted(chart: Chart) -> None:
    chart.write("hub: {config: {EnvSpawner: {policy_file: /etc/jupyterhub/policy.yaml}}}")
    code, out, _ = chart.run("check")
    assert code == 0
    assert "the policy file is in the hub's container" in out


WRONG = {
    "a key that stands there twice": ("singleuser: {uid: 1000, uid: 0}", "twice"),
    "singleuser is a list": ("singleuser: [1]", "singleuser: expected a mapping"),
    "a policy's word": ("singleuser: {copyOnce: /srv}", "belongs in a policy"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_the_chart_would_not_take_is_a_problem(chart: Chart, text: str, message: str) -> None:
    code, out, _ = chart.write(text).run("check")
    assert code == 1
    assert message in out
