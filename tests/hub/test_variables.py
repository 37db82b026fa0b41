"""A pod's variables are KubeSpawner's, in its order, also where it is not KubeSpawner that puts them in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import kubespawner.spawner as host
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubespawner import KubeSpawner
from traitlets.config import Config

from envspawner.hub import variables
from envspawner.hub.offline import OfflineSpawner
from envspawner.hub.variables import VariablesSpawner

from .support import spawner_for

NAMES = st.sampled_from(["A", "B", "a", "B.", "JUPYTERHUB_USER", "PATH", "Ä"]) | st.text(max_size=3)
TEXTS = st.lists(
    st.sampled_from(["$(A)", "$(B)", "$(a", "$", "(A)", "$$(PATH)", "{username}", "x", " "])
).map("".join)
VALUES = (
    TEXTS
    | st.sampled_from([1, None, True])
    | st.fixed_dictionaries({"value": TEXTS}, optional={"name": NAMES})
    | st.just({"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}})
)


@pytest.fixture(scope="module")
def spawner() -> Iterator[Any]:
    with spawner_for(Config()) as one:
        yield one


async def pods(spawner: Any) -> tuple[Any, Any]:
    """What it makes, and what KubeSpawner makes; each an error's text where it makes none."""
    return await _pod(VariablesSpawner, spawner), await _pod(KubeSpawner, spawner)


async def _pod(spawner_class: Any, spawner: Any) -> Any:
    try:
        return await spawner_class.get_pod_manifest(spawner)
    except Exception as error:
        return repr(error)


