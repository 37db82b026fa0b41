"""KubeSpawner's own layer: what its traits hold when a start begins, as a rule beneath the policy.

Values are carried whole (templates, objects and callables keep KubeSpawner's own rules); only names are expanded,
so that a policy's volume, mount or container meets its namesake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

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


def own_layer(spawner: Any, expand: Expand) -> OwnLayer:
    """The layer of one spawner; expand fills KubeSpawner's templates for its user."""
    settings = [*_image(spawner.image)]
    for field in _SIMPLE:
        value = getattr(spawner, field.trait)
        if value is not None and value != _DEFAULTS.get(field.trait) and not _is_empty(value):
            settings += _settings(field, value)
    for field in _NAMED:
        for item in _items(getattr(spawner, field.trait)):
            settings.append(_named(field, item, expand))
    for word, names in (("postStart", ("postStart", "post_start")), ("preStop", ("preStop", "pre_stop"))):
        for name in names:
            if spawner.lifecycle_hooks.get(name):
                settings.append(_setting(f"lifecycleHooks.{word}", spawner.lifecycle_hooks[name]))
    volumes = [_named(FIELDS["storage.extraVolumes"], v, expand) for v in _items(spawner.volumes)]
    mounts = [_named(FIELDS["storage.extraVolumeMounts"], m, expand) for m in _items(spawner.volume_mounts)]
    home, home_mounts = _home(spawner, volumes, mounts, expand)
    settings += [*volumes, *mounts, *_home_settings(spawner, home, home_mounts, expand)]
    return OwnLayer(
        Rule(SOURCE, PLACE, tuple(settings)),
        bool(volumes or mounts or spawner.storage_pvc_ensure),
        expand(spawner.pvc_name_template),
        spawner.pvc_name_template,
        str(home.key) if home else None,
        frozenset(str(mount.key) for mount in home_mounts),
    )


def _is_empty(value: Any) -> bool:
    return isinstance(value, str | list | tuple | dict) and not value


def _setting(path: str, value: Any, key: str | None = None) -> Setting:
    slot = path if key is None else f"{path}.{key}"
    return Setting(FIELDS[path], value, PLACE, key, slot, opaque=True)


def _image(image: str) -> Iterator[Setting]:
    try:
        parsed = parse_image(image)
    except Fault:
        yield _setting("image.name", image)
        return
    for part in ("name", "tag", "digest"):
        if getattr(parsed, part) is not None:
            yield _setting(f"image.{part}", getattr(parsed, part))


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
