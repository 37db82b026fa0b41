"""Nothing of one start is left for the next: every manifest equals that of a process that made no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets.config import Config

from envspawner.hub.offline import OfflineSpawner, manifests
from envspawner.hub.store import policy_of

from .support import spawner_for

POLICY: dict[str, Any] = {
    "defaults": {
        "image": "quay.io/jupyter/base-notebook:1",
        "extraEnv": {"EDITOR": "vim", "WHO": "{username}", "TEAM": "{auth_state.team}"},
        "memory": {"guarantee": "1G", "limit": "2G"},
        "extraTolerations": [{"key": "hub", "operator": "Exists"}],
        "lifecycleHooks": {"preStop": {"exec": {"command": ["sync"]}}},
        "atMost": {"memory": "8G"},
    },
    "groups": {
        "staff": {
            "extraEnv": {"EDITOR": "emacs"},
            "atMost": {"memory": "64G"},
            "nodeSelector": {"pool": "staff"},
        },
        "course-*": {
            "extraEnv": {"COURSE": "{match}"},
            "storage": {
                "extraVolumes": [
                    {"name": "{group}", "persistentVolumeClaim": {"claimName": "shared-{match}"}}
                ],
                "extraVolumeMounts": [{"name": "{group}", "mountPath": "/courses/{match}"}],
            },
        },
    },
    "users": {"ada": {"extraLabels": {"ticket": "4711"}}},
    "profiles": {
        "small": {"memory": {"limit": "1G"}},
        "gpu": {
            "image": "quay.io/jupyter/pytorch-notebook:1",
            "extraEnv": {"CUDA": "12", "EDITOR": None},
            "extraResource": {"limits": {"nvidia.com/gpu": 1}},
            "extraTolerations": [{"key": "gpu", "operator": "Exists"}],
            "extraNodeAffinity": {
                "required": [{"matchExpressions": [{"key": "gpu", "operator": "In", "values": ["t4"]}]}]
            },
            "extraContainerConfig": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}},
            "extraPodConfig": {"dnsConfig": {"options": [{"name": "ndots", "value": "{1}"}]}},
            "initContainers": [{"name": "warm", "image": "busybox:1", "args": ["{x}"]}],
            "nodeSelector": {"pool": "gpu"},
            "storage": {"type": "none"},
            "startTimeout": 900,
            "uid": 0,
            "kubespawnerOverride": {"container_security_context": {"seccompProfile": {"type": "Unconfined"}}},
        },
        "lab": {"allow": {"groups": ["staff"]}, "memory": {"limit": "32G"}, "copyOnce": "/srv/app/src"},
        "broken": {"storage": {"capacity": None}},
    },
}
OVERRIDES = {
    "a": {
        "groups": ["staff"],
        "spawner_override": {
            "environment": {"FROM": "override", "EDITOR": "ed"},
            "node_selector": {"zone": "a"},
            "extra_container_config": {"securityContext": {"readOnlyRootFilesystem": True}},
            "extra_labels": {"override": "yes"},
        },
    }
}


async def its_uid(spawner: Any) -> int:
    """A callable of the hub's own that waits, as one that asks a directory would."""
    await asyncio.sleep(0)
    return 1000 + len(spawner.user.name)


class Waiting(OfflineSpawner):
    """Hands over to other starts while auth state is fetched."""

    async def _auth_state(self) -> dict[str, Any] | None:  # type: ignore[override]
        await asyncio.sleep(0)
        return {"team": f"team of {self.user.name}"}


@dataclass(frozen=True)
class Server:
    """Whose server is started, and with what picked."""

    user: str = "ada"
    groups: tuple[str, ...] = ("staff", "course-1")
    options: Mapping[str, str] = field(default_factory=dict)
    server: str = ""


GPU, SMALL, LAB, BROKEN = ({"profile": name} for name in ("gpu", "small", "lab", "broken"))
FAILING = [
    ({"profile": "nope"}, 403),
    (BROKEN, 409),
    ({"profile": "gpu", "size": "x"}, 403),
    ({"profile": 7}, 400),
]


def configuration() -> Config:
    config = Config()
    for name, section in deepcopy(POLICY).items():
        config.EnvSpawner[name] = section
    k = config.KubeSpawner
    k.uid = its_uid
    k.environment = {
        "EDITOR": "nano",
        "PROXY": "http://proxy",
        "NODE": {"valueFrom": {"fieldRef": {"fieldPath": "x"}}},
    }
    k.node_selector = {"hub": "yes"}
    k.extra_container_config = {"securityContext": {"runAsNonRoot": False}}
    k.tolerations = [{"key": "own", "operator": "Exists"}]
    k.group_overrides = deepcopy(OVERRIDES)
    return config


async def start(spawner: Any, options: Any) -> tuple[list[dict[str, Any]], float]:
    """What JupyterHub does with a spawner at each start (`User.spawn`), up to the cluster's part."""
    spawner.clear_state()
    spawner.user_options = options
    await asyncio.sleep(0)
    await spawner.apply_group_overrides()
    await spawner._run_apply_user_options(options)
    await spawner.load_user_options()
    await asyncio.sleep(0)
    return await manifests(spawner), spawner.start_timeout


def opened(config: Config, server: Server) -> Any:
    return spawner_for(
        config,
        server.user,
        server.groups,
        server=server.server,
        options=dict(server.options),
        spawner_class=Waiting,
    )


