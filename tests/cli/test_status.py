"""`envspawner status` names the servers that a restart would change, and tells other odd ones apart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from envspawner.cli import main
from envspawner.demo.store import Store

from .objects import Objects, served

ROOT = Path(__file__).parent.parent.parent
TERM = str(ROOT / "docs/examples/term.yaml")
NEXT = str(ROOT / "docs/examples/next-term.yaml")
EXAMPLE = ROOT / "docs/examples/status.txt"
AT = ("--at", "2027-01-15")
COURSE = "course::stat101"
VALUES = "hub.jupyter.org/envspawner-values"
GPU = {"profile": "gpu"}


@pytest.fixture
def objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Objects]:
    store = Store()
    with served(store) as url:
        yield Objects(tmp_path, url, store, capsys)


def found(objects: Objects, policy: str, *words: str) -> dict[str, Any]:
    """What is listed, by user and server."""
    code, out, _ = objects.status(policy, "-o", "json", *words)
    listed = json.loads(out)
    assert code == (1 if listed else 0)
    return {f"{one['user']}/{one['server']}": one for one in listed}


def test_the_worked_example_of_the_docs(objects: Objects) -> None:
    objects.start(TERM, "ada", "--group", COURSE, *AT)
    objects.start(TERM, "cyd", *AT)
    objects.start(TERM, "dee", "--server", "lab", "--group", "staff", "--profile", "gpu", *AT)
    objects.start(TERM, "eli", "--group", "staff", "--profile", "gpu", *AT)
    objects.start(NEXT, "fay", *AT)
    objects.start(TERM, "gil", *AT)
    objects.know("ada", {"": {}}, (COURSE,))
    objects.know("cyd", {"": {}})
    objects.know("dee", {"lab": GPU}, ("staff",))
    objects.know("eli", {"": GPU})
    objects.know("fay", {"": {}})
    code, out, err = objects.status(NEXT, *AT)
    if os.environ.get("ENVSPAWNER_UPDATE_DOCS"):
        EXAMPLE.write_text(out)
    assert out == EXAMPLE.read_text()
    assert (code, err) == (1, f"{NEXT}: 6 servers, 3 stale, 1 refused now, 1 of nobody\n")


def test_nothing_is_stale_by_the_policy_that_started_it(objects: Objects) -> None:
    objects.start(TERM, "ada", "--group", COURSE, *AT)
    objects.know("ada", {"": {}}, (COURSE,))
    assert objects.status(TERM, *AT) == (0, "", f"{TERM}: 1 server, all as the policy says\n")
    assert found(objects, TERM, *AT) == {}


def test_without_servers_there_is_nothing_to_list(objects: Objects) -> None:
    assert objects.status(TERM) == (0, "", f"{TERM}: 0 servers\n")


def test_json_has_old_and_new_values(objects: Objects) -> None:
    objects.start(TERM, "cyd", *AT)
    objects.know("cyd", {"": {}})
    assert found(objects, NEXT, *AT)["cyd/"] == {
        "user": "cyd",
        "server": "",
        "namespace": "default",
        "pod": "jupyter-cyd",
        "status": "stale",
        "reason": None,
        "changes": [{"path": "memory.limit", "old": "2G", "new": "3G"}],
    }


def test_what_holds_at_the_time_counts(objects: Objects) -> None:
    objects.start(TERM, "ada", "--group", COURSE, *AT)
    objects.know("ada", {"": {}}, (COURSE,))
    changes = found(objects, TERM, "--at", "2027-03-01")["ada/"]["changes"]
    assert changes == [
        {"path": "extraEnv.COURSE", "old": "stat101", "new": None},
        {"path": "memory.limit", "old": "4G", "new": "2G"},
    ]


def test_a_refused_choice_is_told_with_what_a_restart_begins_with(objects: Objects) -> None:
    objects.start(TERM, "eli", "--group", "staff", "--profile", "gpu", *AT)
    objects.know("eli", {"": GPU})
    one = found(objects, TERM, *AT)["eli/"]
    assert (one["status"], one["reason"]) == ("refused", "profile-forbidden")
    assert {"path": "profile", "old": "gpu", "new": "small"} in one["changes"]


def test_rules_that_cannot_hold_together_are_a_refusal(objects: Objects, tmp_path: Path) -> None:
    objects.start(TERM, "ada", *AT)
    objects.know("ada", {"": {}})
    (tmp_path / "nobody.yaml").write_text("profiles: {p: {allow: {groups: [nobody]}}}\n")
    (tmp_path / "claim.yaml").write_text("users: {ada: {storage: {type: static}}}\n")
    one = found(objects, str(tmp_path / "claim.yaml"))["ada/"]
    assert one["status"] == "refused"
    assert one["reason"].startswith("policy-unusable: storage.type is static")
    one = found(objects, str(tmp_path / "nobody.yaml"))["ada/"]
    assert (one["status"], one["reason"], one["changes"]) == ("refused", "no-profile", [])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({VALUES: None}, "it was started without a policy, or by an older envspawner"),
        ({VALUES: "?"}, "what it was given is not known: it cannot be read"),
    ],
)
def test_a_server_without_a_record_is_named(objects: Objects, values: Any, reason: str) -> None:
    objects.start(TERM, "ada", **values)
    objects.know("ada", {"": {}})
    one = found(objects, TERM)["ada/"]
    assert (one["status"], one["reason"]) == ("no-record", reason)


def test_a_server_that_the_hub_does_not_know_is_named(objects: Objects) -> None:
    objects.start(TERM, "ada", "--server", "old")
    objects.know("ada", {"": {}})
    assert {key: one["status"] for key, one in found(objects, TERM).items()} == {"ada/old": "no-server"}


def test_only_the_namespaces_that_are_asked_for_are_looked_at(objects: Objects) -> None:
    objects.start(TERM, "ada")
    objects.know("ada")
    assert found(objects, TERM, "--namespace", "other") == {}
    assert list(found(objects, TERM, "--all-namespaces")) == ["ada/"]


def test_a_pod_that_has_ended_is_no_server(objects: Objects) -> None:
    objects.start(TERM, "ada")
    objects.store.set_status("pods", "default", "jupyter-ada", {"phase": "Failed"})
    assert found(objects, TERM) == {}


def test_a_home_that_is_remembered_is_the_one_of_a_restart(objects: Objects, tmp_path: Path) -> None:
    policy = tmp_path / "homes.yaml"
    policy.write_text("users: {ada: {storage: {home: big, dynamic: {pvcNameTemplate: 'new-{username}'}}}}\n")
    objects.start(TERM, "ada", *AT)
    state = {"envspawner_homes": {"big": {"claim": "old-ada", "scope": "user"}}}
    objects.know("ada", {"": {}}, state=state)
    changes = found(objects, str(policy))["ada/"]["changes"]
    assert {"path": "home.claim", "old": "claim-ada", "new": "old-ada"} in changes


def test_a_configuration_with_a_callable_profile_list_is_asked_as_a_start_would(
    objects: Objects, tmp_path: Path
) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(
        """
