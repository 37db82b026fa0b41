"""An old policy and a new one, and what `envspawner diff` says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envspawner.cli import main

OLD = """\
defaults: {memory: {limit: 2G}, image: "a/b:1", extraEnv: {OWNER: "{username}"}}
groups:
  staff: {atMost: {memory: 8G}}
  "project:*": {extraEnv: {PROJECT: "{match}"}}
profiles:
  small: {default: true}
  large: {memory: {limit: 4G}, options: {cpu: {choices: {one: {}, two: {cpu: {limit: 2}}}}}}
  gpu: {allow: {groups: [staff]}}
"""
ROSTER = """\
user,groups,admin
ada,,
bob,staff;project:x,true
eve,project:y,
zoe,"staff",no
"""


class Policies:
    """An old policy and a new one in a folder of their own, and a roster."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        Path("old.yaml").write_text(OLD)
        Path("roster.csv").write_text(ROSTER)

    def new(self, *changes: tuple[str, str]) -> Policies:
        text = OLD
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        Path("new.yaml").write_text(text)
        return self

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main(["diff", "old.yaml", "new.yaml", *words])
        out, err = self.capsys.readouterr()
        return code, out, err

    def facts(self, *words: str) -> list[dict[str, Any]]:
        _, out, _ = self.run(*words, "-o", "json")
        found: list[dict[str, Any]] = json.loads(out)
        return found
