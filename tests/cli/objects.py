"""A hub's database, and a cluster whose pods nobody runs: what `envspawner status` reads."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from envspawner.cli import main
from envspawner.demo.api import app
from envspawner.demo.store import Store

TOKEN = "token-of-the-objects"
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
users: [{{name: me, user: {{token: "{token}"}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me, namespace: default}}}}]
"""


@contextmanager
def served(store: Store) -> Iterator[str]:
    """The URL of an API with the objects of a store."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(app(store, TOKEN))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class Objects:
    """Servers that were started by some policy, and a hub's users. The files are in `folder`."""

    def __init__(self, folder: Path, url: str, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        self.store = store
        self._capsys = capsys
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(KUBECONFIG.format(url=url, token=TOKEN))
        self.database = f"sqlite:///{folder / 'hub.sqlite'}"
        self._engine = create_engine(self.database)
        orm.Base.metadata.create_all(self._engine)

    def start(self, policy: str, user: str, *selectors: str, **changes: Any) -> None:
        """Makes the pod that a hub would. changes: to its annotations."""
        assert main(["render", policy, "--user", user, *selectors, "-o", "json"]) == 0
        pod = json.loads(self._capsys.readouterr().out)[-1]
        pod["metadata"]["annotations"] |= changes
        self.store.create("pods", "default", pod)

    def know(
        self,
        user: str,
        servers: Mapping[str, Mapping[str, Any]] | None = None,
        groups: tuple[str, ...] = (),
        state: Any = None,
    ) -> None:
        """A user of the hub. servers: names of running servers with what was chosen for them."""
        with Session(self._engine) as session:
            known = {group.name: group for group in session.query(orm.Group)}
            one = orm.User(name=user, groups=[known.get(name) or orm.Group(name=name) for name in groups])
            session.add(one)
            for name, options in (servers or {}).items():
                server = orm.Spawner(
                    name=name, user=one, user_options=options, state=state, server=orm.Server()
                )
                session.add(server)
            session.commit()

    def status(self, policy: str, *words: str) -> tuple[int, str, str]:
        asked = ["status", policy, "--hub-db", self.database, "--kubeconfig", str(self.kubeconfig), *words]
        code = main(asked)
        out, err = self._capsys.readouterr()
        return code, out, err
