"""The page about homes names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[(test_\w+)\]\(\.\./([\w/.]+)\)")


def test_every_promise_is_linked_to_tests_that_exist() -> None:
    page = (ROOT / "docs/homes.md").read_text()
    promises = [
        line for line in page.partition("## What is promised")[2].splitlines() if line.startswith("| ")
    ][2:]
    assert promises
    for promise in promises:
        links = LINK.findall(promise)
        assert links, promise
        for name, path in links:
            assert f"def {name}(" in (ROOT / path).read_text(), name
