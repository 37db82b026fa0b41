"""Which home a server gets: a claim of its own, a given one, none, or what KubeSpawner's own layer mounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..policy.fields import HOME_FIELDS, Field
from ..policy.names import check_dns_label, check_subdomain
from ..policy.problems import Fault
from ..policy.templates import GROUP, SERVER, USER, Placeholder, Template, compile_text
from .match import DEFAULTS, KUBESPAWNER, Applied
from .merge import Entries, Entry, Words, merge
from .request import SpawnRequest

Scope = Literal["user", "server", "shared"]
DEFAULT_IDENTITY: Final = "default"
VOLUME: Final = "home"
"""What a policy calls the home's volume."""


class Unusable(Exception):
    """The rules that hold for a person contradict each other; the message is for the hub's log."""


@dataclass(frozen=True, slots=True)
class Home:
    """The home of one server.

    kind: "own" leaves KubeSpawner's own volumes as they are. claim: the claim's name. identity: what the
    spawner's state remembers the claim by. remembered: the claim was there at an earlier start. scope: with whom
    the claim may be deleted ("shared": with nobody). volume: the volume's name in the pod.
    """

    kind: Literal["dynamic", "static", "none", "own"]
    claim: str | None = None
    identity: str | None = None
    remembered: bool = False
    scope: Scope = "shared"
    claim_template: str | None = None
    volume: str = VOLUME
    mount_path: str = ""
    sub_path: str | None = None


def home_of(entries: Entries, applied: list[Applied], words: Words, request: SpawnRequest) -> Home:
    """The home that the merged entries mean. Raises Unusable."""
    spoken = any(
        entry.layer >= DEFAULTS for path, entry in entries.items() if entry.field.path in HOME_FIELDS
    )
    if request.own.has_storage and not spoken:
        return _own(request)
    kind = _text(entries, "storage.type") or ("dynamic" if spoken else "none")
    if kind == "none":
        return Home("none")
    mount_path = _text(entries, "storage.homeMountPath") or ""
    volume = _volume(entries)
    if kind == "static":
        claim = _text(entries, "storage.static.pvcName")
        if claim is None:
            raise Unusable("storage.type is static, but no rule gives storage.static.pvcName")
        return Home(
            "static",
            _checked(claim),
            volume=volume,
            mount_path=mount_path,
            sub_path=_text(entries, "storage.static.subPath"),
        )
    template, claim = _template(entries, applied, words, request)
    identity = _identity(entries, template, applied, words)
    known = request.homes.get(identity)
    return Home(
        "dynamic",
        known or _checked(claim),
        identity,
        known is not None,
        scope_of(template),
        template.text if isinstance(template, Template) else template,
        volume,
        mount_path,
        _text(entries, "storage.dynamic.subPath"),
    )


def claim_name(applied: list[Applied], words: Words, request: SpawnRequest) -> str:
    """What `{pvc_name}` stands for; only the home's fields are looked at, since others may hold it."""
    entries = merge(applied, words, request, only=_speaks_of_home)
    return home_of(entries, applied, words, request).claim or request.own.claim


def _speaks_of_home(field: Field) -> bool:
    return field.path in HOME_FIELDS


def _own(request: SpawnRequest) -> Home:
    """KubeSpawner's own storage, untouched; its claim is still remembered as the default home."""
    known = request.homes.get(DEFAULT_IDENTITY)
    template = compile_text(request.own.claim_template)
    return Home(
        "own",
        known or request.own.claim,
        DEFAULT_IDENTITY,
        known is not None,
        scope_of(template),
        request.own.claim_template,
    )


def _template(
    entries: Entries, applied: list[Applied], words: Words, request: SpawnRequest
) -> tuple[str | Template, str]:
    """(template, name) of a new claim."""
    entry = entries.get("storage.dynamic.pvcNameTemplate")
    if entry is None or entry.value is None or entry.layer <= KUBESPAWNER:
        return compile_text(request.own.claim_template), request.own.claim
    return _written(entry, applied), _trimmed(str(entry.value), _written(entry, applied))


def _written(entry: Entry, applied: list[Applied]) -> str | Template:
    """The template that an entry's value was filled from."""
    for one in applied:
        if one.rule.source != entry.source:
            continue
        for setting in one.rule.settings:
            if setting.field is entry.field and setting.place == entry.place:
                return setting.value if isinstance(setting.value, Template) else str(setting.value)
    return str(entry.value)


def _identity(entries: Entries, template: str | Template, applied: list[Applied], words: Words) -> str:
    """`storage.home`; else "default" for a name from `defaults` or beneath; else the template itself.

    In the template only the group, the match and the profile are filled in: it names one home of each user.
    """
    given = _text(entries, "storage.home")
    if given is not None:
        return given
    entry = entries.get("storage.dynamic.pvcNameTemplate")
    if entry is None or entry.value is None or entry.layer <= DEFAULTS:
        return DEFAULT_IDENTITY
    if isinstance(template, str):
        return template
    group = next((one for one in applied if one.rule.source == entry.source), None)
    known = {"profile": words["profile"]} | (group.slugs() if group else {})
    parts = (p if isinstance(p, str) else known.get(p.name, f"{{{p.name}}}") for p in template.parts)
    return "".join(parts)


def scope_of(template: str | Template) -> Scope:
    """With whom a claim of this name may be deleted: its server, its user, or nobody."""
    names = template.names if isinstance(template, Template) else frozenset()
    if names & set(GROUP) or not names & (USER | SERVER):
        return "shared"
    return "server" if names & SERVER else "user"


def _volume(entries: Entries) -> str:
    entry = entries.get("storage.dynamic.volumeNameTemplate")
    if entry is None or entry.value is None:
        return VOLUME
    name = _trimmed(str(entry.value), str(entry.value))
    try:
        return check_dns_label(name)
    except Fault as fault:
        raise Unusable(f"the volume's name {name!r}: {fault.message}") from None


def _trimmed(name: str, template: str | Template) -> str:
    """As KubeSpawner does: an empty server name at the end of a template leaves no hyphen behind."""
    last = template.parts[-1] if isinstance(template, Template) else template
    return name.rstrip("-") if isinstance(last, Placeholder) else name


def _checked(claim: str) -> str:
    try:
        return check_subdomain(claim)
    except Fault as fault:
        raise Unusable(f"the claim's name {claim!r}: {fault.message}") from None


def _text(entries: Entries, path: str) -> str | None:
    entry = entries.get(path)
    return None if entry is None or entry.value is None else str(entry.value)
