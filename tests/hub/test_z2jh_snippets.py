"""The snippets of the Zero to JupyterHub user-environment page work under `defaults`, unchanged.

Facts of https://z2jh.jupyter.org/en/stable/jupyterhub/customizing/user-environment.html and user-resources.html;
there they stand under `singleuser`.
"""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

from .conftest import Making


def defaults(snippet: str) -> str:
    return "defaults:\n" + textwrap.indent(textwrap.dedent(snippet), "  ")


async def test_an_image(making: Making) -> None:
    made = await making(
        defaults(
            """
            image:
              # The tag is chosen by hand.
              name: quay.io/jupyter/datascience-notebook
              tag: 2024-10-07
            # `cmd: null` lets the image's own start script run.
            cmd: null
            """
        )
    )
    assert made.notebook["image"] == "quay.io/jupyter/datascience-notebook:2024-10-07"
    assert "args" not in made.notebook


async def test_environment_variables(making: Making) -> None:
    made = await making(
        defaults(
            """
            extraEnv:
                EDITOR: "vim"
            """
        )
    )
    assert made.env["EDITOR"] == "vim"


async def test_memory(making: Making) -> None:
    made = await making(
        defaults(
            """
            memory:
                limit: 1G
                guarantee: 1G
            """
        )
    )
    assert made.notebook["resources"] == {"limits": {"memory": 2**30}, "requests": {"memory": 2**30}}


async def test_cpu(making: Making) -> None:
    made = await making(
        defaults(
            """
            cpu:
                limit: .5
                guarantee: .5
            """
        )
    )
    assert made.notebook["resources"]["limits"] == {"cpu": 0.5}
    assert made.notebook["resources"]["requests"]["cpu"] == 0.5


async def test_no_storage(making: Making) -> None:
    made = await making(
        defaults(
            """
            storage:
                type: none
            """
        )
    )
    assert made.claim is None
    assert made.volumes == {}
    assert made.mounts == {}


async def test_a_capacity(making: Making) -> None:
    made = await making(
        defaults(
            """
            storage:
              capacity: 5Gi
            """
        )
    )
    assert made.claim is not None
    assert made.claim["spec"]["resources"]["requests"] == {"storage": "5Gi"}
    claim = {"claimName": made.claim["metadata"]["name"]}
    assert made.volumes["home"] == {"name": "home", "persistentVolumeClaim": claim}
    assert made.mounts["/home/jovyan"] == {"name": "home", "mountPath": "/home/jovyan"}


SHELL_LINE = "test -f $HOME/.copied || cp -Rf /srv/app/src/. $HOME/; touch $HOME/.copied"


async def test_the_copy_once_line(making: Making, tmp_path: Path) -> None:
    made = await making(
        defaults(
            f"""
            lifecycleHooks:
              postStart:
                exec:
                  command:
                    - "sh"
                    - "-c"
                    - >
                      {SHELL_LINE}
            """
        )
    )
    command = made.notebook["lifecycle"]["postStart"]["exec"]["command"]
    assert command == ["sh", "-c", SHELL_LINE + "\n"]
    home, source = tmp_path / "home", tmp_path / "src"
    home.mkdir()
    source.mkdir()
    (source / "intro.ipynb").write_text("{}")
    line = command[2].replace("/srv/app/src", str(source))
    subprocess.run(["sh", "-c", line], env={**os.environ, "HOME": str(home)}, check=True)
    assert (home / "intro.ipynb").read_text() == "{}"


async def test_gitpuller_with_braces_in_the_shell(making: Making) -> None:
    made = await making(
        defaults(
            """
            lifecycleHooks:
              postStart:
                exec:
                  command: ["sh", "-c", "gitpuller https://example.org/x ${BRANCH:-main} materials || true"]
            """
        )
    )
    command = made.notebook["lifecycle"]["postStart"]["exec"]["command"]
    assert command[2] == "gitpuller https://example.org/x ${BRANCH:-main} materials || true"
