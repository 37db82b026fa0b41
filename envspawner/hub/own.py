"""KubeSpawner's own layer: what its traits hold when a start begins, as a rule beneath the policy.

Values are carried whole (templates, objects and callables keep KubeSpawner's own rules); only names are expanded,
so that a policy's volume, mount or container meets its namesake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from ..pod.literal import fresh
from ..policy.fields import FIELDS, Combine, Field
from ..policy.lint_homes import HOME_PATH
from ..policy.problems import Place
from ..policy.rules import Rule, Setting
from ..resolve.merge import SCALARS
from ..resolve.request import OwnLayer
from .defaults import DEFAULTS, defaults_of, is_empty
from .opaque import hooks_in, image_settings, labelled, named, opaque, part

SOURCE: Final = "kubespawner"
PLACE: Final = Place("c.KubeSpawner")
Expand = Callable[[str], str]

_NAMED: Final = tuple(f for f in FIELDS.values() if f.combine is Combine.NAMED and "storage" not in f.path)
_SIMPLE: Final = tuple(
    (f.trait, f, DEFAULTS.get(f.trait))
    for f in FIELDS.values()
    if f.trait and f.combine is not Combine.NAMED and f.path != "startTimeout"
)
"""A trait, its field, and the default that nobody set."""
_TRAITS: Final = (
    *(trait for trait, _, _ in _SIMPLE),
    *(field.trait for field in _NAMED),
    "lifecycle_hooks",
    "volumes",
    "volume_mounts",
)
"""What the layer is made of, besides the image and the name of the claim."""


def own_layer(spawner: Any, expand: Expand, places: Mapping[str, Place] | None = None) -> OwnLayer:
    """The layer of one spawner; expand fills KubeSpawner's templates for its user.

    places: where its settings stand in a file, by slot or field; "" for those that stand nowhere.
    """
    values = _values(spawner)
    claim_template = spawner.pvc_name_template
    claim = expand(claim_template)
    held = (spawner.image, *map(values.get, _TRAITS))
    if held == _last.held and not places:
        return OwnLayer(_last.rule, bool(spawner.storage_pvc_ensure), claim, claim_template)
    expand = cache(expand)  # the home is named in volumes and in mounts
    settings = [*image_settings(spawner.image, PLACE)]
    for trait, field, default in _SIMPLE:
        value = values.get(trait)
        if value is not None and value != default and not is_empty(value):
            settings += _settings(field, value)
    for field in _NAMED:
        if values.get(field.trait):
            settings += _entries(field, values, expand)
    hooks = values.get("lifecycle_hooks")
    if hooks:
        settings += _hooks(hooks)
    volumes = _entries(FIELDS["storage.extraVolumes"], values, expand)
    mounts = _entries(FIELDS["storage.extraVolumeMounts"], values, expand)
    home: Setting | None = None
    home_mounts: list[Setting] = []
    if volumes:
        home, home_mounts = _home(spawner, volumes, mounts, expand)
        settings += volumes
    settings += mounts
    if home is not None:
        settings += _home_settings(spawner, home, home_mounts, expand)
    if places:
        settings = [one._replace(place=_place(one, places)) for one in settings]
    rule = Rule(SOURCE, PLACE, tuple(settings))
    if not places and all(type(value) in SCALARS or value is None or is_empty(value) for value in held):
        _last.held, _last.rule = tuple(map(fresh, held)), rule
    return OwnLayer(
        rule,
        bool(volumes or mounts or spawner.storage_pvc_ensure),
        claim,
        claim_template,
        str(home.key) if home else None,
        frozenset([str(mount.key) for mount in home_mounts]),
    )


class _Last:
    """The last layer of single words and amounts: most spawners of a hub hold the same."""

    held: tuple[Any, ...] = ()
    rule: Rule | None = None


_last: Final = _Last()


def _values(spawner: Any) -> Mapping[str, Any]:
    """Values of traits. A trait is missing where nobody set it and its default says nothing to a policy."""
    for name in defaults_of(spawner.__class__).telling:
        getattr(spawner, name)  # makes the default
    values: dict[str, Any] = spawner._trait_values
    return values


def _place(setting: Setting, places: Mapping[str, Place]) -> Place:
    path = setting.field.path
    found = places.get(setting.slot or "") or places.get(path)
    return found or (places.get("image.name") if path.startswith("image.") else None) or places.get("", PLACE)


def _setting(path: str, value: Any, key: str | None = None) -> Setting:
    return opaque(path, value, PLACE, key)


def _hooks(hooks: Mapping[str, Any]) -> Iterator[Setting]:
    return (_setting(path, hook) for path, _, hook in hooks_in(hooks) if hook)


def _settings(field: Field, value: Any) -> list[Setting]:
    path = field.path
    if field.combine is Combine.APPEND:
        return list(_appended(field, value))
    if field.combine is Combine.KEYED and isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items() if item is not None]
        return [Setting(field, item, PLACE, key, f"{path}.{key}", opaque=True) for key, item in items]
    return [Setting(field, value, PLACE, None, path, opaque=True)]


def _appended(field: Field, value: Any) -> Iterator[Setting]:
    seen: dict[str, int] = {}
    for label, item in labelled(value):
        key = repr(item)
        number = seen[key] = seen.get(key, 0) + 1
        slot = f"{field.path}.{key}#{number}" if number > 1 else f"{field.path}.{key}"
        yield Setting(field, item, PLACE, key, slot, label=label, opaque=True)


def _entries(field: Field, values: Mapping[str, Any], expand: Expand) -> list[Setting]:
    items = values.get(field.trait)
    return [_named(field, label, item, expand) for label, item in labelled(items)] if items else []


def _named(field: Field, label: str | None, item: Any, expand: Expand) -> Setting:
    key = part(item, field.identity)
    return named(field, item, expand(key) if isinstance(key, str) else None, PLACE, label)


def _claim(volume: Setting) -> str | None:
    claim = part(part(volume.value, "persistentVolumeClaim"), "claimName")
    return claim if isinstance(claim, str) else None


def _home(
    spawner: Any, volumes: list[Setting], mounts: list[Setting], expand: Expand
) -> tuple[Setting | None, list[Setting]]:
    """The volume that is the home, by its claim or else by where it is mounted, and its mounts."""
    home: Setting | None = None
    for volume in volumes:
        claim = _claim(volume)
        if claim is not None and (claim == spawner.pvc_name_template or expand(claim) == spawner.pvc_name):
            home = volume
    if home is None:
        at_home = [m for m in mounts if m.key == HOME_PATH]
        names = {expand(part(m.value, "name") or "") for m in at_home}
        home = next((volume for volume in volumes if volume.key in names), None)
    if home is None:
        return None, []
    return home, [m for m in mounts if expand(part(m.value, "name") or "") == home.key]


def _home_settings(spawner: Any, home: Setting, mounts: list[Setting], expand: Expand) -> Iterator[Setting]:
    claim = _claim(home)
    if claim is None:
        return
    main = next((mount for mount in mounts if mount.key == HOME_PATH), mounts[0] if mounts else None)
    kind = "dynamic" if spawner.storage_pvc_ensure else "static"
    yield _setting("storage.type", kind)
    yield _setting("storage.dynamic.volumeNameTemplate", home.key)
    if kind == "static":
        yield _setting("storage.static.pvcName", expand(claim))
    if main is not None:
        yield _setting("storage.homeMountPath", main.key)
        sub_path = part(main.value, "subPath")
        if isinstance(sub_path, str) and sub_path:
            yield _setting(f"storage.{kind}.subPath", expand(sub_path))
