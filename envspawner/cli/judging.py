"""Holds a running server against a policy: what would a restart change?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ..resolve.access import Refusal
from ..resolve.home import Unusable
from ..resolve.record import Fact
from ..resolve.recorded import NoRecord, Record, compare, read
from ..resolve.request import SpawnRequest, Start
from ..resolve.resolver import Resolver
from ..resolve.result import ResolvedEnvironment
from .accounts import Account, Kept
from .changes import Change, Shown, value_changes
from .errors import CannotRun
from .explain import shown
from .pods import Pod
from .sources import Subject

CURRENT: Final = "current"
STALE: Final = "stale"
REFUSED: Final = "refused"
NO_RECORD: Final = "no-record"
NO_USER: Final = "no-user"
NO_SERVER: Final = "no-server"
Resolve = Callable[[SpawnRequest, Any], ResolvedEnvironment]


@dataclass(frozen=True)
class Finding:
    """One server. reason: of a refusal, or why nothing is known. changes: what a restart would change."""

    pod: Pod
    status: str
    reason: str = ""
    changes: tuple[Change, ...] = ()


def resolving(subject: Subject) -> Resolve:
    """How a subject's policy answers a request; above what lay beneath the server, whatever the subject says."""
    policy, configuration = subject.policy, subject.configuration
    if policy is None or not policy.built_in:
        raise CannotRun(f"{subject.name}: there is no policy to hold servers against")
    if configuration is None or configuration.loaded is None or not configuration.loaded.profile_list:
        return Resolver(policy).resolve
    from ..hub.offline import resolve_request

    def resolve(request: SpawnRequest, options: Any) -> ResolvedEnvironment:
        names = request.names
        start = Start(request.person, names["unescaped_servername"], options, request.at, names["namespace"])
        return resolve_request(configuration, start, request)

    return resolve


def judge(pod: Pod, account: Account | None, policy: Resolve, at: datetime) -> Finding:
    """What became of a server. account: its user's; None where the hub knows no such user."""
    if account is None:
        return Finding(pod, NO_USER, "the hub knows no such user")
    server = account.servers.get(pod.server)
    if server is None or not server.running:
        return Finding(pod, NO_SERVER, "the hub does not know that it runs")
    if pod.values is None:
        return Finding(pod, NO_RECORD, "it was started without a policy, or by an older envspawner")
    try:
        record = read(pod.values)
    except NoRecord as error:
        return Finding(pod, NO_RECORD, f"what it was given is not known: {error}")
    return _compared(pod, record, _request(pod, record, account, server, at), server.options, policy)


def _request(pod: Pod, record: Record, account: Account, server: Kept, at: datetime) -> SpawnRequest:
    from ..hub.homes import claims, load_homes, shared_by

    template = record.own.claim_template
    states = {name: one.state for name, one in account.servers.items() if one.state is not None}
    others = [load_homes(state, template) for name, state in states.items() if name != pod.server]
    return record.request(
        account.person,
        at,
        server=pod.server,
        namespace=pod.namespace,
        pod=pod.name,
        userid=account.userid,
        homes=claims(load_homes(server.state or {}, template)),
        shared_homes=claims(shared_by(others)),
    )


def _compared(pod: Pod, record: Record, request: SpawnRequest, options: Any, policy: Resolve) -> Finding:
    refused = ""
    try:
        environment = policy(request, options)
    except Refusal as refusal:
        refused = refusal.reason
    except Unusable as error:
        return Finding(pod, REFUSED, f"policy-unusable: {error}")
    if refused:
        try:
            environment = policy(request, {})  # what a restart then begins with
        except (Refusal, Unusable):
            return Finding(pod, REFUSED, refused)
    changes = (*_picks(record, environment), *_changes(record, environment))
    if refused:
        return Finding(pod, REFUSED, refused, changes)
    return Finding(pod, STALE if changes else CURRENT, "", changes)


def _picks(record: Record, environment: ResolvedEnvironment) -> Iterator[Change]:
    """Another profile or choice, be it by another name."""
    selection = environment.selection
    now = {option.slug: choice.slug for option, choice in selection.choices}
    yield from _differing("profile", record.profile, selection.slug or None)
    for option in dict.fromkeys([*record.options, *now]):
        yield from _differing(f"options.{option}", record.options.get(option), now.get(option))


def _differing(path: str, old: str | None, new: str | None) -> Iterator[Change]:
    yield from value_changes((), *(None if one is None else Shown(path, one) for one in (old, new)))


def _changes(record: Record, environment: ResolvedEnvironment) -> Iterator[Change]:
    for old, new in compare(record, environment):
        yield from value_changes((), _shown(old), _shown(new))


def _shown(fact: Fact | None) -> Shown | None:
    return None if fact is None else Shown(fact.path, shown(fact.path, fact.value), fact.hidden)
