"""What the resolution of one user costs in a policy with many rules: nothing but the rules that match may count."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import thread_time

from envspawner.hub.spawner import EnvSpawner
from envspawner.hub.store import policy_of
from envspawner.resolve.request import Person, SpawnRequest
from envspawner.resolve.resolver import Resolver

from .hubs import as_policy, picked
from .measure import Row, since, without_garbage
from .spawners import NOW, making

GROUPS = 20


async def resolution(
    users: int, groups: int, profiles: int, rounds: int, say: Callable[[str], None]
) -> list[Row]:
    """A user with few rules that match, one with a rule of their own, and one in many groups; beside a policy
    that has nothing but what they all get."""
    say(f"a policy of {users} users, {groups} groups and {profiles} profiles")
    began = thread_time()
    config = as_policy(profiles, users=users, groups=groups)
    loaded = policy_of(config, EnvSpawner.section_names())
    assert loaded is not None
    rows = [_row("compilation of the policy", users, groups, profiles, since(began), None)]
    with making(EnvSpawner, config) as make:
        request = await make().request()
    step = max(1, groups // GROUPS)
    many = frozenset(f"group{number * step}" for number in range(min(GROUPS, groups)))
    for name, person, goal in (
        ("resolution, few rules match", Person("nobody"), 25.0),
        ("resolution, user with a rule", Person("user7"), 25.0),
        (f"resolution, {len(many)} groups", Person("user7", many), 100.0),
    ):
        say(name)
        options = picked(profiles)
        took = _median(loaded.resolver, _of(request, person), options, rounds * 50)
        rows.append(_row(name, users, groups, profiles, took, goal))
    return rows


def _of(request: SpawnRequest, person: Person) -> SpawnRequest:
    return SpawnRequest(person, NOW, request.names, request.own, request.homes, request.auth_state)


def _median(resolver: Resolver, request: SpawnRequest, options: dict[str, str], rounds: int) -> float:
    found = []
    with without_garbage():
        for _ in range(rounds):
            start = thread_time()
            resolver.resolve(request, options)
            found.append(since(start))
    return median(found)


def _row(name: str, users: int, groups: int, profiles: int, took: float, goal: float | None) -> Row:
    size = f"{users} users, {groups} groups, {profiles} profiles"
    return Row(name, size, "µs", None, took, None, goal)
