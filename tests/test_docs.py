"""Every command, snippet and output in README and docs is what really happens.

ENVSPAWNER_UPDATE_DOCS=1 writes the outputs anew.
"""

from __future__ import annotations

import io
import os
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from envspawner.cli import main, parser
from envspawner.hub.store import policy_of
from envspawner.policy.load import load_text
from envspawner.policy.sections import SECTIONS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
OF_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)^```$", re.M | re.S)
OUTPUT = re.compile(r"(<!-- output of: envspawner (.*?) -->\n```\n)(.*?)(^```$)", re.M | re.S)
WITH_OUTPUT = re.compile(r"^```sh\n([^\n]*)\n```\n\n<!-- output of: (.*?) -->", re.M)
SHOWN = {words for page in PAGES for _, words in WITH_OUTPUT.findall(page.read_text())}
"""Commands whose output stands below them, and says why they end as they do."""


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(match[2], id=f"{page.name}:{page.read_text()[: match.start()].count(chr(10)) + 1}")
        for page in PAGES
        for match in FENCE.finditer(page.read_text())
        if match[1] == language
        if not page.read_text()[: match.start()].splitlines()[-1].startswith("<!-- file: ")
    ]


def run(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """The exit code, and all that a terminal shows."""
    monkeypatch.chdir(ROOT)
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = main(shlex.split(command))
    return code, out.getvalue()


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_yaml_block_is_a_policy_without_problems(text: str) -> None:
    assert set(yaml.safe_load(text)) <= set(SECTIONS)
    load_text(text)


@pytest.mark.parametrize("text", blocks("sh"))
def test_every_envspawner_command_works(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in re.split(r"&&|\n", text):
        words = command.partition(" > ")[0].strip().removeprefix(".venv/bin/")
        if words.startswith(("envspawner demo", "envspawner status")):
            # One runs until it is ended, and one needs a hub: tests/demo and tests/cli/test_status.py do that.
            parser().parse_args(shlex.split(words)[1:])
        elif words.startswith("envspawner "):
            code, told = run(words.removeprefix("envspawner "), monkeypatch)
            assert code == 0 or words in SHOWN, told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_an_output_below_a_command_is_that_of_the_command(page: Path) -> None:
    for command, shown in WITH_OUTPUT.findall(page.read_text()):
        assert command.removeprefix(".venv/bin/") == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_block_of_a_file_is_that_file(page: Path) -> None:
    for name, text in OF_FILE.findall(page.read_text()):
        assert (ROOT / name).read_text() == text


def test_the_python_blocks_are_configurations() -> None:
    for block in blocks("python"):
        c = Config()
        exec(block.values[0], {"c": c})
        assert c.JupyterHub.spawner_class == "envspawner"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_outputs_are_those_of_the_commands(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text()
    real = OUTPUT.sub(lambda m: f"{m[1]}{run(m[2], monkeypatch)[1]}{m[4]}", text)
    if os.environ.get("ENVSPAWNER_UPDATE_DOCS"):
        page.write_text(real)
    assert text == real


def test_links_within_the_repository_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_example_policy_is_fine() -> None:
    _, warnings = load_text((ROOT / "docs/policy.yaml").read_text())
    assert warnings == []


def test_the_example_configuration_has_a_policy_without_problems() -> None:
    c = Config()
    exec((ROOT / "jupyterhub_config.py.example").read_text(), {"get_config": lambda: c})
    loaded = policy_of(c, ["KubeSpawner", "EnvSpawner"])
    assert loaded is not None
    assert loaded.warnings == ()
    assert c.JupyterHub.spawner_class == "envspawner"
