"""Turns one `kubespawner_override` into settings of a rule, with the meaning that KubeSpawner gives it.

A name that is no trait, or a value that the trait would not take, is an error here, not at somebody's start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..pod.traits import EXPANDED
from ..policy import quantities, values
from ..policy.chart import UNFORMATTABLE_HINT, unformattable
from ..policy.environment import image_parts
from ..policy.fields import FIELDS, Combine, Field
from ..policy.images import parse_image
from ..policy.names import quoted
from ..policy.overrides import KEYS
from ..policy.problems import Fault, Faults
from ..policy.rules import Setting
from ..policy.templates import KNOWN, Template, compile_text, names_in
from .opaque import hooks_in, labelled, named, opaque, part
from .profile_reading import Loc, Reader
from .profile_traits import Traits, checked, trait_of

VALUE: Final = "{value}"
_OVERRIDE: Final = "kubespawnerOverride"
_FORMATTED: Final = EXPANDED - {"default_url", "notebook_dir"}
"""Traits whose strings KubeSpawner formats; JupyterHub formats the others, with other names."""
_TYPED: Final = frozenset({"image", "extraEnv", "extraLabels", "extraAnnotations"})
"""Fields that may hold what a user typed."""
_AMOUNTS: Final = {
    "extraResource.limits": {"memory": "memory.limit", "cpu": "cpu.limit"},
    "extraResource.guarantees": {"memory": "memory.guarantee", "cpu": "cpu.guarantee"},
}
_UNBOUNDED: Final = {
    "extraPodConfig": {
        "containers": "write the trait of what you want to change",
        "resources": "set mem_limit, cpu_limit and their guarantees",
    },
    "extraContainerConfig": {
        "resources": "set mem_limit, cpu_limit, their guarantees and extra_resource_limits",
        "resize_policy": "set mem_limit and cpu_limit",
    },
}
"""What in these fields would get round the bounds of a policy."""


def settings_of(
    override: Mapping[Any, Any], traits: Traits, reader: Reader, above: Loc, *, typed: bool = False
) -> list[Setting]:
    """The settings of an override at `above`; what is wrong is told to `reader`.

    typed: whether `{value}` stands for what a user typed. Callables are left out: only a start can call them.
    """
    found: list[Setting] = []
    for written, value in override.items():
        at = (*above, written if isinstance(written, str) else str(written))
        name = trait_of(written, traits, reader, at)
        if name is None or callable(value):
            continue
        with_value = typed and _holds(value)
        if name in _FORMATTED and traits.format_as_kubespawner and not with_value:
            for loc, message in unformattable(value):
                reader.error((*at, *loc), message, UNFORMATTABLE_HINT)
        try:
            found += _settings(name, value, traits, reader, at, typed=with_value)
        except (Fault, Faults) as wrong:
            for fault in wrong.faults:
                reader.error((*at, *fault.loc), fault.message, fault.hint)
    return found


def _settings(
    name: str, value: Any, traits: Traits, reader: Reader, at: Loc, *, typed: bool
) -> Iterator[Setting]:
    path = KEYS.get(name, _OVERRIDE)
    place = reader.place(at)
    if typed:
        _check_typed(path, value)
    if not typed or path != "image":
        value = checked(traits.known[name], value)
    if path == "storage.type" and traits.bounded:
        yield opaque(path, "dynamic" if value else "none", place)
    elif path in (_OVERRIDE, "storage.type"):
        yield opaque(_OVERRIDE, value, place, name)._replace(deep=isinstance(value, Mapping))
    elif path == "image":
        yield from _image(value, reader, at)
    elif path == "lifecycleHooks":
        yield from _hooks(value, reader, at)
    elif FIELDS[path].combine is Combine.KEYED:
        yield from _keyed(FIELDS[path], value, traits, reader, at)
    elif FIELDS[path].combine is Combine.REPLACE:
        yield opaque(path, value, place)
    else:
        yield from _entries(FIELDS[path], value, reader, at)


def _image(image: str, reader: Reader, at: Loc) -> Iterator[Setting]:
    place = reader.place(at)
    parts: Mapping[str, str]
    if VALUE in image:
        parts = image_parts(image)
    else:
        parsed = parse_image(image)
        parts = {"name": parsed.name, "tag": parsed.tag or "", "digest": parsed.digest or ""}
    for word, text in parts.items():
        if text:
            compiled = compile_text(text)
            dynamic = isinstance(compiled, Template)
            yield opaque(f"image.{word}", compiled, place)._replace(opaque=not dynamic, dynamic=dynamic)


def _hooks(hooks: Mapping[str, Any], reader: Reader, at: Loc) -> Iterator[Setting]:
    known = set()
    for path, key, hook in hooks_in(hooks):
        known.add(key)
        yield opaque(path, hook, reader.place((*at, key)))._replace(deep=isinstance(hook, Mapping))
    for key in set(hooks) - known:
        reader.error(
            (*at, key), f"there is no hook {quoted(str(key))}", "write postStart or preStop", of_key=True
        )


def _keyed(
    field: Field, value: Mapping[Any, Any], traits: Traits, reader: Reader, at: Loc
) -> Iterator[Setting]:
    for key, item in value.items():
        here = (*at, key)
        if not isinstance(key, str):
            reader.error(
                (*at, str(key)), f"a key must be text, got {values.kind_of(key)}", "put it in quotes"
            )
            continue
        if traits.bounded and _snake(key) in _UNBOUNDED.get(field.path, ()):
            message = f"{key} stands here beside a policy, whose bounds would not see it"
            reader.error(here, message, _UNBOUNDED[field.path][_snake(key)], of_key=True)
            continue
        amount = _AMOUNTS.get(field.path, {}).get(key) if traits.bounded else None
        if amount is not None:
            yield opaque(amount, _amount(amount, item, key), reader.place(here))
        elif isinstance(item, str) and VALUE in item and field.path in _TYPED:
            compiled = compile_text(item)
            yield opaque(field.path, compiled, reader.place(here), key)._replace(opaque=False, dynamic=True)
        else:
            if field.path == "extraEnv" and isinstance(item, bool | int | float):
                item = values.text(item)  # KubeSpawner fails on what is no text
            setting = opaque(field.path, item, reader.place(here), key)
            yield setting._replace(deep=isinstance(item, Mapping))


def _amount(path: str, amount: Any, name: str) -> Any:
    """Memory in bytes or CPU in cores, as Kubernetes reads them: `64G` is 64 * 10**9 here."""
    if amount is None:
        return None
    try:
        if path.startswith("cpu"):
            return quantities.cpu_cores(amount)
        return amount if isinstance(amount, int) else quantities.capacity_bytes(str(amount))
    except Fault as fault:
        raise fault.under(name) from None


def _entries(field: Field, value: Any, reader: Reader, at: Loc) -> Iterator[Setting]:
    """A list replaces what is beneath; a mapping goes into a mapping beneath, by its labels."""
    whole = isinstance(value, Mapping)
    if whole and not all(isinstance(label, str) for label in value):
        raise Fault("a label must be text", "put it in quotes")
    yield Setting(field, None, reader.place(at), slot=field.path, opaque=True, deep=whole)
    seen: set[Any] = set()
    for index, (label, item) in enumerate(labelled(value)):
        here = (*at, index if label is None else label)
        place = reader.place(here)
        if item is None and label is not None:
            yield Setting(field, None, place, label, f"{field.path}.{label}", label=label, opaque=True)
            continue
        if field.combine is Combine.APPEND:
            name: str | Template | None = repr(item)
            slot: str | None = f"{field.path}.{reader.named(here)}"
        else:
            name, slot = _name(part(item, field.identity)), None
            if name is not None and name in seen:
                reader.error(here, f"there is another with this {field.identity}", "keep one of the two")
            seen.add(name)
        setting = named(field, item, name, place, label)
        keyless = label is not None and name is None  # the entry beneath that it goes into has the name
        yield setting._replace(
            key=None if keyless else setting.key,
            slot=slot or setting.slot,
            deep=label is not None and isinstance(item, Mapping),
        )


def _name(text: Any) -> str | Template | None:
    """A name; a Template where it holds what KubeSpawner fills in."""
    if not isinstance(text, str):
        return None
    compiled = compile_text(text)
    return compiled if names_in(compiled) <= KNOWN - {"group", "match", "value"} else text


def _check_typed(path: str, value: Any) -> None:
    """Raises Fault where `{value}` stands in what a user must not decide: a command, a path, a name, an amount."""
    hint = (
        "only image, environment, extra_labels and extra_annotations may hold it; hand it over as a variable"
    )
    if path not in _TYPED:
        raise Fault(f"{VALUE} may not stand here", hint)
    for key, item in value.items() if isinstance(value, Mapping) else ():
        if VALUE in str(key) or (not isinstance(item, str) and _holds(item)):
            raise Fault(f"{VALUE} may not stand here", hint, (str(key),))


def _holds(value: Any) -> bool:
    """Whether `{value}` stands in some string of plain data."""
    if isinstance(value, str):
        return VALUE in value
    if isinstance(value, Mapping):
        return any(_holds(key) or _holds(item) for key, item in value.items())
    return isinstance(value, list | tuple | set) and any(map(_holds, value))


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)
