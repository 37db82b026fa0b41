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


def of_user(homes: Homes) -> Homes:
    """The homes of a server that is there as long as its user: what is its own is the user's."""
    return {
        identity: {**home, "scope": "user"} if home["scope"] == "server" else home
        for identity, home in homes.items()
    }


def going(own: Homes, siblings: list[Homes], *, alone: bool) -> list[str]:
    """The claims to delete with a server (alone), or with its user: never one that others may use."""
    scopes = {"server"} if alone else {"server", "user"}
    elsewhere = {home["claim"] for other in siblings for home in other.values()} if alone else set()
    known = own if alone else shared_by(siblings) | own
    return [h["claim"] for h in known.values() if h["scope"] in scopes and h["claim"] not in elsewhere]


def left(own: Homes, known: Homes, server: str, *, legacy: bool) -> Homes:
    """What a named server that goes leaves to the default one: the homes that are not its own.

    known: what that one knows. Two homes may have one identity; the claim that goes on as the home is the default
    server's, and the other one is remembered under a name that no policy has, so that it goes with the user.
    legacy: the default server's own home has yet to be found.
    """
    found: Homes = {}
    claims = {home["claim"] for home in known.values()}
    for identity, home in own.items():
        if home["scope"] == "server" or home["claim"] in claims:
            continue
        taken = identity in known or (legacy and identity == DEFAULT_IDENTITY)
        found[f"{identity} of {server}" if taken else identity] = home
    return found


def claims(homes: Homes) -> dict[str, str]:
    """Claims by identity, as a resolution takes them."""
    return {identity: home["claim"] for identity, home in homes.items()}
