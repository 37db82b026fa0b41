"""`envspawner status`: running servers whose environment is no longer what the policy says."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from .accounts import Account
from .diff import word
from .hub_api import SCOPES, TOKEN, HubApi
from .hub_db import read_accounts
from .judging import CURRENT, NO_RECORD, NO_SERVER, NO_USER, REFUSED, STALE, Finding, judge, resolving
from .pods import Cluster, read_pods
from .progress import with_progress
from .selectors import POLICY_HELP, moment_given
from .sources import usable

_HEAD: Final = ("USER", "SERVER", "POD", "STATUS", "POD → POLICY")
_WORDS: Final = {
    STALE: "stale",
    REFUSED: "refused now",
    NO_RECORD: "without a record",
    NO_USER: "of nobody",
    NO_SERVER: "not the hub's",
}


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "status",
        help="running servers whose environment is no longer what the policy says",
        description="Holds every running server against a policy and lists those that a restart would change, "
        "with what it would change. Reads only. Exit code 0: all servers are as the policy says; 1: some are not, or "
        "that is not known.",
        epilog=f"With --hub-url the environment variable {TOKEN} holds a token with the scopes {SCOPES}; with "
        "admin:server_state too, homes that a server does not use now are known.",
    )
    parser.add_argument("policy", metavar="POLICY", help=POLICY_HELP)
    people = parser.add_mutually_exclusive_group(required=True)
    people.add_argument("--hub-db", metavar="URL", help="users: the database of the JupyterHub (only read)")
    people.add_argument("--hub-url", metavar="URL", help="users: the REST API of the JupyterHub at this URL")
    parser.add_argument("--namespace", metavar="NS", help="of the servers (default: that of the credentials)")
    parser.add_argument("--all-namespaces", action="store_true", help="servers of all namespaces")
    parser.add_argument("--kubeconfig", metavar="FILE", help="default: as kubectl, or the pod's own account")
    parser.add_argument("--context", metavar="NAME", help="a context of the kubeconfig")
    parser.add_argument(
        "--at", type=moment_given, metavar="DATETIME", help="when (default: now); UTC unless it says so"
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    policy = resolving(usable(arguments.policy))
    where = Cluster(arguments.kubeconfig, arguments.context, arguments.namespace, arguments.all_namespaces)
    find = _accounts(arguments)
    pods = read_pods(where)
    at: datetime = arguments.at or datetime.now(timezone.utc)
    counted = f"{len(pods)} server{'' if len(pods) == 1 else 's'}"
    found = [judge(pod, find(pod.user), policy, at) for pod in with_progress(pods, counted)]
    listed = [one for one in found if one.status != CURRENT]
    if arguments.output == "json":
        json.dump([_facts(one) for one in listed], sys.stdout, indent=2, ensure_ascii=False)
        print()
    elif listed:
        sys.stdout.writelines(_table(listed))
    print(f"{arguments.policy}: {counted}{_summary(found)}", file=sys.stderr)
    return 1 if listed else 0


def _accounts(arguments: argparse.Namespace) -> Callable[[str], Account | None]:
    """How to find a user by name."""
    if arguments.hub_db is not None:
        return read_accounts(arguments.hub_db).get
    api = HubApi(arguments.hub_url)
    active = api.active()
    servers = [server for account in active.values() for server in account.servers.values()]
    if any(server.state is None for server in servers):
        print(
            "the token may not read the state of servers (admin:server_state): a home that a server does not use "
            "now is taken for a new one",
            file=sys.stderr,
        )
    return lambda name: active.get(name) or api.find(name)


def _summary(found: Sequence[Finding]) -> str:
    counts = Counter(one.status for one in found)
    parts = [f"{counts[status]} {words}" for status, words in _WORDS.items() if counts[status]]
    return f", {', '.join(parts)}" if parts else ", all as the policy says" if found else ""


def _facts(one: Finding) -> dict[str, Any]:
    return {
        "user": one.pod.user,
        "server": one.pod.server,
        "namespace": one.pod.namespace,
        "pod": one.pod.name,
        "status": one.status,
        "reason": one.reason or None,
        "changes": [
            {
                "path": change.path,
                "old": None if change.old is None else json.loads(change.old),
                "new": None if change.new is None else json.loads(change.new),
            }
            for change in one.changes
        ],
    }


def _table(listed: Sequence[Finding]) -> Iterator[str]:
    rows = [_HEAD, *(row for one in listed for row in _rows(one))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for row in rows:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip() + "\n"


def _rows(one: Finding) -> Iterator[tuple[str, ...]]:
    pod = one.pod
    lines = [one.reason] if one.reason else []
    lines += [f"{change.path}: {word(change.old)} → {word(change.new)}" for change in one.changes]
    head: tuple[str, ...] = (pod.user, pod.server or "-", pod.name, one.status)
    for line in lines:
        yield (*head, line)
        head = ("", "", "", "")
