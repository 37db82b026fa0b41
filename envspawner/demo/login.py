"""Who may log in to a demo: the ready-made people, with the token of the link that the command printed."""

from __future__ import annotations

import hmac
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.login import LoginHandler
from tornado.web import HTTPError
from traitlets import List, Unicode

OPEN_THE_LINK = "Open the link that `envspawner demo` printed: it holds the token that logging in needs."


class DemoLogin(LoginHandler):  # type: ignore[misc]
    """The login page: a button for each person. Without the token there is no page."""

    def render_template(self, name: str, **words: Any) -> Any:
        if name == "login.html":
            name, words["people"] = "demo-login.html", self.authenticator.people
            words["token"] = self.get_argument("token", "")
        return super().render_template(name, **words)

    async def get(self) -> None:
        if self.current_user is None and not self.authenticator.admits(self.get_argument("token", "")):
            raise HTTPError(403, OPEN_THE_LINK)
        await super().get()

    async def post(self) -> None:
        if not self.authenticator.admits(self.get_body_argument("token", "")):
            raise HTTPError(403, OPEN_THE_LINK)
        await super().post()


class DemoAuthenticator(Authenticator):  # type: ignore[misc]
    """Lets in the people of its list, and only with the token."""

    people: Any = List(config=True, help="Mappings of `name`, `groups`, `admin` and `words`.")
    token = Unicode(config=True, help="What the login page must be opened with.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.manage_groups = True
        self.allowed_users = {person["name"] for person in self.people}

    def admits(self, token: str) -> bool:
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())

    def get_handlers(self, app: Any) -> list[tuple[str, type[LoginHandler]]]:
        return [("/login", DemoLogin)]

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The person of that name; None is a refusal."""
        if not self.admits(data.get("token", "")):
            return None
        for person in self.people:
            if person["name"] == data.get("username"):
                return {"name": person["name"], "groups": person["groups"], "admin": person["admin"]}
        return None
