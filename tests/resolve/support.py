"""Resolves policies from their YAML text, so that a test reads as the contract."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from textwrap import dedent
from typing import Any, Final

import pytest

from envspawner.policy.fields import FIELDS
from envspawner.policy.load import load_text
from envspawner.policy.problems import Place
from envspawner.policy.rules import Policy, Rule, Setting
from envspawner.policy.templates import Template
from envspawner.resolve.access import Refusal
from envspawner.resolve.request import OwnLayer, Person, SpawnRequest
from envspawner.resolve.resolver import Resolver
from envspawner.resolve.result import ResolvedEnvironment, Value
from envspawner.resolve.slugs import user_names

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
G: Final = 2**30


def policy_of(text: str) -> Policy:
    """The policy that a YAML text says."""
    return load_text(dedent(text))[0]


def request(
    user: str = "ada",
    groups: Collection[str] = (),
    *,
    admin: bool = False,
    server: str = "",
    at: datetime = NOW,
    own: OwnLayer | None = None,
    homes: Mapping[str, str] | None = None,
    auth_state: Mapping[str, Any] | None = None,
) -> SpawnRequest:
    """A start of a server on a hub whose KubeSpawner has its default templates."""
    names = user_names(user, server, "safe")
    words = names | {
        "userid": "7",
        "hubnamespace": "hub",
        "namespace": "jupyter",
        "pod_name": f"jupyter-{names['user_server']}",
    }
    if own is None:
        own = OwnLayer(claim=f"claim-{names['user_server']}")
    return SpawnRequest(Person(user, frozenset(groups), admin), at, words, own, homes or {}, auth_state)


def resolve(
    policy: str | Policy,
    user: str = "ada",
    groups: Collection[str] = (),
    *,
    options: Any = None,
    **more: Any,
) -> ResolvedEnvironment:
    """What somebody gets by a policy. more: what `request` takes."""
    ready = policy if isinstance(policy, Policy) else policy_of(policy)
    return Resolver(ready).resolve(request(user, groups, **more), options)


def refused(policy: str | Policy, user: str = "ada", groups: Collection[str] = (), **more: Any) -> Refusal:
    """The refusal that somebody gets."""
    with pytest.raises(Refusal) as caught:
        resolve(policy, user, groups, **more)
    return caught.value


def own_layer(*settings: Setting, **more: Any) -> OwnLayer:
    """KubeSpawner's own layer with some settings. more: what OwnLayer takes."""
    return OwnLayer(Rule("kubespawner", Place("c.KubeSpawner"), settings), **more)


def own(path: str, value: Any, key: str | None = None) -> Setting:
    """What a trait of KubeSpawner holds."""
    slot = path if key is None else f"{path}.{key}"
    return Setting(FIELDS[path], value, Place("c.KubeSpawner"), key, slot, opaque=True)


def keyed(environment: ResolvedEnvironment, path: str) -> dict[str | None, Any]:
    """What a field of several values holds, by key or identity, in order."""
    return {entry.key: entry.value for entry in environment.by_field.get(path, ())}


def listed(environment: ResolvedEnvironment, path: str) -> list[Any]:
    """What a field of several values holds, in order."""
    return [entry.value for entry in environment.by_field.get(path, ())]


def env(environment: ResolvedEnvironment) -> dict[str | None, Any]:
    """The environment variables."""
    return keyed(environment, "extraEnv")


def source(environment: ResolvedEnvironment, slot: str) -> str:
    """The rule that says what a slot holds."""
    return environment.entries[slot].source


def value(environment: ResolvedEnvironment, path: str) -> Value:
    """A value as a report shows it."""
    return next(found for found in environment.values() if found.path == path)


def has_templates(anything: Any) -> bool:
    """Whether a placeholder was left somewhere in a value."""
    if isinstance(anything, dict):
        return any(map(has_templates, anything.values()))
    if isinstance(anything, list | tuple):
        return any(map(has_templates, anything))
    return isinstance(anything, Template)
