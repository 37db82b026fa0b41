"""Which home a server gets: a claim of its own, a given one, none, or what KubeSpawner's own layer mounts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from ..policy.fields import HOME_FIELDS
from ..policy.names import check_dns_label, check_subdomain
from ..policy.problems import Fault
from ..policy.templates import GROUP, SERVER, USER, Template, compile_text
from .match import DEFAULTS, KUBESPAWNER, Applied
from .merge import Entries, Entry
from .request import SpawnRequest

Scope = Literal["user", "server", "shared"]
DEFAULT_IDENTITY: Final = "default"
VOLUME: Final = "home"
"""What a policy calls the home's volume."""
CLAIM_FIELDS: Final = frozenset(
    ("storage.type", "storage.home", "storage.dynamic.pvcNameTemplate", "storage.static.pvcName")
)
"""All that the claim's name depends on; none of them may hold `{pvc_name}`."""
_SERVER: Final = SERVER | {"pod_name"}  # a pod's name has its server's name in it


class Unusable(Exception):
    """The rules that hold for a person contradict each other; the message is for the hub's log."""


class Home(NamedTuple):
    """The home of one server.

    kind: "own" leaves KubeSpawner's own volumes as they are. claim: the claim's name. identity: what the
    spawner's state remembers the claim by. remembered: the claim was there at an earlier start. scope: with
    whom the claim may be deleted ("shared": with nobody). volume: the volume's name in the pod. named: what a
    new claim would be called; another name than `claim` where the template has changed since that was made.
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
    named: str | None = None


def speaks_of_home(rules: Iterable[Applied]) -> bool:
    """Whether any of these rules says something about the home itself, not only about other volumes."""
    return any(setting.field.path in HOME_FIELDS for one in rules for setting in one.rule.settings)


def own_home(request: SpawnRequest) -> Home:
    """KubeSpawner's own storage, untouched; its claim is still remembered as the default home."""
    template = request.own.claim_template
    scope = _own_scope(template)
    known = _known(request, DEFAULT_IDENTITY, scope)
    return Home("own", known or request.own.claim, DEFAULT_IDENTITY, bool(known), scope, template)


def home_of(
    entries: Entries, profile: str, request: SpawnRequest, kept: dict[Any, Any] | None = None
) -> Home:
    """The home that the merged entries mean. profile: the slug of the profile. Raises Unusable.

    kept: keeps what is the same for everybody with these entries, where `DYNAMIC_FIELDS` are.
    """
    found: _Dynamic | None = None if kept is None else kept.get(_Dynamic)
    if found is None:
        kind = _text(entries, "storage.type")
        if kind == "static":
            return _static(entries)
        if kind != "dynamic":
            return Home("none")
        found = _dynamic_of(entries, profile)
        if kept is not None:
            kept[_Dynamic] = found
    return _dynamic(entries, request, found)


class _Dynamic(NamedTuple):
    """What of a dynamic home does not depend on a name. template: of its claim; None is KubeSpawner's own."""

    identity: str
    template: str | None
    scope: Scope
    mount_path: str
    sub_path: str | None


DYNAMIC_FIELDS: Final = (
    "storage.home",
    "storage.homeMountPath",
    "storage.dynamic.subPath",
)
"""Where a name in one of these is, that depends on it."""


def _dynamic_of(entries: Entries, profile: str) -> _Dynamic:
    """profile: the slug of the profile."""
    entry = _given(entries, "storage.dynamic.pvcNameTemplate")
    if entry is not None and entry.layer <= KUBESPAWNER:
        entry = None  # KubeSpawner has filled in its own template already
    template: str | None = None
    scope: Scope = "shared"  # for a template of the policy's only
    if entry is not None:
        written = _written(entry)
        template, scope = written if isinstance(written, str) else written.text, scope_of(written)
    return _Dynamic(
        _named_identity(entries, entry) or _identity(entry, profile),
        template,
        scope,
        _text(entries, "storage.homeMountPath") or "",
        _text(entries, "storage.dynamic.subPath"),
    )


