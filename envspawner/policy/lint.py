"""What only a look at the whole policy tells: mounts without volumes (errors), and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from .problems import Place, Problem
from .rules import Policy, Rule, Setting
from .templates import Template

HOME: Final = "home"
HOME_PATH: Final = "/home/jovyan"
DEFAULT_SOURCE: Final = "/srv/app/src"
METADATA_BLOCK: Final = "block-cloud-metadata"
"""The chart's init container that keeps users from the cloud's metadata server."""


def contradictions(policy: Policy, beneath: frozenset[str] | None = frozenset()) -> Iterator[Problem]:
    """Mounts of volumes that nobody defines.

    beneath: volumes that the hub's own configuration defines; None when their names are not known.
    """
    if beneath is None:
        return
    everywhere = {HOME, *beneath, *_volumes(policy.defaults)}
    for rule, parent in _with_parents(policy):
        known = everywhere | _volumes(rule) | _volumes(parent)
        for name, setting in _mounted(rule):
            if name not in known:
                message = f"mounts the volume {name!r}, which neither this rule nor defaults define"
                path = f"{rule.source}.{setting.field.path}"
                yield Problem(setting.place, path, message, "add it to storage.extraVolumes")


def ended(policy: Policy, now: datetime) -> Iterator[Problem]:
    """Rules that hold for nobody any more."""
    for rule in policy.rules():
        if rule.until is not None and rule.until < now:
            message = f"ended on {rule.until:%Y-%m-%d}, and is no longer used"
            yield _warn(rule.place, rule.source, message, "delete the rule, or move its end")


def warnings_of(policy: Policy) -> Iterator[Problem]:
    """What is allowed but probably not meant."""
    bounded = any(rule.at_most for rule in policy.rules())
    for rule in policy.rules():
        yield from _image_warnings(rule)
        yield from _resource_warnings(rule, policy.defaults)
        yield from _home_warnings(rule, policy.defaults)
        yield from _container_warnings(rule, bounded)


def _warn(place: Place, path: str, message: str, hint: str) -> Problem:
    return Problem(place, path, message, hint, warning=True)


def _find(rule: Rule | None, path: str) -> Setting | None:
    for setting in rule.settings if rule else ():
        if setting.field.path == path:
            return setting
    return None


def _image_warnings(rule: Rule) -> Iterator[Problem]:
    name, tag = _find(rule, "image.name"), _find(rule, "image.tag")
    path = f"{rule.source}.image"
    if tag is not None and tag.value == "latest":
        hint = "name a tag that stays what it is, so that all users get the same"
        yield _warn(tag.place, path, "the tag latest changes without notice", hint)
    elif name is not None and (tag is None or tag.value is None) and _find(rule, "image.digest") is None:
        yield _warn(name.place, path, "without a tag, Kubernetes takes latest", "name a tag")


def _resource_warnings(rule: Rule, defaults: Rule | None) -> Iterator[Problem]:
    for word in ("cpu", "memory"):
        limit = _find(rule, f"{word}.limit")
        guarantee = _find(rule, f"{word}.guarantee") or _find(defaults, f"{word}.guarantee")
        missing = guarantee is None and word == "cpu"  # memory has a built-in guarantee of 1G
        if limit is None or limit.value is None:
            continue
        if missing or (guarantee is not None and guarantee.value is None):
            message = "a limit without a guarantee: Kubernetes then guarantees the whole limit"
            yield _warn(limit.place, f"{rule.source}.{word}.limit", message, f"set {word}.guarantee too")
    most = rule.at_most
    for word in ("cpu", "memory"):
        limit = _find(rule, f"{word}.limit")
        bound = most.get(word)
        if limit is not None and limit.value is not None and bound is not None and limit.value > bound:
            message = "above atMost of the same rule, which lowers it"
            yield _warn(limit.place, f"{rule.source}.{word}.limit", message, "lower it, or raise atMost")


def _home_warnings(rule: Rule, defaults: Rule | None) -> Iterator[Problem]:
    copy = _find(rule, "copyOnce")
    mount = _find(rule, "storage.homeMountPath") or _find(defaults, "storage.homeMountPath")
    home = mount.value if mount is not None and isinstance(mount.value, str) else HOME_PATH
    for entry in (copy.value or []) if copy is not None else []:
        source = entry.get("from", DEFAULT_SOURCE)
        if isinstance(source, str) and f"{source}/".startswith(home.rstrip("/") + "/"):
            message = f"{source} lies under the home, whose volume hides what the image holds there"
            hint = "keep starter files elsewhere in the image, such as /srv/app/src"
            yield _warn(copy.place, f"{rule.source}.copyOnce", message, hint)  # type: ignore[union-attr]
    static, kind = _find(rule, "storage.static.pvcName"), _find(rule, "storage.type")
    kind = kind or _find(defaults, "storage.type")
    if static is not None and (kind is None or kind.value != "static"):
        path = f"{rule.source}.storage.static"
        yield _warn(static.place, path, "has no effect while the type is not static", "write type: static")


def _container_warnings(rule: Rule, bounded: bool) -> Iterator[Problem]:
    for setting in rule.settings:
        if setting.field.path not in ("initContainers", "extraContainers"):
            continue
        path = f"{rule.source}.{setting.field.path}"
        if setting.value is None and setting.key == METADATA_BLOCK:
            message = "without it users can read the cloud's credentials of the node"
            yield _warn(setting.place, path, message, "keep it, unless the network forbids that already")
        elif bounded and setting.value is not None:
            limits = (setting.value.get("resources") or {}).get("limits") or {}
            if "memory" not in limits:
                name = setting.value.get("name")
                message = f"the container {_text(name)} has no memory limit, and atMost does not see it"
                yield _warn(setting.place, path, message, "set resources.limits")


def _with_parents(policy: Policy) -> Iterator[tuple[Rule, Rule | None]]:
    in_profiles = {id(c.rule): p.rule for p in policy.profiles for o in p.options for c in o.choices}
    for rule in policy.rules():
        yield rule, in_profiles.get(id(rule))


def _volumes(rule: Rule | None) -> set[str]:
    return {
        _text(setting.key)
        for setting in (rule.settings if rule is not None else ())
        if setting.field.path == "storage.extraVolumes" and setting.value is not None
    }


def _mounted(rule: Rule) -> Iterator[tuple[str, Setting]]:
    for setting in rule.settings:
        if setting.value is None:
            continue
        if setting.field.path == "storage.extraVolumeMounts":
            yield _text(setting.value["name"]), setting
        elif setting.field.path in ("initContainers", "extraContainers"):
            for mount in setting.value.get("volumeMounts") or ():
                yield _text(mount["name"]), setting


def _text(value: Any) -> str:
    return value.text if isinstance(value, Template) else str(value)
