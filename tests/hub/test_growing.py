"""`expand: grow` asks for a larger claim where it may, never for a smaller one, and never fails a start."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.client import V1PersistentVolumeClaim, V1PersistentVolumeClaimSpec
from kubernetes_asyncio.client.models import V1VolumeResourceRequirements
from kubernetes_asyncio.client.rest import ApiException

from envspawner.hub.growing import grow_home

from .support import config_of, spawner_for

GROW = "defaults: {storage: {capacity: 20Gi, expand: grow}}"


class Claims:
    """A claim that is there with a size, and how a patch of it is answered."""

    def __init__(self, size: str | None, refusal: ApiException | None = None, *, slow: bool = False) -> None:
        self.size = size
        self.refusal = refusal
        self.slow = slow
        self.patches: list[tuple[str, Any]] = []

    async def read_namespaced_persistent_volume_claim(self, name: str, namespace: str) -> Any:
        if self.slow:
            await asyncio.Event().wait()
        if self.size is None:
            raise ApiException(status=404, reason="Not Found")
        resources = V1VolumeResourceRequirements(requests={"storage": self.size})
        return V1PersistentVolumeClaim(spec=V1PersistentVolumeClaimSpec(resources=resources))

    async def patch_namespaced_persistent_volume_claim(self, name: str, namespace: str, body: Any) -> None:
        self.patches.append((name, body))
        if self.refusal is not None:
            raise self.refusal


def refusal(status: int, message: str | None) -> ApiException:
    error = ApiException(status=status, reason="Forbidden")
    error.body = b"no JSON" if message is None else json.dumps({"message": message}).encode()
    return error


async def notice_of(tmp_path: Path, claims: Claims, policy: str = GROW) -> str | None:
    with spawner_for(config_of(tmp_path, policy)) as spawner:
        spawner.log = logging.getLogger("test")
        spawner.api = claims
        spawner.k8s_api_request_timeout = 1
        environment = spawner._loaded.resolver.resolve(await spawner.request(), {})
        return await grow_home(spawner, environment)


async def test_a_smaller_claim_grows(tmp_path: Path) -> None:
    claims = Claims("10Gi")
    assert await notice_of(tmp_path, claims) == "Your home grows from 10Gi to 20Gi."
    assert claims.patches == [("claim-ada", {"spec": {"resources": {"requests": {"storage": "20Gi"}}}})]


@pytest.mark.parametrize("size", ["20Gi", "21474836480", "1Ti", None])
async def test_a_claim_that_is_large_enough_or_new_is_left_alone(tmp_path: Path, size: str | None) -> None:
    claims = Claims(size)
    assert await notice_of(tmp_path, claims) is None
    assert claims.patches == []


@pytest.mark.parametrize(
    "policy",
    ["defaults: {storage: {capacity: 20Gi}}", "defaults: {storage: {type: none, expand: grow}}"],
)
async def test_nothing_is_asked_where_no_rule_says_so(tmp_path: Path, policy: str) -> None:
    assert await notice_of(tmp_path, Claims("10Gi"), policy) is None


@pytest.mark.parametrize(
    ("status", "message", "why"),
    [
        (403, 'User "hub" cannot patch resource "persistentvolumeclaims"', "give its Role the verb patch"),
        (403, "only dynamically provisioned pvc can be resized", "the storage class or the volume does not"),
        (422, "spec: Forbidden: is immutable", "the storage class or the volume does not"),
        (500, None, "500 Forbidden"),
    ],
)
async def test_a_refusal_is_told_apart_and_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, message: str | None, why: str
) -> None:
    notice = await notice_of(tmp_path, Claims("10Gi", refusal(status, message)))
    assert notice == "Your home could not be made larger; it stays as it is."
    assert why in caplog.text


async def test_a_cluster_that_does_not_answer_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notice = await notice_of(tmp_path, Claims("10Gi", slow=True))
    assert notice == "Your home could not be made larger; it stays as it is."
    assert "did not answer in time" in caplog.text


async def test_an_unreadable_answer_to_the_first_question_fails_nothing(tmp_path: Path) -> None:
    claims = Claims("10Gi")

    async def broken(*_: object) -> None:
        raise refusal(403, 'User "hub" cannot get resource "persistentvolumeclaims"')

    claims.read_namespaced_persistent_volume_claim = broken  # type: ignore[method-assign, assignment]
    assert await notice_of(tmp_path, claims) == "Your home could not be made larger; it stays as it is."


async def test_a_new_template_is_said_to_leave_a_home_as_it_is(tmp_path: Path) -> None:
    policy = "defaults: {storage: {dynamic: {pvcNameTemplate: 'home-{username}'}}}"
    with spawner_for(config_of(tmp_path, policy)) as spawner:
        spawner.load_state({"pvc_name": "claim-ada"})
        await spawner.load_user_options()
        assert spawner._notices == ["The home is still claim-ada; only a new one would be called home-ada."]
