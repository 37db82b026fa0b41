"""EnvSpawner as JupyterHub uses it: start time-outs, repeated starts, the log, configuration, auth state."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets.config import Config

from envspawner.hub.spawner import EnvSpawner
from envspawner.policy.problems import PolicyError

from .support import config_of, made_by, spawner_for

TIMEOUTS = (
    "defaults: {startTimeout: 100}\nprofiles: {slow: {startTimeout: 900}, quick: {allow: {users: [bob]}}}"
)


async def test_the_start_timeout_is_known_before_the_start_has_run(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, TIMEOUTS), options={"profile": "slow"}) as spawner:
        await spawner._run_apply_user_options(spawner.user_options)
        assert spawner.start_timeout == 900
        await spawner.load_user_options()
        assert spawner.start_timeout == 900


async def test_what_is_not_offered_is_refused_before_any_hook_runs(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, TIMEOUTS), options={"profile": "quick"}) as spawner:
        with pytest.raises(HTTPError) as caught:
            await spawner._run_apply_user_options(spawner.user_options)
        assert getattr(caught.value, "refusal", "").startswith("profile-forbidden: ")
        assert spawner.start_timeout == 60


async def test_an_admins_own_apply_user_options_runs_but_not_for_what_is_not_offered(tmp_path: Path) -> None:
    seen: list[Any] = []

    def configure(c: Any) -> None:
        c.KubeSpawner.apply_user_options = lambda spawner, options: seen.append(options)

    with spawner_for(config_of(tmp_path, TIMEOUTS, configure)) as spawner:
        await spawner._run_apply_user_options({})
    with spawner_for(config_of(tmp_path, None, configure)) as spawner:
        await spawner._run_apply_user_options({"a": 1})
    config = config_of(tmp_path, TIMEOUTS, configure)
    with spawner_for(config, options={"profile": "quick"}) as spawner, pytest.raises(HTTPError):
        await spawner._run_apply_user_options(spawner.user_options)
    assert seen == [{}, {"a": 1}]
    with spawner_for(config, options={"profile": "quick"}) as spawner:
        spawner._saved_options = {"profile": "quick"}
        await spawner._run_apply_user_options(spawner.user_options)
    assert seen[2:] == [{}]


PROFILES = """
defaults: {extraEnv: {A: everybody}}
profiles:
  plain: {}
  rich:
    extraEnv: {B: rich}
    nodeSelector: {pool: gpu}
    extraResource: {limits: {nvidia.com/gpu: 1}}
    lifecycleHooks: {preStop: {exec: {command: [sync]}}}
    startTimeout: 900
    storage: {type: none}
