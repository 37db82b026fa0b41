"""What the resolution of one user costs in a policy with many rules: nothing but the rules that match may count."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import thread_time

from envspawner.hub.reload import without_collector
from envspawner.hub.spawner import EnvSpawner
from envspawner.hub.store import policy_of
from envspawner.resolve.request import Person, SpawnRequest
from envspawner.resolve.resolver import Resolver
from envspawner.resolve.slugs import user_names

from .hubs import as_policy, picked
from .measure import Row, since, without_garbage
from .spawners import NOW, making

GROUPS = 20
STARTS = 500
"""Starts of other people in one turn."""


async def resolution(
    users: int, groups: int, profiles: int, rounds: int, say: Callable[[str], None]
) -> list[Row]:
    """Users with few rules that match, users with a rule of their own, and both in many groups.

    Each in turn, so that whatever else the machine does meets all of them alike; the median of the turns' medians.
    """
    say(f"a policy of {users} users, {groups} groups and {profiles} profiles")
    began = thread_time()
    config = as_policy(profiles, users=users, groups=groups)
    with without_collector():  # as when a hub starts
        loaded = policy_of(config, EnvSpawner.section_names())
    assert loaded is not None
    rows = [_row("compilation of the policy", users, groups, profiles, since(began), None)]
    with making(EnvSpawner, config) as make:
        request = await make().request()
    step = max(1, groups // GROUPS)
    many = frozenset(f"group{number * step}" for number in range(min(GROUPS, groups)))
    kinds = (
        ("resolution, few rules match", "nobody", frozenset[str](), 25.0),
        ("resolution, user with a rule", "user", frozenset[str](), 25.0),
        (f"resolution, {len(many)} groups", "nobody", many, 100.0),
        (f"resolution, user with a rule, {len(many)} groups", "user", many, 100.0),
    )
    say("resolutions")
    found: dict[str, list[float]] = {}
    size = max(1, min(users // rounds, STARTS))
    for turn in range(rounds):
        for name, user, member, _ in kinds:
            # One start of each: what is kept of a person is no use at nine on Monday.
            people = (Person(f"{user}{turn * size + number}", member) for number in range(size))
            requests = [_of(request, person) for person in people]
            found.setdefault(name, []).append(_median(loaded.resolver, requests, picked(profiles)))
    return rows + [
        _row(name, users, groups, profiles, median(found[name]), goal) for name, _, _, goal in kinds
    ]


def _of(request: SpawnRequest, person: Person) -> SpawnRequest:
    names = {**request.names, **user_names(person.name, "", "safe")}
    return request._replace(person=person, at=NOW, names=names)


def _median(resolver: Resolver, requests: list[SpawnRequest], options: dict[str, str]) -> float:
    found = []
    with without_garbage():
        for request in requests:
            start = thread_time()
            resolver.resolve(request, options)
            found.append(since(start))
    return median(found)


def _row(name: str, users: int, groups: int, profiles: int, took: float, goal: float | None) -> Row:
    size = f"{users} users, {groups} groups, {profiles} profiles"
    return Row(name, size, "µs", None, took, None, goal)
