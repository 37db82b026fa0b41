"""What the cluster refuses is told to the user in one sentence; the numbers are those of the cluster's answer."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import V1ObjectMeta, V1Secret
from kubernetes_asyncio.client.rest import ApiException
from tornado.web import HTTPError

from envspawner.hub.rejections import rejection

from .support import config_of, spawner_for

QUOTA = 'pods "a" is forbidden: exceeded quota: q, requested: {}, used: {}, limited: {}'
ASK = "Pick something smaller, or ask the people who run this hub."
SENTENCES = {
    "memory above the quota": (
        QUOTA.format(
            "limits.memory=32Gi,requests.memory=1Gi",
            "limits.memory=12Gi,requests.memory=0",
            "limits.memory=16Gi,requests.memory=16Gi",
        ),
        f"Your server needs 32 GB of memory, and 4 GB are left. {ASK}",
    ),
    "only the second resource is short": (
        QUOTA.format(
            "limits.cpu=1,limits.memory=2Gi",
            "limits.cpu=0,limits.memory=1Gi",
            "limits.cpu=8,limits.memory=2Gi",
        ),
        f"Your server needs 2 GB of memory, and 1 GB is left. {ASK}",
    ),
    "thousandths of a CPU": (
        QUOTA.format("requests.cpu=2", "requests.cpu=7500m", "requests.cpu=8"),
        f"Your server needs 2 CPU, and 0.5 are left. {ASK}",
    ),
    "a GPU, one left": (
        QUOTA.format("requests.nvidia.com/gpu=2", "requests.nvidia.com/gpu=0", "requests.nvidia.com/gpu=1"),
        f"Your server needs 2 nvidia.com/gpu, and 1 is left. {ASK}",
    ),
    "more used than the quota has": (
        QUOTA.format("requests.storage=10Gi", "requests.storage=9Gi", "requests.storage=5Gi"),
        f"Your server needs 10 GB of storage, and 0 bytes are left. {ASK}",
    ),
    "too many pods": (
        QUOTA.format("pods=1", "pods=3", "pods=3"),
        "There is no room for another server or home now. Ask the people who run this hub.",
    ),
    "a quota in words that nobody knows": (
        QUOTA.format("limits.memory=lots", "limits.memory=0", "limits.memory=2Gi"),
        f"There is not enough room for your server. {ASK}",
    ),
    "a range, the first of two": (
        'pods "a" is forbidden: [maximum cpu usage per Container is 1, but limit is 4, '
        "maximum memory usage per Container is 1Gi, but limit is 32Gi]",
        f"Your server asks for 4 CPU, and the most that the cluster allows is 1 CPU. {ASK}",
    ),
    "less than a range": (
        'pods "a" is forbidden: minimum memory usage per Container is 64Mi, but request is 3Mi',
        "Your server asks for 3 MB of memory, and the least that the cluster allows is 64 MB of memory. "
        "Tell the people who run this hub.",
    ),
    "a range of something else": (
        'pods "a" is forbidden: maximum hugepages-2Mi usage per Pod is 1Mi, but limit is 2Mi',
        f"Your server asks for 2Mi of hugepages-2Mi, and the most that the cluster allows is 1Mi. {ASK}",
    ),
    "anything else": (
        'admission webhook "x" denied the request: no',
        "The cluster refused your server. Tell the people who run this hub.",
    ),
}


def body(message: object) -> bytes:
    return json.dumps({"kind": "Status", "message": message}).encode()


@pytest.mark.parametrize(("message", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_the_user_reads_one_sentence(message: str, sentence: str) -> None:
    found = rejection(403, body(message))
    assert found is not None
    assert found.message == sentence
    assert found.detail == message


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, body("etcd is gone")),
        (403, body('User "hub" cannot create resource "pods" in API group ""')),
        (422, b"<html>"),
        (422, None),
        (422, b"[]"),
        (422, body(None)),
    ],
)
def test_trouble_of_the_hubs_own_is_no_refusal(status: int, answer: bytes | None) -> None:
    assert rejection(status, answer) is None


@pytest.mark.parametrize("kind", ["pod", "pvc"])
async def test_a_start_that_the_cluster_refuses_is_refused_with_its_reason_and_without_variables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        error = ApiException(status=403, reason="Forbidden")
        error.body = body(QUOTA.format("limits.memory=32Gi", "limits.memory=0", "limits.memory=2Gi"))
        raise error

    with spawner_for(config_of(tmp_path, "defaults: {extraEnv: {TOKEN: secret-4711}}")) as spawner:
        spawner.log = logging.getLogger("test")
        calls = ("create_namespaced_pod", "create_namespaced_persistent_volume_claim")
        reads = "read_namespaced_persistent_volume_claim"
        spawner.api = SimpleNamespace(**dict.fromkeys((*calls, reads), refuse))
        await spawner.load_user_options()
        if kind == "pod":
            sent = spawner._make_create_pod_request(await spawner.get_pod_manifest(), 1)
        else:
            sent = spawner._make_create_pvc_request(spawner.get_pvc_manifest(), 1)
        with caplog.at_level(logging.INFO, "test"), pytest.raises(HTTPError) as caught:
            await sent
    found: Any = caught.value
    assert found.refusal.startswith("quota-exceeded: ")
    assert found.jupyterhub_message.startswith("Your server needs 32 GB of memory, and 2 GB are left.")
    assert "4711" not in caplog.text


@pytest.mark.parametrize("kind", ["secret", "service"])
async def test_what_internal_ssl_needs_stays_out_of_the_log_when_it_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ApiException(status=500, reason="etcd is gone")

    keys = V1Secret(metadata=V1ObjectMeta(name="jupyter-ada"), string_data={"ssl.key": "secret-4711"})
    with spawner_for(config_of(tmp_path, "defaults: {}")) as spawner:
        spawner.log = logging.getLogger("test")
        spawner.api = SimpleNamespace(**{f"create_namespaced_{kind}": fail})
        with caplog.at_level(logging.INFO, "test"), pytest.raises(ApiException):
            await spawner._make_create_resource_request(kind, keys)
    assert f"Failed to create {kind} jupyter-ada" in caplog.text
    assert "4711" not in caplog.text
