"""Reads the pods of single-user servers from a cluster; nothing is changed there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..pod.traits import VALUES_ANNOTATION
from .errors import CannotRun

SELECTOR: Final = "hub.jupyter.org/username"
"""A label that KubeSpawner gives to every server."""
_PAGE: Final = 500
_IN_CLUSTER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Pod:
    """The pod of a server that runs or starts. values: what it says of its start, if it does."""

    name: str
    namespace: str
    user: str
    server: str
    values: str | None


@dataclass(frozen=True)
class Cluster:
    """Where to look. namespace: None for that of the credentials; everywhere: in all of them."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    everywhere: bool = False


def read_pods(cluster: Cluster) -> list[Pod]:
    """The pods of all servers, by user and server. Raises CannotRun."""
    found = [pod for one in asyncio.run(_pods(cluster)) if (pod := _pod(one)) is not None]
    return sorted(found, key=lambda pod: (pod.user, pod.server, pod.name))


async def _pods(cluster: Cluster) -> list[Any]:
    from aiohttp import ClientError
    from kubernetes_asyncio import client
    from kubernetes_asyncio.client.rest import ApiException
    from kubernetes_asyncio.config import ConfigException

    try:
        configuration, namespace = await _credentials(cluster)
        async with client.ApiClient(configuration) as api:
            return await _pages(client.CoreV1Api(api), namespace)
    except ConfigException as error:
        raise CannotRun(f"no cluster: {error}") from None
    except ApiException as error:
        raise CannotRun(f"the cluster: {error.status} {error.reason}: {_message(error.body)}") from None
    except (ClientError, OSError, asyncio.TimeoutError, ValueError) as error:
        raise CannotRun(f"the cluster: {error or type(error).__name__}") from None


async def _credentials(cluster: Cluster) -> tuple[Any, str | None]:
    """What to log in with, and the namespace to look in (None: all)."""
    from kubernetes_asyncio import client, config

    configuration = client.Configuration()
    where = {"config_file": cluster.kubeconfig, "context": cluster.context}
    given = cluster.kubeconfig or cluster.context or os.environ.get("KUBECONFIG")
    if given or not os.environ.get("KUBERNETES_SERVICE_HOST"):
        await config.load_kube_config(**where, client_configuration=configuration)
        contexts, active = config.list_kube_config_contexts(config_file=cluster.kubeconfig)
        chosen = next((one for one in contexts if one["name"] == cluster.context), active)
        namespace = chosen["context"].get("namespace")
    else:
        config.load_incluster_config(client_configuration=configuration)
        namespace = _IN_CLUSTER.read_text().strip()
    return configuration, None if cluster.everywhere else cluster.namespace or namespace or "default"


async def _pages(api: Any, namespace: str | None) -> list[Any]:
    from kubernetes_asyncio.client.rest import ApiException

    found: list[Any] = []
    following = ""
    while True:
        how: dict[str, Any] = {"label_selector": SELECTOR, "limit": _PAGE, "_preload_content": False}
        if following:
            how["_continue"] = following
            print(f"{len(found)} pods read", file=sys.stderr, flush=True)
        if namespace is None:
            answer = await api.list_pod_for_all_namespaces(**how)
        else:
            answer = await api.list_namespaced_pod(namespace, **how)
        body = await answer.text()
        if answer.status != 200:
            error = ApiException(answer.status, answer.reason)
            error.body = body
            raise error
        page = json.loads(body)
        found += page["items"]
        following = page["metadata"].get("continue") or ""
        if not following:
            return found


def _message(body: Any) -> str:
    try:
        return str(json.loads(body)["message"])
    except (TypeError, ValueError, KeyError):
        return "no reason given"


def _pod(one: Mapping[str, Any]) -> Pod | None:
    """None for a pod that has ended or is about to, and for one of nobody."""
    metadata = one["metadata"]
    annotations = metadata.get("annotations") or {}
    user = annotations.get("hub.jupyter.org/username")
    ended = one.get("status", {}).get("phase") in ("Succeeded", "Failed")
    if user is None or ended or metadata.get("deletionTimestamp"):
        return None
    server = annotations.get("hub.jupyter.org/servername", "")
    return Pod(metadata["name"], metadata["namespace"], user, server, annotations.get(VALUES_ANNOTATION))
