"""Names of users and groups that can never match anybody, or only in hubs with an unusual authenticator."""

from __future__ import annotations

from .names import quoted


def doubtful(kind: str, name: str) -> tuple[str, str] | None:
    """What is strange about a name of `kind` ("users" or "groups"), and what to do; None for nothing."""
    if name != name.strip():
        return f"{quoted(name)} has a blank at its end", "delete it"
    if kind == "groups":
        return None
    if "*" in name:
        return (
            f"users take no *, so {quoted(name)} matches nobody",
            "write a group, or defaults for everybody",
        )
    if name != name.lower():
        message = f"no user is called {quoted(name)}: JupyterHub makes the names of users lower-case"
        return message, f"write {name.lower()}, unless your authenticator keeps capitals"
    return None
