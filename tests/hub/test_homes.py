"""A home is remembered by what it is, not by today's template: no switch ever shows an empty or a foreign one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubespawner import KubeSpawner
from tornado.web import HTTPError

from envspawner.hub.offline import OfflineSpawner

from .support import Made, config_of, made_by, spawner_for

TWO = """
defaults: {storage: {capacity: 5Gi}}
profiles:
  main: {default: true}
  lab: {storage: {capacity: 20Gi, dynamic: {pvcNameTemplate: 'lab-{username}'}}}
  none: {storage: {type: none}}
  given: {storage: {type: static, static: {pvcName: all-homes, subPath: 'home/{username}'}}}
"""


async def start(
    tmp_path: Path,
    policy: str | None,
    state: dict[str, Any],
    options: dict[str, str] | None = None,
    spawner_class: type[KubeSpawner] = OfflineSpawner,
    **how: Any,
) -> tuple[Made, dict[str, Any]]:
    """One start as JupyterHub makes it, above a saved state; the manifests and the state that it saves."""
    configure = how.pop("configure", None)
    config = config_of(tmp_path, policy, configure)
    with spawner_for(config, options=options or {}, spawner_class=spawner_class, **how) as spawner:
        spawner.load_state(state)
        spawner.clear_state()
        await spawner.load_user_options()
        made = await made_by(spawner)
        if spawner.storage_pvc_ensure:
            spawner._pvc_exists = True  # what KubeSpawner._start says once the claim is there
        return made, spawner.get_state()


def claim_of(made: Made) -> str:
    return str(made.volumes["home"]["persistentVolumeClaim"]["claimName"])


async def test_two_profiles_with_homes_of_their_own_keep_them_apart(tmp_path: Path) -> None:
    main, state = await start(tmp_path, TWO, {})
    lab, state = await start(tmp_path, TWO, state, {"profile": "lab"})
    again, state = await start(tmp_path, TWO, state, {"profile": "main"})
    assert [claim_of(one) for one in (main, lab, again)] == ["claim-ada", "lab-ada", "claim-ada"]
    assert state["pvc_name"] == "claim-ada"


@pytest.mark.parametrize("profile", ["none", "given"])
async def test_a_start_without_the_own_home_does_not_forget_it(tmp_path: Path, profile: str) -> None:
    _, state = await start(tmp_path, TWO, {})
    made, state = await start(tmp_path, TWO, state, {"profile": profile})
    assert made.claim is None
    made, _ = await start(tmp_path, TWO, state)
    assert claim_of(made) == "claim-ada"


async def test_a_new_template_names_new_claims_only(tmp_path: Path) -> None:
    _, state = await start(
        tmp_path, "defaults: {storage: {dynamic: {pvcNameTemplate: 'old-{username}'}}}", {}
    )
    made, state = await start(
        tmp_path, "defaults: {storage: {dynamic: {pvcNameTemplate: 'new-{username}'}}}", state
    )
    assert claim_of(made) == "old-ada"


async def test_a_home_that_kubespawner_made_is_kept_and_so_is_the_way_back(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.storage_pvc_ensure = True
        c.KubeSpawner.storage_capacity = "1Gi"
        c.KubeSpawner.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
        c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]

    before = {"pvc_name": "claim-ada-2eold", "kubespawner_version": "7.1.0"}
    policy = "defaults: {storage: {capacity: 2Gi}}"
    made, state = await start(tmp_path, policy, before, configure=configure)
    assert claim_of(made) == "claim-ada-2eold"
    made, _ = await start(tmp_path, None, state, configure=configure, spawner_class=KubeSpawner)
    assert claim_of(made) == "claim-ada-2eold"


async def test_a_home_that_was_named_is_the_same_home_under_another_template(tmp_path: Path) -> None:
    policy = "profiles: {a: {storage: {home: course, dynamic: {pvcNameTemplate: '%s-{username}'}}}}"
    _, state = await start(tmp_path, policy % "x", {})
    made, _ = await start(tmp_path, policy % "y", state)
    assert claim_of(made) == "x-ada"


async def test_a_claim_that_is_remembered_is_not_made_again(tmp_path: Path) -> None:
    _, state = await start(tmp_path, TWO, {})
    with spawner_for(config_of(tmp_path, TWO)) as spawner:
        spawner.load_state(state)
        spawner.clear_state()
        await spawner.load_user_options()
        assert spawner._pvc_exists
    with spawner_for(config_of(tmp_path, TWO), options={"profile": "lab"}) as spawner:
        spawner.load_state(state)
        spawner.clear_state()
        await spawner.load_user_options()
        assert not spawner._pvc_exists


async def test_a_home_of_the_user_is_found_from_a_named_server_that_never_ran(tmp_path: Path) -> None:
    policy = "defaults: {storage: {dynamic: {pvcNameTemplate: 'now-{username}'}}}"
    homes = {"default": {"claim": "then-ada", "scope": "user"}}
    with spawner_for(config_of(tmp_path, policy), server="lab") as spawner:
        other = type(spawner.orm_spawner)(name="", state={"envspawner_homes": homes})
        spawner.user.orm_user._orm_spawners.append(other)
        spawner.user.db.commit()
        await spawner.load_user_options()
        assert claim_of(await made_by(spawner)) == "then-ada"


GOES = {
    "a named server takes its own home along": ("lab", {"s": "server"}, {"s"}),
    "a named server leaves the user's home": ("lab", {"u": "user"}, set()),
    "the user takes theirs": ("", {"s": "server", "u": "user"}, {"s", "u"}),
    "nobody takes a shared one": ("", {"g": "shared"}, set()),
}


@pytest.mark.parametrize(("server", "scopes", "gone"), GOES.values(), ids=GOES)
async def test_what_is_deleted_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, scopes: dict[str, str], gone: set[str]
) -> None:
    deleted: set[str] = set()

    async def delete(self: Any, name: str, timeout: float) -> bool:
        deleted.add(name)
        return True

    monkeypatch.setattr(KubeSpawner, "_make_delete_pvc_request", delete)
    homes = {claim: {"claim": claim, "scope": scope} for claim, scope in scopes.items()}
    with spawner_for(config_of(tmp_path, TWO), server=server) as spawner:
        spawner.load_state({"envspawner_homes": homes})
        await spawner.delete_forever()
        assert deleted == gone
        deleted.clear()
        spawner.delete_pvc = False
        await spawner.delete_forever()
        assert deleted == set()


async def test_a_static_home_is_never_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def delete(self: Any, name: str, timeout: float) -> bool:
        raise AssertionError(name)

    monkeypatch.setattr(KubeSpawner, "_make_delete_pvc_request", delete)
    with spawner_for(config_of(tmp_path, TWO), options={"profile": "given"}) as spawner:
        await spawner.load_user_options()
        await spawner.delete_forever()


async def test_broken_state_is_passed_over(tmp_path: Path) -> None:
    for state in ({"envspawner_homes": [1]}, {"envspawner_homes": {"default": "x"}}, {"pvc_name": 7}):
        made, _ = await start(tmp_path, TWO, state)
        assert claim_of(made) == "claim-ada"


async def test_with_whom_a_claim_goes_is_settled_when_it_is_made(tmp_path: Path) -> None:
    shared = "defaults: {storage: {dynamic: {pvcNameTemplate: 'x-{username}'}}}"
    own = "defaults: {storage: {dynamic: {pvcNameTemplate: 'x2-{user_server}'}}}"
    _, state = await start(tmp_path, shared, {}, server="two")
    made, state = await start(tmp_path, own, state, server="two")
    assert claim_of(made) == "x-ada"
    assert state["envspawner_homes"]["default"] == {"claim": "x-ada", "scope": "user"}


async def test_a_claim_of_another_name_than_todays_is_not_taken_for_the_servers(tmp_path: Path) -> None:
    for claim, scope in (("old-ada", "user"), ("claim-ada--two", "server")):
        with spawner_for(config_of(tmp_path, TWO), server="two") as spawner:
            spawner.load_state({"pvc_name": claim, "kubespawner_version": "7.1.0"})
            assert spawner._homes["default"]["scope"] == scope


async def test_a_server_with_a_home_of_its_own_does_not_take_another_servers(tmp_path: Path) -> None:
    policy = "defaults: {storage: {dynamic: {pvcNameTemplate: 'own-{user_server}'}}}"
    with spawner_for(config_of(tmp_path, policy), server="lab") as spawner:
        add_sibling(spawner, {"default": {"claim": "then-ada", "scope": "user"}})
        await spawner.load_user_options()
        assert claim_of(await made_by(spawner)) == "own-ada--lab"


def add_sibling(spawner: Any, known: dict[str, Any], name: str = "") -> None:
    other = type(spawner.orm_spawner)(name=name, state={"envspawner_homes": known})
    spawner.user.orm_user._orm_spawners.append(other)
    spawner.user.db.commit()


async def test_a_claim_that_another_server_knows_does_not_go_with_one(
    tmp_path: Path, deleted: set[str]
) -> None:
    with spawner_for(config_of(tmp_path, TWO), server="lab") as spawner:
        spawner.load_state({"envspawner_homes": {"default": {"claim": "c", "scope": "server"}}})
        add_sibling(spawner, {"default": {"claim": "c", "scope": "user"}})
        await spawner.delete_forever()
    assert deleted == set()


async def test_the_user_takes_a_home_that_only_a_named_server_knew(tmp_path: Path, deleted: set[str]) -> None:
    with spawner_for(config_of(tmp_path, TWO)) as spawner:
        add_sibling(spawner, {"default": {"claim": "c", "scope": "user"}}, "lab")
        await spawner.delete_forever()
    assert deleted == {"c"}


@pytest.mark.parametrize("owner", ["ada", "bob", None])
async def test_a_claim_of_somebody_else_is_not_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str | None
) -> None:
    async def create(self: Any, pvc: Any, timeout: float) -> bool:
        return True

    async def read(name: str, namespace: str) -> Any:
        annotations = {"hub.jupyter.org/username": owner} if owner else None
        return SimpleNamespace(metadata=SimpleNamespace(annotations=annotations))

    monkeypatch.setattr(KubeSpawner, "_make_create_pvc_request", create)
    with spawner_for(config_of(tmp_path, TWO)) as spawner:
        spawner.api = SimpleNamespace(read_namespaced_persistent_volume_claim=read)
        await spawner.load_user_options()
        claim = spawner.get_pvc_manifest()
        if owner == "bob":
            with pytest.raises(HTTPError) as caught:
                await spawner._make_create_pvc_request(claim, 1)
            assert getattr(caught.value, "refusal", "").startswith(
                "home-foreign: the claim claim-ada is of user 'bob'"
            )
        else:
            assert await spawner._make_create_pvc_request(claim, 1)


async def test_a_home_of_a_group_is_one_for_each_group(tmp_path: Path) -> None:
    policy = "groups: {'course:*': {storage: {home: course, dynamic: {pvcNameTemplate: 'course-{match}'}}}}"
    made, state = await start(tmp_path, policy, {}, groups=["course:a"])
    again, _ = await start(tmp_path, policy, state, groups=["course:b"])
    assert [claim_of(made), claim_of(again)] == ["course-a", "course-b"]