"""


async def test_a_second_start_of_one_object_keeps_nothing_of_the_first(tmp_path: Path) -> None:
    config = config_of(tmp_path, PROFILES)
    with spawner_for(config) as fresh:
        await fresh.load_user_options()
        wanted = await made_by(fresh)
    with spawner_for(config) as spawner:
        for profile in ("rich", "plain"):
            spawner.user_options = {"profile": profile}
            await spawner.load_user_options()
        assert await made_by(spawner) == wanted
        spawner.user_options = {"profile": "rich"}
        await spawner.load_user_options()
        spawner.clear_state()
        assert spawner.start_timeout == 60
        assert spawner.node_selector == {}


async def test_what_a_hook_sets_between_two_starts_stays(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, "defaults: {memory: {limit: 2G}}")) as spawner:
        await spawner.load_user_options()
        spawner.mem_limit = "3G"
        spawner.clear_state()
        assert spawner.mem_limit == 3 * 2**30


async def test_hooks_and_group_overrides_lie_beneath_the_policy(tmp_path: Path) -> None:
    with spawner_for(
        config_of(tmp_path, "defaults: {extraEnv: {A: policy}, atMost: {memory: 2G}}")
    ) as spawner:
        spawner.environment = {"A": "hook", "B": "hook"}
        spawner.mem_limit = "64G"
        await spawner.load_user_options()
        made = await made_by(spawner)
    assert made.env["A"] == "policy"
    assert made.env["B"] == "hook"
    assert made.notebook["resources"]["limits"]["memory"] == 2**31


async def test_every_start_logs_one_line_without_variables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = """
    defaults: {image: 'a/b:1', memory: {limit: 2G}, cpu: {limit: 1.5}, extraEnv: {TOKEN: secret-4711}}
    profiles: {gpu: {extraResource: {limits: {nvidia.com/gpu: 1}}, options: {o: {choices: {c: {}}}}}}
    """
    with spawner_for(config_of(tmp_path, policy)) as spawner:
        spawner.log = logging.getLogger("test")
        with caplog.at_level(logging.INFO, "test"):
            await spawner.load_user_options()
    [record] = [one for one in caplog.records if "gets profile=" in one.message]
    assert record.message.startswith(
        "ada gets profile=gpu o=c image=a/b:1 memory=1G-2G cpu=none-1.5 nvidia.com/gpu=1 "
        "storage=claim-ada (10Gi) policy="
    )
    assert "4711" not in caplog.text


async def test_the_log_line_names_other_homes_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for policy, words in (
        ("defaults: {storage: {type: none}}", "storage=none "),
        ("defaults: {storage: {type: static, static: {pvcName: all}}}", "storage=all "),
        ("defaults: {memory: {guarantee: null}}", "memory=none-none "),
    ):
        with spawner_for(config_of(tmp_path, policy)) as spawner:
            spawner.log = logging.getLogger("test")
            with caplog.at_level(logging.INFO, "test"):
                await spawner.load_user_options()
        assert words in caplog.text


async def test_auth_state_reaches_a_variable_and_nothing_else(tmp_path: Path) -> None:
    class Knowing(EnvSpawner):
        async def _auth_state(self) -> dict[str, Any]:
            return {"token": {"value": "t-4711"}, "n": 3, "yes": True, "list": [1]}

    policy = """
    defaults:
      extraEnv:
        TOKEN: 'Bearer {auth_state.token.value}'
        N: '{auth_state.n}'
        YES: '{auth_state.yes}'
        GONE: '{auth_state.missing.deep}'
        LIST: '{auth_state.list}'
    """
    with spawner_for(config_of(tmp_path, policy), spawner_class=Knowing) as spawner:
        await spawner.load_user_options()
        env = (await made_by(spawner)).env
    assert (env["TOKEN"], env["N"], env["YES"]) == ("Bearer t-4711", "3", "true")
    assert "GONE" not in env
    assert "LIST" not in env


async def test_a_user_without_auth_state_gets_none_of_it(tmp_path: Path) -> None:
    policy = "defaults: {extraEnv: {TOKEN: '{auth_state.token}', A: b}}"
    with spawner_for(config_of(tmp_path, policy), spawner_class=EnvSpawner) as spawner:
        await spawner.load_user_options()
        env = (await made_by(spawner)).env
    assert "TOKEN" not in env
    assert env["A"] == "b"


def test_the_policy_is_compiled_once_and_no_spawner_holds_a_copy() -> None:
    users = {f"user{i}": {"memory": {"limit": "2G"}} for i in range(2000)}
    config = Config()
    config.EnvSpawner.users = users
    with spawner_for(config, "user7") as one, spawner_for(config, "user8") as two:
        assert one._loaded is two._loaded
        assert one.users == {}
        assert "users" not in one._find_my_config(config)


def test_settings_of_a_subclass_are_its_own(tmp_path: Path) -> None:
    class MySpawner(EnvSpawner):
        pass

    config = Config()
    config.EnvSpawner.defaults = {"memory": {"limit": "1G"}}
    config.MySpawner.defaults = {"memory": {"limit": "2G"}}
    with spawner_for(config, spawner_class=MySpawner) as spawner:
        [limit] = [s for s in spawner._loaded.policy.defaults.settings if s.field.path == "memory.limit"]
        assert limit.value == 2**31


def test_file_and_traits_are_one_policy(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.EnvSpawner.users = {"ada": {"memory": {"limit": "2G"}}}

    with spawner_for(config_of(tmp_path, "defaults: {memory: {limit: 1G}}", configure)) as spawner:
        assert set(spawner._loaded.policy.users) == {"ada"}
        assert spawner._loaded.policy.defaults is not None


def test_the_same_entry_in_both_is_an_error(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.EnvSpawner.users = {"ada": {}}

    config = config_of(tmp_path, "users: {ada: {}}", configure)
    with (
        pytest.raises(PolicyError, match=r"users\.ada is also in .*policy\.yaml:1"),
        spawner_for(config),
    ):
        pass


def test_a_wrong_policy_refuses_the_first_spawner_where_the_hub_was_not_stopped(tmp_path: Path) -> None:
    with (
        pytest.raises(PolicyError, match="memroy"),
        spawner_for(config_of(tmp_path, "defaults: {memroy: 1}")),
    ):
        pass


def test_mounts_of_volumes_that_the_hub_itself_configures_are_fine(tmp_path: Path) -> None:
    policy = "defaults: {storage: {extraVolumeMounts: [{name: data, mountPath: /data}]}}"

    def with_data(c: Any) -> None:
        c.KubeSpawner.volumes = [{"name": "data", "emptyDir": {}}]

    def with_template(c: Any) -> None:
        c.KubeSpawner.volumes = {"x": {"name": "data-{username}", "emptyDir": {}}}

    for configure in (with_data, with_template):
        with spawner_for(config_of(tmp_path, policy, configure)):
            pass
    with pytest.raises(PolicyError, match="data"), spawner_for(config_of(tmp_path, policy)):
        pass


BESIDE: dict[str, dict[str, Any]] = {
    "memory": {"extra_resource_limits": {"memory": "64Gi"}},
    "cpu": {"extra_resource_guarantees": {"cpu": "32"}},
    "resources": {"extra_container_config": {"resources": {"limits": {"memory": "64Gi"}}}},
}


@pytest.mark.parametrize(("name", "traits"), BESIDE.items(), ids=BESIDE)
def test_amounts_that_bounds_would_not_see_are_an_error(
    tmp_path: Path, name: str, traits: dict[str, Any]
) -> None:
    config = config_of(tmp_path, "defaults: {}", lambda c: c.KubeSpawner.update(traits))
    with pytest.raises(PolicyError, match=f"{name} stands here beside a policy"), spawner_for(config):
        pass


def test_a_setting_that_is_none_is_an_error(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.EnvSpawner.default = {"memory": {"limit": "1G"}}

    config = config_of(tmp_path, None, configure)
    with (
        pytest.raises(PolicyError, match=r"no setting 'default' \(did you mean defaults\?\)"),
        spawner_for(config),
    ):
        pass


async def test_a_cap_on_storage_reaches_the_hubs_own_claim(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        k = c.KubeSpawner
        k.storage_pvc_ensure, k.storage_capacity = True, "100Gi"
        k.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
        k.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
        k.cpu_limit, k.cpu_guarantee = 4, 8

    with spawner_for(config_of(tmp_path, "defaults: {atMost: {storage: 10Gi}}", configure)) as spawner:
        await spawner.load_user_options()
        made = await made_by(spawner)
    assert made.claim is not None
    assert made.claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert made.notebook["resources"]["requests"]["cpu"] == 4
