"""A policy file that changes while the hub runs is in force whole, or not at all; a broken one changes nothing."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets.config import Config

from envspawner.hub.reload import Watch
from envspawner.hub.spawner import EnvSpawner
from envspawner.hub.store import Loaded, policy_of

from . import embedded, realhub
from .support import config_of, made_by, spawner_for

OLD = "defaults: {extraEnv: {A: old, B: old}, memory: {limit: 1G}}\n"
NEW = "defaults: {extraEnv: {A: new, B: new}, memory: {limit: 2G}}\n"
BROKEN = "defaults:\n  memroy: {limit: 2G}\n"


class Hub:
    """A configuration with a policy file, and the watch of a hub that started with it."""

    def __init__(self, folder: Path, policy: str = OLD) -> None:
        self.config: Config = config_of(folder, policy)
        self.file = folder / "policy.yaml"
        log = logging.getLogger("reload")
        loaded = self.loaded
        assert loaded.file is not None
        names = EnvSpawner.section_names()
        self.watch = Watch(self.config, names, EnvSpawner, str(self.file), loaded.file.digest, log, 1.0, 0.0)

    @property
    def loaded(self) -> Loaded:
        found = policy_of(self.config, EnvSpawner.section_names())
        assert found is not None
        return found

    async def env(self) -> dict[str, Any]:
        """What the next start gets."""
        with spawner_for(self.config) as spawner:
            await spawner.load_user_options()
            made = await made_by(spawner)
        return {name: made.env[name] for name in ("A", "B")}


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def renamed(file: Path, text: str) -> None:
    other = file.with_suffix(".new")
    other.write_text(text)
    other.replace(file)


def swapped(file: Path, text: str) -> None:
    """As Kubernetes changes what a ConfigMap mounts: `..data` becomes a link to another folder."""
    folder = file.parent / f"..{time.monotonic_ns()}"
    folder.mkdir()
    (folder / file.name).write_text(text)
    data, link = file.parent / "..data", file.parent / "..data_tmp"
    link.symlink_to(folder.name)
    link.replace(data)
    if not file.is_symlink():
        file.unlink()
        file.symlink_to(f"..data/{file.name}")


@pytest.mark.parametrize("change", [in_place, renamed, swapped])
async def test_a_change_is_in_force_at_the_next_start(
    tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    hub = Hub(tmp_path)
    await hub.watch.look()
    assert await hub.env() == {"A": "old", "B": "old"}
    for text, word in ((NEW, "new"), (OLD, "old"), (NEW, "new")):
        change(hub.file, text)
        await hub.watch.look()
        assert await hub.env() == {"A": word, "B": word}


async def test_a_broken_file_keeps_the_last_good_policy_and_is_told_once_with_its_places(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub(tmp_path)
    hub.file.write_text(BROKEN)
    for _ in range(3):
        await hub.watch.look()
    assert await hub.env() == {"A": "old", "B": "old"}
    told = [record for record in caplog.records if record.name == "reload"]
    assert len(told) == 1
    assert "policy.yaml:2:3: defaults.memroy: unknown key 'memroy' (did you mean memory?)" in caplog.text
    hub.file.write_text(NEW)
    await hub.watch.look()
    assert await hub.env() == {"A": "new", "B": "new"}


@pytest.mark.parametrize("gone", ["deleted", "a folder", "empty"])
async def test_a_file_that_is_gone_keeps_the_last_good_policy(tmp_path: Path, gone: str) -> None:
    hub = Hub(tmp_path)
    hub.file.unlink()
    if gone == "a folder":
        hub.file.mkdir()
    elif gone == "empty":
        hub.file.write_text("")
    await hub.watch.look()
    assert await hub.env() == {"A": "old", "B": "old"}


async def test_a_touch_changes_nothing(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    before = hub.loaded
    os.utime(hub.file)
    await hub.watch.look()
    assert hub.loaded is before


async def test_a_file_that_changes_while_it_is_read_waits_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envspawner.hub import reload, store

    hub = Hub(tmp_path)
    read: Callable[[str], bytes] = store.read_policy

    def torn(path: str) -> bytes:
        content = read(path)
        hub.file.write_text(NEW)  # the writer goes on
        return content[:20]

    hub.file.write_text("defaults: {extraEnv: {A: half")
    monkeypatch.setattr(reload, "read_policy", torn)
    await hub.watch.look()
    assert await hub.env() == {"A": "old", "B": "old"}
    monkeypatch.setattr(reload, "read_policy", read)
    await hub.watch.look()
    assert await hub.env() == {"A": "new", "B": "new"}


async def test_a_start_that_was_refused_leaves_no_policy_to_the_page(tmp_path: Path) -> None:
    hub = Hub(tmp_path, "profiles: {a: {displayName: Before}, b: {}}\n")
    with spawner_for(hub.config, options={"profile": "nope"}) as spawner:
        with pytest.raises(HTTPError):
            await spawner._run_apply_user_options(spawner.user_options)
        spawner.server = None  # as JupyterHub leaves it
        hub.file.write_text("profiles: {a: {displayName: After}, b: {}}\n")
        await hub.watch.look()
        page = await spawner.get_options_form()
    assert "After" in page
    assert "Before" not in page


async def _each_start_is_whole(tmp_path: Path, steps: Sequence[str]) -> None:
    hub = Hub(tmp_path)
    with spawner_for(hub.config, "ada") as a, spawner_for(hub.config, "ben") as b:
        for step in steps:
            spawner = a if step.endswith("a") else b
            if step == "swap":
                hub.file.write_text(NEW)
                await hub.watch.look()
            elif step.startswith("apply"):
                await spawner._run_apply_user_options({})
            else:
                await spawner.load_user_options()
        for spawner in (a, b):
            made = await made_by(spawner)
            limit = made.notebook["resources"]["limits"]["memory"]
            assert (made.env["A"], made.env["B"], limit) in (
                ("old", "old", 2**30),
                ("new", "new", 2**31),
            )


async def test_each_of_two_starts_around_a_change_sees_one_whole_policy(tmp_path: Path) -> None:
    steps = ("apply a", "load a", "apply b", "load b", "swap")
    orders = [
        order
        for order in permutations(steps)
        if order.index("apply a") < order.index("load a") and order.index("apply b") < order.index("load b")
    ]
    assert len(orders) == 30
    for number, order in enumerate(orders):
        folder = tmp_path / str(number)
        folder.mkdir()
        await _each_start_is_whole(folder, order)


def test_a_running_hub_reads_its_policy_again(tmp_path: Path) -> None:
    with embedded.cluster(tmp_path / "cluster") as cluster:
        hub_folder = tmp_path / "hub"
        hub_folder.mkdir()
        file = tmp_path / "policy.yaml"
        file.write_text("profiles: {a: {}, b: {allow: {users: [grace]}}}")
        config = f"c.EnvSpawner.policy_file = {str(file)!r}\nc.EnvSpawner.policy_reload_seconds = 0.2\n"
        with realhub.run(hub_folder, config, cluster.kubeconfig) as hub:
            token = hub.token_of("ada")

            def refusal() -> str:
                body = json.dumps({"profile": "c"}).encode()
                hub.send("POST", "/hub/api/users/ada/server", body, token)
                return max(hub.refusals(), default="")

            assert refusal() == "profile-unknown"
            file.write_text("profiles: {a: {}, c: {allow: {users: [grace]}}}")
            _until(lambda: "instead of" in hub.log)
            before = hub.refusals()
            refusal()
            assert hub.refusals().get("profile-forbidden", 0) == before.get("profile-forbidden", 0) + 1
            file.write_text(BROKEN)
            _until(lambda: "stays in force" in hub.log)
            metrics = hub.send("GET", "/hub/metrics").text
            assert 'envspawner_policy_reloads_total{result="success"} 1.0' in metrics
            assert 'envspawner_policy_reloads_total{result="failure"} 1.0' in metrics
            assert metrics.count("envspawner_policy_info{") == 1


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)
