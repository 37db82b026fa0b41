"""What a real hub knows of people: at a start, not when the form was shown, and not more than is so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from envspawner.cli import main

from . import embedded, realhub
from .realhub import Answer, RealHub
from .test_forged import STOPS_EARLY

POLICY = """
groups: {staff: {extraEnv: {ROLE: staff, TOKEN: "{auth_state.token}"}}}
profiles: {small: {}, medium: {}, big: {displayName: Big one, allow: {groups: [staff]}}}
"""
CONFIG = """
from envspawner.demo.ports import own_port
c.EnvSpawner.policy_file = "policy.yaml"
c.EnvSpawner.pre_spawn_hook = own_port
c.EnvSpawner.cmd = ["python3", "-c", {script!r}]
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = ["{key}"]
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Embedded]:
    with embedded.cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def hub(cluster: embedded.Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "policy.yaml").write_text(POLICY)
    config = CONFIG.format(script=STOPS_EARLY, key="ab" * 32)
    with realhub.run(folder, config, cluster.kubeconfig) as running:
        yield running


def members(hub: RealHub, method: str, name: str) -> None:
    body = json.dumps({"users": [name]}).encode()
    assert hub.send(method, "/hub/api/groups/staff/users", body).status == 200


def choose_big(hub: RealHub, browser: Any, xsrf: str) -> Answer:
    """What the form sends that was shown a while ago."""
    form = urlencode({"profile": "big"}).encode()
    kind = "application/x-www-form-urlencoded"
    return hub.send("POST", f"/hub/spawn?_xsrf={quote(xsrf)}", form, opener=browser, kind=kind)


def variables(hub: RealHub, cluster: embedded.Embedded, user: str) -> dict[str, str]:
    """The variables of a user's pod, once there is one."""
    hub.wait("there is a pod", lambda: f"jupyter-{user}" in cluster.names("pods"))
    pods, _ = cluster.store.list("pods", None)
    [pod] = [one for one in pods if one["metadata"]["name"] == f"jupyter-{user}"]
    return {one["name"]: one.get("value", "") for one in pod["spec"]["containers"][0]["env"]}


def test_who_became_a_member_after_the_form_was_shown_starts_as_one(
    hub: RealHub, cluster: embedded.Embedded
) -> None:
    browser, xsrf = hub.browser_of("ada")
    form = hub.send("GET", "/hub/spawn", opener=browser).text
    assert "medium" in form
    assert "Big one" not in form
    members(hub, "POST", "ada")
    assert "not offered" not in choose_big(hub, browser, xsrf).text
    assert variables(hub, cluster, "ada")["ROLE"] == "staff"


def test_who_is_no_member_any_more_when_it_starts_is_refused(
    hub: RealHub, cluster: embedded.Embedded
) -> None:
    hub.token_of("ben")
    members(hub, "POST", "ben")
    browser, xsrf = hub.browser_of("ben")
    assert "Big one" in hub.send("GET", "/hub/spawn", opener=browser).text
    members(hub, "DELETE", "ben")
    answer = choose_big(hub, browser, xsrf)
    assert answer.status == 403
    assert "This profile is not offered to you." in answer.text
    assert "jupyter-ben" not in cluster.names("pods")


def test_auth_state_of_another_key_is_an_error_of_its_own(cluster: embedded.Embedded, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    with realhub.run(tmp_path, CONFIG.format(script=STOPS_EARLY, key="ab" * 32), cluster.kubeconfig) as hub:
        hub.token_of("cyd")
        members(hub, "POST", "cyd")
        assert hub.send("PATCH", "/hub/api/users/cyd", b'{"auth_state": {"token": "t-4711"}}').status == 200
    with realhub.run(tmp_path, CONFIG.format(script=STOPS_EARLY, key="cd" * 32), cluster.kubeconfig) as hub:
        answer = hub.send("POST", "/hub/api/users/cyd/server", b'{"profile": "big"}')
        assert answer.status == 409
        assert answer.message.endswith("Log out, log in and try again.")
        assert "auth-state-missing: the auth state of cyd cannot be decrypted" in hub.log
        assert "jupyter-cyd" not in cluster.names("pods")
        assert hub.refusals() == {"auth-state-missing": 1}


def test_check_and_diff_know_people_from_the_database_of_a_hub_that_runs(
    hub: RealHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub.token_of("dee")
    members(hub, "POST", "dee")
    database = f"sqlite:///{hub.folder / 'hub.sqlite'}"
    Path("old.yaml").write_text("groups: {staff: {}}\n")
    Path("new.yaml").write_text("groups: {Staff: {}, staff: {uid: 5}}\nusers: {Dee: {}, dee: {gid: 6}}\n")
    assert main(["check", "new.yaml", "--hub-db", database]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "new.yaml:1:10: warning: groups.Staff: the hub knows no group 'Staff' (did you mean staff?)",
        "new.yaml:2:9: warning: users.Dee: no user is called 'Dee': JupyterHub makes the names of users lower-case "
        "(write dee, unless your authenticator keeps capitals)",
        "new.yaml:2:9: warning: users.Dee: the hub knows no user 'Dee' (did you mean dee?)",
    ]
    assert main(["diff", "old.yaml", "new.yaml", "--hub-db", database]) == 1
    changed = capsys.readouterr().out
    assert "1 user: dee\n  uid: nothing → 5\n  gid: nothing → 6\n" in changed
    assert "grace" in changed
    assert "ben" not in changed