c = get_config()
c.EnvSpawner.defaults = {"uid": 5}
c.KubeSpawner.profile_list = lambda spawner: [
    {"display_name": "P", "slug": "p", "kubespawner_override": {"mem_limit": LIMIT}}
]
LIMIT = "2G"
"""
    )
    objects.start(str(config), "ada")
    objects.know("ada", {"": {"profile": "p"}})
    assert found(objects, str(config)) == {}
    config.write_text(config.read_text().replace("2G", "3G"))
    assert found(objects, str(config))["ada/"]["changes"] == [
        {"path": "memory.limit", "old": "2G", "new": "3G"}
    ]


def test_a_database_is_only_read(objects: Objects, tmp_path: Path) -> None:
    objects.know("ada", {"": {}})
    before = (tmp_path / "hub.sqlite").read_bytes()
    (tmp_path / "hub.sqlite").chmod(0o444)
    assert objects.status(TERM)[0] == 0
    assert (tmp_path / "hub.sqlite").read_bytes() == before


# --- what ends with 2 ----------------------------------------------------------------------------------------


def test_a_cluster_that_cannot_be_reached(objects: Objects, tmp_path: Path) -> None:
    assert objects.status(TERM, "--context", "other")[0] == 2
    text = objects.kubeconfig.read_text()
    objects.kubeconfig.write_text(text.replace("token-of-the-objects", "wrong"))
    code, out, err = objects.status(TERM)
    assert (code, out) == (2, "")
    assert err.startswith("envspawner status: the cluster: 401 ")
    objects.kubeconfig.write_text(text.replace("http://127.0.0.1:", "http://127.0.0.1:1"))
    assert objects.status(TERM)[2].startswith("envspawner status: the cluster: ")
    objects.kubeconfig.unlink()
    assert objects.status(TERM)[2].startswith("envspawner status: no cluster: ")


HUBS = {
    "no URL": ("hub", "t", "--hub-url: 'hub' is no URL of a hub, such as https://hub.example.org"),
    "no token": ("http://127.0.0.1:1", "", "--hub-url: set JUPYTERHUB_API_TOKEN to a token with the scopes"),
    "nobody": ("http://127.0.0.1:1/", "t", "http://127.0.0.1:1/hub/api: "),
}


@pytest.mark.parametrize(("url", "token", "message"), HUBS.values(), ids=HUBS)
def test_a_hub_that_cannot_be_asked(
    url: str,
    token: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", token)
    assert main(["status", TERM, "--hub-url", url]) == 2
    assert capsys.readouterr().err.startswith(f"envspawner status: {message}")


class Other(BaseHTTPRequestHandler):
    """A server that is no hub. asked: (path, token) of every request."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        kind = self.path.split("/")[1]
        self.send_response({"moved": 302, "broken": 500}.get(kind, 200))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"[]" if kind == "empty" else b"<html>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("moved", "302 Found"),
        ("broken", "500 Internal Server Error"),
        ("empty", "this is no JupyterHub's API"),
        ("page", "Expecting value"),
    ],
)
def test_what_is_no_hub_ends_with_2_and_no_other_server_gets_the_token(
    kind: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret-token")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Other.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/{kind}"
        code = main(["status", TERM, "--hub-url", url])
        server.shutdown()
        thread.join()
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert f"{url}/hub/api: {message}" in err
    assert "secret-token" not in err
    path = f"/{kind}/hub/api/users?state=active&include_stopped_servers=1&limit=200&offset=0"
    assert Other.asked == [(path, "token secret-token")]


def test_a_hub_without_a_policy(objects: Objects, tmp_path: Path) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text("c = get_config()\n")
    code, _, err = objects.status(str(config))
    assert (code, err) == (2, f"envspawner status: {config}: there is no policy to hold servers against\n")
