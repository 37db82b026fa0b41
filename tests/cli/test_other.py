"""What users type, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envspawner.cli import main

POLICY = """
defaults: {image: "base:1"}
profiles:
  lab:
    options:
      image: {choices: {base: {}}, other: {images: "quay.io/jupyter/*"}}
"""
TYPED = "quay.io/jupyter/r-notebook:2026-11-02"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY)
    return "policy.yaml"


def test_explain_shows_what_was_typed_as_the_choice(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", policy, "--user", "ada", "--option", f"image--unlisted-choice={TYPED}"]
    assert main([*words, "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["profile"], found["options"]) == ("lab", {"image": TYPED})
    values = {value["path"]: value for value in found["values"]}
    assert values["image.tag"]["value"] == "2026-11-02"
    assert values["image.tag"]["source"] == "profiles.lab.options.image.other"
    assert values["image.tag"]["location"] == "policy.yaml:6"
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(f"ada, profile lab, image {TYPED}; home: ")


def test_a_text_that_is_not_good_ends_with_1(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    option = "image--unlisted-choice=quay.io/evil:1"
    assert main(["render", policy, "--user", "ada", "--option", option]) == 1
    assert capsys.readouterr().err.startswith(
        "refused: value-invalid: option image of profile lab: 'quay.io/evil:1': it is none of the images"
    )
