"""Kubernetes objects in a hub's configuration: the same pod, without a copy of the client's settings for each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from kubernetes_asyncio.client import Configuration, V1Container, V1SecurityContext
from traitlets.config import Config

from envspawner.hub.models import share_configuration

from .conftest import Making


def container(name: str) -> V1Container:
    return V1Container(
        name=name,
        image="quay.io/x/tools:1",
        security_context=V1SecurityContext(privileged=True, run_as_user=0),
    )


def as_list(c: Config) -> None:
    c.KubeSpawner.init_containers = [container("block-cloud-metadata")]


def appended(c: Config) -> None:
    c.KubeSpawner.init_containers.append(container("block-cloud-metadata"))


def within(c: Config) -> None:
    c.KubeSpawner.extra_pod_config = {"ephemeralContainers": [container("debug")]}


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the client's configuration is copied."""
    found: Counter[str] = Counter()
    copy = Configuration.__deepcopy__

    def counted(self: Configuration, memo: dict[int, Any]) -> Any:
        found["copies"] += 1
        return copy(self, memo)

    monkeypatch.setattr(Configuration, "__deepcopy__", counted)
    return found


@pytest.mark.parametrize("configure", [as_list, appended, within])
@pytest.mark.parametrize("policy", ["{}", "defaults: {memory: {limit: 2G}}", None])
async def test_a_start_does_not_copy_the_clients_configuration(
    making: Making, copies: Counter[str], configure: Any, policy: str | None
) -> None:
    await making(policy)
    copies.clear()
    await making(policy)
    before = copies.copy()  # the client that makes plain data of a pod has one of its own
    made = await making(policy, configure=configure)
    spec = made.pod["spec"]
    (found,) = spec.get("initContainers") or spec["ephemeralContainers"]
    assert found["securityContext"] == {"privileged": True, "runAsUser": 0}
    assert found["image"] == "quay.io/x/tools:1"
    assert copies - before == before


def test_an_object_that_validates_otherwise_keeps_its_settings() -> None:
    lenient = Configuration()
    lenient.client_side_validation = False
    one = V1Container(local_vars_configuration=lenient)
    two = container("tools")
    share_configuration([{"a": (one, two)}])
    assert one.local_vars_configuration is lenient
    one.name = None
    with pytest.raises(ValueError, match="name"):
        two.name = None


def test_what_holds_itself_is_no_trouble() -> None:
    knot: dict[str, Any] = {"one": container("tools")}
    knot["again"] = [knot, knot]
    knot["one"].env = [knot["one"]]
    share_configuration([knot])
    assert type(knot["one"].local_vars_configuration) is not Configuration
