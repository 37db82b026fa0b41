"""Whatever `check` accepts and a start would send, a real API server accepts in a server-side dry run.

Given that the named objects exist: the test makes those that admission looks for. A refusal here means that `check`
(or the start) has to refuse first. ENVSPAWNER_NIGHTLY=1 tries many more; ENVSPAWNER_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient

from tests.cluster.kube import Json, RealCluster
from tests.cluster.where import only_on_a_real_cluster
from tests.generated.pieces import PRIORITY_CLASS, RUNTIME_CLASS, SERVICE_ACCOUNT
from tests.generated.policies import Written, policies
from tests.generated.sampling import samples
from tests.generated.starting import Made, accepted, made_of, made_once

WANTED = 1000 if os.environ.get("ENVSPAWNER_NIGHTLY") == "1" else 60
SEED = int(os.environ.get("ENVSPAWNER_SEED") or random.randrange(2**32))
AT_ONCE = 8
PLURALS = {"Pod": "pods", "PersistentVolumeClaim": "persistentvolumeclaims"}
NAMED = [
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": SERVICE_ACCOUNT}},
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": PRIORITY_CLASS},
        "value": 1000,
    },
    {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": RUNTIME_CLASS},
        "handler": "runc",
    },
]


@pytest.fixture
def named_objects(cluster: RealCluster) -> Iterator[None]:
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": NAMED})
    cluster.kubectl("apply", "-f", "-", stdin=objects)
    yield
    cluster.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=objects)


def generated(folder: Path) -> list[tuple[Written, Made]]:
    """The starts of as many accepted policies as are wanted, all different."""
    found: dict[str, list[tuple[Written, Made]]] = {}
    with made_once():
        for written in samples(policies(new=False), SEED):
            if accepted(written):
                starts = asyncio.run(made_of(written, folder))
                found[written.text] = [(written, made) for made in starts]
            if len(found) == WANTED:
                return [start for starts in found.values() for start in starts]
    raise AssertionError("samples do not end")


async def refusals(cluster: RealCluster, documents: list[Json]) -> list[str]:
    """What the API server says of each document in a dry run; "" where it accepts it."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def send(api: ApiClient, document: Json) -> str:
        path = f"/api/v1/namespaces/{cluster.namespace}/{PLURALS[document['kind']]}"
        async with limit:
            response = await api.call_api(
                path,
                "POST",
                query_params=[("dryRun", "All")],
                header_params={"Content-Type": "application/json"},
                body=document,
                auth_settings=["BearerToken"],
                _preload_content=False,
            )
            answer = json.loads(await response.text())
        return "" if answer["kind"] == document["kind"] else str(answer["message"])

    async with await config.new_client_from_config(config_file=cluster.kubeconfig) as api:
        return await asyncio.gather(*(send(api, document) for document in documents))


@only_on_a_real_cluster
@pytest.mark.usefixtures("named_objects")
def test_what_check_accepts_the_api_server_accepts(cluster: RealCluster, tmp_path: Path) -> None:
    starts = generated(tmp_path)
    sent = {
        json.dumps(document, sort_keys=True): (written, made)
        for written, made in starts
        for document in made.documents
    }
    answers = asyncio.run(refusals(cluster, [json.loads(document) for document in sent]))
    failed = [
        f"{answer}\n{made.start}\n{written.text}"
        for answer, (written, made) in zip(answers, sent.values(), strict=True)
        if answer
    ]
    unusable = sum(made.unusable for _, made in starts)
    told = f"{len(failed)} of {len(sent)} manifests refused (ENVSPAWNER_SEED={SEED})"
    assert not failed, "\n\n".join([told, *sorted(failed, key=len)[:5]])
    assert len({written.text for written, _ in sent.values()}) >= 50, f"too few policies ({SEED=})"
    assert unusable <= len(starts) / 5, f"too few starts ({SEED=})"
