"""Stops a hub with a wrong policy at its start, with every problem listed, instead of failing users' spawns.

JupyterHub imports the spawner class while it reads its configuration: there is no application to ask yet, but
its event loop runs. What is called soon from there runs after the database and the roles are set up and before
the hub serves HTTP; so seen in JupyterHub 5.5 and 6.1.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..policy.problems import PolicyError
from . import measures
from .reload import described, watch, without_collector
from .store import policy_of


def check_policy_soon() -> None:
    """Checks the hub's policy once its configuration is read; does nothing where no hub is starting."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    loop.call_soon(_check_policy)


def _check_policy() -> None:
    from jupyterhub.app import JupyterHub

    from .spawner import EnvSpawner

    if not JupyterHub.initialized():
        return
    app: Any = JupyterHub.instance()
    spawner_class = app.spawner_class
    if not (isinstance(spawner_class, type) and issubclass(spawner_class, EnvSpawner)):
        return
    try:
        with without_collector():
            loaded = policy_of(app.config, spawner_class.section_names(), spawner_class=spawner_class)
    except PolicyError as error:
        app.log.critical("The policy of EnvSpawner cannot be used:\n%s", error)
        app.exit(1)
        return
    if loaded is None:
        app.log.info("EnvSpawner has no policy: it works as KubeSpawner does")
        return
    for warning in loaded.warnings:
        app.log.warning("%s", warning)
    app.log.info("%s", described(loaded))
    measures.in_force(loaded.policy.digest)
    watch(app, spawner_class, loaded)
