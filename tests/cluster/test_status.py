"""`envspawner status` on servers that a real hub started: who is stale, and that a restart cures it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jupyterhub import orm
from sqlalchemy import create_engine

from envspawner.cli import pods
from tests.cluster.hub import Hub, wait_until
from tests.cluster.kube import Cluster, Json
from tests.cluster.people import RUN
from tests.cluster.where import only_on_a_real_cluster

ADA, BEN, CYD, DEE, EVE = (f"{name}s{RUN}" for name in ("ada", "ben", "cyd", "dee", "eve"))
COURSE = f"course{RUN}"
STAFF = f"staff{RUN}"
POLICY = f"""
defaults:
  image: IMAGE
  memory: {{guarantee: 64M, limit: 512M}}
  uid: 1000
  storage: {{type: none}}
  extraEnv: {{EDITOR: vim, LOGIN: "{{auth_state.token}}"}}
groups:
  {COURSE}: {{extraEnv: {{COURSE: old}}}}
  {STAFF}: {{extraEnv: {{STAFF: "1"}}}}
profiles:
  small: {{default: true}}
  extra: {{extraEnv: {{EXTRA: "1"}}}}
"""
CHANGES = (("COURSE: old", "COURSE: new"), ("\n  extra: {", "\n  more: {"))
CONFIG = """
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {policy!r}
c.EnvSpawner.policy_reload_seconds = 0.1
c.KubeSpawner.http_timeout = 120
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [b"k" * 32]
def hook(spawner, auth_state):
    spawner.environment = {{**spawner.environment, "HOOKED": {hooked!r}}}
