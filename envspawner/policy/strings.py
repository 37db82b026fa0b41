"""Where which placeholder may stand: text that people chose must never reach a command, nor lead into another's home."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .rules import Setting
from .templates import AUTH_STATE, GROUP, SERVER, USER, Placeholder, Template, names_in

_NOT_IN_COMMANDS: Final = frozenset((*GROUP, "value", "unescaped_username", "unescaped_servername"))
_COMMAND_KEYS: Final = frozenset({"command", "args", "exec"})
_COMMAND_FIELDS: Final = frozenset({"cmd", "copyOnce"})
_CLAIMS: Final = frozenset({"storage.dynamic.pvcNameTemplate", "storage.static.pvcName"})
_SUB_PATHS: Final = frozenset({"storage.dynamic.subPath", "storage.static.subPath"})
_BEFORE_PVC_NAME: Final = _CLAIMS | _SUB_PATHS | {"storage.home", "storage.dynamic.volumeNameTemplate"}

Complaint = tuple[str, str | None]


def misplaced(setting: Setting, group: str | None) -> Iterator[Complaint]:
    """What is wrong with the placeholders of a setting in a rule for `group` (None: not a group's rule)."""
    path, used = setting.field.path, names_in([setting.value, setting.key])
    if "value" in used:
        yield "{value} may stand only in `other`", "write {{value}} for the text itself"
    if group is None and used & set(GROUP):
        yield "{group} and {match} may stand only in rules of groups", "write {{group}} for the text itself"
    elif "match" in used and group is not None and "*" not in group:
        yield "{match} needs a * in the group's name", "write {group} for its whole name"
    if path != "extraEnv" and any(name.startswith(AUTH_STATE) for name in used):
        yield "{auth_state...} may stand only in extraEnv", "hand it over as an environment variable"
    if "pvc_name" in used and path in _BEFORE_PVC_NAME:
        yield "{pvc_name} is not known before the home is", "use {username} or {user_server}"
    bad = _in_commands(setting) & (_NOT_IN_COMMANDS | {n for n in used if n.startswith(AUTH_STATE)})
    for name in sorted(bad):
        hint = "hand it over as an environment variable and write $NAME"
        yield f"{{{name}}} may not stand in a command, people chose that text", hint
    for word, template in _paths_and_claims(setting):
        yield from _claim_or_path(word, template)


def _in_commands(setting: Setting) -> frozenset[str]:
    if setting.field.path in _COMMAND_FIELDS or setting.key in ("args", "command"):
        return names_in(setting.value)
    return _under_command_keys(setting.value)


def _under_command_keys(value: Any) -> frozenset[str]:
    if isinstance(value, Mapping):
        return frozenset().union(
            *(names_in(v) if k in _COMMAND_KEYS else _under_command_keys(v) for k, v in value.items())
        )
    if isinstance(value, list):
        return frozenset().union(*map(_under_command_keys, value))
    return frozenset()


def _paths_and_claims(setting: Setting) -> Iterator[tuple[str, Template]]:
    if setting.field.path in _CLAIMS and isinstance(setting.value, Template):
        yield "a claim's name", setting.value
    elif setting.field.path in _SUB_PATHS and isinstance(setting.value, Template):
        yield "a subPath", setting.value
    elif setting.field.path in ("storage.extraVolumes", "storage.extraVolumeMounts"):
        yield from _nested_paths_and_claims(setting.value)
    elif setting.field.path in ("initContainers", "extraContainers") and isinstance(setting.value, Mapping):
        yield from _nested_paths_and_claims(setting.value.get("volumeMounts"))


def _nested_paths_and_claims(value: Any) -> Iterator[tuple[str, Template]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Template) and key in ("claimName", "subPath"):
                yield ("a claim's name" if key == "claimName" else "a subPath"), item
            yield from _nested_paths_and_claims(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nested_paths_and_claims(item)


def _claim_or_path(word: str, template: Template) -> Iterator[Complaint]:
    names = template.names
    for name in sorted(names & {"unescaped_username", "unescaped_servername"}):
        yield f"{{{name}}} may not stand in {word}", f"write {{{name.removeprefix('unescaped_')}}}"
    joined = (names & SERVER) - {"user_server", "safe_user_server"} and names & USER
    if joined and not (word == "a subPath" and _apart(template)):
        message = f"{word} that joins user and server must not be the same for two pairs of them"
        yield message, "write {user_server}"
    if names & set(GROUP) and not any(c.isalnum() for p in template.parts if isinstance(p, str) for c in p):
        yield f"{word} that only a group names could be somebody's", "add text of its own: project-{match}"


def _apart(template: Template) -> bool:
    """Whether no component of a path holds two placeholders that name users or servers."""
    component = 0
    for part in template.parts:
        if isinstance(part, Placeholder):
            component += part.name in USER | SERVER
            if component > 1:
                return False
        elif "/" in part:
            component = 0
    return True
