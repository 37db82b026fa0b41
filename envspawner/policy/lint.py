"""What only a look at the whole policy tells: mounts without volumes (errors), and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from .fields import HOME_VOLUME
from .folders import folders_that_meet
from .form_names import confused
from .lint_homes import (
    HOME_PATH,
    claims_on_two_nodes,
    copies_beside_hooks,
    copies_outside,
    owner_without_effect,
)
from .lint_homes import setting_of as _setting
from .names import quoted
from .problems import Place, Problem
from .rules import Policy, Rule, Setting
from .templates import Template, names_in

DEFAULT_SOURCE: Final = "/srv/app/src"
METADATA_BLOCK: Final = "block-cloud-metadata"
"""The chart's init container that keeps users from the cloud's metadata server."""
_CONTAINERS: Final = ("initContainers", "extraContainers")


class _Seen(NamedTuple):
    """A rule together with what certainly lies beneath it: of a choice its profile, and the defaults."""

    rule: Rule
    beneath: tuple[Rule, ...]

    def find(self, path: str) -> Setting | None:
        """What the rule itself says of a field."""
        return _setting(self.rule, path)

    def below(self, path: str) -> Setting | None:
        """What the rule says of a field, or else what lies beneath."""
        for rule in (self.rule, *self.beneath):
            found = _setting(rule, path)
            if found is not None:
                return found
        return None

    def volumes(self) -> set[str]:
        return _volumes((self.rule, *self.beneath))

    def warn(self, place: Place, path: str, message: str, hint: str) -> Problem:
        return Problem(place, f"{self.rule.source}.{path}", message, hint, warning=True)


def contradictions(policy: Policy, beneath: frozenset[str] | None = frozenset()) -> Iterator[Problem]:
    """Mounts of volumes that nobody defines, what rules together make impossible, and names that forms confuse.

    beneath: volumes that the hub's own configuration defines; None when their names are not known.
    """
    yield from (problem for problem in copies_beside_hooks(policy) if not problem.warning)
    yield from _names_of_two(policy)
    yield from confused(policy.profiles)
    yield from folders_that_meet(policy)
    if beneath is None:
        return
    if not beneath:
        yield from copies_outside(policy)
    somewhere = {HOME_VOLUME, *beneath, *_volumes(policy.rules())}
    for seen in _seen(policy):
        for name, setting in _mounted(seen.rule):
            if name not in somewhere:
                message = f"mounts the volume {name}, which nothing defines"
                hint = "add it to storage.extraVolumes; the home's volume is called home"
                yield Problem(setting.place, f"{seen.rule.source}.{setting.field.path}", message, hint)


def _names_of_two(policy: Policy) -> Iterator[Problem]:
    """An init container and an extra container of one name: no pod could hold both (one rule: contradictions.py)."""
    known: dict[str, dict[str, tuple[Rule, Setting]]] = {path: {} for path in _CONTAINERS}
    for rule in policy.rules():
        for setting in rule.settings:
            path, name = setting.field.path, _text(setting.key)
            if path not in known or setting.value is None:
                continue
            other = _CONTAINERS[1 - _CONTAINERS.index(path)]
            found = known[other].get(name)
            if found is not None and found[0] is not rule:
                message = f"the name {name} is also that of one of {other}, in {found[1].place}"
                yield Problem(setting.place, f"{rule.source}.{path}", message, "choose another name")
            known[path].setdefault(name, (rule, setting))


def _no_capacity(seen: _Seen) -> Iterator[Problem]:
    capacity, kind = seen.find("storage.capacity"), seen.below("storage.type")
    if capacity is not None and capacity.value is None and (kind is None or kind.value == "dynamic"):
        message = "a new claim needs a capacity: where no other rule gives one, no server starts"
        yield seen.warn(capacity.place, "storage.capacity", message, "set an amount, or storage.type: none")


def _words_in_one(seen: _Seen) -> Iterator[Problem]:
    """A whole command line where a list of words belongs: the container would look for a program of that name."""
    cmd = seen.find("cmd")
    first = cmd.value[0] if cmd is not None and cmd.value else None
    if cmd is not None and isinstance(first, str) and len(first.split()) > 1:
        message = f"no program will be found that is called {quoted(first)}"
        yield seen.warn(cmd.place, "cmd", message, f"write each word apart: [{', '.join(first.split())}]")


def ended(policy: Policy, now: datetime) -> Iterator[Problem]:
    """Rules that hold for nobody any more."""
    for rule in policy.rules():
        if rule.until is not None and rule.until < now:
            message = f"ended on {rule.until:%Y-%m-%d}, and is no longer used"
            hint = "delete the rule, or move its end"
            yield Problem(rule.place, rule.source, message, hint, warning=True)


def warnings_of(policy: Policy, beneath: frozenset[str] | None = frozenset()) -> Iterator[Problem]:
    """What is allowed but probably not meant. beneath: as of `contradictions`."""
    rules = policy.rules()
    bounded = {name for rule in rules for name, amount in rule.at_most.items() if amount is not None}
    claims = any(s.field.path == "storage.static.pvcName" for rule in rules for s in rule.settings)
    yield from _typed_warnings(policy)
    yield from (problem for problem in copies_beside_hooks(policy) if problem.warning)
    yield from claims_on_two_nodes(policy)
    for seen in _seen(policy):
        yield from _image_warnings(seen)
        yield from _resource_warnings(seen)
        yield from _copy_warnings(seen)
        yield from _no_capacity(seen)
        yield from _words_in_one(seen)
        yield from _static_warnings(seen, claims)
        yield from owner_without_effect(seen.rule, seen.below("storage.type"))
        yield from _container_warnings(seen, bounded)
        if beneath is not None:
            yield from _mount_warnings(seen, {HOME_VOLUME, *beneath})


def _seen(policy: Policy) -> Iterator[_Seen]:
    profiles = {id(rule): p.rule for p in policy.profiles for o in p.options for rule in o.rules}
    for rule in policy.rules():
        beneath = (profiles.get(id(rule)), policy.defaults)
        yield _Seen(rule, tuple(one for one in beneath if one is not None and one is not rule))


def _typed_warnings(policy: Policy) -> Iterator[Problem]:
    for profile in policy.profiles:
        for option in profile.options:
            if option.other is None:
                continue
            rule = option.other.rule
            if not option.other.images and not any("value" in names_in(s.value) for s in rule.settings):
                message = "what is typed is used nowhere"
                hint = "write {value} where it belongs, such as in extraEnv"
                yield Problem(rule.place, rule.source, message, hint, warning=True)
            if profile.default and not option.choices:
                message = "whoever starts a server without a choice gets this profile, and is refused"
                hint = "give the option choices, or make another profile the default"
                yield Problem(rule.place, rule.source, message, hint, warning=True)


def _image_warnings(seen: _Seen) -> Iterator[Problem]:
    name, tag = seen.find("image.name"), seen.find("image.tag")
    if tag is not None and tag.value == "latest":
        hint = "name a tag that stays what it is, so that everybody gets the same"
        yield seen.warn(tag.place, "image", "the tag latest changes without notice", hint)
    elif name is not None and (tag is None or tag.value is None) and seen.find("image.digest") is None:
        if "value" in names_in(name.value):
            return  # the tag may be typed too
        yield seen.warn(name.place, "image", "without a tag, Kubernetes takes latest", "name a tag")


def _resource_warnings(seen: _Seen) -> Iterator[Problem]:
    for word in ("cpu", "memory"):
        limit, guarantee = seen.find(f"{word}.limit"), seen.below(f"{word}.guarantee")
        if limit is None or limit.value is None:
            continue
        # Memory has a built-in guarantee of 1G, which only null takes away.
        if (guarantee is None and word == "cpu") or (guarantee is not None and guarantee.value is None):
            message = "a limit without a guarantee: Kubernetes then guarantees the whole limit"
            yield seen.warn(limit.place, f"{word}.limit", message, f"set {word}.guarantee too")
        bound = seen.rule.at_most.get(word)
        if bound is not None and limit.value > bound:
            message = "above atMost of the same rule, which lowers it"
            yield seen.warn(limit.place, f"{word}.limit", message, "lower it, or raise atMost")


def _copy_warnings(seen: _Seen) -> Iterator[Problem]:
    copy, kind = seen.find("copyOnce"), seen.below("storage.type")
    if copy is None or (kind is not None and kind.value == "none"):
        return
    mount = seen.below("storage.homeMountPath")
    home = mount.value if mount is not None and isinstance(mount.value, str) else HOME_PATH
    for entry in copy.value or ():
        source = entry.get("from", DEFAULT_SOURCE)
        if isinstance(source, str) and f"{source}/".startswith(home.rstrip("/") + "/"):
            message = f"{source} lies in the home, whose volume hides what the image holds there"
            hint = "keep starter files elsewhere in the image, such as /srv/app/src"
            yield seen.warn(copy.place, "copyOnce", message, hint)


def _static_warnings(seen: _Seen, claims: bool) -> Iterator[Problem]:
    claim, own, kind = (
        seen.find("storage.static.pvcName"),
        seen.find("storage.type"),
        seen.below("storage.type"),
    )
    if claim is not None and claim.value is not None and (kind is None or kind.value != "static"):
        message = "has no effect while the type is not static"
        yield seen.warn(claim.place, "storage.static", message, "write type: static")
    if own is not None and own.value == "static" and not claims:
        yield seen.warn(own.place, "storage.type", "no rule names the claim", "write static: {pvcName: ...}")


def _container_warnings(seen: _Seen, bounded: set[str]) -> Iterator[Problem]:
    for setting in seen.rule.settings:
        path = setting.field.path
        if path not in _CONTAINERS:
            continue
        if setting.value is not None:
            yield from _limit_warnings(seen, setting, bounded)
        elif path == "initContainers" and setting.key in (None, METADATA_BLOCK):
            message = f"removes {METADATA_BLOCK}: users can then read the cloud's credentials of the node"
            yield seen.warn(setting.place, path, message, "keep it, unless the network forbids that already")


def _limit_warnings(seen: _Seen, setting: Setting, bounded: set[str]) -> Iterator[Problem]:
    limits = setting.value.get("resources", {}).get("limits", {})
    missing = [word for word in ("memory", "cpu") if word in bounded and word not in limits]
    if missing:
        words = " and ".join(missing)
        message = f"the container {_text(setting.key)} has no limit of {words}, and atMost does not see it"
        yield seen.warn(setting.place, setting.field.path, message, "set resources.limits")


def _mount_warnings(seen: _Seen, known: set[str]) -> Iterator[Problem]:
    for name, setting in _mounted(seen.rule):
        if name not in known | seen.volumes():
            message = (
                f"mounts the volume {name}, which only other rules define: without them no server starts"
            )
            yield seen.warn(setting.place, setting.field.path, message, "define it here too")


def _volumes(rules: Any) -> set[str]:
    return {
        _text(setting.key)
        for rule in rules
        for setting in rule.settings
        if setting.field.path == "storage.extraVolumes" and setting.value is not None
    }


def _mounted(rule: Rule) -> Iterator[tuple[str, Setting]]:
    for setting in rule.settings:
        if setting.value is None:
            continue
        if setting.field.path == "storage.extraVolumeMounts":
            yield _text(setting.value["name"]), setting
        elif setting.field.path in _CONTAINERS:
            for section in ("volumeMounts", "volumeDevices"):
                for mount in setting.value.get(section, ()):
                    yield _text(mount["name"]), setting


def _text(value: Any) -> str:
    return value.text if isinstance(value, Template) else str(value)
