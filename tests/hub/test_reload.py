"""A policy file that changes is in force whole or not at all, however it changed."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from envspawner.hub import reload
from envspawner.hub.offline import OfflineSpawner
from envspawner.hub.reload import Watch
from envspawner.hub.store import policy_of
from envspawner.policy.problems import PolicyError

from .support import config_of, made_by, spawner_for

OLD = "defaults: {extraEnv: {A: old, B: old}, memory: {limit: 1G}}\n"
NEW = "defaults: {extraEnv: {A: new, B: new}, memory: {limit: 2G}}\n"
BROKEN = "defaults:\n  memroy: {limit: 1G}\n  storage: {capacity: 8 Gib}\n"
LOG = logging.getLogger("test-reload")


def watch_of(config: Config) -> Watch:
    """What a hub that has just started does with its policy file."""
    names = OfflineSpawner.section_names()
    loaded = policy_of(config, names, spawner_class=OfflineSpawner)
    assert loaded is not None
    assert loaded.file is not None
    return Watch(config, names, OfflineSpawner, loaded.file.path, loaded.file.digest, LOG, 5, quiet=0)


def memory(config: Config) -> Any:
    """The memory limit in force, in GiB."""
    loaded = policy_of(config, OfflineSpawner.section_names())
    assert loaded is not None
    assert loaded.policy.defaults is not None
    [limit] = [s.value for s in loaded.policy.defaults.settings if s.field.path == "memory.limit"]
    return limit / 2**30


def in_place(file: Path) -> None:
    file.write_text(NEW)


def renamed(file: Path) -> None:
    (file.parent / "new").write_text(NEW)
    (file.parent / "new").rename(file)


def same_size_and_time(file: Path) -> None:
    before = file.stat()
    file.write_text(OLD.replace("1G", "2G"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [in_place, renamed, same_size_and_time])
async def test_a_changed_file_is_in_force(tmp_path: Path, change: Callable[[Path], None]) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    await watch.look()
    assert memory(config) == 1
    change(tmp_path / "policy.yaml")
    await watch.look()
    assert memory(config) == 2


async def test_a_config_map_is_followed_through_its_links(tmp_path: Path) -> None:
    for name, text in (("..1", OLD), ("..2", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    config = config_of(
        tmp_path, None, lambda c: c.EnvSpawner.update(policy_file=str(tmp_path / "policy.yaml"))
    )
    watch = watch_of(config)
    await watch.look()
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    await watch.look()
    assert memory(config) == 2


async def test_the_sections_in_traits_stay(tmp_path: Path) -> None:
    config = config_of(tmp_path, OLD, lambda c: c.EnvSpawner.update(users={"ada": {"uid": 7}}))
    watch = watch_of(config)
    in_place(tmp_path / "policy.yaml")
    await watch.look()
    loaded = policy_of(config, OfflineSpawner.section_names())
    assert loaded is not None
    assert set(loaded.policy.users) == {"ada"}
    assert memory(config) == 2


def vanish(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_text("")


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def loop_of_links(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def broken(file: Path) -> None:
    file.write_text(BROKEN)


WORDS = {
    vanish: "policy.yaml: cannot read the policy: No such file or directory",
    empty: "policy.yaml:1:1: the file holds nothing",
    directory: "policy.yaml: cannot read the policy: it is a directory, not a file",
    loop_of_links: "policy.yaml: cannot read the policy: Too many levels of symbolic links",
    pipe: "policy.yaml: cannot read the policy: it is not a regular file",
    broken: "policy.yaml:2:3: defaults.memroy: unknown key 'memroy' (did you mean memory?)",
}


@pytest.mark.parametrize(("change", "words"), WORDS.items(), ids=[one.__name__ for one in WORDS])
async def test_what_cannot_be_used_is_told_once_and_the_last_good_policy_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Callable[[Path], None], words: str
) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    change(tmp_path / "policy.yaml")
    for _ in range(3):
        await watch.look()
    assert memory(config) == 1
    [record] = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert words in record.getMessage()


async def test_every_problem_is_told_as_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = watch_of(config_of(tmp_path, OLD))
    broken(tmp_path / "policy.yaml")
    await watch.look()
    assert "policy.yaml:2:3: defaults.memroy" in caplog.text
    assert "policy.yaml:3:23: defaults.storage.capacity" in caplog.text


async def test_what_was_good_before_is_in_force_again_after_a_mistake(tmp_path: Path) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    broken(tmp_path / "policy.yaml")
    await watch.look()
    in_place(tmp_path / "policy.yaml")
    await watch.look()
    assert memory(config) == 2


async def test_a_touched_file_is_not_read_as_a_change(tmp_path: Path) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    before = policy_of(config, OfflineSpawner.section_names())
    (tmp_path / "policy.yaml").touch()
    await watch.look()
    assert policy_of(config, OfflineSpawner.section_names()) is before


async def test_a_file_that_changes_while_it_is_read_waits_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    file = tmp_path / "policy.yaml"
    file.write_text("defaults: {memory: {limit: 9G}}\n")  # the half that was written so far

    def torn(path: str) -> bytes:
        content = file.read_bytes()
        file.write_text(NEW)
        return content

    with monkeypatch.context() as patch:
        patch.setattr(reload, "read_policy", torn)
        await watch.look()
    assert memory(config) == 1
    await watch.look()
    assert memory(config) == 2


async def test_a_file_that_is_not_quiet_yet_is_not_read(tmp_path: Path) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    watch.quiet = 0.2
    file = tmp_path / "policy.yaml"
    file.write_text("defaults: {memory: {limit: 9G}}\n")
    looking = asyncio.ensure_future(watch.look())
    await asyncio.sleep(0.05)
    file.write_text(NEW)
    await looking
    assert memory(config) == 1
    await watch.look()
    assert memory(config) == 2


async def test_a_policy_that_was_replaced_leaves_the_memory_without_the_collector(tmp_path: Path) -> None:
    groups = "".join(f"  g{n}*: {{extraEnv: {{A: '{{match}}'}}}}\n" for n in range(50))
    config = config_of(tmp_path, OLD + "groups:\n" + groups)
    watch = watch_of(config)
    loaded = policy_of(config, OfflineSpawner.section_names())
    assert loaded is not None
    kept: list[weakref.ref[Any]] = [
        weakref.ref(loaded.resolver),
        weakref.ref(loaded.resolver._people.groups),
    ]
    del loaded
    gc.collect()
    gc.disable()
    try:
        in_place(tmp_path / "policy.yaml")
        await watch.look()
        assert [one() for one in kept] == [None, None]
    finally:
        gc.enable()


async def test_the_collector_runs_again_after_a_load_that_failed(tmp_path: Path) -> None:
    watch = watch_of(config_of(tmp_path, OLD))
    broken(tmp_path / "policy.yaml")
    await watch.look()
    assert gc.isenabled()


async def test_a_start_that_began_before_a_change_keeps_its_policy_and_the_next_has_the_new_one(
    tmp_path: Path,
) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    with spawner_for(config) as spawner:
        await spawner._run_apply_user_options({})
        in_place(tmp_path / "policy.yaml")
        await watch.look()
        await spawner.load_user_options()
        assert (await made_by(spawner)).env["A"] == "old"
        await spawner._run_apply_user_options({})
        await spawner.load_user_options()
        assert (await made_by(spawner)).env["A"] == "new"


async def test_profiles_that_a_change_brings_are_offered_by_spawners_that_were_there_before(
    tmp_path: Path,
) -> None:
    config = config_of(tmp_path, OLD)
    watch = watch_of(config)
    with spawner_for(config) as spawner:
        assert await spawner.get_options_form() == ""
        (tmp_path / "policy.yaml").write_text("profiles: {small: {}, large: {displayName: Very large}}\n")
        await watch.look()
        assert "Very large" in await spawner.get_options_form()


async def test_a_file_that_shall_never_be_read_again_is_not_watched(tmp_path: Path) -> None:
    def tasks_for(seconds: float) -> int:
        config = config_of(tmp_path, OLD, lambda c: c.EnvSpawner.update(policy_reload_seconds=seconds))
        loaded = policy_of(config, OfflineSpawner.section_names())
        assert loaded is not None
        before = asyncio.all_tasks()
        reload.watch(SimpleNamespace(config=config, log=LOG), OfflineSpawner, loaded)
        new = asyncio.all_tasks() - before
        for task in new:
            task.cancel()
        return len(new)

    assert tasks_for(5) == 1
    assert tasks_for(0) == 0


@pytest.mark.parametrize("seconds", [-1, "often", True, float("nan")])
def test_what_is_no_number_of_seconds_is_a_problem_at_the_start(tmp_path: Path, seconds: object) -> None:
    config = config_of(tmp_path, OLD, lambda c: c.EnvSpawner.update(policy_reload_seconds=seconds))
    with pytest.raises(PolicyError, match="policy_reload_seconds: expected a number of seconds, 0 or more"):
        policy_of(config, OfflineSpawner.section_names())


class Waiting(OfflineSpawner):
    """Lets others run wherever a start may wait."""

    turns: list[int]

    async def _auth_state(self) -> dict[str, Any]:  # type: ignore[override]
        for _ in range(self.turns.pop() if self.turns else 0):
            await asyncio.sleep(0)
        return {"a": "x"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(waits=st.lists(st.integers(0, 6), min_size=4, max_size=4), swap_after=st.integers(0, 12))
async def test_two_starts_during_a_swap_each_have_one_whole_policy(
    tmp_path: Path, waits: list[int], swap_after: int
) -> None:
    secret = "extraEnv: {A: %s, B: %s, C: '{auth_state.a}-%s'}"
    texts = [
        f"defaults: {{{secret.replace('%s', word)}, startTimeout: {seconds}}}\n"
        for word, seconds in (("old", 100), ("new", 200))
    ]
    config = config_of(tmp_path, texts[0])
    watch = watch_of(config)

    async def start(spawner: Any) -> tuple[Any, ...]:
        await spawner._run_apply_user_options({})
        await asyncio.sleep(0)
        await spawner.load_user_options()
        env = (await made_by(spawner)).env
        return env["A"], env["B"], env["C"], spawner.start_timeout

    async def swap() -> None:
        for _ in range(swap_after):
            await asyncio.sleep(0)
        await watch.look()

    with (
        spawner_for(config, "ada", spawner_class=Waiting) as one,
        spawner_for(config, "bob", spawner_class=Waiting) as two,
    ):
        one.turns, two.turns = waits[:2], waits[2:]
        (tmp_path / "policy.yaml").write_text(texts[1])
        *found, _ = await asyncio.gather(start(one), start(two), swap())
    whole = {("old", "old", "x-old", 100), ("new", "new", "x-new", 200)}
    assert set(found) <= whole
