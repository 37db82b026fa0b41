"""A hub's configuration as the commands see it: from a `jupyterhub_config.py` or from a chart's `config.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from traitlets.config import Config

from ..policy.chart import Chart
from ..policy.located import Source
from ..policy.problems import Place, Problem
from .chart import chart_config, chart_places
from .spawner import EnvSpawner
from .store import Listed, Loaded, load, policy_of, use_policy


@dataclass(frozen=True)
class Configuration:
    """What the commands need of a hub. places: where its own settings stand, by slot. loaded: its policy, if any."""

    config: Config
    loaded: Loaded | None
    spawner_class: type[EnvSpawner] = EnvSpawner
    places: Mapping[str, Place] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def from_chart(chart: Chart, problems: list[Problem]) -> Configuration:
    """The hub that the chart installs. Raises PolicyError with `problems` and what else is wrong."""
    config = chart_config(chart) if not problems else Config()
    if chart.policy is None and config.EnvSpawner.get("policy_file"):
        place = chart.source.place((*chart.loc[:-1], "hub", "config", "EnvSpawner", "policy_file"))
        message = "the policy file is in the hub's container and is not read here"
        note = Problem(
            place, "hub.config.EnvSpawner.policy_file", message, "give it to the command itself", True
        )
        chart = Chart(**{**vars(chart), "notes": (*chart.notes, note)})
        config.EnvSpawner.pop("policy_file")
    sources = [] if chart.policy is None else [chart.policy]
    loaded = load(sources, _listed(chart, config), EnvSpawner, None, problems)
    use_policy(config, loaded)
    return Configuration(config, loaded, places=chart_places(chart), notes=chart.notes)


def _listed(chart: Chart, config: Config) -> Listed:
    """The chart's `profileList`, or what `hub.config` sets in its place."""
    own = chart.hub_config.get("KubeSpawner")
    if isinstance(own, Mapping) and "profile_list" in own:
        above = (*chart.loc[:-1], "hub", "config", "KubeSpawner", "profile_list")
    else:
        above = (*chart.loc, "profileList")
    return Listed(config.KubeSpawner.get("profile_list"), chart.source, above)


def from_config(
    config: Config, spawner_class: type[EnvSpawner] = EnvSpawner, located: Mapping[str, Source] | None = None
) -> Configuration:
    """The hub of a configuration object; located: sections of its policy with their places. Raises PolicyError."""
    loaded = policy_of(config, spawner_class.section_names(), located, spawner_class)
    return Configuration(config, loaded, spawner_class)