def _dynamic(entries: Entries, request: SpawnRequest, of: _Dynamic) -> Home:
    identity, template, scope, mount_path, sub_path = of
    if template is None:
        own = request.own
        template, named = own.claim_template, own.claim
        scope = _own_scope(template)
    else:
        named = _name(entries["storage.dynamic.pvcNameTemplate"])
    known = _known(request, identity, scope)
    claim, volume = known or _checked_claim(named), _volume(entries)
    values = ("dynamic", claim, identity, bool(known), scope, template, volume, mount_path, sub_path, named)
    return tuple.__new__(Home, values)  # as Home(...), in a third of the time


def _known(request: SpawnRequest, identity: str, scope: Scope) -> str | None:
    """The claim that is remembered for a home; of other servers only where the user's servers share it."""
    known = request.homes.get(identity)
    return known if known or scope == "server" else request.shared_homes.get(identity)


def _named_identity(entries: Entries, entry: Entry | None) -> str | None:
    """`storage.home`; of a claim that a group names, one home for each group."""
    home = _text(entries, "storage.home")
    written = None if home is None or entry is None else _written(entry)
    if not isinstance(written, Template) or not written.names & set(GROUP):
        return home
    assert entry is not None
    assert isinstance(entry.by, Applied)  # bounds make amounts, never names
    return f"{home}/{entry.by.slugs['group']}"


def _static(entries: Entries) -> Home:
    entry = _given(entries, "storage.static.pvcName")
    if entry is None:
        raise Unusable("storage.type is static, but no rule gives storage.static.pvcName")
    return Home(
        "static",
        _checked_claim(_name(entry)),
        volume=_volume(entries),
        mount_path=_text(entries, "storage.homeMountPath") or "",
        sub_path=_text(entries, "storage.static.subPath"),
    )


def _identity(entry: Entry | None, profile: str) -> str:
    """ "default" for a name from `defaults` or beneath, else the template itself.

    In the template only the group, the match and the profile are filled in: it names one home of each user.
    """
    if entry is None or entry.layer <= DEFAULTS:
        return DEFAULT_IDENTITY
    template = _written(entry)
    if isinstance(template, str):
        return template
    assert isinstance(entry.by, Applied)  # bounds make amounts, never names
    known = {"profile": profile, **entry.by.slugs}
    parts = (p if isinstance(p, str) else known.get(p.name, f"{{{p.name}}}") for p in template.parts)
    return "".join(parts)


def scope_of(template: str | Template) -> Scope:
    """With whom a claim of this name may be deleted: its server, its user, or nobody."""
    names = template.names if isinstance(template, Template) else frozenset()
    if names & set(GROUP):
        return "shared"
    if names & _SERVER:
        return "server"
    return "user" if names & USER else "shared"


@lru_cache(maxsize=64)
def _own_scope(template: str) -> Scope:
    return scope_of(compile_text(template))


def _volume(entries: Entries) -> str:
    entry = _given(entries, "storage.dynamic.volumeNameTemplate")
    if entry is None:
        return VOLUME
    name = _name(entry)
    try:
        return check_dns_label(name)
    except Fault as fault:
        raise Unusable(f"the volume's name {name!r}: {fault.message}") from None


def _checked_claim(claim: str) -> str:
    try:
        return check_subdomain(claim)
    except Fault as fault:
        raise Unusable(f"the claim's name {claim!r}: {fault.message}") from None


def _written(entry: Entry) -> str | Template:
    """What the name in an entry was filled from."""
    assert entry.setting is not None  # bounds make amounts, never names
    written = entry.setting.value
    return written if isinstance(written, Template) else str(written)


def _name(entry: Entry) -> str:
    """The name in an entry; as from KubeSpawner, an empty server name leaves no hyphen at its end."""
    name = str(entry.value)
    if name[-1:] != "-":
        return name
    written = _written(entry)
    return name if isinstance(written, str) or isinstance(written.parts[-1], str) else name.rstrip("-")


def _given(entries: Entries, path: str) -> Entry | None:
    entry = entries.get(path)
    return None if entry is None or entry.value is None else entry


def _text(entries: Entries, path: str) -> str | None:
    entry = _given(entries, path)
    return None if entry is None else str(entry.value)
