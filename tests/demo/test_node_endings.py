"""How pods and claims end: with grace, by force, and never with the files of a user."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from envspawner.demo.claims import Claims
from envspawner.demo.places import Places
from envspawner.demo.processes import Rooms
from envspawner.demo.store import Store
from tests.demo.nodes import NAMESPACE, Cluster, claim, cluster_in, container, pod
from tests.demo.running import gone

# --- deletion -----------------------------------------------------------------------------------------------------


def processes_with(word: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if word in text:
            found.append(text)
    return found


async def test_deletion_lets_a_container_finish_on_sigterm(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("home"))
    mounts = [{"name": "v", "mountPath": "/v"}]
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "home"}}]
    script = "trap 'echo done >/v/file; exit 0' TERM; touch /v/ready; while :; do sleep 0.05; done"
    await cluster.running(container(script, volumeMounts=mounts), volumes=volumes)
    while not (cluster.places.homes / "home/ready").exists():
        await asyncio.sleep(0.01)
    cluster.store.delete("pods", NAMESPACE, "pod", {"gracePeriodSeconds": 10})
    await cluster.gone()
    assert (cluster.places.homes / "home/file").read_text() == "done\n"


async def test_after_the_grace_period_whatever_is_left_is_killed(cluster: Cluster) -> None:
    word = f"61{os.getpid()}"
    script = f"trap '' TERM; (setsid sleep {word} &); while :; do sleep {word}; done"
    await cluster.running(container(script))
    while len(processes_with(f"sleep {word}")) < 2:
        await asyncio.sleep(0.01)
    cluster.store.delete("pods", NAMESPACE, "pod", {"gracePeriodSeconds": 1})
    await cluster.gone()
    assert processes_with(f"sleep {word}") == []


async def test_deletion_by_force_leaves_no_process(cluster: Cluster) -> None:
    word = f"62{os.getpid()}"
    await cluster.running(container(f"(setsid sleep {word} &); sleep {word}"))
    while len(processes_with(f"sleep {word}")) < 2:
        await asyncio.sleep(0.01)
    cluster.store.delete("pods", NAMESPACE, "pod", {"gracePeriodSeconds": 0})
    while processes_with(f"sleep {word}"):
        await asyncio.sleep(0.01)


async def test_a_container_whose_launcher_is_killed_ends_with_it(cluster: Cluster) -> None:
    word = f"63{os.getpid()}"
    await cluster.running(container(f"exec sleep {word}"))
    command = psutil.Process(cluster.node.command_pid(NAMESPACE, "pod", "notebook"))
    launcher = command.parent()
    assert launcher is not None
    launcher.kill()
    ended = await cluster.until("pods", "pod", phase="Failed")
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert gone([command]) == []


async def test_a_pod_that_waits_for_its_claim_can_be_deleted(cluster: Cluster) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "missing"}}]
    cluster.create("pods", pod(container("true"), volumes=volumes))
    assert await cluster.event("FailedScheduling") == 'persistentvolumeclaim "missing" not found'
    cluster.store.delete("pods", NAMESPACE, "pod", {"gracePeriodSeconds": 1})
    await cluster.gone()


# --- claims -------------------------------------------------------------------------------------------------------


async def test_a_claim_is_bound_at_once(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("home", "3Gi"))
    bound = await cluster.until("persistentvolumeclaims", "home", phase="Bound")
    assert bound["status"]["capacity"] == {"storage": "3Gi"}
    assert (cluster.places.homes / "home").is_dir()


async def test_a_claim_whose_folder_cannot_be_made_is_told_and_keeps_nobody_else_from_theirs(
    cluster: Cluster,
) -> None:
    name = "a" * 253  # as long as Kubernetes lets it be, and with an ending longer than a file's name may be
    cluster.create("persistentvolumeclaims", claim(name))
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]
    cluster.create("pods", pod(container("true"), volumes=volumes))
    assert (await cluster.event("FailedMount")).endswith("File name too long")
    cluster.create("persistentvolumeclaims", claim("home"))
    await cluster.until("persistentvolumeclaims", "home", phase="Bound")


async def test_a_deleted_claims_files_are_set_aside_not_lost(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("home"))
    await cluster.until("persistentvolumeclaims", "home", phase="Bound")
    (cluster.places.homes / "home/thesis").write_text("all my work")
    cluster.store.delete("persistentvolumeclaims", NAMESPACE, "home", {})
    while (cluster.places.homes / "home").exists():
        await asyncio.sleep(0.01)
    (aside,) = cluster.places.deleted.iterdir()
    assert (aside / "thesis").read_text() == "all my work"


async def test_a_claim_made_anew_is_empty(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("home"))
    await cluster.until("persistentvolumeclaims", "home", phase="Bound")
    (cluster.places.homes / "home/thesis").write_text("all my work")
    cluster.store.delete("persistentvolumeclaims", NAMESPACE, "home", {})
    cluster.create("persistentvolumeclaims", claim("home"))
    await cluster.until("persistentvolumeclaims", "home", phase="Bound")
    assert list((cluster.places.homes / "home").iterdir()) == []


async def test_the_next_node_in_a_folder_has_the_claims_of_the_last(tmp_path: Path) -> None:
    async with cluster_in(tmp_path, Rooms(True)) as cluster:
        cluster.create("persistentvolumeclaims", claim("home", "3Gi"))
        await cluster.until("persistentvolumeclaims", "home", phase="Bound")
        (cluster.places.homes / "home/thesis").write_text("all my work")
    async with cluster_in(tmp_path, Rooms(True)) as cluster:
        again = await cluster.until("persistentvolumeclaims", "home", phase="Bound")
        assert again["spec"]["resources"]["requests"]["storage"] == "3Gi"
        assert (cluster.places.homes / "home/thesis").read_text() == "all my work"


async def test_a_claim_that_could_not_be_written_whole_does_not_stop_the_next_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill -9 or a full disk has it."""
    whole = Path.write_text

    def half(file: Path, text: str, *how: Any, **more: Any) -> int:
        whole(file, text[:20])
        raise OSError("no space left on device")

    places = Places(tmp_path)
    places.make()
    made = {**claim("home"), "metadata": {"name": "home", "namespace": NAMESPACE}}
    monkeypatch.setattr(Path, "write_text", half)
    claims = Claims(Store([NAMESPACE]), places)
    await claims.seen("ADDED", made)
    with pytest.raises(OSError, match="no space left"):
        await claims.home("home")
    monkeypatch.undo()
    async with cluster_in(tmp_path, Rooms(False)) as cluster:
        cluster.create("persistentvolumeclaims", claim("home"))
        await cluster.until("persistentvolumeclaims", "home", phase="Bound")
    assert [one.name for one in places.claims.glob("*.json")] == ["home.json"]