def made_alone(servers: list[Server]) -> list[Any]:
    """One start after the other, each with a configuration and a spawner of its own."""

    async def make(server: Server) -> Any:
        with opened(configuration(), server) as spawner:
            return await start(spawner, dict(server.options))

    return [asyncio.run(make(server)) for server in servers]


@pytest.fixture(scope="module")
def alone() -> Callable[..., list[Any]]:
    """What starts make in a new process."""

    def do(*servers: Server) -> list[Any]:
        with get_context("spawn").Pool(1) as pool:
            found: list[Any] = pool.apply(made_alone, (list(servers),))
            return found

    return do


def plain(config: Config) -> dict[str, Any]:
    """All that a configuration holds; its own deepcopy shares what lies deeper."""
    return {section: deepcopy(dict(values)) for section, values in config.items()}


async def test_a_second_start_with_another_profile_is_like_a_first_one(alone: Any) -> None:
    expected = alone(Server(options=GPU), Server(options=SMALL), Server(options=LAB), Server())
    with opened(configuration(), Server()) as spawner:
        for options, one in zip((GPU, SMALL, LAB, {}), expected, strict=True):
            assert await start(spawner, options) == one
        for options, one in reversed(list(zip((GPU, SMALL, LAB, {}), expected, strict=True))):
            assert await start(spawner, options) == one


async def test_a_start_after_a_refused_one_is_like_a_first_one(alone: Any) -> None:
    expected = alone(Server(options=SMALL))[0]
    with opened(configuration(), Server()) as spawner:
        for options, status in FAILING:
            await start(spawner, GPU)
            with pytest.raises(HTTPError) as caught:
                await start(spawner, options)
            assert caught.value.status_code == status
            assert await start(spawner, SMALL) == expected


async def test_a_start_without_the_hubs_hooks_in_between_is_like_a_first_one() -> None:
    """`load_user_options` alone, called twice, as `KubeSpawner._start` calls it."""
    config = configuration()
    found = []
    with opened(config, Server()) as spawner, opened(config, Server(options=SMALL)) as other:
        spawner.user_options = GPU
        await spawner.load_user_options()
        spawner.user_options = SMALL
        for one in (spawner, other):
            await one.load_user_options()
            found.append(await manifests(one))
    assert found[0] == found[1]


async def test_group_overrides_that_change_traits_in_place_stay_beneath_the_policy(alone: Any) -> None:
    expected = alone(Server(options=SMALL))[0]
    pod = expected[0][-1]
    env = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
    assert (env["FROM"], env["EDITOR"]) == ("override", "emacs")
    assert pod["spec"]["nodeSelector"] == {"hub": "yes", "zone": "a", "pool": "staff"}
    with opened(configuration(), Server()) as spawner:
        for options in (GPU, LAB, {}):
            await start(spawner, options)
        assert await start(spawner, SMALL) == expected


async def test_overrides_of_the_hub_do_not_reach_other_spawners_or_the_configuration(alone: Any) -> None:
    config = configuration()
    before = plain(config)
    someone = Server("bob", ("course-2",), SMALL)
    expected = alone(someone)[0]
    with opened(config, Server()) as spawner:
        await start(spawner, GPU)
        spawner._apply_overrides(deepcopy(OVERRIDES["a"]["spawner_override"]))
        with opened(config, someone) as other:
            assert await start(other, SMALL) == expected
    assert plain(config) == before


async def test_what_a_hook_changes_in_one_pod_changes_nobody_elses(alone: Any) -> None:
    config = configuration()
    loaded = policy_of(config, Waiting.section_names())
    assert loaded is not None
    before = deepcopy(loaded.policy)
    expected = alone(Server(options=GPU))[0]
    with opened(config, Server()) as spawner:
        await start(spawner, GPU)
        pod = await spawner.get_pod_manifest()
        for name in spawner.trait_names(config=True):
            spoil(getattr(spawner, name))
        spoil(pod)
    with opened(config, Server()) as spawner:
        assert await start(spawner, GPU) == expected
    assert loaded.policy == before


def spoil(value: Any) -> None:
    """Changes everything in a value that can be changed."""
    if isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")
    elif isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoilt"] = "spoilt"
    elif hasattr(value, "attribute_map"):  # a model of the Kubernetes client
        for name in value.attribute_map:
            spoil(getattr(value, name))


async def test_a_hundred_starts_at_once_are_like_a_hundred_alone(alone: Any) -> None:
    picks: list[dict[str, str]] = [GPU, SMALL, LAB, {}]
    servers = [
        Server(
            f"user{number % 40}" if number % 7 else "ada",
            tuple(f"course-{number % size}" for size in (2, 3))
            + (("staff",) if number % 4 == 2 or number % 5 == 0 else ()),
            picks[number % 4],
            f"lab{number}" if number % 3 else "",
        )
        for number in range(100)
    ]
    expected = alone(*servers)
    config = configuration()
    before = plain(config)
    with ExitStack() as stack:
        spawners = [stack.enter_context(opened(config, server)) for server in servers]
        starts = (
            start(spawner, dict(server.options)) for spawner, server in zip(spawners, servers, strict=True)
        )
        made = await asyncio.gather(*starts)
    for server, one, other in zip(servers, made, expected, strict=True):
        assert one == other, server
    assert plain(config) == before
    assert len({str(one) for one in made}) > 90


async def test_starts_leave_the_configuration_as_it_was() -> None:
    config = configuration()
    before = plain(config)
    with opened(config, Server()) as spawner:
        for options in (GPU, SMALL, LAB, {}, GPU):
            await start(spawner, options)
    assert plain(config) == before
