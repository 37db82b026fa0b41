"""Reads the users and groups in a JupyterHub database, and changes nothing in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..resolve.request import Person
from .errors import CannotRun


@dataclass(frozen=True)
class Known:
    """Whom a hub knows. groups: also those without members."""

    people: tuple[Person, ...]
    groups: frozenset[str]


def read_database(url: str) -> Known:
    """The users (by name) and groups of the database at an SQLAlchemy URL. Raises CannotRun."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    try:
        return _rows(url)
    except NoSuchModuleError as error:
        raise CannotRun(f"--hub-db: {error}") from None
    except ArgumentError:
        such_as = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
        raise CannotRun(f"--hub-db: this is no URL of a database, such as {such_as}") from None
    except (SQLAlchemyError, ImportError) as error:
        said = getattr(error, "orig", None) or error
        raise CannotRun(f"--hub-db: {type(error).__name__}: {said}") from None


def _rows(url: str) -> Known:
    from sqlalchemy import MetaData, Table, create_engine, select
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    engine = create_engine(_read_only(make_url(url)), poolclass=NullPool)
    tables = MetaData()
    with engine.connect() as connection:
        users, groups, members = (
            Table(name, tables, autoload_with=connection) for name in ("users", "groups", "user_group_map")
        )
        rows = connection.execute(select(groups.c.id, groups.c.name))
        names: dict[int, str] = {row.id: row.name for row in rows}
        of: dict[int, set[str]] = {}
        for user, group in connection.execute(select(members.c.user_id, members.c.group_id)):
            of.setdefault(user, set()).add(names[group])
        users_rows = connection.execute(
            select(users.c.id, users.c.name, users.c.admin).order_by(users.c.name)
        )
        people = (
            Person(name, frozenset(of.get(number, ())), bool(admin)) for number, name, admin in users_rows
        )
        return Known(tuple(people), frozenset(names.values()))


def _read_only(url: Any) -> Any:
    """SQLite would make a file that is not there, and a lock in one that is."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return url
    path = Path(url.database).absolute()
    return url.set(database=path.as_uri(), query={**url.query, "mode": "ro", "uri": "true"})
