"""A user's auth state: what is there, nothing, or something that the hub can no longer read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from traitlets.config import Config

from ..policy.problems import Place, Problem

_SETTING: Final = "enable_auth_state"


class AuthStateUnreadable(Exception):
    """A start needs auth state that is stored and cannot be decrypted."""


class _Unreadable(Mapping[str, Any]):
    """Auth state that cannot be read: nobody is refused who needs nothing of it."""

    def __init__(self, user: str) -> None:
        self._user = user

    def __contains__(self, key: object) -> bool:
        return key in list(self)

    def __getitem__(self, key: str) -> Any:
        raise self._error()

    def __iter__(self) -> Iterator[str]:
        raise self._error()

    def __len__(self) -> int:
        raise self._error()

    def _error(self) -> AuthStateUnreadable:
        return AuthStateUnreadable(
            f"the auth state of {self._user} cannot be decrypted: were the keys in JUPYTERHUB_CRYPT_KEY changed?"
        )


async def auth_state_of(user: Any) -> Mapping[str, Any]:
    """The auth state of one of JupyterHub's users; empty where there is none.

    JupyterHub (5.5 and 6.1) logs why it cannot decrypt one and answers None, as if there were none.
    """
    found: Mapping[str, Any] | None = await user.get_auth_state()
    if found is None and user.encrypted_auth_state is not None:
        return _Unreadable(user.name)
    return found or {}


def never_there(config: Config) -> Problem | None:
    """A warning for a policy that speaks of auth state, on a hub whose configuration keeps none."""
    if any(section.get(_SETTING) for section in config.values() if isinstance(section, Config)):
        return None
    message = (
        "the policy uses {auth_state...}, and this hub keeps no auth state: these variables are left out"
    )
    hint = f"set c.Authenticator.{_SETTING} = True, and JUPYTERHUB_CRYPT_KEY"
    return Problem(Place("c.Authenticator"), _SETTING, message, hint, warning=True)
