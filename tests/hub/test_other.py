"""What users type reaches the pod byte for byte through KubeSpawner, or is refused as a 4xx; the log stays one line."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.web import HTTPError
from traitlets.config import Config

from .support import Made, config_of, made_by, make, spawner_for

PROFILES: dict[str, Any] = {
    "p": {
        "options": {
            "note": {
                "choices": {"none": {}},
                "other": {
                    "pattern": ".*",
                    "extraEnv": {"NOTE": "{value}", "TWICE": "{username}:{value}:{value}"},
                    "extraAnnotations": {"note": "{value}"},
                },
            },
            "image": {"other": {"images": "quay.io/jupyter/*"}, "choices": {"base": {"image": "base:1"}}},
        }
    }
}


def config() -> Config:
    found = Config()
    found.EnvSpawner.profiles = PROFILES
    return found


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            ["{username}", "{nope}", "${HOME}", "{{", "}}", "{", "}", "{0!r}", "%s", "-", "{value}", "é"]
        )
        | st.text(max_size=5),
        min_size=1,
        max_size=6,
    )
    .map("".join)
    .filter(lambda text: bool(text) and text.isprintable() and "$(" not in text and "$$" not in text)
    .filter(lambda text: not text.endswith("$"))
)
def test_typed_text_reaches_the_pod_byte_for_byte(text: str) -> None:
    made: Made = asyncio.run(make(config(), options={"profile": "p", "note--unlisted-choice": text}))
    assert made.env["NOTE"] == text
    assert made.env["TWICE"] == f"ada:{text}:{text}"
    assert made.pod["metadata"]["annotations"]["note"] == text


async def test_a_typed_image_is_the_pods_image() -> None:
    made = await make(config(), options={"image--unlisted-choice": "quay.io/jupyter/r-notebook:2026-11-02"})
    assert made.notebook["image"] == "quay.io/jupyter/r-notebook:2026-11-02"
    assert made.pod["metadata"]["annotations"]["hub.jupyter.org/envspawner-profile"] == "p"


async def test_what_kubespawners_form_sends_is_understood() -> None:
    with spawner_for(config()) as spawner:
        form = {
            "profile": ["p"],
            "profile-option-p--note": ["none"],
            "profile-option-p--image--unlisted-choice": ["quay.io/jupyter/x:1"],
        }
        spawner.user_options = spawner.options_from_form(form)
        await spawner.load_user_options()
        assert (await made_by(spawner)).notebook["image"] == "quay.io/jupyter/x:1"


async def test_a_text_that_is_not_good_is_refused_and_not_kept() -> None:
    typed = "evil.io/<script>:1"
    with spawner_for(config(), options={"profile": "p", "image--unlisted-choice": typed}) as spawner:
        with pytest.raises(HTTPError) as caught:
            await spawner.load_user_options()
        assert spawner.user_options == {}
    error: Any = caught.value
    assert 400 <= error.status_code < 500
    assert error.refusal.startswith("value-invalid: ")
    assert "script" not in error.jupyterhub_message + error.jupyterhub_html_message


async def test_an_admins_message_is_escaped_for_pages(tmp_path: Path) -> None:
    policy = (
        "profiles: {p: {options: {o: {other: {pattern: a, extraEnv: {A: '{value}'}, message: 'Use <a>.'}}}}}"
    )
    with pytest.raises(HTTPError) as caught:
        await make(config_of(tmp_path, policy), options={"o--unlisted-choice": "b"})
    error: Any = caught.value
    assert error.jupyterhub_message == "Use <a>."
    assert error.jupyterhub_html_message == "Use &lt;a&gt;."


async def test_the_log_quotes_and_cuts_a_typed_image_and_holds_no_other_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    image = f"quay.io/jupyter/{'x' * 150}:1"
    options = {"profile": "p", "note--unlisted-choice": "a image=evil", "image--unlisted-choice": image}
    with spawner_for(config(), options=options) as spawner:
        spawner.log = logging.getLogger("typed")
        await spawner.load_user_options()
    (line,) = [record.getMessage() for record in caplog.records if " gets profile=" in record.getMessage()]
    assert f" note=(typed) image='{image[:100]}' image=" in line
    assert "evil" not in caplog.text
