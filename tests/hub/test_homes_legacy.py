"""Homes that another KubeSpawner made, whatever it called them, are the homes that EnvSpawner shows, and back again.

One hub lives through it all: KubeSpawner 7, a database as KubeSpawner 6 left it, EnvSpawner, KubeSpawner 7 again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from .homehub import HomeHub, home_hub, side_by_side

pytestmark = pytest.mark.xdist_group("legacy homes")  # they share what one hub lived through

PLAIN = "kubespawner.KubeSpawner"
# As the Zero to JupyterHub chart configures KubeSpawner, but for the name of the volume.
CHART = """
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "1Gi"
c.KubeSpawner.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
"""
SHARED = 'c.KubeSpawner.pvc_name_template = "claim-{username}"\n'
OTHER = 'c.KubeSpawner.slug_scheme = "escape"\nc.KubeSpawner.pvc_name_template = "other-{user_server}"\n'
POLICY = """
defaults: {storage: {capacity: 1Gi, dynamic: {pvcNameTemplate: 'home-{username}'}}}
profiles: {main: {default: true}, none: {storage: {type: none}}}
"""
PEOPLE = ("ada", "first.läst+x@uni.example", "a--b", "n" * 200)
# Users of KubeSpawner 6, which wrote names as the escape scheme does, and claims that it left.
SIX = {
    "six.läst+x@uni.example": "claim-six-2el-c3-a4st-2bx-40uni-2eexample",
    "six--b": "claim-six-2d-2db",
    "none.first": "claim-none-2efirst",
    "lab.first": "claim-lab-2efirst",
    "gone.now": "claim-gone-2enow",
}
FOREIGN = "its.eve"
STATE = {"pod_name": "jupyter-x", "namespace": "default", "dns_name": "jupyter-x.default.svc.cluster.local"}


@dataclass
class Told:
    """What servers mounted: with KubeSpawner, with EnvSpawner, and with KubeSpawner again; six: by user."""

    before: list[list[str]]
    then: list[list[str]]
    after: list[list[str]] = field(default_factory=list)
    six: dict[str, list[list[str]]] = field(default_factory=dict)
    again: dict[str, list[str]] = field(default_factory=dict)
    claims: set[str] = field(default_factory=set)


def everybodys(homes: HomeHub) -> list[list[str]]:
    return side_by_side([partial(homes.once, user, server) for user in PEOPLE for server in ("", "lab")])


def left_by_six(homes: HomeHub) -> None:
    for user, claim in SIX.items():
        homes.set_state(user, STATE)
        homes.make_claim(claim, user)
    homes.set_state(FOREIGN, STATE)
    homes.make_claim("claim-its-2eeve", "somebody else")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with home_hub(tmp_path_factory.mktemp("homes")) as homes:
        with homes.running(config=CHART, spawner=PLAIN):
            for user in (*SIX, FOREIGN):
                homes.make_user(user)
            told = Told(before=everybodys(homes), then=[])
        left_by_six(homes)
        with homes.running(POLICY, CHART + SHARED):
            told.then = everybodys(homes)
            main, none = {"profile": "main"}, {"profile": "none"}
            steps = {
                "six.läst+x@uni.example": [("", main)],
                "six--b": [("", main)],
                "none.first": [("", none), ("", main)],
                "lab.first": [("lab", main), ("", main)],
                FOREIGN: [("", main)],
            }

            def lived(user: str) -> list[list[str]]:
                return [homes.once(user, server, options) for server, options in steps[user]]

            lives = side_by_side([partial(lived, user) for user in steps])
            told.six = dict(zip(steps, lives, strict=True))
            homes.delete_user("gone.now")
            told.claims = homes.claims()
        with homes.running(config=CHART + OTHER, spawner=PLAIN):
            told.after = everybodys(homes)
            told.again = {
                user: homes.once(user, options={"any": "thing"}) for user in ("six--b", "none.first")
            }
        yield told


def test_switching_from_kubespawner_and_back_keeps_every_home(told: Told) -> None:
    assert len({claim for (claim,) in told.before}) == 2 * len(PEOPLE)
    assert told.then == told.before
    assert told.after == told.before


@pytest.mark.parametrize("user", ["six.läst+x@uni.example", "six--b"])
def test_a_home_of_kubespawner_6_is_found_under_its_old_name(told: Told, user: str) -> None:
    assert told.six[user] == [[SIX[user]]]


def test_a_start_without_the_home_does_not_hide_that_of_kubespawner_6(told: Told) -> None:
    assert told.six["none.first"] == [[], [SIX["none.first"]]]


def test_a_named_server_that_is_started_first_shares_the_home_of_kubespawner_6(told: Told) -> None:
    assert told.six["lab.first"] == [[SIX["lab.first"]]] * 2


def test_a_home_of_kubespawner_6_is_found_again_by_kubespawner_7(told: Told) -> None:
    assert told.again == {user: [SIX[user]] for user in ("six--b", "none.first")}


def test_an_old_name_that_is_somebody_elses_claim_is_nobodys_home(told: Told) -> None:
    ((claim,),) = told.six[FOREIGN]
    assert claim.startswith("home-its-eve---")


def test_deleting_a_user_of_kubespawner_6_who_never_came_back_deletes_the_home(told: Told) -> None:
    assert SIX["gone.now"] not in told.claims
    assert "claim-its-2eeve" in told.claims
