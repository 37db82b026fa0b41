"""KubeSpawner's own layer: what its traits hold when a start begins, as a rule beneath the policy.

Values are carried whole (templates, objects and callables keep KubeSpawner's own rules); only names are expanded,
so that a policy's volume, mount or container meets its namesake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from traitlets import DefaultHandler

from ..policy.fields import FIELDS, Combine, Field
from ..policy.lint_homes import HOME_PATH
from ..policy.problems import Place
from ..policy.rules import Rule, Setting
from ..resolve.request import OwnLayer
from .opaque import hooks_in, image_settings, labelled, named, opaque, part

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
_SIMPLE: Final = {
    f.trait: (order, f, _DEFAULTS.get(f.trait))
    for order, f in enumerate(FIELDS.values())
    if f.trait and f.combine is not Combine.NAMED and f.path != "startTimeout"
}
"""By trait: its field, the place of that in the table, and the default that nobody set."""
_ALSO_READ: Final = frozenset(
    {
        "args",
        "cert_paths",
        "common_labels",
        "container_security_context",
        "env",
        "oauth_client_allowed_scopes",
        "pod_security_context",
        "profile_list",
        "storage_extra_annotations",
        "storage_selector",
    }
)
"""Traits that every start reads, besides those of the table of fields."""
_POLICYS: Final = frozenset(field.trait for field in FIELDS.values() if field.trait) | {"lifecycle_hooks"}
"""Traits that the layer is made of."""
_READ: Final = _POLICYS | _ALSO_READ


def own_layer(spawner: Any, expand: Expand, places: Mapping[str, Place] | None = None) -> OwnLayer:
    """The layer of one spawner; expand fills KubeSpawner's templates for its user.

    places: where its settings stand in a file, by slot or field; "" for those that stand nowhere.
    """
    values = _values(spawner)
    settings = [*image_settings(spawner.image, PLACE)]
    set_ones = [_SIMPLE[trait] for trait in _SIMPLE.keys() & values.keys() if values[trait] is not None]
    for _, field, default in sorted(set_ones, key=_order):
        value = values[field.trait]
        if value != default and not _is_empty(value):
            settings += _settings(field, value)
    for field in _NAMED:
        settings += _entries(field, values, expand)
    hooks = values.get("lifecycle_hooks")
    if hooks:
        settings += _hooks(hooks)
    volumes = _entries(FIELDS["storage.extraVolumes"], values, expand)
    mounts = _entries(FIELDS["storage.extraVolumeMounts"], values, expand)
    home, home_mounts = _home(spawner, volumes, mounts, expand) if volumes else (None, [])
    settings += [*volumes, *mounts, *_home_settings(spawner, home, home_mounts, expand)]
    if places:
        settings = [replace(one, place=_place(one, places)) for one in settings]
    claim_template = spawner.pvc_name_template
    return OwnLayer(
        Rule(SOURCE, PLACE, tuple(settings)),
        bool(volumes or mounts or spawner.storage_pvc_ensure),
        expand(claim_template),
        claim_template,
        str(home.key) if home else None,
        frozenset(str(mount.key) for mount in home_mounts),
    )


def settle(spawner: Any, *names: str) -> None:
    """Gives traits that every start reads their default, where that is plain data and nobody set them.

    names: of which traits; without any, of all of them. Reading them does the same, but slowly: traitlets makes each
    default at the first reading, validates it and tells observers of it. That is more than a third of what a start's
    own work costs KubeSpawner.
    """
    values, plain = spawner._trait_values, _defaults(spawner.__class__).plain
    for name in names or plain:
        if name not in values and name in plain:
            default = plain[name]
            values[name] = None if default is None else default.copy()


class _Defaults(NamedTuple):
    """What a spawner class has where nobody set a trait.

    telling: traits whose default may say something to a policy. plain: traits whose default is None, or a list or
    dict of strings, and that default.
    """

    telling: tuple[str, ...]
    plain: Mapping[str, Any]


@lru_cache(maxsize=16)
def _defaults(spawner_class: type[Any]) -> _Defaults:
    traits = spawner_class.class_traits()
    # A default that a method makes may differ each time, so it counts as telling.
    methods = {
        handler.trait_name
        for base in spawner_class.__mro__
        for handler in vars(base).values()
        if isinstance(handler, DefaultHandler)
    }
    found = {
        name: traits[name].default()
        for name in sorted(_READ)
        if name not in methods and not hasattr(spawner_class, f"_{name}_default")
    }
    silent = {
        name
        for name, default in found.items()
        if default is None or _is_empty(default) or default == _DEFAULTS.get(name)
    }
    plain = {name: default for name, default in found.items() if _is_plain(default)}
    return _Defaults(tuple(sorted(_POLICYS - silent)), plain)


def _is_plain(default: Any) -> bool:
    if type(default) is dict:
        return all(isinstance(one, str) for one in default.values())
    return default is None or (type(default) is list and all(isinstance(one, str) for one in default))


def _values(spawner: Any) -> Mapping[str, Any]:
    """Values of traits. A trait is missing where nobody set it and its default says nothing to a policy."""
    for name in _defaults(spawner.__class__).telling:
        getattr(spawner, name)  # makes the default
    values: dict[str, Any] = spawner._trait_values
    return values


def _place(setting: Setting, places: Mapping[str, Place]) -> Place:
    path = setting.field.path
    found = places.get(setting.slot or "") or places.get(path)
    return found or (places.get("image.name") if path.startswith("image.") else None) or places.get("", PLACE)


_order: Final = itemgetter(0)


def _is_empty(value: Any) -> bool:
    return isinstance(value, str | list | tuple | dict) and not value


def _setting(path: str, value: Any, key: str | None = None) -> Setting:
    return opaque(path, value, PLACE, key)


def _hooks(hooks: Mapping[str, Any]) -> Iterator[Setting]:
    return (_setting(path, hook) for path, _, hook in hooks_in(hooks) if hook)


def _settings(field: Field, value: Any) -> Iterator[Setting]:
    if field.combine is Combine.KEYED and isinstance(value, Mapping):
        for key, item in value.items():
            if item is not None:
                yield _setting(field.path, item, str(key))
    elif field.combine is Combine.APPEND:
        seen: Counter[str] = Counter()
        for label, item in labelled(value):
            key = repr(item)
            seen[key] += 1
            again = f"#{seen[key]}" if seen[key] > 1 else ""
            slot = f"{field.path}.{key}{again}"
            yield Setting(field, item, PLACE, key, slot, label=label, opaque=True)
    else:
        yield _setting(field.path, value)


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
        sub_path = part(main.value, "subPath")
        if isinstance(sub_path, str) and sub_path:
            yield _setting(f"storage.{kind}.subPath", expand(sub_path))
