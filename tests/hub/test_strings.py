"""Every brace that is not a known placeholder reaches the pod byte for byte, through KubeSpawner's own formatting."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from envspawner.policy.templates import Template, compile_text

from .support import Made, spawner_for
from .support import made_by as made_by_spawner

TRICKY = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "{{",
            "}}",
            "{a}",
            "${HOME}",
            "{username",
            "username}",
            "$",
            "-",
            " ",
            "%s",
            "{0}",
            "{!r}",
            "\\",
            "'",
        ]
    )
    | st.text(max_size=5),
    max_size=8,
).map("".join)


def is_plain(text: str) -> bool:
    """No placeholder, no NUL or half character: what YAML can hold and a container can get."""
    compiled = compile_text(text)
    good = not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)
    return good and not isinstance(compiled, Template) and compiled == text


def made_with(defaults: dict[str, Any]) -> Made:
    async def make() -> Made:
        config = Config()
        config.EnvSpawner.defaults = defaults
        with spawner_for(config) as spawner:
            await spawner.load_user_options()
            return await made_by_spawner(spawner)

    return asyncio.run(make())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TRICKY)
def test_text_without_a_known_placeholder_is_in_the_pod_as_it_is(text: str) -> None:
    assume(is_plain(text))
    made = made_with(
        {
            "extraEnv": {"TEXT": text},
            "extraAnnotations": {"example.org/text": text},
            "lifecycleHooks": {"preStop": {"exec": {"command": ["sh", "-c", text]}}},
            "initContainers": [
                {"name": "a", "image": "b:1", "args": [text], "env": [{"name": "T", "value": text}]}
            ],
            "extraContainers": [{"name": "c", "image": "b:1", "command": ["sh", text]}],
            "extraPodConfig": {"dnsConfig": {"options": [{"name": "x", "value": text}]}},
            "extraContainerConfig": {"command": ["start", text]},
            "storage": {"extraVolumes": [{"name": "v", "hostPath": {"path": "/" + text}}]},
            "kubespawnerOverride": {"storage_extra_annotations": {"example.org/text": text}},
            "extraTolerations": [{"key": "k", "operator": "Equal", "value": "v"}],
        }
    )
    assert made.env["TEXT"] == text
    assert made.pod["metadata"]["annotations"]["example.org/text"] == text
    assert made.notebook["lifecycle"]["preStop"]["exec"]["command"][2] == text
    assert made.notebook["command"] == ["start", text]
    spec = made.pod["spec"]
    assert spec["initContainers"][0]["args"] == [text]
    assert spec["initContainers"][0]["env"] == [{"name": "T", "value": text}]
    assert spec["containers"][1]["command"] == ["sh", text]
    assert spec["dnsConfig"]["options"][0]["value"] == text
    assert made.volumes["v"]["hostPath"]["path"] == "/" + text
    assert made.claim is not None
    assert made.claim["metadata"]["annotations"]["example.org/text"] == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=TRICKY, after=TRICKY)
def test_what_is_put_in_for_a_placeholder_is_not_expanded_again(before: str, after: str) -> None:
    assume(is_plain(before) and is_plain(after) and is_plain(before + "ada" + after))
    assume(not before.endswith(("$", "{")) and not after.startswith("}"))
    made = made_with({"extraEnv": {"TEXT": before + "{username}" + after, "RAW": "{unescaped_username}"}})
    assert made.env["TEXT"] == before + "ada" + after


async def test_a_user_name_with_braces_is_only_text(making: Any) -> None:
    made = await making("defaults: {extraEnv: {WHO: '{unescaped_username}'}}", "{username}{0}")
    assert made.env["WHO"] == "{username}{0}"