@pytest.fixture
def given_by_us(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each pod that is made, whether KubeSpawner was spared its variables."""
    found: list[bool] = []
    make = host.make_pod

    def spied(*args: Any, **kwargs: Any) -> Any:
        found.append(len(kwargs["env"]) > 0 and not kwargs["env"])
        return make(*args, **kwargs)

    variables._is_put_in_alike()
    monkeypatch.setattr(host, "make_pod", spied)
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(environment=st.dictionaries(NAMES, VALUES, max_size=4), called=st.booleans())
async def test_a_pod_has_the_variables_that_kubespawner_gives_it(
    spawner: Any, environment: dict[str, Any], called: bool
) -> None:
    if called:  # what a hub's own callables return is known to nobody before
        environment = {name: (lambda _, value=value: value) for name, value in environment.items()}
    spawner.environment = environment
    ours, theirs = await pods(spawner)
    assert ours == theirs


@pytest.mark.parametrize(
    ("value", "spared"),
    [
        ("x", True),
        ("", True),
        ("$", True),
        ("$(HOME)", False),
        ({"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}, False),
    ],
)
async def test_only_text_that_refers_to_nothing_is_put_in_afterwards(
    given_by_us: list[bool], value: Any, spared: bool
) -> None:
    with spawner_for(Config()) as spawner:
        spawner.environment = {"A": value}
        ours, theirs = await pods(spawner)
    assert ours == theirs
    assert given_by_us == [spared, False]


@pytest.mark.parametrize("env", [[], [{"name": "ONLY", "value": "this"}]])
async def test_a_hub_that_replaces_the_variables_of_the_container_has_its_own(env: list[Any]) -> None:
    with spawner_for(Config()) as spawner:
        spawner.extra_container_config = {"env": env}
        ours, theirs = await pods(spawner)
    assert ours == theirs
    assert ours.spec.containers[0].env == env


async def test_the_variables_of_internal_ssl_are_there_too(given_by_us: list[bool]) -> None:
    with spawner_for(Config()) as spawner:
        spawner.internal_ssl = True
        ours, theirs = await pods(spawner)
    assert ours == theirs
    assert "JUPYTERHUB_SSL_KEYFILE" in {one.name for one in ours.spec.containers[0].env}
    assert given_by_us == [True, False]


class Adding(OfflineSpawner):
    """As hubs extend it."""

    def get_env(self) -> dict[str, Any]:
        env = super().get_env()
        return {**env, "MINE": "1"} if env else {}


async def test_a_subclass_that_adds_variables_gets_what_it_returns() -> None:
    with spawner_for(Config(), spawner_class=Adding) as spawner:
        ours, theirs = await pods(spawner)
    assert ours == theirs
    assert {"MINE", "JUPYTERHUB_USER"} <= {one.name for one in ours.spec.containers[0].env}


async def test_who_asks_for_the_variables_while_a_pod_is_made_sees_all_of_them(
    given_by_us: list[bool],
) -> None:
    seen: list[dict[str, Any]] = []

    def counts(spawner: Any) -> int:
        seen.append(spawner.get_env())
        return len(seen[-1])

    with spawner_for(Config()) as spawner:
        plain = spawner.get_env()
        spawner.uid = counts
        ours, theirs = await pods(spawner)
        assert spawner.get_env() == plain != {}
        assert spawner.get_env()
    assert ours == theirs
    assert seen == [plain, plain]
    assert given_by_us == [False, False]  # nobody knows which of the two is in the pod
    assert ours.spec.containers[0].security_context["runAsUser"] == len(plain)


async def test_another_spawner_that_is_asked_meanwhile_answers_as_ever(given_by_us: list[bool]) -> None:
    with spawner_for(Config()) as spawner, spawner_for(Config(), user="bob") as other:
        spawner.uid = lambda _: 1000 if other.get_env() else 0
        ours, theirs = await pods(spawner)
    assert ours == theirs
    assert ours.spec.containers[0].security_context["runAsUser"] == 1000
    assert given_by_us == [True, False]


async def test_two_pods_that_are_made_at_once_have_their_variables() -> None:
    async def waits(_: Any) -> int:
        await asyncio.sleep(0.01)
        return 1000

    with spawner_for(Config()) as spawner, spawner_for(Config(), user="bob") as other:
        for one in (spawner, other):
            one.uid = waits
        making = [spawner, spawner, other, spawner]
        found = await asyncio.gather(*(one.get_pod_manifest() for one in making))
        for one, pod in zip(making, found, strict=True):
            assert pod == await KubeSpawner.get_pod_manifest(one)
            assert pod.spec.containers[0].env


async def test_a_pod_that_cannot_be_made_leaves_nothing_to_the_next() -> None:
    def fails(_: Any) -> int:
        raise ValueError("no such user")

    with spawner_for(Config()) as spawner:
        spawner.uid = fails
        with pytest.raises(ValueError, match="no such user"):
            await spawner.get_pod_manifest()
        assert bool(spawner.get_env()) is True
        spawner.uid = None
        ours, theirs = await pods(spawner)
    assert ours == theirs


async def test_a_kubespawner_that_does_more_with_variables_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = host.make_pod

    def adds(*args: Any, env: Any, **kwargs: Any) -> Any:
        return now(*args, env={"LATER": "1", **env}, **kwargs)

    def asks(*args: Any, env: Any, volumes: Any, **kwargs: Any) -> Any:
        return now(*args, env=env, volumes=volumes, **kwargs)

    def turns(*args: Any, **kwargs: Any) -> Any:
        pod = now(*args, **kwargs)
        pod.spec.containers[0].env.reverse()
        return pod

    for make in (adds, asks, turns):
        variables._is_put_in_alike()
        monkeypatch.setattr(host, "make_pod", make)
        found: list[Any] = []
        with spawner_for(Config()) as spawner:
            if make is adds:  # also where nobody knew of it
                found += await pods(spawner)
            variables._is_put_in_alike.cache_clear()
            found += await pods(spawner)
        assert all(one == found[0] for one in found)
        names = [one.name for one in found[0].spec.containers[0].env]
        assert ("LATER" in names) == (make is adds)
        assert names == sorted(names, reverse=make is turns)
        monkeypatch.setattr(host, "make_pod", now)
        variables._is_put_in_alike.cache_clear()
