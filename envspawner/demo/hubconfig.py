"""The configuration of the demo's JupyterHub, written as a file that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from .cluster import NAMESPACE
from .people import Person

CONFIG = """\
# Written by `envspawner demo`, anew at each start.
from envspawner.demo.ports import own_port

c = get_config()

# EnvSpawner as it is on any hub; its cluster is the one of KUBECONFIG.
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {policy!r}
c.KubeSpawner.namespace = {namespace!r}
c.KubeSpawner.delete_grace_period = 5
c.Spawner.pre_spawn_hook = own_port  # pods have one address between them here, so each has a port of its own
c.Spawner.start_timeout = 60
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}  # show the events of a start from the first on

# Ready-made people, and a login that wants the token of the printed link.
c.JupyterHub.authenticator_class = "envspawner.demo.login.DemoAuthenticator"
c.DemoAuthenticator.people = {people!r}
c.DemoAuthenticator.token = {token!r}
c.JupyterHub.template_paths = [{templates!r}]

# Nothing listens beyond this machine. The demo itself runs the proxy.
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = {hub_url!r}
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = {proxy_url!r}
c.JupyterHub.cleanup_proxy = False
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
"""


@dataclass(frozen=True)
class Addresses:
    """Of the page, of the hub behind the proxy, of the proxy's own API: all on loopback."""

    url: str
    hub: str
    proxy: str


def hub_config(policy: Path, people: Sequence[Person], token: str, addresses: Addresses) -> str:
    """The text of jupyterhub_config.py; it holds the token."""
    return CONFIG.format(
        policy=str(policy),
        namespace=NAMESPACE,
        people=[{**person.facts(), "words": person.words} for person in people],
        token=token,
        templates=str(files("envspawner.demo").joinpath("templates")),
        url=addresses.url,
        hub_url=addresses.hub,
        proxy_url=addresses.proxy,
    )
