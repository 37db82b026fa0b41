"""Folders of shared claims: whether somebody's name could make one folder another one, or hold it.

A subPath with a user's or a group's name in it leads wherever that name says. Nothing looks at it again when a pod is
made, so two templates on one claim must have no folder in common but those of one person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from .fields import HOME_VOLUME
from .problems import Problem
from .rules import Policy, Rule, Setting
from .templates import GROUP, SERVER, USER, Placeholder, Template, compile_text

_STATIC: Final = "storage.static.pvcName"
_SUB_PATH: Final = "storage.static.subPath"
_MOUNTS: Final = "storage.extraVolumeMounts"
_VOLUMES: Final = "storage.extraVolumes"
_CHOSEN: Final = USER | SERVER | frozenset(GROUP)
"""Placeholders for names that people or an identity provider chose."""
_KINDS: Final = {"profile": "profile", **dict.fromkeys(GROUP, "group")} | dict.fromkeys(
    (USER | SERVER) - {"userid"}, "user"
)
_ANY: Final = ""
"""Stands in a pattern for one or more characters of a slug."""
_SLUG: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_HINT: Final = "begin each with a folder of its own, such as homes/{username}"


class _Folder(NamedTuple):
    rule: Rule
    setting: Setting
    claims: frozenset[str]
    text: str

    def problem(self, message: str, hint: str) -> Problem:
        return Problem(self.setting.place, f"{self.rule.source}.{self.setting.field.path}", message, hint)


def folders_that_meet(policy: Policy) -> Iterator[Problem]:
    """Folders that are somebody's by name, and that another name would lead to."""
    folders = list({(found.claims, found.text): found for found in _folders(policy)}.values())
    for folder in folders:
        names = _names(folder.text)
        if not names & _CHOSEN:
            continue
        apart = names | frozenset().union(*map(_names, folder.claims))
        if names & SERVER and not apart & USER:
            message = (
                f"the folder {folder.text} names a server and no user, so that it could be another user's"
            )
            yield folder.problem(message, "write {username}/{servername}")
        if any(len(_kinds(part)) > 1 for part in folder.text.split("/")):
            message = f"the folder {folder.text} joins two names, so that it could be another's"
            yield folder.problem(message, "write / between them")
        other = next((other for other in folders if _leads_to(folder, other)), None)
        if other is not None:
            message = (
                f"a name could make this the folder {other.text} of {other.rule.source}, or one that holds it"
            )
            yield folder.problem(message, _HINT)


def is_given(policy: Policy, claim: str) -> bool:
    """Whether a rule mounts a claim of this name as it is, for a group or for all: nobody's home to take."""
    given = [s.value for r in policy.rules() for s in r.settings if s.field.path == _STATIC]
    volumes = [s.value for r in policy.rules() for s in r.settings if s.field.path == _VOLUMES]
    given += [_nested(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
    texts = {_text(one) for one in given if one is not None}
    return any(_meet(_pattern(one), tuple(claim)) for one in texts if not _names(one) & (USER | SERVER))


def _folders(policy: Policy) -> Iterator[_Folder]:
    rules = policy.rules()
    settings = [(rule, setting) for rule in rules for setting in rule.settings]
    given = frozenset(_text(s.value) for _, s in settings if s.field.path == _STATIC and s.value is not None)
    volumes: dict[str, frozenset[str]] = {HOME_VOLUME: given}
    for _, setting in settings:
        if setting.field.path == _VOLUMES:
            claim = _nested(setting.value, "persistentVolumeClaim", "claimName")
            name = _nested(setting.value, "name")
            if claim is not None and name is not None:
                volumes[_text(name)] = volumes.get(_text(name), frozenset()) | {_text(claim)}
    for rule, setting in settings:
        if setting.field.path == _SUB_PATH and setting.value is not None:
            own = [_text(s.value) for s in rule.settings if s.field.path == _STATIC and s.value is not None]
            yield _Folder(rule, setting, frozenset(own) or given | {""}, _text(setting.value))
        elif setting.field.path == _MOUNTS:
            path, name = _nested(setting.value, "subPath"), _nested(setting.value, "name")
            claims = volumes.get(_text(name), frozenset())
            if path is not None and claims:
                yield _Folder(rule, setting, claims, _text(path))


def _leads_to(folder: _Folder, other: _Folder) -> bool:
    """Whether a name could make `folder` the other one, or one above it, though that is not the same person's."""
    ours, theirs = folder.text.strip("/").split("/"), other.text.strip("/").split("/")
    if folder.text == other.text or not folder.claims & other.claims or len(ours) > len(theirs):
        return False
    pairs = list(zip(ours, theirs, strict=False))
    same_person = any(_alike(one) == _alike(two) and _names(one) & _CHOSEN for one, two in pairs)
    return not same_person and all(_meet(_pattern(one), _pattern(two)) for one, two in pairs)


def _alike(part: str) -> str:
    """Slugs of a user and a server never are another user's: KubeSpawner joins them by what no slug has."""
    return part.replace("user_server}", "username}")


def _meet(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Whether some text fits both patterns."""
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        i, j = todo.pop()
        if (i, j) == (len(one), len(two)):
            return True
        if i == len(one) or j == len(two):
            continue
        a, b = one[i], two[j]
        if a and b and a != b:
            continue
        if (a or b or "-") not in _SLUG and not (a and b):
            continue
        after_a, after_b = ([i + 1] if a else [i, i + 1]), ([j + 1] if b else [j, j + 1])
        for step in ((x, y) for x in after_a for y in after_b):
            if step not in seen:
                seen.add(step)
                todo.append(step)
    return False


def _pattern(part: str) -> tuple[str, ...]:
    compiled = compile_text(part)
    parts = compiled.parts if isinstance(compiled, Template) else (compiled,)
    return tuple(c for p in parts for c in ((_ANY,) if isinstance(p, Placeholder) else p))


def _names(text: str) -> frozenset[str]:
    compiled = compile_text(text)
    return compiled.names if isinstance(compiled, Template) else frozenset()


def _kinds(part: str) -> set[str]:
    return {_KINDS[name] for name in _names(part) if name in _KINDS}


def _text(value: Any) -> str:
    return value.text if isinstance(value, Template) else str(value)


def _nested(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
