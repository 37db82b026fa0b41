"""Reads the POLICY of a command line: a YAML policy, a chart's `config.yaml`, or a `jupyterhub_config.py`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..policy.chart import CHART, is_chart, read_chart
from ..policy.document import read_document
from ..policy.load import load_policy
from ..policy.problems import PolicyError, Problem
from ..policy.rules import Policy, Rule
from ..resolve.request import Start
from ..resolve.resolver import Resolver
from ..resolve.result import ResolvedEnvironment
from .errors import CannotRun, Fails

if TYPE_CHECKING:
    from ..hub.configuration import Configuration


@dataclass(frozen=True)
class Subject:
    """What a command is about: a policy, the hub's configuration around it if the file has one, and warnings.

    beneath: what lies under the policy, in words; "" where only the policy is known.
    """

    name: str
    policy: Policy | None
    warnings: tuple[Problem, ...]
    configuration: Configuration | None = None
    beneath: str = ""

    def explain(self, start: Start) -> ResolvedEnvironment:
        """What the selected start resolves to. Raises Refusal and Unusable."""
        if self.configuration is None:
            return self._resolver.resolve(start.request(), start.options)
        from ..hub.offline import resolve

        return resolve(self.configuration, start)

    @cached_property
    def _resolver(self) -> Resolver:
        assert self.policy is not None
        return Resolver(self.policy)

    def own(self) -> Rule | None:
        """KubeSpawner's own layer beneath the policy; None where only the policy is known."""
        if self.configuration is None:
            return None
        from ..hub.offline import own_rule

        return own_rule(self.configuration)

    def render(self, start: Start) -> list[dict[str, Any]]:
        """The claim, if any, and the pod. Raises tornado's HTTPError for a refusal."""
        from traitlets.config import Config

        from ..hub.configuration import from_config
        from ..hub.offline import render

        around = self.configuration or from_config(Config({"EnvSpawner": {"policy_file": self.name}}))
        return render(around, start)


def read(name: str) -> Subject:
    """What a file holds. Raises PolicyError and CannotRun."""
    try:
        return _python(name) if name.endswith((".py", ".py.example")) else _yaml(name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotRun(f"{name}: {reason}") from None


def usable(name: str) -> Subject:
    """What a file holds; its problems end the command."""
    try:
        return read(name)
    except PolicyError as error:
        raise Fails(str(error)) from None


def _yaml(name: str) -> Subject:
    source, warnings = read_document(Path(name), name)
    if not is_chart(source.data):
        policy, more = load_policy([source])
        return Subject(name, policy, (*warnings, *more))
    from ..hub.configuration import from_chart

    problems: list[Problem] = []
    found = from_chart(read_chart(source, problems), problems)
    told = [*warnings, *found.notes]
    return _subject(name, found, told, f"KubeSpawner as {CHART} sets it")


def _python(name: str) -> Subject:
    from ..hub.configfile import read_python

    return _subject(name, read_python(name), [], "KubeSpawner's configuration")


def _subject(name: str, found: Configuration, told: list[Problem], beneath: str) -> Subject:
    loaded = found.loaded
    if loaded is None:
        return Subject(name, None, tuple(told), found, beneath)
    return Subject(name, loaded.policy, (*told, *loaded.warnings), found, beneath)
