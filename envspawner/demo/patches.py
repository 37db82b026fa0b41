"""Applies the patches that clients send: merge, JSON and strategic merge patches.

A strategic merge patch is taken as a merge patch: lists are replaced, not merged by name, and its directives
(`$patch` and the like) are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from .wire import ApiError, Json, bad_request

_MERGE: Final = "application/merge-patch+json"
_JSON: Final = "application/json-patch+json"
_STRATEGIC: Final = "application/strategic-merge-patch+json"
PATCH_TYPES: Final = (_JSON, _MERGE, _STRATEGIC)


def apply_patch(thing: Json, patch: Any, content_type: str) -> Json:
    """What the object is with the patch. Raises `ApiError` 400, 415 or 422; the object itself stays as it is."""
    if content_type not in PATCH_TYPES:
        known = ", ".join(PATCH_TYPES)
        message = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise ApiError(415, "UnsupportedMediaType", message, {})
    if content_type == _JSON:
        return _json_patched(thing, patch)
    if not isinstance(patch, Mapping):
        raise ApiError(422, "Invalid", "a merge patch must be an object", {})
    if content_type == _STRATEGIC:
        _refuse_directives(patch)
    merged: Json = _merged(thing, patch)
    return merged


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, Mapping):
        return deepcopy(patch)
    kept = dict(old) if isinstance(old, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = _merged(kept.get(key), value)
    return deepcopy(kept)


def _refuse_directives(patch: Any) -> None:
    items = patch.values() if isinstance(patch, Mapping) else patch if isinstance(patch, list) else ()
    for key in patch if isinstance(patch, Mapping) else ():
        if key.startswith("$"):
            raise bad_request(f"{key} in a strategic merge patch is not served here: send a merge patch")
    for item in items:
        _refuse_directives(item)


def _json_patched(thing: Json, patch: Any) -> Json:
    """RFC 6902."""
    if not isinstance(patch, list) or not all(_is_operation(step) for step in patch):
        raise bad_request("a JSON patch must be a list of operations")
    whole: Json = {"": deepcopy(thing)}  # so that the object itself can be replaced too
    for step in patch:
        try:
            _operate(whole, **{key.rstrip("_"): step.get(key) for key in ("op", "path", "value")}, step=step)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            message = f"the server rejected our request: {step['op']} {step['path']}: {error}"
            raise ApiError(422, "Invalid", message, {}) from None
    result = whole[""]
    if not isinstance(result, dict):
        raise bad_request("the patch leaves no object")
    return result


def _is_operation(step: Any) -> bool:
    if not isinstance(step, Mapping) or not isinstance(step.get("path"), str):
        return False
    if step.get("op") in ("move", "copy"):
        return isinstance(step.get("from"), str)
    return step.get("op") == "remove" or (step.get("op") in ("add", "replace", "test") and "value" in step)


def _operate(whole: Json, op: str, path: str, value: Any, step: Mapping[str, Any]) -> None:
    if op == "test":
        if _at(whole, path) != value:
            raise ValueError("the value is another one")
        return
    if op in ("move", "copy"):
        value = deepcopy(_at(whole, step["from"]))
    if op == "move":
        if path.startswith(step["from"] + "/"):
            raise ValueError("it cannot be moved into itself")
        _remove(whole, step["from"])
    if op in ("remove", "replace"):
        _at(whole, path)  # it must be there
    if op == "remove":
        _remove(whole, path)
    else:
        _add(whole, path, deepcopy(value), instead=op == "replace")


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError("a path starts with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def _at(whole: Json, path: str) -> Any:
    found: Any = whole
    for step in _steps(path):
        found = found[_index(found, step)]
    return found


def _parent(whole: Json, path: str) -> tuple[Any, str]:
    found: Any = whole
    *way, last = _steps(path)
    for step in way:
        found = found[_index(found, step)]
    return found, last


def _index(holder: Any, step: str) -> Any:
    if isinstance(holder, list):
        if not step.isascii() or not step.isdecimal() or (len(step) > 1 and step[0] == "0") or len(step) > 9:
            raise ValueError(f"{step!r} is no place in a list")
        return int(step)
    if not isinstance(holder, dict):
        raise ValueError(f"nothing can be at {step!r}")
    return step


def _remove(whole: Json, path: str) -> None:
    holder, last = _parent(whole, path)
    del holder[_index(holder, last)]


def _add(whole: Json, path: str, value: Any, *, instead: bool) -> None:
    holder, last = _parent(whole, path)
    if not isinstance(holder, list) or instead:
        holder[_index(holder, last)] = value
        return
    at = len(holder) if last == "-" else _index(holder, last)
    if at > len(holder):
        raise IndexError("the list is shorter")
    holder.insert(at, value)
