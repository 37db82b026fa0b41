"""The progress page says first what is being started, and what the user should know about it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .support import config_of, spawner_for

POLICY = """
defaults: {image: "quay.io/jupyter/scipy-notebook:1", memory: {limit: 2G}}
profiles:
  small: {displayName: Small}
  lost: {displayName: Lost, storage: {type: none}, extraResource: {limits: {nvidia.com/gpu: 1}}, cpu: {limit: 2}}
"""
SMALL = "Starting Small: scipy-notebook:1, memory 1\N{EN DASH}2 GB, home 10 GB."


async def said(spawner: Any) -> list[str]:
    """What the page is told before the events of the pod, of which there are none here."""
    spawner.events_enabled = False
    found = []
    async for event in spawner.progress():
        assert event["progress"] == 0
        found.append(event["message"])
    return found


async def test_it_says_what_is_being_started(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, POLICY)) as spawner:
        await spawner.load_user_options()
        assert await said(spawner) == [SMALL]
        assert await said(spawner) == [SMALL]  # a page that is loaded again


async def test_it_says_that_files_will_be_lost(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, POLICY), options={"profile": "lost"}) as spawner:
        await spawner.load_user_options()
        assert await said(spawner) == [
            "Starting Lost: scipy-notebook:1, memory 1\N{EN DASH}2 GB, CPU up to 2 cores, "
            "GPU 1 \N{MULTIPLICATION SIGN} NVIDIA.",
            "There is no home: files are lost when the server stops.",
        ]


async def test_it_says_that_a_saved_choice_is_no_longer_offered(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, POLICY), options={"profile": "gone"}) as spawner:
        spawner._saved_options = {"profile": "gone"}
        await spawner._run_apply_user_options(spawner.user_options)
        await spawner.load_user_options()
        assert await said(spawner) == [
            SMALL,
            "What you chose last time is no longer offered, so the default is started.",
        ]


async def test_a_policy_without_profiles_starts_your_server(tmp_path: Path) -> None:
    state = {"pvc_name": "claim-ada"}
    with spawner_for(config_of(tmp_path, "defaults: {image: 'x:1'}")) as spawner:
        spawner.load_state(state)
        await spawner.load_user_options()
        assert await said(spawner) == ["Starting your server: x:1, memory 1 GB or more, your home."]


async def test_without_a_policy_there_is_nothing_to_say(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, None)) as spawner:
        await spawner.load_user_options()
        assert await said(spawner) == []


async def test_a_page_that_is_there_first_waits_for_the_start(tmp_path: Path) -> None:
    with spawner_for(config_of(tmp_path, POLICY)) as spawner:
        listening = asyncio.create_task(said(spawner))
        await asyncio.sleep(0)
        assert not listening.done()
        await spawner.load_user_options()
        assert await listening == [SMALL]


async def test_a_start_that_never_says_anything_does_not_hide_what_kubespawner_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envspawner.hub.progress.PATIENCE", 0.001)
    with spawner_for(config_of(tmp_path, POLICY)) as spawner:
        assert await said(spawner) == []
