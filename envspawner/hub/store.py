"""The policy of a configuration: compiled once for all spawners, and kept out of every spawner's own copy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Final

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from ..policy.document import parse_document, read_content
from ..policy.load import load_policy
from ..policy.located import Source
from ..policy.problems import Place, PolicyError, Problem, suggest
from ..policy.rules import Policy
from ..resolve.resolver import Resolver
from .auth_state import never_there
from .profile_list import ProfileList, profiles_of
from .profile_reading import Loc
from .profile_traits import Traits

SECTION_TRAITS: Final = ("defaults", "groups", "admins", "users", "profiles")
POLICY_TRAITS: Final = ("policy_file", *SECTION_TRAITS)
OWNER: Final = "c.EnvSpawner"


@dataclass(frozen=True)
class PolicyFile:
    """A policy file as it was when it was read. digest: of its bytes."""

    path: str
    digest: str


@dataclass(frozen=True)
class Loaded:
    """A policy ready to be resolved, and what its admin should hear.

    profile_list: KubeSpawner's, as configured. listed: the profiles that it means; None where only a start knows.
    file: what `policy_file` held, if there is one.
    """

    resolver: Resolver
    warnings: tuple[Problem, ...]
    profile_list: Any = None
    listed: ProfileList | None = None
    file: PolicyFile | None = None

    @property
    def policy(self) -> Policy:
        return self.resolver.policy


_loaded: dict[int, tuple[Config, Loaded | None]] = {}


def policy_of(
    config: Config,
    section_names: Sequence[str],
    located: Mapping[str, Source] | None = None,
    spawner_class: type[Any] | None = None,
) -> Loaded | None:
    """The policy that a configuration names, or None where it names none.

    section_names: the spawner class's own, weakest first (`Configurable.section_names`). located: sections whose
    places are known. spawner_class: whose traits a `profile_list` may override (None: EnvSpawner's). Compiled once
    for each configuration object. Raises PolicyError with every problem; a file that cannot be read is one too.
    """
    known = _loaded.get(id(config))
    if known is not None and known[0] is config:
        return known[1]
    loaded = load_configured(config, section_names, located, spawner_class)
    use_policy(config, loaded)
    return loaded


def use_policy(config: Config, loaded: Loaded | None) -> None:
    """Makes `loaded` the policy of a configuration. A process has one hub, so one configuration is kept."""
    _loaded.clear()
    _loaded[id(config)] = (config, loaded)


def load_configured(
    config: Config,
    section_names: Sequence[str],
    located: Mapping[str, Source] | None = None,
    spawner_class: type[Any] | None = None,
    content: bytes | None = None,
) -> Loaded | None:
    """As `policy_of`, but read anew and not put in force; changes nothing, so that any thread may do it.

    content: what the policy file holds, if it was read already.
    """
    located = located or {}
    problems = unknown_traits(config)
    if problems:
        raise PolicyError(problems)
    own = configured(config, section_names)
    seconds = own.get("policy_reload_seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < inf:
        message = "expected a number of seconds, 0 or more"
        raise PolicyError(
            [Problem(Place(OWNER), "policy_reload_seconds", message, "write 5, or 0 for never")]
        )
    sections = {name: own[name] for name in SECTION_TRAITS if own.get(name)}
    sources: list[Source] = []
    warnings: list[Problem] = []
    file: PolicyFile | None = None
    if own.get("policy_file"):
        path = str(own["policy_file"])
        content = read_policy(path) if content is None else content
        file = PolicyFile(path, digest_of(content))
        source, warnings = parse_document(content, path)
        sources.append(source)
    sources += [located[name] for name in sections if name in located]
    others = {name: section for name, section in sections.items() if name not in located}
    if others:
        sources.append(Source(OWNER, others))
    if sources:
        problems = list(_beside(own))
    listed = Listed(own.get("profile_list"), located.get("profile_list"))
    try:
        loaded = load(sources, listed, spawner_class, _volumes(own.get("volumes")), problems, warnings)
    finally:
        if file is not None:
            _let_go(sources[0].data)
    if loaded is None:
        return None
    never = never_there(config) if loaded.policy.uses_auth_state else None
    told = loaded.warnings if never is None else (*loaded.warnings, never)
    return replace(loaded, file=file, warnings=told)


def _let_go(document: Any) -> None:
    """Empties a document that nobody needs any more: all at once, no other thread would run until it is gone."""
    for section in document.values() if isinstance(document, dict) else ():
        while isinstance(section, dict) and section:
            section.popitem()


def configured(config: Config, section_names: Sequence[str]) -> dict[str, Any]:
    """The settings of a spawner class that a policy is made of, and how often its file is looked at."""
    own: dict[str, Any] = {}
    for name in section_names:
        if config._has_section(name):
            own |= {trait: _plain(config[name][trait]) for trait in config[name] if trait in _READ}
    return own


@dataclass(frozen=True)
class Listed:
    """A configured `profile_list`. source, above: the document in which it stands, if that is known, and where."""

    value: Any = None
    source: Source | None = None
    above: Loc = ("profile_list",)


def load(
    sources: Sequence[Source],
    listed: Listed,
    spawner_class: type[Any] | None,
    volumes: frozenset[str] | None,
    problems: Sequence[Problem] = (),
    warnings: Sequence[Problem] = (),
) -> Loaded | None:
    """The policy in documents, with KubeSpawner's own profiles; None where there is neither. Raises PolicyError.

    volumes: see `load_policy`. problems, warnings: what is known to be wrong already.
    """
    from .spawner import EnvSpawner

    problems, warnings = list(problems), list(warnings)
    policy: Policy | None = None
    if sources:
        try:
            policy, more = load_policy(sources, volumes)
            warnings += more
        except PolicyError as error:
            problems += error.problems
    found: ProfileList | None = None
    if listed.value and not callable(listed.value):
        traits = Traits(spawner_class or EnvSpawner, bounded=bool(sources))
        found = profiles_of(listed.value, traits, listed.source, listed.above)
        problems += found.errors
        warnings += found.warnings
    if listed.value and policy is not None and policy.profiles:
        place = Place("c.KubeSpawner")
        message = "profile_list stands beside the policy's own profiles"
        problems.append(Problem(place, "profile_list", message, "keep one of the two"))
    if problems:
        raise PolicyError(problems)
    if policy is None:
        if not listed.value:
            return None
        policy = Policy("", built_in=False)
    if found is not None:
        digest = _digest(policy.digest, listed.value)
        policy = replace(policy, profiles=found.profiles, digest=digest)
    return Loaded(Resolver(policy), tuple(warnings), listed.value, found)


def _digest(policy: str, profile_list: Any) -> str:
    """The digest of a policy with a `profile_list`; of what is no plain data, only what it is called counts."""

    def called(value: Any) -> Any:
        return (
            value.to_dict()
            if hasattr(value, "to_dict")
            else getattr(value, "__qualname__", type(value).__name__)
        )

    text = json.dumps([policy, profile_list], default=called, skipkeys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_BESIDE: Final = ("extra_resource_limits", "extra_resource_guarantees", "extra_container_config")
_READ: Final = frozenset((*POLICY_TRAITS, *_BESIDE, "volumes", "profile_list", "policy_reload_seconds"))


def _beside(own: Mapping[str, Any]) -> Iterator[Problem]:
    """What of KubeSpawner's own settings a policy would not see."""
    place = Place("c.KubeSpawner")
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


def read_policy(path: str) -> bytes:
    """What a policy file holds. Raises PolicyError."""
    try:
        return read_content(Path(path), path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read the policy: {reason}"
        raise PolicyError([Problem(Place(path), "", message, "see c.EnvSpawner.policy_file")]) from None


def digest_of(content: bytes) -> str:
    """Tells one content of a file from another."""
    return hashlib.sha256(content).hexdigest()


def _volumes(volumes: Any) -> frozenset[str] | None:
    """Names of the volumes that the hub itself configures; None where they cannot be known yet."""
    found = list(volumes.values()) if isinstance(volumes, Mapping) else list(volumes or ())
    names = [volume.get("name") if isinstance(volume, Mapping) else None for volume in found]
    if any(not isinstance(name, str) or "{" in name for name in names):
        return None
    return frozenset(str(name) for name in names)
