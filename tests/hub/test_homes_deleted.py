"""What is left of every kind of home when servers and users are deleted, by the hub that ran them or by another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from .homehub import HomeHub, home_hub, side_by_side

pytestmark = pytest.mark.xdist_group("deleted homes")  # they share what one hub lived through

POLICY = """
defaults: {storage: {capacity: 1Gi, dynamic: {pvcNameTemplate: 'mine-{username}'}}}
groups: {'team:*': {storage: {dynamic: {pvcNameTemplate: 'team-{match}'}}}}
profiles:
  user: {default: true}
  server: {storage: {dynamic: {pvcNameTemplate: 'own-{user_server}'}}}
  lab: {storage: {dynamic: {pvcNameTemplate: 'lab-{username}'}}}
  static: {storage: {type: static, static: {pvcName: given}}}
  none: {storage: {type: none}}
"""
RENAMED = POLICY.replace("mine-{username}", "new-{user_server}").replace("own-", "new-own-")
Server = tuple[str, str]
"""The name of a server, and the profile that it is started with."""


@dataclass(frozen=True)
class Life:
    """A user's servers, in the order of their starts; which are deleted before the user; which claims there are then.

    U stands for the user's name. saved: the claim in the state that KubeSpawner alone left.
    """

    servers: tuple[Server, ...]
    deleted: tuple[str, ...] = ()
    made: frozenset[str] = frozenset()
    then: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    team: bool = False
    saved: str = ""


def life(
    servers: str, made: str = "", then: str = "", left: str = "", deleted: str = "", **more: bool | str
) -> Life:
    """From words: `/user lab/server` starts the default server with `user`, and `lab` with `server`."""
    pairs = [tuple(one.split("/")) for one in servers.split()]
    sets = (frozenset(words.split()) for words in (made, then, left))
    return Life(tuple(pairs), tuple(deleted.split()), *sets, **more)  # type: ignore[arg-type]


LIVES = {
    "shared": life("/user lab/user", "mine-U", "mine-U", deleted="lab"),
    "own": life("/server lab/server", "own-U own-U--lab", "own-U", deleted="lab"),
    "labonly": life("lab/user", "mine-U", "mine-U", deleted="lab"),
    "labprofile": life("lab/lab", "lab-U", "lab-U", deleted="lab"),
    "twolabs": life("l1/user l1/lab l2/server", "mine-U lab-U own-U--l2", "mine-U lab-U", deleted="l1 l2"),
    "all": life("/user /server lab/server lab/lab", "mine-U own-U own-U--lab lab-U", "same"),
    "static": life("/static lab/static", deleted="lab"),
    "none": life("/none lab/none", deleted="lab"),
    "team": life("/user lab/user lab/server", "own-U--lab", deleted="lab", team=True),
    "mixed": life("/static /none /user lab/none", "mine-U", "mine-U", deleted="lab"),
    "saved": life("/user lab/user", "old-U", "old-U", deleted="lab", saved="old-U"),
    "savedlab": life("lab/user", "old-U", "old-U", deleted="lab", saved="old-U"),
    "neverran": life("", "old-U", "old-U", saved="old-U"),
}
ALWAYS = {"given", "team-x"}
"""A given claim, and a group's."""
HUBS = ("now", "later", "kept")
CASES = [(name, hub) for name in LIVES for hub in HUBS if hub != "kept" or name in ("all", "saved", "shared")]
"""Deleted by the hub that ran the servers; by the next, whose policy has other names; with delete_pvc off."""


@dataclass
class Seen:
    """Claims that hold a user's name: after the starts, after servers were deleted, after the user was."""

    made: set[str] = field(default_factory=set)
    then: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)


def claims_of(homes: HomeHub, user: str) -> set[str]:
    return {claim for claim in homes.claims() if user in claim.split("-")}


def start_all(homes: HomeHub, name: str, user: str, seen: Seen) -> None:
    for server, profile in LIVES[name].servers:
        homes.once(user, server, {"profile": profile})
    seen.made = claims_of(homes, user)


def delete_all(homes: HomeHub, name: str, user: str, seen: Seen) -> None:
    for server in LIVES[name].deleted:
        homes.delete_server(user, server)
    seen.then = claims_of(homes, user)
    homes.delete_user(user)
    seen.left = claims_of(homes, user)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Seen]]:
    users = {(name, hub): f"{name}{hub}" for name, hub in CASES}
    seen = {key: Seen() for key in users}
    team = [user for (name, _), user in users.items() if LIVES[name].team]
    groups = f'c.JupyterHub.load_groups = {{"team:x": {{"users": {team!r}}}}}\n'

    def each(homes: HomeHub, do: Callable[..., None], *hubs: str) -> None:
        side_by_side([partial(do, homes, *key[:1], users[key], seen[key]) for key in users if key[1] in hubs])

    with home_hub(tmp_path_factory.mktemp("homes")) as homes:
        homes.make_claim("given")
        with homes.running("{}", groups):
            for user in users.values():
                homes.make_user(user)
        for (name, _), user in users.items():
            if LIVES[name].saved:
                claim = LIVES[name].saved.replace("U", user)
                homes.make_claim(claim, user)
                homes.set_state(user, {"pvc_name": claim, "kubespawner_version": "7.1.0"})
        with homes.running(POLICY, groups):
            each(homes, start_all, *HUBS)
            each(homes, delete_all, "now")
        with homes.running(RENAMED, groups):
            each(homes, delete_all, "later")
        with homes.running(RENAMED, f"{groups}c.KubeSpawner.delete_pvc = False\n"):
            each(homes, delete_all, "kept")
        assert homes.claims() >= ALWAYS
        yield seen


def named(claims: frozenset[str], user: str) -> set[str]:
    return {claim.replace("U", user) for claim in claims}


@pytest.mark.parametrize(("name", "hub"), CASES)
def test_servers_and_users_take_their_homes_along_and_nothing_else(
    seen: dict[tuple[str, str], Seen], name: str, hub: str
) -> None:
    lived, found, user = LIVES[name], seen[name, hub], f"{name}{hub}"
    made = named(lived.made, user)
    assert found.made == made
    if hub == "kept":
        assert (found.then, found.left) == (made, made)
    else:
        assert found.then == (made if lived.then == {"same"} else named(lived.then, user))
        assert found.left == named(lived.left, user)
