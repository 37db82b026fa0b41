"""Where which placeholder may stand: text that people chose reaches no command and nobody else's home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from .rules import Setting
from .templates import AUTH_STATE, GROUP, JOINED, SERVER, USER, Placeholder, Template, names_in

_NOT_IN_COMMANDS: Final = frozenset((*GROUP, "unescaped_username", "unescaped_servername"))
_COMMAND_KEYS: Final = frozenset({"command", "args", "exec"})
_COMMAND_FIELDS: Final = frozenset({"cmd", "copyOnce"})
_WITH_COMMANDS: Final = frozenset({"extraContainerConfig", "kubespawnerOverride"})
_CLAIMS: Final = frozenset({"storage.dynamic.pvcNameTemplate", "storage.static.pvcName"})
_SUB_PATHS: Final = frozenset({"storage.dynamic.subPath", "storage.static.subPath"})
_BEFORE_PVC_NAME: Final = _CLAIMS | _SUB_PATHS | {"storage.home", "storage.dynamic.volumeNameTemplate"}
_WITH_VOLUMES: Final = frozenset(
    {"storage.extraVolumes", "storage.extraVolumeMounts", "initContainers", "extraContainers"}
)
_TYPED: Final = frozenset(
    {"image.name", "image.tag", "image.digest", "extraEnv"}
    | {"extraLabels", "extraAnnotations", "storage.extraLabels"}
)
_HAND_OVER: Final = "hand it over as an environment variable (extraEnv), and write $NAME"

Complaint = tuple[str, str | None]


def misplaced(setting: Setting, group: str | None = None, *, typed: bool = False) -> Iterator[Complaint]:
    """What is wrong with the placeholders of a setting in a rule for `group` (None: not a group's rule).

    typed: whether the rule is that of an `other`, which alone knows `{value}`.
    """
    used = names_in([setting.value, setting.key])
    if not used:
        return
    if typed and "value" in used:
        yield from _misplaced_value(setting, used)
        used -= {"value"}
    in_commands = _in_commands(setting)
    for name in sorted(used):
        complaint = _misplaced(name, setting.field.path, group, name in in_commands)
        if complaint is not None:
            yield complaint
    for word, template in _paths_and_claims(setting):
        yield from _claim_or_path(word, template)


def _misplaced(name: str, path: str, group: str | None, in_command: bool) -> Complaint | None:
    literal = f"write {{{{{name}}}}} for the text itself"
    if name == "value":
        return "{value} may stand only below `other`", literal
    if name in GROUP and group is None:
        return f"{{{name}}} may stand only in rules of groups", literal
    if name == "match" and "*" not in (group or ""):
        return "{match} needs a * in the group's name", "write {group} for its whole name"
    if name.startswith(AUTH_STATE):
        return None if path == "extraEnv" else ("{auth_state...} may stand only in extraEnv", _HAND_OVER)
    if name == "pvc_name" and path in _BEFORE_PVC_NAME:
        return "{pvc_name} is not known before the home is", "write {username} or {user_server}"
    if in_command and name in _NOT_IN_COMMANDS:
        return f"{{{name}}} may not stand in a command, for people chose that text", _HAND_OVER
    return None


def _misplaced_value(setting: Setting, used: frozenset[str]) -> Iterator[Complaint]:
    """Typed text is no name, path or command, and may not say which secret a variable is read from."""
    path = setting.field.path
    if path not in _TYPED or not isinstance(setting.value, Template):
        where = "image, extraEnv, extraLabels and extraAnnotations"
        hint = _HAND_OVER if "value" in _in_commands(setting) else "write {{value}} for the text itself"
        yield f"{{value}} may stand only in the text of {where}", hint
    elif path.startswith("image.") and len(used) > 1:
        yield "an image with {value} holds no other placeholder", "write what the others would say"


def _in_commands(setting: Setting) -> frozenset[str]:
    path = setting.field.path
    if path in _COMMAND_FIELDS or (path in _WITH_COMMANDS and setting.key in _COMMAND_KEYS):
        return names_in(setting.value)
    return _under_command_keys(setting.value)


def _under_command_keys(value: Any) -> frozenset[str]:
    found: Iterable[frozenset[str]] = ()
    if isinstance(value, Mapping):
        found = (names_in(v) if k in _COMMAND_KEYS else _under_command_keys(v) for k, v in value.items())
    elif isinstance(value, list):
        found = map(_under_command_keys, value)
    return frozenset().union(*found)


def _paths_and_claims(setting: Setting) -> Iterator[tuple[str, Template]]:
    path = setting.field.path
    if path in _WITH_VOLUMES:
        yield from _nested_paths_and_claims(setting.value)
    elif path in _CLAIMS | _SUB_PATHS and isinstance(setting.value, Template):
        yield "the name of a claim" if path in _CLAIMS else "a subPath", setting.value


def _nested_paths_and_claims(value: Any) -> Iterator[tuple[str, Template]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Template) and key in ("claimName", "subPath"):
                yield "the name of a claim" if key == "claimName" else "a subPath", item
            yield from _nested_paths_and_claims(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nested_paths_and_claims(item)


def _claim_or_path(word: str, template: Template) -> Iterator[Complaint]:
    names = template.names
    for name in sorted(names & {"unescaped_username", "unescaped_servername"}):
        yield f"{{{name}}} may not stand in {word}", f"write {{{name.removeprefix('unescaped_')}}}"
    claim = word != "a subPath"
    alone = (names & SERVER) - JOINED
    if alone and names & USER and (claim or not _apart(template)):
        yield f"{word} that joins user and server could be another user's", "write {user_server}"
    elif claim and alone:
        yield f"{word} that names a server and no user could be another user's", "write {user_server}"
    if names & set(GROUP) and not any(c.isalnum() for p in template.parts if isinstance(p, str) for c in p):
        yield (
            f"{word} that only a group names could be somebody else's",
            "add a word, such as project-{match}",
        )


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
