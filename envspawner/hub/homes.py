"""What the spawner's state remembers of homes: `{identity: {claim, scope}}`, so that no template ever hides one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..policy.templates import compile_text
from ..resolve.home import DEFAULT_IDENTITY, scope_of

KEY: Final = "envspawner_homes"
Homes = dict[str, dict[str, str]]


def load_homes(state: Mapping[str, Any], claim_template: str, claim_now: str | None = None) -> Homes:
    """The homes in a saved state; a claim that KubeSpawner remembered is the default home.

    claim_now: what the template calls a claim today. One of another name may have been made for all servers of
    its user, whatever the template says now.
    """
    homes: Homes = {}
    saved = state.get(KEY)
    for identity, home in (saved if isinstance(saved, Mapping) else {}).items():
        if isinstance(home, Mapping) and isinstance(home.get("claim"), str):
            homes[str(identity)] = {"claim": home["claim"], "scope": str(home.get("scope", "shared"))}
    claim = state.get("pvc_name")
    if isinstance(claim, str) and claim:
        scope = scope_of(compile_text(claim_template))
        if scope == "server" and claim_now is not None and claim != claim_now:
            scope = "user"
        homes.setdefault(DEFAULT_IDENTITY, {"claim": claim, "scope": scope})
    return homes


def shared_by(siblings: Iterable[Homes]) -> Homes:
    """The homes of other servers that all servers of their user share."""
    found: Homes = {}
    for homes in siblings:
        found |= {identity: home for identity, home in homes.items() if home["scope"] != "server"}
    return found


def going(own: Homes, siblings: list[Homes], *, alone: bool) -> list[str]:
    """The claims to delete with a server (alone), or with its user: never one that others may use."""
    scopes = {"server"} if alone else {"server", "user"}
    elsewhere = {home["claim"] for other in siblings for home in other.values()} if alone else set()
    known = own if alone else shared_by(siblings) | own
    return [h["claim"] for h in known.values() if h["scope"] in scopes and h["claim"] not in elsewhere]


def claims(homes: Homes) -> dict[str, str]:
    """Claims by identity, as a resolution takes them."""
    return {identity: home["claim"] for identity, home in homes.items()}
