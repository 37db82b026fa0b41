"""Reads the configuration file of the Zero to JupyterHub chart: its `singleuser` block, and a policy in `hub.config`.

The block is checked like a policy's environment, with two differences: words that are the chart's own business are
noted and passed over, and strings keep KubeSpawner's template rules (`str.format`), so a brace that those cannot
take is a problem here, not at somebody's start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from .environment import Environment
from .located import Map, Source, dotted
from .problems import Problem, Step
from .sections import SECTIONS
from .templates import PERSON, SPAWN
from .wording import problems_of

CHART_VERSION: Final = "4.4.0"
CHART: Final = f"chart {CHART_VERSION}"

DEFAULTS: Final[Mapping[str, Any]] = {
    "image": {"name": "quay.io/jupyterhub/k8s-singleuser-sample", "tag": CHART_VERSION},
    "cmd": "jupyterhub-singleuser",
    "startTimeout": 300,
    "uid": 1000,
    "fsGid": 100,
    "memory": {"guarantee": "1G"},
    "extraLabels": {"hub.jupyter.org/network-access-hub": "true"},
    "extraTolerations": [],
    "extraNodeAffinity": {"required": [], "preferred": []},
    "initContainers": [],
    "storage": {
        "type": "dynamic",
        "capacity": "10Gi",
        "homeMountPath": "/home/jovyan",
        "static": {"subPath": "{username}"},
        "dynamic": {
            "pvcNameTemplate": "claim-{user_server}",
            "volumeNameTemplate": "volume-{user_server}",
            "storageAccessModes": ["ReadWriteOnce"],
        },
    },
}
"""The chart's default values for `singleuser` (values.yaml of the chart), as far as they reach a pod."""
CHART_WORDS: Final = frozenset(
    {
        "cloudMetadata",
        "events",
        "extraFiles",
        "imagePullSecret",
        "networkPolicy",
        "networkTools",
        "podNameTemplate",
        "profileList",
    }
)
"""Keys of `singleuser` that are the chart's own business; `profileList` is read as a `profile_list`."""
TOP_WORDS: Final = frozenset(
    {"cull", "custom", "debug", "fullnameOverride", "global", "hub", "ingress", "jupyterhub", "nameOverride"}
    | {"prePuller", "proxy", "rbac", "scheduling", "singleuser"}
)
POLICY_WORDS: Final = frozenset({"copyOnce", "kubespawnerOverride"})
"""Words of a policy's environment that the chart does not have."""
FORMATTED: Final = frozenset(
    {"extraEnv", "extraLabels", "extraAnnotations", "initContainers", "extraContainers", "extraPodConfig"}
    | {"serviceAccountName", "storage"}
)
"""Keys whose strings KubeSpawner formats."""
Loc = tuple[Step, ...]


@dataclass(frozen=True)
class Chart:
    """What a chart's file says about servers. values: above the chart's defaults, as Helm puts them together."""

    source: Source
    block: Environment
    values: Mapping[str, Any]
    loc: Loc
    hub_config: Mapping[str, Any]
    policy: Source | None
    notes: tuple[Problem, ...]


def is_chart(data: Any) -> bool:
    """Whether a document is a chart's configuration and not a policy."""
    return isinstance(data, Mapping) and not set(data) & set(SECTIONS) and bool(set(data) & TOP_WORDS)


def read_chart(source: Source, problems: list[Problem]) -> Chart:
    """The chart's view of servers; what is wrong is added to `problems`."""
    problems += [problem for problem in source.problems if not problem.warning]
    above: Loc = ("jupyterhub",) if isinstance(source.data.get("jupyterhub"), Mapping) else ()
    data = source.data["jupyterhub"] if above else source.data
    loc = (*above, "singleuser")
    given = data.get("singleuser")
    if given is not None and not isinstance(given, Mapping):
        problems.append(Problem(source.place(loc), dotted(loc), "expected a mapping"))
    given = given if isinstance(given, Mapping) else {}
    notes = tuple(_notes(given, source, loc))
    own = {key: value for key, value in given.items() if key not in CHART_WORDS | POLICY_WORDS}
    problems += _misplaced(given, source, loc)
    _validate(own, source, loc, problems)
    problems += _unformattable(own, source, loc)
    values = merged(DEFAULTS, own)
    block = _validate(values, source, loc, [])
    hub = data.get("hub")
    config = hub.get("config") if isinstance(hub, Mapping) else None
    config = config if isinstance(config, Mapping) else {}
    return Chart(
        source, block, merged(values, _only_chart(given)), loc, config, _policy(source, config), notes
    )


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm puts values together: mappings key by key, everything else replaced, null removes."""
    result = dict(below)
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def _only_chart(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key in CHART_WORDS}


def _notes(given: Mapping[str, Any], source: Source, loc: Loc) -> Iterator[Problem]:
    for key in given:
        if key in CHART_WORDS and key != "profileList":
            at = (*loc, key)
            message = "the chart's own business, passed over"
            yield Problem(source.place(at, of_key=True), dotted(at), message, None, warning=True)


def _misplaced(given: Mapping[str, Any], source: Source, loc: Loc) -> Iterator[Problem]:
    for key in given:
        if key in POLICY_WORDS:
            at = (*loc, key)
            hint = "write it below hub.config.EnvSpawner.defaults"
            yield Problem(
                source.place(at, of_key=True),
                dotted(at),
                "belongs in a policy, the chart has no such key",
                hint,
            )


def _validate(values: Mapping[str, Any], source: Source, loc: Loc, problems: list[Problem]) -> Environment:
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        problems += problems_of(error, Environment, source, loc)
        return Environment()


def _policy(source: Source, config: Mapping[str, Any]) -> Source | None:
    """The policy in `hub.config.EnvSpawner`, if there is one."""
    own = config.get("EnvSpawner")
    kept = [key for key in own if key in SECTIONS] if isinstance(own, Map) else []
    if not isinstance(own, Map) or not kept:
        return None
    sections = Map()
    for key in kept:
        sections[key], sections.keys_at[key], sections.values_at[key] = (
            own[key],
            own.keys_at[key],
            own.values_at[key],
        )
    return Source(source.file, sections, source.start)


_WORDS: Final = dict.fromkeys((*PERSON, *SPAWN), "x")
del _WORDS["profile"]


def _unformattable(value: Any, source: Source, loc: Loc) -> Iterator[Problem]:
    """Strings of the block that `str.format` cannot take with the placeholders that KubeSpawner knows."""
    for key, item in value.items():
        for at, message in unformattable(item, (*loc, key)) if key in FORMATTED else ():
            yield Problem(source.place(at), dotted(at), message, UNFORMATTABLE_HINT)


UNFORMATTABLE_HINT: Final = "write {{ and }} for braces that are meant as text, or move it to a policy"


def unformattable(value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """(where, what is wrong) of every string that KubeSpawner's `str.format` would fail on."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from unformattable(item, (*loc, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from unformattable(item, (*loc, index))
    elif isinstance(value, str) and ("{" in value or "}" in value):
        try:
            str(value).format(**_WORDS)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            yield loc, f"KubeSpawner cannot format this text ({type(error).__name__}: {error})"
