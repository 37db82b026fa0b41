"""What `envspawner render` prints is what the API server received from the hub.

Claim and pod are rendered, and compared with those of a running server: all that was rendered must be stored.
What may differ, because `render` speaks to no hub and no cluster:

- the variables of FROM_THE_HUB: tokens, which `render` masks, and the hub's own address;
- the server's own address and port, which a hook sets where all pods share one address;
- what the API server adds (defaults, status, the service account's volume) and drops (null, empty values);
- how a quantity is written (0.05 is stored as 50m).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cluster.kube import Cluster, Json
from tests.cluster.people import ADA, BEN, CY, DEE, EVE, Person, Servers


def masked(rendered: str, stored: str) -> bool:
    return rendered == "***" and len(stored) >= 32


def same_path(rendered: str, stored: str) -> bool:
    return urlsplit(rendered).path == urlsplit(stored).path


FROM_THE_HUB: dict[str, Callable[[str, str], bool]] = {
    "JPY_API_TOKEN": masked,
    "JUPYTERHUB_API_TOKEN": masked,
    "JUPYTERHUB_API_URL": same_path,
    "JUPYTERHUB_ACTIVITY_URL": same_path,
}
SUFFIXES = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
}


def amount(text: str) -> Decimal:
    """A quantity of Kubernetes as a number."""
    digits = text.rstrip("mkKMGi")
    return Decimal(digits) * SUFFIXES[text[len(digits) :]]


def identity(item: object) -> object:
    """What tells the items of a list apart, as for Kubernetes' own patches."""
    if isinstance(item, dict):
        return item.get("mountPath") or item.get("name") or json.dumps(item, sort_keys=True)
    return item


def same(rendered: object, stored: object, at: str) -> bool:
    """Whether two values that are neither lists nor mappings mean the same."""
    if ".resources." in at and stored is not None:
        return amount(str(rendered)) == amount(str(stored))
    variable = at.rpartition(".env[")[2].removesuffix("].value")
    if variable in FROM_THE_HUB:
        return FROM_THE_HUB[variable](str(rendered), str(stored))
    return rendered == stored


def differences(rendered: object, stored: object, at: str) -> Iterator[str]:
    """Where something that was rendered is not stored, or stored otherwise."""
    if rendered in (None, [], {}) or (rendered == "" and stored is None):
        return
    if isinstance(rendered, dict) and isinstance(stored, dict):
        for key, value in rendered.items():
            yield from differences(value, stored.get(key), f"{at}.{key}")
    elif isinstance(rendered, list) and isinstance(stored, list):
        found = {identity(item): item for item in stored}
        for item in rendered:
            yield from differences(item, found.get(identity(item)), f"{at}[{identity(item)}]")
    elif not same(rendered, stored, at):
        yield f"{at}: rendered {rendered!r}, stored {stored!r}"


def render(policy: Path, person: Person, namespace: str) -> list[Json]:
    selectors = ["--user", person.name, "--namespace", namespace]
    for group in person.groups:
        selectors += ["--group", group]
    for key, value in person.options:
        selectors += ["--profile", value] if key == "profile" else ["--option", f"{key}={value}"]
    done = subprocess.run(
        [Path(sys.executable).with_name("envspawner"), "render", policy, *selectors, "-o", "json"],
        env={"PATH": "/nonexistent"},  # no KUBECONFIG: it needs no cluster
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    documents: list[Json] = json.loads(done.stdout)
    return documents


def at_the_usual_port(pod: Json) -> Json:
    """As if it had an address of its own, so that it needs no port of its own."""
    (port,) = pod["spec"]["containers"][0]["ports"]
    text = json.dumps(pod).replace(f"http://127.0.0.1:{port['containerPort']}/", "http://0.0.0.0:8888/")
    usual: Json = json.loads(text)
    usual["spec"]["containers"][0]["ports"] = [{**port, "containerPort": 8888}]
    return usual


@pytest.mark.parametrize("person", [ADA, BEN, CY, DEE, EVE], ids=lambda person: person.name[:-4])
def test_render_is_what_the_api_server_received(
    servers: Servers, policy: Path, cluster: Cluster, person: Person
) -> None:
    server = servers[person]
    documents = {d["kind"]: d for d in render(policy, person, cluster.namespace)}
    claims = [cluster.claim(name) for name in server.claims]
    assert list(documents) == ["PersistentVolumeClaim"] * len(claims) + ["Pod"]
    for claim in claims:
        assert "\n".join(differences(documents["PersistentVolumeClaim"], claim, "claim")) == ""
    assert "\n".join(differences(documents["Pod"], at_the_usual_port(server.pod), "pod")) == ""


@pytest.mark.parametrize("person", [ADA, BEN], ids=lambda person: person.name[:-4])
def test_render_leaves_out_nothing_that_decides_what_runs(
    servers: Servers, policy: Path, cluster: Cluster, person: Person
) -> None:
    server = servers[person]
    stored = server.container
    rendered = render(policy, person, cluster.namespace)[-1]["spec"]["containers"][0]
    assert [e["name"] for e in rendered["env"]] == [e["name"] for e in stored["env"]]
    assert rendered["resources"].keys() == stored["resources"].keys()
    assert rendered["lifecycle"] == stored["lifecycle"]
    assert [m["mountPath"] for m in rendered["volumeMounts"]] == server.mounts
