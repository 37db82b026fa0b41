"""Reads the users and groups in a JupyterHub database, and changes nothing in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..resolve.request import Person
from .accounts import Account, Kept
from .errors import CannotRun

T = TypeVar("T")


@dataclass(frozen=True)
class Known:
    """Whom a hub knows. groups: also those without members."""

    people: tuple[Person, ...]
    groups: frozenset[str]


def read_database(url: str) -> Known:
    """The users (by name) and groups of the database at an SQLAlchemy URL. Raises CannotRun."""
    return _read(url, _known)


def read_accounts(url: str) -> dict[str, Account]:
    """The users of a database by name, with their servers. Raises CannotRun."""
    return _read(url, _accounts)


def _read(url: str, look: Callable[[Any, Callable[[str], Any]], T]) -> T:
    from sqlalchemy import MetaData, Table, create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        engine = create_engine(_read_only(make_url(url)), poolclass=NullPool)
        tables = MetaData()
        with engine.connect() as connection:
            return look(connection, lambda name: Table(name, tables, autoload_with=connection))
    except NoSuchModuleError as error:
        raise CannotRun(f"--hub-db: {error}") from None
    except ArgumentError:
        such_as = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
        raise CannotRun(f"--hub-db: this is no URL of a database, such as {such_as}") from None
    except (SQLAlchemyError, ImportError) as error:
        said = getattr(error, "orig", None) or error
        raise CannotRun(f"--hub-db: {type(error).__name__}: {said}") from None


def _known(connection: Any, table: Callable[[str], Any]) -> Known:
    people, groups = _people(connection, table)
    return Known(tuple(people.values()), groups)


def _people(connection: Any, table: Callable[[str], Any]) -> tuple[dict[int, Person], frozenset[str]]:
    """Users by their numbers, in the order of names; and the names of all groups."""
    from sqlalchemy import select

    users, groups, members = (table(name) for name in ("users", "groups", "user_group_map"))
    rows = connection.execute(select(groups.c.id, groups.c.name))
    names: dict[int, str] = {row.id: row.name for row in rows}
    of: dict[int, set[str]] = {}
    for user, group in connection.execute(select(members.c.user_id, members.c.group_id)):
        of.setdefault(user, set()).add(names[group])
    found = connection.execute(select(users.c.id, users.c.name, users.c.admin).order_by(users.c.name))
    people = {
        number: Person(name, frozenset(of.get(number, ())), bool(admin)) for number, name, admin in found
    }
    return people, frozenset(names.values())


def _accounts(connection: Any, table: Callable[[str], Any]) -> dict[str, Account]:
    from sqlalchemy import select

    people, _ = _people(connection, table)
    rows = table("spawners").c
    servers: dict[int, dict[str, Kept]] = {}
    found = connection.execute(select(rows.user_id, rows.name, rows.server_id, rows.user_options, rows.state))
    for user, name, server, options, state in found:
        kept = Kept(server is not None, _json(options), _json(state) or {})
        servers.setdefault(user, {})[name] = kept
    return {
        person.name: Account(person, servers.get(number, {}), str(number))
        for number, person in people.items()
    }


def _json(value: Any) -> Any:
    """What JupyterHub keeps as JSON text."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def _read_only(url: Any) -> Any:
    """SQLite would make a file that is not there, and a lock in one that is."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return url
    path = Path(url.database).absolute()
    return url.set(database=path.as_uri(), query={**url.query, "mode": "ro", "uri": "true"})
