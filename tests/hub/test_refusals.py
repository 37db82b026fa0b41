"""What is not offered is refused where every start goes through: as a 4xx, with one sentence, and no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tornado.web import HTTPError

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
        assert spawner.trait_values() == before
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
