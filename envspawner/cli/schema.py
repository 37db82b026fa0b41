"""`envspawner schema`: the JSON Schema of a policy, for editors."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "schema",
        help="the JSON Schema of a policy, for editors",
        description="Prints the JSON Schema (2020-12) of a policy. An editor that knows it completes keys, shows "
        "what they are, and marks slips; `check` finds more.",
    )
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    from ..policy.schema import policy_schema  # the other commands need no schema

    json.dump(policy_schema(), sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0
