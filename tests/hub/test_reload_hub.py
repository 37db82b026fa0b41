"""A real hub reads its policy file again when it changes, without a restart, and tells so in log and metrics."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import embedded, realhub
from .realhub import RealHub

POLICY = """
defaults: {{memory: {{limit: {size}G}}}}
profiles: {{{name}: {{displayName: The {name} one}}, other: {{}}}}
"""
CONFIG = """
c.EnvSpawner.policy_file = "policy/policy.yaml"
c.EnvSpawner.policy_reload_seconds = 0.1
"""
PAIR = """
defaults:
  cmd: [sleep, "600"]
  startTimeout: 30
  extraEnv: {{ONE: of-{number}}}
groups: {{nobody: {{}}}}
admins: {{}}
profiles: {{small: {{extraEnv: {{TWO: of-{number}}}}}}}
"""


def text(name: str, size: int = 1) -> str:
    return POLICY.format(name=name, size=size)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Embedded]:
    with embedded.cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def hub(cluster: embedded.Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "policy").mkdir()
    (folder / "policy" / "policy.yaml").write_text(text("first"))
    with realhub.run(folder, CONFIG, cluster.kubeconfig) as running:
        yield running


def metrics(hub: RealHub) -> dict[str, float]:
    found = re.findall(r"^(envspawner_policy\S+) (\S+)$", hub.send("GET", "/hub/metrics").text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def reloads(hub: RealHub, result: str) -> float:
    return metrics(hub)[f'envspawner_policy_reloads_total{{result="{result}"}}']


def offered(hub: RealHub) -> str:
    opener, _ = hub.browser_of("ada")
    return hub.send("GET", "/hub/spawn", opener=opener).text


def test_an_edit_a_rename_and_a_config_maps_swap_are_offered_without_a_restart(hub: RealHub) -> None:
    folder = hub.folder / "policy"
    file = folder / "policy.yaml"
    hub.wait("the first policy", lambda: "The first one" in offered(hub))
    file.write_text(text("edited"))
    hub.wait("the edit", lambda: "The edited one" in offered(hub))
    (folder / "new.yaml").write_text(text("renamed"))
    (folder / "new.yaml").rename(file)
    hub.wait("the rename", lambda: "The renamed one" in offered(hub))
    for name in ("mounted", "swapped"):
        (folder / f"..{name}").mkdir()
        (folder / f"..{name}" / "policy.yaml").write_text(text(name))
    (folder / "..data").symlink_to("..mounted")
    (folder / "link").symlink_to("..data/policy.yaml")
    (folder / "link").rename(file)
    hub.wait("the link", lambda: "The mounted one" in offered(hub))
    (folder / "..data_tmp").symlink_to("..swapped")
    (folder / "..data_tmp").rename(folder / "..data")
    hub.wait("the swap", lambda: "The swapped one" in offered(hub))
    assert hub.process.poll() is None


def test_a_broken_and_a_vanished_file_keep_the_last_good_policy_and_are_told_once(hub: RealHub) -> None:
    file = hub.folder / "policy" / "policy.yaml"
    good = reloads(hub, "success")
    file.unlink()
    file.write_text(text("good"))
    hub.wait("a good one", lambda: reloads(hub, "success") == good + 1)
    bad = reloads(hub, "failure")
    file.write_text("defaults:\n  memroy: {limit: 1G}\n  uid: x\n")
    hub.wait("the broken one", lambda: reloads(hub, "failure") == bad + 1)
    assert metrics(hub)["envspawner_policy_last_reload_successful"] == 0
    assert "The good one" in offered(hub)
    file.unlink()
    hub.wait("nothing", lambda: reloads(hub, "failure") == bad + 2)
    assert "The good one" in offered(hub)
    assert hub.log.count("policy/policy.yaml:2:3: defaults.memroy: unknown key") == 1
    assert hub.log.count("policy/policy.yaml:3:8: defaults.uid") == 1
    assert hub.log.count("policy/policy.yaml: cannot read the policy: No such file or directory") == 1
    file.write_text(text("good"))
    hub.wait("the good one again", lambda: metrics(hub)["envspawner_policy_last_reload_successful"] == 1)


def test_starts_around_changes_each_have_one_whole_policy(hub: RealHub, cluster: embedded.Embedded) -> None:
    users = [f"swap{number}" for number in range(8)]
    tokens = {user: hub.token_of(user) for user in users}
    with ThreadPoolExecutor(len(users)) as pool:
        for number in range(4):
            done = reloads(hub, "success")
            new = hub.folder / "policy" / "new.yaml"
            new.write_text(PAIR.format(number=number))
            new.rename(hub.folder / "policy" / "policy.yaml")
            for user in users[2 * number : 2 * number + 2]:  # while the hub may be reading
                pool.submit(hub.send, "POST", f"/hub/api/users/{user}/server", b"{}", tokens[user])
            hub.wait("another policy", lambda done=done: reloads(hub, "success") > done)  # type: ignore[misc]
        names = {f"jupyter-{user}" for user in users}
        hub.wait("every pod", lambda: names <= set(cluster.names("pods")))
        pods = [pod for pod in cluster.store.list("pods", None)[0] if pod["metadata"]["name"] in names]
        for user in users:
            hub.send("DELETE", f"/hub/api/users/{user}/server", token=tokens[user])
    pairs = [{one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]} for pod in pods]
    assert all(pair.get("ONE") == pair.get("TWO") for pair in pairs)
    assert len({pair.get("ONE") for pair in pairs}) > 1


def test_metrics_name_one_policy_and_no_label_grows_with_what_users_send(hub: RealHub) -> None:
    file = hub.folder / "policy" / "policy.yaml"
    for size in (3, 4, 5):
        done = reloads(hub, "success")
        file.write_text(text("sized", size))
        hub.wait("another policy", lambda done=done: reloads(hub, "success") > done)  # type: ignore[misc]
    infos = [name for name in metrics(hub) if name.startswith("envspawner_policy_info")]
    assert len(infos) == 1
    token = hub.token_of("bob")
    for number in range(30):
        body = f'{{"profile": "p{number}", "o{number}": "x"}}'.encode()
        assert hub.send("POST", "/hub/api/users/bob/server", body, token).status in (400, 403)
    assert set(hub.refusals()) <= {"profile-unknown", "option-unknown", "options-invalid"}
    assert abs(metrics(hub)["envspawner_policy_last_reload_success_timestamp_seconds"] - time.time()) < 600
