"""`envspawner images`: every image that a policy can lead to, as a list or as what pulls them ahead of time."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import yaml

from ..pod.init_containers import OWNER_IMAGE
from ..policy.problems import Problem
from ..policy.rules import Rule
from ..policy.templates import names_in
from ..resolve.reachable import Reached, reachable
from .puller import NAME, TOOLS, daemon_set, extra_images
from .selectors import POLICY_HELP
from .sources import Subject, usable

_FORMATS = ("list", "json", "z2jh", "daemonset")


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "images",
        help="every image that the policy can lead to",
        description="Prints every image that some server may need, whoever starts it. Memberships are not known "
        "here: an image may be listed that nobody happens to get. What cannot be listed is told on stderr.",
    )
    parser.add_argument("policy", metavar="POLICY", help=POLICY_HELP)
    parser.add_argument(
        "-o",
        "--output",
        choices=_FORMATS,
        default="list",
        help=f"a list (default), JSON, the chart's prePuller.extraImages, or a DaemonSet {NAME}",
    )
    parser.add_argument(
        "--tools-image",
        default=TOOLS,
        metavar="IMAGE",
        help=f"an image with a statically linked /bin/busybox, for the DaemonSet (default: {TOOLS})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    subject = usable(arguments.policy)
    found, told = images_of(subject)
    for problem in sorted(told, key=lambda one: one.order):
        print(problem, file=sys.stderr)
    images = [one.image for one in found]
    if arguments.output == "list":
        sys.stdout.writelines(f"{image}\n" for image in images)
    elif arguments.output == "json":
        json.dump([_facts(one) for one in found], sys.stdout, indent=2, ensure_ascii=False)
        print()
    elif arguments.output == "z2jh":
        yaml.safe_dump(extra_images(images), sys.stdout, sort_keys=False)
    else:
        tolerations = [value for value in _plain(subject, "extraTolerations") if isinstance(value, dict)]
        secrets = [_name(one) for names in _plain(subject, "image.pullSecrets") for one in names]
        document = daemon_set(
            images,
            tools=arguments.tools_image,
            tolerations=_distinct(tolerations),
            pull_secrets=_distinct(secrets),
        )
        yaml.dump(document, sys.stdout, Dumper=_Dumper, sort_keys=False)
    return 0


def images_of(subject: Subject) -> tuple[list[Reached], list[Problem]]:
    """The images that a file can lead to, and what of them cannot be listed."""
    brings = {"storage.owner": OWNER_IMAGE}
    return reachable(subject.policy, subject.own(), datetime.now(timezone.utc), brings)


def _facts(one: Reached) -> dict[str, Any]:
    image = one.image
    return {
        "image": str(image),
        "name": image.name,
        "tag": image.tag,
        "digest": image.digest,
        "sources": list(one.sources),
        "location": str(one.place),
    }


def _plain(subject: Subject, path: str) -> Iterator[Any]:
    """What any rule says of a field, as far as it is plain data."""
    rules: list[Rule | None] = [subject.own(), *(subject.policy.rules() if subject.policy else ())]
    for rule in rules:
        for setting in rule.settings if rule else ():
            if setting.field.path == path and setting.value is not None and not names_in(setting.value):
                yield setting.value


def _name(secret: Any) -> str:
    """KubeSpawner takes `{name: NAME}` too."""
    return str(secret["name"] if isinstance(secret, dict) else secret)


def _distinct(values: list[Any]) -> list[Any]:
    return [value for index, value in enumerate(values) if value not in values[:index]]


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _: Any) -> bool:
        return True
