"""KubeSpawner's own layer: what its traits hold when a start begins, as a rule beneath the policy.

Values are carried whole (templates, objects and callables keep KubeSpawner's own rules); only names are expanded,
so that a policy's volume, mount or container meets its namesake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from traitlets import DefaultHandler

from ..policy.fields import FIELDS, Combine, Field
from ..policy.images import parse_image
from ..policy.lint import HOME_PATH
from ..policy.problems import Fault, Place
from ..policy.rules import Rule, Setting
from ..resolve.request import OwnLayer

SOURCE: Final = "kubespawner"
PLACE: Final = Place("c.KubeSpawner")
Expand = Callable[[str], str]

_DEFAULTS: Final[Mapping[str, Any]] = {
    "allow_privilege_escalation": False,
    "storage_access_modes": ["ReadWriteOnce"],
    "pvc_name_template": "claim-{user_server}",
    "start_timeout": 60,
}
"""Trait defaults of KubeSpawner that nobody set; everything else is empty by default."""
_NAMED: Final = tuple(f for f in FIELDS.values() if f.combine is Combine.NAMED and "storage" not in f.path)
_SIMPLE: Final = tuple(
    f for f in FIELDS.values() if f.trait and f.combine is not Combine.NAMED and f.path != "startTimeout"
)
_ALSO_READ: Final = frozenset(
    {
        "args",
        "cert_paths",
        "container_security_context",
        "env",
        "lifecycle_hooks",
        "pod_security_context",
        "storage_extra_annotations",
        "storage_selector",
        "volume_mounts",
        "volumes",
    }
)
"""Traits that every start reads besides those of the table of fields."""
_READ: Final = frozenset(field.trait for field in FIELDS.values() if field.trait) | _ALSO_READ


def own_layer(spawner: Any, expand: Expand, places: Mapping[str, Place] | None = None) -> OwnLayer:
    """The layer of one spawner; expand fills KubeSpawner's templates for its user.

    places: where its settings stand in a file, by slot or field; "" for those that stand nowhere.
    """
    spoken = _spoken(spawner)
    settings = [*_image(spawner.image)]
    for field in _SIMPLE:
        if field.trait in spoken:
            value = getattr(spawner, field.trait)
            if value is not None and value != _DEFAULTS.get(field.trait) and not _is_empty(value):
                settings += _settings(field, value)
    for field in _NAMED:
        if field.trait in spoken:
            settings += [_named(field, item, expand) for item in _items(getattr(spawner, field.trait))]
    if "lifecycle_hooks" in spoken:
        settings += _hooks(spawner.lifecycle_hooks)
    volumes, mounts = (
        [_named(field, item, expand) for item in _items(getattr(spawner, field.trait))]
        if field.trait in spoken
        else []
        for field in (FIELDS["storage.extraVolumes"], FIELDS["storage.extraVolumeMounts"])
    )
    home, home_mounts = _home(spawner, volumes, mounts, expand)
    settings += [*volumes, *mounts, *_home_settings(spawner, home, home_mounts, expand)]
    if places:
        settings = [replace(one, place=_place(one, places)) for one in settings]
    return OwnLayer(
        Rule(SOURCE, PLACE, tuple(settings)),
        bool(volumes or mounts or spawner.storage_pvc_ensure),
        expand(spawner.pvc_name_template),
        spawner.pvc_name_template,
        str(home.key) if home else None,
        frozenset(str(mount.key) for mount in home_mounts),
    )


def settle(spawner: Any) -> None:
    """Gives traits that every start reads their default, where that is nothing or empty and nobody set them.

    Reading them does the same: traitlets makes each default at the first reading, validates it and tells
    observers of it, and that is two thirds of what KubeSpawner's manifest costs on a new object.
    """
    values = spawner._trait_values
    for name, make in _empty(type(spawner)):
        if name not in values:
            values[name] = None if make is None else make()


@lru_cache(maxsize=16)
def _resting(spawner_class: type[Any]) -> Mapping[str, Any]:
    """Defaults of the traits that a start reads; without those that a method makes, which may differ each time."""
    made = {
        handler.trait_name
        for base in spawner_class.__mro__
        for handler in vars(base).values()
        if isinstance(handler, DefaultHandler)
    }
    return {
        name: trait.default()
        for name, trait in spawner_class.class_traits().items()
        if name in _READ and name not in made and not hasattr(spawner_class, f"_{name}_default")
    }


def _spoken(spawner: Any) -> set[str]:
    """Traits that may say something to a policy: somebody set them, or their default is not nothing."""
    silent = _silent(type(spawner))
    return {name for name in _READ if name not in silent or spawner.trait_has_value(name)}


@lru_cache(maxsize=16)
def _silent(spawner_class: type[Any]) -> frozenset[str]:
    """Traits that say nothing to a policy as long as nobody set them."""
    return frozenset(
        name
        for name, default in _resting(spawner_class).items()
        if default is None or default == _DEFAULTS.get(name) or _is_empty(default)
    )


@lru_cache(maxsize=16)
def _empty(spawner_class: type[Any]) -> tuple[tuple[str, type[Any] | None], ...]:
    """Traits whose default is None or an empty list or dict, and the type of that."""
    return tuple(
        (name, None if default is None else type(default))
        for name, default in _resting(spawner_class).items()
        if default is None or (type(default) in (list, dict) and not default)
    )


def _place(setting: Setting, places: Mapping[str, Place]) -> Place:
    path = setting.field.path
    found = places.get(setting.slot or "") or places.get(path)
    return found or (places.get("image.name") if path.startswith("image.") else None) or places.get("", PLACE)


def _is_empty(value: Any) -> bool:
    return isinstance(value, str | list | tuple | dict) and not value


def _setting(path: str, value: Any, key: str | None = None) -> Setting:
    slot = path if key is None else f"{path}.{key}"
    return Setting(FIELDS[path], value, PLACE, key, slot, opaque=True)


@lru_cache(maxsize=64)
def _image(image: str) -> tuple[Setting, ...]:
    try:
        parsed = parse_image(image)
    except Fault:
        return (_setting("image.name", image),)
    parts = {part: getattr(parsed, part) for part in ("name", "tag", "digest")}
    return tuple(_setting(f"image.{part}", value) for part, value in parts.items() if value is not None)


def _hooks(hooks: Mapping[str, Any]) -> Iterator[Setting]:
    for word, names in (("postStart", ("postStart", "post_start")), ("preStop", ("preStop", "pre_stop"))):
        for name in names:
            if hooks.get(name):
                yield _setting(f"lifecycleHooks.{word}", hooks[name])


def _settings(field: Field, value: Any) -> Iterator[Setting]:
    if field.combine is Combine.KEYED and isinstance(value, Mapping):
        for key, item in value.items():
            if item is not None:
                yield _setting(field.path, item, str(key))
    elif field.combine is Combine.APPEND:
        for item in _items(value):
            yield _setting(field.path, item, repr(item))
    else:
        yield _setting(field.path, value)


def _items(value: Any) -> list[Any]:
    """A list, or a mapping sorted by its labels, as KubeSpawner sorts it."""
    if isinstance(value, Mapping):
        return [value[label] for label in sorted(value)]
    return list(value or ())


def _named(field: Field, item: Any, expand: Expand) -> Setting:
    key = _part(item, field.identity)
    name = expand(key) if isinstance(key, str) else repr(item)
    return Setting(field, item, PLACE, name, f"{field.path}.{name}", opaque=True)


def _part(item: Any, name: str) -> Any:
    """A field of a Kubernetes object that may be a mapping (camelCase or snake_case) or a model."""
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    if isinstance(item, Mapping):
        return item.get(name, item.get(snake))
    return getattr(item, snake, None)


def _claim(volume: Setting) -> str | None:
    claim = _part(_part(volume.value, "persistentVolumeClaim"), "claimName")
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
        names = {expand(_part(m.value, "name") or "") for m in at_home}
        home = next((volume for volume in volumes if volume.key in names), None)
    if home is None:
        return None, []
    return home, [m for m in mounts if expand(_part(m.value, "name") or "") == home.key]


def _home_settings(
    spawner: Any, home: Setting | None, mounts: list[Setting], expand: Expand
) -> Iterator[Setting]:
    claim = _claim(home) if home is not None else None
    if home is None or claim is None:
        return
    main = next((mount for mount in mounts if mount.key == HOME_PATH), mounts[0] if mounts else None)
    kind = "dynamic" if spawner.storage_pvc_ensure else "static"
    yield _setting("storage.type", kind)
    yield _setting("storage.dynamic.volumeNameTemplate", home.key)
    if kind == "static":
        yield _setting("storage.static.pvcName", expand(claim))
    if main is not None:
        yield _setting("storage.homeMountPath", main.key)
        sub_path = _part(main.value, "subPath")
        if isinstance(sub_path, str) and sub_path:
            yield _setting(f"storage.{kind}.subPath", expand(sub_path))
