"""With a `profile_list` and no policy, every start is the one that plain KubeSpawner would make."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kubespawner import KubeSpawner
from traitlets.config import Config

from envspawner.hub.offline import OfflineSpawner, manifests

from .profile_lists import lists_and_options, traits
from .support import spawner_for


def config_of(own: dict[str, Any], profile_list: Any) -> Config:
    """Nothing in it is the same object twice: KubeSpawner changes the values of overrides in place."""
    config = Config()
    config.KubeSpawner = Config(json.loads(json.dumps({**own, "profile_list": profile_list})))
    return config


async def sent(config: Config, options: dict[str, str], spawner_class: Any, server: str) -> Any:
    with spawner_for(config, "Ada@x", options=options, server=server, spawner_class=spawner_class) as spawner:
        await spawner.load_user_options()
        return await manifests(spawner), spawner.namespace, spawner.start_timeout


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(traits(removing=False), lists_and_options(), st.sampled_from(["", "lab"]))
async def test_every_valid_selection_gives_kubespawners_pod_and_claim(
    own: dict[str, Any], listed: tuple[Any, dict[str, str]], server: str
) -> None:
    profile_list, options = listed
    try:
        plain = await sent(config_of(own, profile_list), options, KubeSpawner, server)
    except (AttributeError, KeyError, TypeError, ValueError):
        assume(False)
    assert await sent(config_of(own, profile_list), options, OfflineSpawner, server) == plain
