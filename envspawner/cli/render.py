"""`envspawner render`: the claim and the pod that the hub would send, without a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import yaml

from ..resolve.request import Start
from .errors import Fails
from .selectors import POLICY_HELP, add_selectors, selectors
from .sources import Subject, usable


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "render",
        help="the claim and the pod that the hub would send",
        description="Prints the claim (if any) and the pod, exactly as the hub would send them; secrets masked.",
    )
    parser.add_argument("policy", metavar="POLICY", help=POLICY_HELP)
    add_selectors(parser)
    parser.add_argument("--namespace", default="default", metavar="NS", help="the namespace of the servers")
    parser.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml", help="default: yaml")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    documents = _documents(usable(arguments.policy), selectors(arguments))
    if arguments.output == "json":
        json.dump(documents, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        yaml.dump_all(documents, sys.stdout, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return 0


def _documents(subject: Subject, start: Start) -> list[dict[str, Any]]:
    from tornado.web import HTTPError

    try:
        return subject.render(start)
    except HTTPError as error:
        raise Fails(f"refused: {getattr(error, 'refusal', error)}") from None


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as people read it."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
