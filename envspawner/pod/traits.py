"""From a resolved environment to values of KubeSpawner's traits; only those that the policy speaks of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ..policy.fields import FIELDS, Combine, Field
from ..policy.names import check_label_value
from ..policy.problems import Fault
from ..resolve.home import Unusable
from ..resolve.match import KUBESPAWNER
from ..resolve.merge import Entry
from ..resolve.request import OwnLayer
from ..resolve.result import ResolvedEnvironment
from .copying import Copies, copies_of, hook_with
from .init_containers import init_containers
from .literal import Literal, copier, fresh, literal
from .volumes import Volumes, home_mounts, home_volumes

PROFILE_ANNOTATION: Final = "hub.jupyter.org/envspawner-profile"
POLICY_ANNOTATION: Final = "hub.jupyter.org/envspawner-policy"
VALUES_ANNOTATION: Final = "hub.jupyter.org/envspawner-values"
"""Holds what `resolve/record.py` writes; set on the finished pod, so that no setting replaces it."""

EXPANDED: Final = frozenset(
    {
        "default_url",
        "environment",
        "extra_annotations",
        "extra_containers",
        "extra_labels",
        "extra_pod_config",
        "init_containers",
        "notebook_dir",
        "service_account",
        "storage_extra_annotations",
        "storage_extra_labels",
        "storage_selector",
        "volume_mounts",
        "volumes",
    }
)
"""Traits whose strings KubeSpawner or JupyterHub formats (`_expand_all`, `Spawner.format_string`)."""
EMPTY: Final[Mapping[str, Any]] = {
    "args": [],
    "container_security_context": {},
    "debug": False,
    "default_url": "",
    "delete_grace_period": 1,
    "disable_user_config": False,
    "http_timeout": 30,
    "image_pull_secrets": [],
    "notebook_dir": "",
    "pod_security_context": {},
    "priority_class_name": "",
    "privileged": False,
    "storage_access_modes": ["ReadWriteOnce"],
    "storage_extra_annotations": {},
    "storage_selector": {},
    "supplemental_gids": [],
}
"""What a trait holds after null removed its value, where that is not None."""
_APART: Final = frozenset(
    path
    for path in FIELDS
    if path.startswith(("image.name", "image.tag", "image.digest", "storage.", "lifecycleHooks."))
) | {"copyOnce", "kubespawnerOverride", "initContainers", "extraContainers"}
"""Fields that make a trait together with others."""
_IMAGE: Final = frozenset({"image.name", "image.tag", "image.digest"})
_HOOKS: Final = frozenset({"lifecycleHooks.postStart", "lifecycleHooks.preStop", "copyOnce"})
_VOLUMES: Final = frozenset({"storage.extraVolumes", "storage.extraVolumeMounts"})
_ANNOTATIONS: Final = FIELDS["extraAnnotations"]
_OF_CLAIM: Final = (
    "storage.capacity",
    "storage.dynamic.storageClass",
    "storage.dynamic.storageAccessModes",
    "storage.extraLabels",
)
_BESIDE_HOME: Final = _VOLUMES | _HOOKS | {"initContainers", "extraContainers", "storage.owner"}
_LABELS: Final = frozenset({"extra_labels", "storage_extra_labels"})


class _Fixed(NamedTuple):
    """What of the traits is the same for everybody with the same rules.

    spoken: the fields that the policy speaks of. words: traits whose values nobody can change. copied: the others,
    each with what makes a copy. waiting: the fields whose values are worked out for each start. home_alone: nothing
    else is mounted or copied anywhere.
    """

    spoken: Mapping[str, Field]
    words: Mapping[str, Any]
    copied: tuple[tuple[str, Callable[[Any], Any], Any], ...]
    waiting: tuple[Field, ...]
    home_alone: bool = False


def traits_of(environment: ResolvedEnvironment, own: OwnLayer) -> dict[str, Any]:
    """Values for KubeSpawner's traits. Traits that no rule speaks of are absent. Raises Unusable."""
    fixed = _fixed(environment)
    spoken, home = fixed.spoken, environment.home
    traits = dict(fixed.words)
    for trait, copy, value in fixed.copied:
        traits[trait] = copy(value)
    if "image" not in traits and not _IMAGE.isdisjoint(spoken):
        traits["image"] = environment.image()
    for field in fixed.waiting:
        traits[field.trait] = _checked(field.trait, _value(environment, field))
    if home.kind != "own":
        traits["storage_pvc_ensure"] = home.kind == "dynamic"
    if not fixed.home_alone:
        traits |= _containers(environment, own, spoken)
    elif home.kind != "own":
        traits["volumes"], traits["volume_mounts"] = home_volumes(home), home_mounts(home)
    if "kubespawnerOverride" in spoken:
        traits |= _overrides(environment)
    if environment.digest:
        traits["extra_annotations"] |= {
            PROFILE_ANNOTATION: Literal(environment.selection.slug),
            POLICY_ANNOTATION: Literal(environment.digest),
        }
    return traits


