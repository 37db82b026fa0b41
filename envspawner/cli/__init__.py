"""The `envspawner` command: data on stdout, words on stderr; exit 0 fine, 1 the policy fails, 2 could not run."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from . import check, demo, diff, explain, images, render, schema, status, suite
from .errors import CannotRun, Fails

COMMANDS = (check, render, explain, suite, diff, status, images, schema, demo)


def parser() -> argparse.ArgumentParser:
    """The command line; each module of this package adds its own command."""
    top = argparse.ArgumentParser(
        prog="envspawner",
        description="Tells what a policy gives to whom. Only `status` asks a hub and a cluster.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    if sys.stdout is None or sys.stderr is None:
        return 2  # nobody could read the answer
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the terminal can show
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"envspawner {arguments.command}: cannot write: {error.strerror}", file=sys.stderr)
        return 2
    except Fails as error:
        print(error, file=sys.stderr)
        return 1
    except CannotRun as error:
        print(f"envspawner {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return code
