"""What is not offered is refused where every start goes through: as a 4xx, with one sentence, and no effect."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client.rest import ApiException
from tornado.web import HTTPError
from traitlets.config import Config

from envspawner.hub import form, refusals

from .support import config_of, made_by, spawner_for

POLICY = """
defaults: {memory: {limit: 1G}, atMost: {memory: 4G}}
groups: {staff: {atMost: {memory: 64G}}}
profiles:
  small: {default: true}
  staff: {allow: {groups: [staff]}}
  huge: {memory: {limit: 32G}}
  menu:
    options:
      size:
        choices:
          s: {memory: {limit: 2G}}
          m: {memory: {limit: 3G}, allow: {groups: [staff]}}
          l: {memory: {limit: 32G}}
"""

REFUSED: dict[str, tuple[Any, int, str]] = {
    "a profile that is not there": ({"profile": "nope"}, 403, "profile-unknown"),
    "a profile for others": ({"profile": "staff"}, 403, "profile-forbidden"),
    "a profile above the cap": ({"profile": "huge"}, 403, "over-bound"),
    "a choice that is not there": ({"profile": "menu", "size": "x"}, 403, "choice-unknown"),
    "a choice for others": ({"profile": "menu", "size": "m"}, 403, "choice-forbidden"),
    "a choice above the cap": ({"profile": "menu", "size": "l"}, 403, "over-bound"),
    "an option that is not there": ({"profile": "small", "size": "s"}, 403, "option-unknown"),
    "a typed value where none is taken": (
        {"profile": "menu", "size--unlisted-choice": "evil.io/x:1"},
        403,
        "option-unknown",
    ),
    "a typed value without a profile": ({"image--unlisted-choice": "evil.io/x:1"}, 403, "option-unknown"),
    "a profile that is a list": ({"profile": ["small"]}, 400, "options-invalid"),
    "a choice that is a number": ({"profile": "menu", "size": 1}, 400, "options-invalid"),
    "a choice that is an object": ({"profile": "menu", "size": {"memory": "64G"}}, 400, "options-invalid"),
    "a trait": ({"profile": "small", "mem_limit": "64G"}, 403, "option-unknown"),
}


@pytest.mark.parametrize(("options", "status", "reason"), REFUSED.values(), ids=REFUSED)
async def test_it_is_refused(tmp_path: Path, options: Any, status: int, reason: str) -> None:
    with spawner_for(config_of(tmp_path, POLICY), options=options) as spawner:
        before = spawner.trait_values()
        with pytest.raises(HTTPError) as caught:
            await spawner.load_user_options()
        assert spawner.trait_values() == before | {"user_options": {}}  # what was refused is not kept
    assert caught.value.status_code == status
    assert getattr(caught.value, "refusal", "").startswith(f"{reason}: ")
    message = getattr(caught.value, "jupyterhub_message", "")
    assert message.endswith(".")
    assert reason not in message
    assert "ada" not in message


async def test_forbidden_and_unknown_read_the_same(tmp_path: Path) -> None:
    messages = set()
    for options in ({"profile": "nope"}, {"profile": "staff"}, {"profile": "huge"}):
        with spawner_for(config_of(tmp_path, POLICY), options=options) as spawner:
            with pytest.raises(HTTPError) as caught:
                await spawner.load_user_options()
            messages.add(getattr(caught.value, "jupyterhub_message", ""))
    assert len(messages) == 1


async def test_rules_that_contradict_each_other_for_somebody_end_that_start_only(tmp_path: Path) -> None:
    policy = """
    groups:
      a: {storage: {extraVolumes: [{name: v, emptyDir: {}}], extraVolumeMounts: [{name: v, mountPath: /v}]}}
      b: {storage: {extraVolumes: {v: null}}}
    """
    config = config_of(tmp_path, policy)
    with spawner_for(config, groups=["a"]) as spawner:
        await spawner.load_user_options()
        assert "/v" in (await made_by(spawner)).mounts
    with spawner_for(config, groups=["a", "b"]) as spawner, pytest.raises(HTTPError) as caught:
        await spawner.load_user_options()
    assert caught.value.status_code == 409
    refusal = getattr(caught.value, "refusal", "")
    assert refusal.startswith("policy-unusable: ")
    assert "'v'" in refusal


async def test_an_admin_who_starts_a_server_for_somebody_gets_the_owners_rights(tmp_path: Path) -> None:
    policy = "profiles: {open: {}, admins: {allow: {admins: true}}}"
    options = {"profile": "admins"}
    with spawner_for(config_of(tmp_path, policy), admin=True, options=options) as spawner:
        await spawner.load_user_options()
    with spawner_for(config_of(tmp_path, policy), options=options) as spawner, pytest.raises(HTTPError):
        await spawner.load_user_options()


async def test_a_refused_choice_is_not_kept(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, POLICY), options={"profile": "staff"}) as spawner:
        spawner.orm_spawner.user_options = {"profile": "staff"}  # JupyterHub saves it before it is checked
        with pytest.raises(HTTPError):
            await spawner.load_user_options()
        assert spawner.orm_spawner.user_options == {}


async def test_a_saved_choice_that_is_no_longer_valid_falls_back_to_the_default(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, POLICY), options={"profile": "gone"}) as spawner:
        spawner._saved_options = {"profile": "gone"}
        await spawner.load_user_options()
        made = await made_by(spawner)
    assert made.pod["metadata"]["annotations"]["hub.jupyter.org/envspawner-profile"] == "small"


async def test_a_pod_that_the_cluster_refuses_is_logged_without_its_variables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def create(namespace: str, pod: Any) -> None:
        raise ApiException(status=422, reason="no such priority class")

    policy = "defaults: {extraEnv: {TOKEN: secret-4711}}"
    with spawner_for(config_of(tmp_path, policy)) as spawner:
        spawner.log = logging.getLogger("test")
        spawner.api_token = "token-4712"
        spawner.api = SimpleNamespace(create_namespaced_pod=create)
        await spawner.load_user_options()
        pod = await spawner.get_pod_manifest()
        with caplog.at_level(logging.INFO, "test"), pytest.raises(ApiException):
            await spawner._make_create_pod_request(pod, 1)
    assert "pod jupyter-ada" in caplog.text
    assert "471" not in caplog.text


async def test_a_label_that_a_name_makes_invalid_is_not_sent(tmp_path: Path) -> None:
    config = config_of(tmp_path, "defaults: {extraLabels: {who: '{unescaped_username}'}}")
    with spawner_for(config) as spawner:
        await spawner.load_user_options()
    with spawner_for(config, "ada@x.y") as spawner, pytest.raises(HTTPError) as caught:
        await spawner.load_user_options()
    assert caught.value.status_code == 409
    assert "the label who: " in getattr(caught.value, "refusal", "")


@pytest.mark.parametrize(("starting", "count"), [(True, 3), (False, 4)])
async def test_only_a_start_takes_a_refusal_off_the_count_of_failures_of_jupyterhub_5(
    monkeypatch: pytest.MonkeyPatch, starting: bool, count: int
) -> None:
    """JupyterHub counts what ends a start, but not what keeps a page from being shown."""

    def broken(spawner: Any) -> Any:
        raise RuntimeError("no database")

    config = Config()
    config.KubeSpawner.profile_list = broken
    monkeypatch.setattr(refusals, "SpawnException", None)
    with spawner_for(config) as spawner:
        spawner.handler = SimpleNamespace(settings={"failure_count": 4})
        spawner._spawn_pending = starting
        with pytest.raises(HTTPError):
            await (spawner.load_user_options() if starting else form.render(spawner))
        assert spawner.handler.settings["failure_count"] == count
