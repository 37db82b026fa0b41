"""Starts of generated policies: what each would send, or why it is refused."""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from jupyterhub import orm
from kubernetes_validate import utils
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool
from traitlets.config import Config

from envspawner.hub import offline
from envspawner.hub.offline import OfflineSpawner, manifests, offline_spawner
from envspawner.policy.load import load_text
from envspawner.policy.located import dotted
from envspawner.policy.problems import PolicyError
from envspawner.policy.sent import refused_parts
from envspawner.resolve.request import Start
from tests.hub.support import NEWEST, without_nulls

from .policies import Written


@dataclass(frozen=True)
class Made:
    """What a start came to. documents: the claim, if any, and the pod. refused: why there are none."""

    start: Start
    documents: tuple[dict[str, Any], ...] = ()
    refused: str = ""

    @property
    def unusable(self) -> bool:
        """Whether the rules for this person contradict each other."""
        return self.refused.startswith("policy-unusable")


def accepted(written: Written) -> bool:
    """Whether `check` takes a policy."""
    try:
        load_text(written.text)
    except PolicyError:
        return False
    return True


async def made_of(written: Written, folder: Path) -> list[Made]:
    """What the starts of an accepted policy come to; every manifest keeps to Kubernetes' newest schema."""
    config = configured(written, folder)
    return [await made(config, start) for start in written.starts()]


def configured(written: Written, folder: Path) -> Config:
    """The configuration of a hub with this policy."""
    file = folder / "policy.yaml"
    file.write_text(written.text, encoding="utf-8")
    return Config({"EnvSpawner": {"policy_file": str(file)}})


async def made(config: Config, start: Start, *, validate: bool = True) -> Made:
    with offline_spawner(config, start, OfflineSpawner) as spawner:
        try:
            await spawner.load_user_options()
        except Exception as error:
            if getattr(error, "jupyterhub_message", None) is None:
                raise
            return Made(start, refused=_log_message(error))
        documents = [without_nulls(document) for document in await manifests(spawner)]
    wrong = [f"{dotted(f.loc)}: {f.message}" for document in documents for f in refused_parts(document)]
    if wrong:
        return Made(start, refused=f"policy-unusable: {'; '.join(wrong)}")
    for document in documents if validate else ():
        kubernetes_validate.validate(document, NEWEST, strict=True)
    return Made(start, tuple(documents))


def _log_message(error: Any) -> str:
    """`reason: detail`, of JupyterHub's own SpawnException or of tornado's HTTPError."""
    return str(error.log_message) % error.args if error.args and error.log_message else str(error.log_message)


@contextmanager
def made_once() -> Iterator[None]:
    """Keeps what every start would make anew: the schema and certificates from disk, the tables of the database."""
    tables = sqlite3.connect(":memory:", check_same_thread=False)
    orm.Base.metadata.create_all(create_engine("sqlite://", creator=lambda: tables, poolclass=StaticPool))

    def copied() -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        tables.backup(copy)
        return copy

    def engine(_: str) -> Engine:
        made = create_engine("sqlite://", creator=copied, poolclass=StaticPool)
        return made.execution_options(compiled_cache=statements)

    statements: dict[Any, Any] = {}
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        patch.setattr(ssl, "create_default_context", lambda **_: context)
        patch.setattr(offline, "create_engine", engine)
        patch.setattr(orm.Base.metadata, "create_all", lambda _: None)
        yield
    tables.close()
