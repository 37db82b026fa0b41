"""Auth state that is there, missing, or cannot be read; groups as they are at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from tornado.web import HTTPError

from envspawner.hub.offline import OfflineSpawner
from envspawner.hub.spawner import EnvSpawner
from envspawner.hub.store import policy_of

from .support import config_of, made_by, spawner_for

POLICY = "defaults: {extraEnv: {A: a}}\ngroups: {staff: {extraEnv: {TOKEN: '{auth_state.token}'}}}\n"


class Online(OfflineSpawner):
    """Reads auth state as a hub does."""

    _auth_state = EnvSpawner._auth_state  # type: ignore[assignment]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Any:
    CryptKeeper.clear_instance()
    keeper = CryptKeeper.instance(keys=[b"a" * 32])
    yield keeper
    CryptKeeper.clear_instance()


async def test_auth_state_reaches_the_environment(tmp_path: Path, keys: Any) -> None:
    with spawner_for(config_of(tmp_path, POLICY), groups=["staff"], spawner_class=Online) as spawner:
        await spawner.user.save_auth_state({"token": "t-1"})
        await spawner.load_user_options()
        assert (await made_by(spawner)).env["TOKEN"] == "t-1"


async def test_a_user_without_auth_state_has_no_such_variable(tmp_path: Path, keys: Any) -> None:
    with spawner_for(config_of(tmp_path, POLICY), groups=["staff"], spawner_class=Online) as spawner:
        await spawner.load_user_options()
        assert "TOKEN" not in (await made_by(spawner)).env


async def test_auth_state_that_cannot_be_decrypted_is_an_error_of_its_own(tmp_path: Path, keys: Any) -> None:
    with spawner_for(config_of(tmp_path, POLICY), groups=["staff"], spawner_class=Online) as spawner:
        await spawner.user.save_auth_state({"token": "t-1"})
        keys.keys = [b"b" * 32]
        with pytest.raises(HTTPError) as caught:
            await spawner.load_user_options()
    found: Any = caught.value
    assert found.status_code == 409
    assert found.refusal.startswith("auth-state-missing: the auth state of ada cannot be decrypted")
    assert found.jupyterhub_message.endswith("Log out, log in and try again.")


async def test_nobody_is_refused_who_needs_no_auth_state(tmp_path: Path, keys: Any) -> None:
    with spawner_for(config_of(tmp_path, POLICY), spawner_class=Online) as spawner:
        await spawner.user.save_auth_state({"token": "t-1"})
        keys.keys = [b"b" * 32]
        await spawner.load_user_options()
        assert (await made_by(spawner)).env["A"] == "a"


async def test_the_form_needs_no_auth_state(tmp_path: Path, keys: Any) -> None:
    policy = POLICY + "profiles: {small: {displayName: Small}, large: {}}\n"
    with spawner_for(config_of(tmp_path, policy), groups=["staff"], spawner_class=Online) as spawner:
        await spawner.user.save_auth_state({"token": "t-1"})
        keys.keys = [b"b" * 32]
        assert "Small" in await spawner.get_options_form()


async def test_groups_are_those_of_the_start_not_those_of_the_form(tmp_path: Path) -> None:
    policy = """
groups: {staff: {extraEnv: {ROLE: staff}}}
profiles: {small: {}, big: {displayName: Big one, allow: {groups: [staff]}}}
"""
    with spawner_for(config_of(tmp_path, policy), groups=["staff"]) as spawner:
        assert "Big one" in await spawner.get_options_form()
        staff = list(spawner.user.orm_user.groups)
        spawner.user.orm_user.groups = []
        spawner.user_options = {"profile": "big"}
        with pytest.raises(HTTPError) as caught:
            await spawner._run_apply_user_options(spawner.user_options)
        assert getattr(caught.value, "refusal", "").startswith("profile-forbidden: ")
        spawner.user.orm_user.groups = staff
        spawner.user_options = {"profile": "big"}
        await spawner._run_apply_user_options(spawner.user_options)
        await spawner.load_user_options()
        assert (await made_by(spawner)).env["ROLE"] == "staff"


@pytest.mark.parametrize(("kept", "warns"), [(False, True), (True, False)])
def test_a_policy_of_auth_state_on_a_hub_that_keeps_none_is_a_warning(
    tmp_path: Path, kept: bool, warns: bool
) -> None:
    config = config_of(tmp_path, POLICY)
    config.Authenticator.enable_auth_state = kept
    loaded = policy_of(config, EnvSpawner.section_names())
    assert loaded is not None
    assert any("keeps no auth state" in one.message for one in loaded.warnings) is warns
