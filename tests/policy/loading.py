"""Loads policies for tests, and gives back what was said about them."""

from __future__ import annotations

from typing import Any

import pytest

from envspawner.policy.load import load_policy, load_text
from envspawner.policy.located import Source
from envspawner.policy.problems import PolicyError, Problem
from envspawner.policy.rules import Policy, Rule
from envspawner.policy.templates import Template


def policy_of(text: str) -> Policy:
    """The policy in YAML text, which must be fine."""
    return load_text(text, "p.yaml")[0]


def defaults_of(text: str) -> Rule:
    """The rule that a block of YAML means as `defaults`."""
    found = policy_of("defaults:\n" + "".join(f"  {line}\n" for line in text.splitlines())).defaults
    assert found is not None
    return found


def values_of(rule: Rule) -> dict[str, Any]:
    """What a rule sets: values by path (and key), templates as text."""
    found: dict[str, Any] = {}
    for setting in rule.settings:
        found[setting.slot or f"{setting.field.path}.{_text(setting.key)}"] = _plain(setting.value)
    return found


def problems_of(text: str) -> list[str]:
    """What is wrong with YAML text, which must not be fine, as lines."""
    with pytest.raises(PolicyError) as caught:
        load_text(text, "p.yaml")
    return str(caught.value).splitlines()


def problem_of(text: str) -> str:
    """The one thing that is wrong with YAML text."""
    (only,) = problems_of(text)
    return only


def warnings_of(text: str) -> list[str]:
    """What YAML text, which must be fine, is warned of."""
    return [str(warning) for warning in load_text(text, "p.yaml")[1]]


def from_traits(sections: Any) -> tuple[Policy, list[Problem]]:
    """The policy that plain Python data means, as traits hold it."""
    return load_policy([Source("c.EnvSpawner", sections)])


def trait_problems(sections: Any) -> list[str]:
    """What is wrong with plain Python data."""
    with pytest.raises(PolicyError) as caught:
        from_traits(sections)
    return str(caught.value).splitlines()


def _text(key: Any) -> Any:
    return key.text if isinstance(key, Template) else key


def _plain(value: Any) -> Any:
    if isinstance(value, Template):
        return value.text
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