c.Spawner.auth_state_hook = hook
c.JupyterHub.load_roles = [
    {{"name": "status", "scopes": ["list:users", "read:users", "read:servers"], "services": ["status"]}},
    {{"name": "more", "scopes": ["admin:server_state"], "services": ["more"]}},
    {{"name": "status-more", "scopes": ["list:users", "read:users", "read:servers"], "services": ["more"]}},
    {{"name": "little", "scopes": ["list:users"], "services": ["little"]}},
]
c.JupyterHub.services = [
    {{"name": name, "api_token": "token-of-" + name}} for name in ("status", "more", "little")
]
"""
SECRETS = (f"auth-state-secret-{RUN}", f"hook-secret-{RUN}")


class Term(NamedTuple):
    """A hub with servers. policy: the file in force there, written by one test alone."""

    hub: Hub
    cluster: Cluster
    policy: Path
    folder: Path
    pods: dict[str, str]

    def status(self, policy: Path, *people: str, token: str = "") -> tuple[int, dict[str, Any], str]:
        """(exit code, what is listed of this test's servers, words)."""
        asked = ["status", str(policy), "--kubeconfig", self.cluster.hub_kubeconfig, "-o", "json", *people]
        done = subprocess.run(
            [sys.executable, "-m", "envspawner", *asked, "--namespace", self.cluster.namespace],
            env={**os.environ, "JUPYTERHUB_API_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for secret in SECRETS:
            assert secret not in done.stdout + done.stderr
        listed = json.loads(done.stdout) if done.stdout else []
        ours = {one["user"]: one for one in listed if one["user"].endswith(f"s{RUN}")}
        return done.returncode, ours, done.stderr

    def by_database(self, policy: Path) -> dict[str, Any]:
        code, found, err = self.status(policy, "--hub-db", f"sqlite:///{self.folder / 'hub.sqlite'}")
        assert code in (0, 1), err
        return found

    def by_api(self, policy: Path, token: str = "token-of-more") -> dict[str, Any]:
        code, found, err = self.status(policy, "--hub-url", self.hub.url, token=token)
        assert code in (0, 1), err
        return found


def changed(term: Term) -> Path:
    """The policy of a new term, in a file of its own."""
    text = term.policy.read_text()
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new)
    file = term.folder / "changed.yaml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def term(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Term]:
    folder = tmp_path_factory.mktemp("term")
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.replace("IMAGE", cluster.image))
    config = CONFIG.format(policy=str(policy), hooked=SECRETS[1])
    with Hub(config, cluster=cluster, workdir=folder) as hub, ThreadPoolExecutor(2) as pool:
        hub.create_user(ADA)
        hub.create_user(BEN, [COURSE])
        hub.create_user(CYD)
        hub.create_user(DEE, [COURSE])
        hub.create_user(EVE)
        for user in (ADA, BEN, CYD, DEE, EVE):
            hub.api("PATCH", f"/users/{user}", {"auth_state": {"token": SECRETS[0]}})
        starts = {
            ADA: pool.submit(hub.spawn, ADA),
            BEN: pool.submit(hub.spawn, BEN),
            CYD: pool.submit(hub.spawn, CYD, {"profile": "extra"}),
            DEE: pool.submit(hub.spawn, DEE, {}, "lab"),
            EVE: pool.submit(hub.spawn, EVE),
        }
        yield Term(hub, cluster, policy, folder, {user: start.result() for user, start in starts.items()})


def said(term: Term, user: str) -> Json:
    found: Json = term.cluster.pod(term.pods[user])["metadata"]["annotations"]
    return found


def test_no_server_is_stale_by_the_policy_that_started_it(term: Term) -> None:
    assert term.by_database(term.policy) == {}
    assert term.by_api(term.policy) == {}


def test_secrets_reach_the_server_and_not_what_its_pod_says_of_itself(term: Term) -> None:
    environ = term.cluster.environ(term.pods[ADA])
    written = said(term, ADA)["hub.jupyter.org/envspawner-values"]
    assert json.loads(written)["values"]["extraEnv.EDITOR"] == "vim"
    for secret in SECRETS:
        assert secret in environ
        assert secret not in written


def test_a_changed_policy_names_exactly_those_whom_it_concerns(term: Term) -> None:
    found = term.by_database(changed(term))
    assert {user: (one["server"], one["status"], one["reason"]) for user, one in found.items()} == {
        BEN: ("", "stale", None),
        CYD: ("", "refused", "profile-unknown"),
        DEE: ("lab", "stale", None),
    }
    assert found[BEN]["changes"] == [{"path": "extraEnv.COURSE", "old": "old", "new": "new"}]
    assert {"path": "profile", "old": "extra", "new": "small"} in found[CYD]["changes"]


def test_the_database_and_the_api_agree(term: Term) -> None:
    new = changed(term)
    found = term.by_database(new)
    assert found == term.by_api(new)
    assert found == term.by_api(new, "token-of-status")


def test_pods_that_come_in_pages_are_all_read(term: Term, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server of a real cluster gives as many as are asked for at a time."""
    monkeypatch.setattr(pods, "_PAGE", 2)
    where = pods.Cluster(term.cluster.hub_kubeconfig, namespace=term.cluster.namespace)
    found = {pod.user: (pod.name, pod.server) for pod in pods.read_pods(where)}
    assert found[DEE] == (term.pods[DEE], "lab")
    assert {ADA, BEN, CYD, EVE} <= found.keys()


@only_on_a_real_cluster
def test_an_account_that_may_not_list_pods_is_told_so(term: Term) -> None:
    database = f"sqlite:///{term.folder / 'hub.sqlite'}"
    code, _, err = term.status(term.policy, "--hub-db", database, "--all-namespaces")
    assert code == 2
    assert "the cluster: 403 Forbidden: pods is forbidden" in err


def test_a_token_that_may_not_read_servers_is_told_the_scopes(term: Term) -> None:
    code, _, err = term.status(term.policy, "--hub-url", term.hub.url, token="token-of-little")
    assert code == 2
    assert "scopes list:users, read:users and read:servers" in err
    code, _, err = term.status(term.policy, "--hub-url", term.hub.url, token="nobody's")
    assert (code, "the token is not admitted" in err) == (2, True)


def test_a_user_whose_groups_change_is_stale_and_a_restart_cures_it(term: Term) -> None:
    term.hub.api("POST", f"/groups/{STAFF}")
    term.hub.api("POST", f"/groups/{STAFF}/users", {"users": [EVE]})
    found = term.by_database(term.policy)
    assert {user: one["changes"] for user, one in found.items()} == {
        EVE: [{"path": "extraEnv.STAFF", "old": None, "new": "1"}]
    }
    term.hub.stop(EVE)
    term.hub.spawn(EVE)
    assert term.by_database(term.policy) == term.by_api(term.policy) == {}


def test_after_a_reload_a_restart_cures_what_the_policy_changed(term: Term) -> None:
    new = changed(term)
    term.policy.write_text(new.read_text())
    wait_until("the policy is read", lambda: "instead of" in term.hub.log, timeout=30)
    term.hub.stop(BEN)
    term.hub.spawn(BEN)
    assert BEN not in term.by_database(term.policy)
    assert DEE in term.by_database(term.policy)
    assert "COURSE=new" in term.cluster.environ(term.hub.servers(BEN)[""]["state"]["pod_name"])


def test_a_user_who_is_gone_is_told_apart(term: Term) -> None:
    """The hub deletes a user's servers with the user: a database that lost them stands for one that was restored."""
    file = term.folder / "empty.sqlite"
    engine = create_engine(f"sqlite:///{file}")
    orm.Base.metadata.create_all(engine)
    engine.dispose()
    code, found, _ = term.status(term.policy, "--hub-db", f"sqlite:///{file}")
    assert code == 1
    assert found[ADA]["status"] == "no-user"
