"""`envspawner demo`: a real JupyterHub on this machine, to see a policy at work without a cluster."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..policy.rules import Policy
from .errors import CannotRun
from .sources import usable

EXAMPLE = Path(str(files("envspawner.demo").joinpath("policy.yaml")))


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "demo",
        help="a real JupyterHub on this machine, no cluster needed",
        description="Starts a real JupyterHub on this machine, with an example policy or yours, for trying out.",
    )
    parser.add_argument("policy", nargs="?", metavar="POLICY", help="a YAML policy (default: an example)")
    parser.add_argument("--port", type=_port, default=8000, help="of the page (default: 8000)")
    parser.add_argument("--dir", metavar="DIR", type=Path, help="where homes are kept between demos")
    parser.add_argument(
        "--image-files", metavar="DIR", type=Path, help="a folder that stands for the images' /srv/app/src"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before commands of POLICY may run")
    parser.add_argument(
        "--rewrite-paths", action="store_true", help="do without mount namespaces, even where they work"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from ..demo.preflight import NotReady, check_machine

    policy_file = EXAMPLE if arguments.policy is None else Path(arguments.policy)
    policy = _policy(str(policy_file))
    if arguments.image_files is not None and not arguments.image_files.is_dir():
        raise CannotRun(f"{arguments.image_files}: there is no such folder")
    try:
        check_machine(arguments.port)
    except NotReady as error:
        raise CannotRun(str(error)) from None
    import psutil

    if arguments.policy is not None and not arguments.yes:
        _confirm(arguments.policy)
        return _start(arguments, policy_file, policy, time.time())
    return _start(arguments, policy_file, policy, psutil.Process().create_time())


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a port")
    return int(text)


def _policy(name: str) -> Policy:
    subject = usable(name)
    if subject.policy is None or subject.configuration is not None:
        raise CannotRun(
            f"{name}: the demo takes a YAML policy (its sections are defaults, groups, profiles…)"
        )
    return subject.policy


def _confirm(name: str) -> None:
    """Somebody else's policy can hold any command."""
    print(
        f"{name}: the commands in this policy (cmd, lifecycleHooks, initContainers, extraContainers) will run\n"
        f"on this machine as {getpass.getuser()}, with nothing between them and your files.",
        file=sys.stderr,
    )
    if not sys.stdin.isatty():
        raise CannotRun("there is no terminal to ask whether that is fine (read the policy, then use --yes)")
    print("Have you read it, and shall it run? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CannotRun("nothing was started")


def _start(arguments: argparse.Namespace, policy_file: Path, policy: Policy, began: float) -> int:
    from ..demo.image import example_files
    from ..demo.people import people_of
    from ..demo.places import Places
    from ..demo.preflight import NotReady, default_folder, take
    from ..demo.session import Settings
    from ..demo.supervisor import supervised

    places = Places((arguments.dir or default_folder()).absolute())
    settings = Settings(
        policy=policy_file.absolute(),
        people=people_of(policy),
        places=places,
        port=arguments.port,
        starter_files=(arguments.image_files or example_files()).absolute(),
        began=began,
        namespaces=False if arguments.rewrite_paths else None,
    )
    try:
        with take(places):
            _introduce(settings, arguments.policy is None)
            return supervised(lambda parent: _work(settings, parent))
    except NotReady as error:
        raise CannotRun(str(error)) from None


def _introduce(settings: Any, example: bool) -> None:
    print(
        "A real JupyterHub on this machine, for trying out: not for users.\n"
        f"  policy  {settings.policy}{' (the example)' if example else ''}\n"
        f"  folder  {settings.places.folder}\n"
        "  images  are not pulled: the local Python stands in for any image\n"
        "  limits  are shown, not enforced"
    )
    if os.geteuid() == 0:
        print("  root    so the servers' processes are root's on this machine: an ordinary user is safer")


def _work(settings: Any, parent: int) -> int:
    from ..demo.services import Broken
    from ..demo.session import run as session
    from ..demo.supervisor import until_ended

    async def work() -> None:
        await session(settings, until_ended(parent))

    try:
        asyncio.run(work())
    except Broken as error:
        print(f"envspawner demo: {error}", file=sys.stderr)
        return 2
    return 0
