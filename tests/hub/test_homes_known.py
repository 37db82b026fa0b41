"""What is known of homes beside a server's own state: by other servers, by other users, by the claims themselves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from kubespawner import KubeSpawner
from tornado.web import HTTPError

from .support import config_of, made_by, spawner_for
from .test_homes import TWO, claim_of


async def test_a_named_server_shares_the_default_servers_home_where_the_policy_has_one_for_each_user(
    tmp_path: Path,
) -> None:
    policy = "defaults: {storage: {dynamic: {pvcNameTemplate: 'mine-{username}'}}}"
    for saved in ({"pvc_name": "claim-ada"}, {"envspawner_homes": {"default": HOME_OF_DEFAULT}}):
        with spawner_for(config_of(tmp_path, policy), server="lab") as spawner:
            spawner.user.orm_spawners[""].state = {"kubespawner_version": "7.1.0", **saved}
            spawner.user.db.commit()
            await spawner.load_user_options()
            assert claim_of(await made_by(spawner)) == "claim-ada"
            spawner._pvc_exists = True
            assert spawner.get_state()["envspawner_homes"]["default"]["scope"] == "user"


HOME_OF_DEFAULT = {"claim": "claim-ada", "scope": "server"}


async def test_what_a_named_server_knew_of_its_users_homes_outlives_it(
    tmp_path: Path, deleted: set[str]
) -> None:
    def home(claim: str, scope: str = "user") -> dict[str, str]:
        return {"claim": claim, "scope": scope}

    known = {"default": home("a"), "x": home("b"), "own": home("c", "server"), "y": home("d")}
    with spawner_for(config_of(tmp_path, TWO), server="lab") as spawner:
        spawner.user.settings["spawner_class"] = type(spawner)
        default = spawner.user.orm_spawners[""]
        default.state = {"kubespawner_version": "7.1.0", "envspawner_homes": {"x": home("e"), "z": home("d")}}
        spawner.load_state({"kubespawner_version": "7.1.0", "envspawner_homes": known})
        await spawner.delete_forever()
        assert deleted == {"c"}
        kept = {"x": home("e"), "z": home("d"), "default": home("a"), "x of lab": home("b")}
        assert default.state["envspawner_homes"] == kept
        assert default.state["pvc_name"] == "a"
        deleted.clear()
        await spawner.user.spawners[""].delete_forever()
        assert deleted == {"a", "b", "d", "e"}


async def test_what_a_named_server_knew_reaches_a_default_server_that_never_ran_or_is_in_use(
    tmp_path: Path, deleted: set[str]
) -> None:
    for in_use in (False, True):
        with spawner_for(config_of(tmp_path, TWO), server="lab") as spawner:
            spawner.user.settings["spawner_class"] = type(spawner)
            running = spawner.user.spawners[""] if in_use else None
            spawner.load_state({"envspawner_homes": {"default": {"claim": "a", "scope": "user"}}})
            await spawner.delete_forever()
            state = spawner.user.orm_spawners[""].state
            assert state["kubespawner_version"]  # or it would pass for one of KubeSpawner 6
            assert (running.get_state() if running else state)["pvc_name"] == "a"
    assert deleted == set()


async def test_a_claim_that_is_another_users_home_is_not_mounted_though_it_bears_this_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was renamed keeps the home; the next one of that name must not get it."""

    async def create(self: Any, pvc: Any, timeout: float) -> bool:
        return True

    async def read(name: str, namespace: str) -> Any:
        return SimpleNamespace(metadata=SimpleNamespace(annotations={"hub.jupyter.org/username": "ada"}))

    monkeypatch.setattr(KubeSpawner, "_make_create_pvc_request", create)
    for state, refused in (
        ({"envspawner_homes": {"default": {"claim": "claim-ada", "scope": "server"}}}, True),
        ({"pvc_name": "claim-ada", "kubespawner_version": "7.1.0"}, True),
        ({"pvc_name": "claim-ada2", "pod_name": "claim-ada"}, False),
        (None, False),
    ):
        with spawner_for(config_of(tmp_path, TWO)) as spawner:
            renamed = orm.User(name="ada-lovelace")
            renamed._orm_spawners.append(orm.Spawner(name="", state=state))
            spawner.user.db.add(renamed)
            spawner.user.db.commit()
            spawner.api = SimpleNamespace(read_namespaced_persistent_volume_claim=read)
            await spawner.load_user_options()
            making = spawner._make_create_pvc_request(spawner.get_pvc_manifest(), 1)
            if refused:
                with pytest.raises(HTTPError) as caught:
                    await making
                assert "is of user 'ada-lovelace', not of 'ada'" in getattr(caught.value, "refusal", "")
            else:
                assert await making


async def test_kubespawners_own_storage_is_no_way_to_a_foreign_home_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def create(self: Any, pvc: Any, timeout: float) -> bool:
        return True

    async def read(name: str, namespace: str) -> Any:
        return SimpleNamespace(metadata=SimpleNamespace(annotations={"hub.jupyter.org/username": "bob"}))

    def configure(c: Any) -> None:
        c.KubeSpawner.storage_pvc_ensure = True
        c.KubeSpawner.storage_capacity = "1Gi"
        c.KubeSpawner.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]

    monkeypatch.setattr(KubeSpawner, "_make_create_pvc_request", create)
    with spawner_for(config_of(tmp_path, "defaults: {extraEnv: {A: b}}", configure)) as spawner:
        spawner.api = SimpleNamespace(read_namespaced_persistent_volume_claim=read)
        await spawner.load_user_options()
        with pytest.raises(HTTPError):
            await spawner._make_create_pvc_request(spawner.get_pvc_manifest(), 1)


@pytest.mark.parametrize(("user", "refused"), [("shared", True), ("ada", False)])
async def test_nobody_is_called_so_that_a_claim_for_others_is_their_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, refused: bool
) -> None:
    async def create(self: Any, pvc: Any, timeout: float) -> bool:
        return True

    async def read(name: str, namespace: str) -> Any:
        return SimpleNamespace(metadata=SimpleNamespace(annotations=None))

    policy = """
    defaults: {storage: {dynamic: {pvcNameTemplate: 'claim-{username}'}}}
    groups: {staff: {storage: {extraVolumes: [{name: s, persistentVolumeClaim: {claimName: claim-shared}}]}}}
    """
    monkeypatch.setattr(KubeSpawner, "_make_create_pvc_request", create)
    with spawner_for(config_of(tmp_path, policy), user) as spawner:
        spawner.api = SimpleNamespace(read_namespaced_persistent_volume_claim=read)
        await spawner.load_user_options()
        making = spawner._make_create_pvc_request(spawner.get_pvc_manifest(), 1)
        if refused:
            with pytest.raises(HTTPError) as caught:
                await making
            assert "claim-shared is one that the policy mounts for others" in getattr(
                caught.value, "refusal", ""
            )
        else:
            assert await making
