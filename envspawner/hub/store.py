"""The policy of a configuration: compiled once for all spawners, and kept out of every spawner's own copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from ..policy.document import read_document
from ..policy.load import load_policy
from ..policy.located import Source
from ..policy.problems import Place, PolicyError, Problem, suggest
from ..policy.rules import Policy
from ..resolve.resolver import Resolver

SECTION_TRAITS: Final = ("defaults", "groups", "admins", "users", "profiles")
POLICY_TRAITS: Final = ("policy_file", *SECTION_TRAITS)
OWNER: Final = "c.EnvSpawner"


@dataclass(frozen=True)
class Loaded:
    """A policy ready to be resolved, and what its admin should hear."""

    resolver: Resolver
    warnings: tuple[Problem, ...]

    @property
    def policy(self) -> Policy:
        return self.resolver.policy


_loaded: dict[int, tuple[Config, Loaded | None]] = {}


def policy_of(
    config: Config, section_names: Sequence[str], located: Mapping[str, Source] | None = None
) -> Loaded | None:
    """The policy that a configuration names, or None where it names none.

    section_names: the spawner class's own, weakest first (`Configurable.section_names`). located: sections whose
    places are known. Compiled once for each configuration object. Raises PolicyError with every problem; a file
    that cannot be read is one too.
    """
    known = _loaded.get(id(config))
    if known is not None and known[0] is config:
        return known[1]
    loaded = _load(config, section_names, located or {})
    use_policy(config, loaded)
    return loaded


def use_policy(config: Config, loaded: Loaded | None) -> None:
    """Makes `loaded` the policy of a configuration. A process has one hub, so one configuration is kept."""
    _loaded.clear()
    _loaded[id(config)] = (config, loaded)


def _load(config: Config, section_names: Sequence[str], located: Mapping[str, Source]) -> Loaded | None:
    problems = unknown_traits(config)
    if problems:
        raise PolicyError(problems)
    own: dict[str, Any] = {}
    for name in section_names:
        if config._has_section(name):
            own |= {trait: _plain(config[name][trait]) for trait in config[name] if trait in _READ}
    sections = {name: own[name] for name in SECTION_TRAITS if own.get(name)}
    sources: list[Source] = []
    warnings: list[Problem] = []
    if own.get("policy_file"):
        source, warnings = _read(own["policy_file"])
        sources.append(source)
    sources += [located[name] for name in sections if name in located]
    others = {name: section for name, section in sections.items() if name not in located}
    if others:
        sources.append(Source(OWNER, others))
    if not sources:
        return None
    policy, more = load_policy(sources, _volumes(own.get("volumes")))
    problems = list(_beside(own))
    if problems:
        raise PolicyError(problems)
    return Loaded(Resolver(policy), (*warnings, *more))


_BESIDE: Final = ("extra_resource_limits", "extra_resource_guarantees", "extra_container_config")
_READ: Final = frozenset((*POLICY_TRAITS, *_BESIDE, "volumes", "profile_list"))


def _beside(own: Mapping[str, Any]) -> Iterator[Problem]:
    """What of KubeSpawner's own settings a policy would not see."""
    place = Place("c.KubeSpawner")
    if own.get("profile_list"):
        message = "profile_list stands beside a policy, which would not see it"
        hint = "write its profiles as c.EnvSpawner.profiles, or leave the policy out"
        yield Problem(place, "profile_list", message, hint)
    for trait in _BESIDE:
        names = {"resources"} if trait == "extra_container_config" else {"memory", "cpu"}
        for name in sorted(names & set(own.get(trait) or ())):
            message = f"{name} stands here beside a policy, whose bounds would not see it"
            yield Problem(place, trait, message, "set mem_limit, cpu_limit and their guarantees")


def unknown_traits(config: Config) -> list[Problem]:
    """Settings of `c.EnvSpawner` that are none: a policy that nobody would ever miss."""
    from .spawner import EnvSpawner

    known = EnvSpawner.class_trait_names(config=True)
    return [
        Problem(
            Place(OWNER), name, f"EnvSpawner has no setting {name!r}", suggest(name, (*POLICY_TRAITS, *known))
        )
        for name in (config["EnvSpawner"] if config._has_section("EnvSpawner") else ())
        if name not in known
    ]


def _plain(value: Any) -> Any:
    """A configured value; `c.EnvSpawner.users.update(...)` without a value before it makes a lazy one."""
    return value.get_value({}) if isinstance(value, LazyConfigValue) else value


def _read(path: Any) -> tuple[Source, list[Problem]]:
    name = str(path)
    try:
        return read_document(Path(name), name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read the policy: {reason}"
        raise PolicyError([Problem(Place(name), "", message, "see c.EnvSpawner.policy_file")]) from None


def _volumes(volumes: Any) -> frozenset[str] | None:
    """Names of the volumes that the hub itself configures; None where they cannot be known yet."""
    found = list(volumes.values()) if isinstance(volumes, Mapping) else list(volumes or ())
    names = [volume.get("name") if isinstance(volume, Mapping) else None for volume in found]
    if any(not isinstance(name, str) or "{" in name for name in names):
        return None
    return frozenset(str(name) for name in names)