def _containers(
    environment: ResolvedEnvironment, own: OwnLayer, spoken: Mapping[str, Field]
) -> dict[str, Any]:
    """What volumes, mounts, containers and starter files make together. Raises Unusable."""
    traits: dict[str, Any] = {}
    volumes = Volumes(environment, own)
    for path, trait in (("initContainers", "init_containers"), ("extraContainers", "extra_containers")):
        if path in spoken:
            traits[trait] = volumes.containers(environment.by_field.get(path, ()))
    copies = copies_of(environment, own)
    extended = init_containers(environment, volumes, copies.before)
    if extended is not None:
        traits["init_containers"] = extended
    if environment.home.kind != "own" or not _VOLUMES.isdisjoint(spoken):
        traits["volumes"], traits["volume_mounts"] = volumes.volumes(), volumes.mounts()
    if not _HOOKS.isdisjoint(spoken):
        traits["lifecycle_hooks"] = _hooks(environment, copies)
    return traits


def _fixed(environment: ResolvedEnvironment) -> _Fixed:
    plan = environment.plan
    if plan is None:
        return _worked_out(environment, None)
    found = plan.derived.get(_Fixed)
    if found is None:
        found = plan.derived[_Fixed] = _worked_out(environment, plan.waiting)
    fixed: _Fixed = found
    return fixed


def _worked_out(environment: ResolvedEnvironment, waiting: Collection[str] | None) -> _Fixed:
    """waiting: paths of fields that somebody's name is in; None leaves all of them for each start."""
    spoken = {e.field.path: e.field for e in environment.entries.values() if _is_policys(e)}
    words: dict[str, Any] = {}
    copied: list[tuple[str, Callable[[Any], Any], Any]] = []
    fields = [field for path, field in spoken.items() if path not in _APART]
    if environment.digest and _ANNOTATIONS.path not in spoken:  # every pod says which policy it has
        fields.append(_ANNOTATIONS)
    fields += _of_storage(environment, spoken)
    if waiting is None:
        return _Fixed(spoken, words, (), tuple(fields))
    if not _IMAGE.isdisjoint(spoken) and _IMAGE.isdisjoint(waiting):
        words["image"] = environment.image()
    for field in fields:
        if field.path in waiting:
            continue
        value = _checked(field.trait, _value(environment, field))
        copy = copier(value)
        if copy is None:
            words[field.trait] = value
        else:
            copied.append((field.trait, copy, value))
    later = tuple(field for field in fields if field.path in waiting)
    others = spoken if environment.home.kind == "own" else _paths(environment)
    return _Fixed(spoken, words, tuple(copied), later, _BESIDE_HOME.isdisjoint(others))


def _paths(environment: ResolvedEnvironment) -> Iterator[str]:
    return (entry.field.path for entry in environment.entries.values())


def _of_storage(environment: ResolvedEnvironment, spoken: Mapping[str, Field]) -> list[Field]:
    """The fields of the home that make a trait each."""
    kind = environment.home.kind
    if kind == "own":
        paths = [path for path in spoken if path.startswith("storage.") and path not in _VOLUMES]
        return [spoken[path] for path in paths if spoken[path].trait]
    if kind != "dynamic":
        return []
    if environment.get("storage.capacity") is None:
        raise Unusable("a rule removes storage.capacity, but a new claim needs one")
    return [spoken[path] for path in _OF_CLAIM if path in spoken]


def _checked(trait: str, value: Any) -> Any:
    """The value of a trait. Raises Unusable for a label that is none.

    What people are called decides what a label becomes; the API server would refuse the pod.
    """
    if trait in _LABELS:
        for key, label in value.items():
            if isinstance(label, Literal):
                try:
                    check_label_value(label)
                except Fault as fault:
                    raise Unusable(f"the label {key}: {fault.message}") from None
    return value


def _is_policys(entry: Entry) -> bool:
    """Whether a value is not just what KubeSpawner holds: also where two of its own were made to fit."""
    return entry.by.layer != KUBESPAWNER or (entry.beat is not None and entry.beat.by.layer == KUBESPAWNER)


def _value(environment: ResolvedEnvironment, field: Field) -> Any:
    if field.combine is Combine.KEYED:
        return _keyed(environment.by_field.get(field.path, ()), field.trait in EXPANDED)
    if field.combine is Combine.APPEND:
        entries = environment.by_field.get(field.path, ())
        return [entry.value if entry.opaque else fresh(entry.value) for entry in entries]
    return _one(environment.entries.get(field.path), field.trait)


def _one(entry: Entry | None, trait: str) -> Any:
    if entry is not None and entry.opaque and entry.value is not None:
        return fresh(entry.value)
    return _single(None if entry is None else entry.value, trait)


def _overrides(environment: ResolvedEnvironment) -> dict[str, Any]:
    """Traits by their names; null too is a value here."""
    entries = (e for e in environment.entries.values() if e.field.path == "kubespawnerOverride")
    return {entry.key: _one(entry, entry.key) for entry in entries if entry.key is not None}


def _single(value: Any, trait: str) -> Any:
    if value is None:
        return fresh(EMPTY.get(trait))
    return literal(value) if trait in EXPANDED else fresh(value)


def _keyed(entries: Any, expanded: bool) -> dict[str, Any]:
    copied = literal if expanded else fresh
    return {entry.key: entry.value if entry.opaque else copied(entry.value) for entry in entries}


def _hooks(environment: ResolvedEnvironment, copies: Copies) -> dict[str, Any]:
    hooks: dict[str, Any] = {}
    for word in ("postStart", "preStop"):
        hook = environment.get(f"lifecycleHooks.{word}")
        if hook is not None:
            hooks[word] = fresh(hook)
    if copies.after:
        hooks["postStart"] = hook_with(copies.after, hooks.get("postStart"))
    return hooks
