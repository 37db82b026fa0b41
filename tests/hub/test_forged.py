"""A real hub over HTTP: whatever is sent, a refusal is a 4xx with one sentence, and nothing happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from jupyterhub import version_info

from . import embedded, realhub
from .forged import MENU, POLICY, REST, Forged
from .realhub import Answer, RealHub

NEW = version_info >= (6,)
STOPS_EARLY = """
import os
from urllib.parse import urlparse
from http.server import BaseHTTPRequestHandler, HTTPServer

class Anything(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", urlparse(os.environ["JUPYTERHUB_SERVICE_URL"]).port), Anything).serve_forever()
"""
CONFIG = """
from envspawner.demo.ports import own_port

async def before(spawner):
    own_port(spawner)
    if spawner.user.name == "broken":
        raise RuntimeError("broken indeed")

c.EnvSpawner.policy_file = {policy!r}
c.EnvSpawner.pre_spawn_hook = before
c.EnvSpawner.cmd = ["python3", "-c", {script!r}]
c.EnvSpawner.consecutive_failure_limit = 5
c.EnvSpawner.delete_stopped_pods = True
"""
pytestmark = pytest.mark.xdist_group("forged")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Embedded]:
    with embedded.cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def hub(cluster: embedded.Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "policy.yaml").write_text(POLICY)
    config = CONFIG.format(policy=str(folder / "policy.yaml"), script=STOPS_EARLY)
    with realhub.run(folder, config, cluster.kubeconfig) as running:
        yield running


@pytest.fixture(scope="module")
def ada(hub: RealHub) -> str:
    return hub.token_of("ada")


def assert_refused(hub: RealHub, answer: Answer, before: dict[str, int], reason: str | None) -> None:
    after = hub.refusals()
    grown = {one: count - before.get(one, 0) for one, count in after.items() if count != before.get(one)}
    assert grown == ({} if reason is None else {reason: 1})
    if reason is None:
        return
    told = {"options-invalid", "value-invalid", "no-profile"} | ({"not-offered"} if NEW else set())
    assert reason in told or answer.reason != reason  # the status line does not tell forbidden from unknown
    assert answer.message.endswith(".")
    assert len(answer.message) < 200
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("name", REST)
def test_it_is_refused_by_the_rest_api(hub: RealHub, ada: str, name: str) -> None:
    forged = REST[name]
    status, reason = forged.status, forged.reason
    if not NEW and forged.old is not None:
        status, reason = forged.old
    before = hub.refusals()
    answer = hub.send("POST", "/hub/api/users/ada/server", forged.raw, ada)
    if version_info[:3] == (5, 5, 0) and name == "bytes that are no text":
        status = 500  # JupyterHub's own; 5.5.4 says 400
    assert answer.status == status, answer
    assert_refused(hub, answer, before, reason)
    stored = json.loads(hub.send("GET", "/hub/api/users/ada?include_stopped_servers=1").text)
    kept = stored["servers"].get("", {}).get("user_options") or {}
    assert kept == {}


def test_forbidden_and_unknown_look_the_same(hub: RealHub, ada: str) -> None:
    answers = {
        (got.status, got.reason, got.text)
        for slug in ("nope", "staff", "root", "huge")
        for got in [
            hub.send("POST", "/hub/api/users/ada/server", json.dumps({"profile": slug}).encode(), ada)
        ]
    }
    assert len(answers) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_options_of_a_server_that_is_not_started_are_judged_when_it_is(
    hub: RealHub, ada: str, method: str
) -> None:
    path = f"/hub/api/users/ada/servers/{method.lower()}"
    options = json.dumps({"display_name": "x", "user_options": {"profile": "staff"}}).encode()
    if not NEW:
        assert hub.send(method, path, options, ada).status in (403, 405)
        return
    if method == "PATCH":
        assert hub.send("PUT", path, b'{"display_name": "x"}', ada).status == 201
    assert hub.send(method, path, options, ada).status in (200, 201)
    before = hub.refusals()
    answer = hub.send("POST", path, b"{}", ada)
    assert answer.status == 403, answer
    assert_refused(hub, answer, before, "profile-forbidden")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_too_much_is_not_stored_for_a_server_that_is_not_started(hub: RealHub, ada: str, method: str) -> None:
    path = f"/hub/api/users/ada/servers/big-{method.lower()}"
    options = json.dumps({"display_name": "x", "user_options": {"profile": "x" * 17 * 1024}}).encode()
    if not NEW:
        assert hub.send(method, path, options, ada).status in (403, 405)
        return
    if method == "PATCH":
        assert hub.send("PUT", path, b'{"display_name": "x"}', ada).status == 201
    answer = hub.send(method, path, options, ada)
    assert answer.status == 400
    assert "too large" in answer.message
    assert hub.send("GET", "/hub/health").status == 200
    servers = json.loads(hub.send("GET", "/hub/api/users/ada?include_stopped_servers=1").text)["servers"]
    assert all("xxxxxxxx" not in json.dumps(server) for server in servers.values())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"profile": "staff"}, "profile-forbidden"),
        ({"profile": "nope"}, "profile-unknown"),
        ({"profile": "menu", "profile-option-menu--size": "m"}, "choice-forbidden"),
        ({"profile": "menu", "profile-option-menu--gpu": "1"}, "option-unknown"),
        ({"profile": "menu", "profile-option-menu--image--unlisted-choice": "evil.io/x:1"}, "value-invalid"),
    ],
)
@pytest.mark.parametrize("way", ["form", "link"])
def test_it_is_refused_by_form_and_link_and_said_on_the_page(
    hub: RealHub, fields: dict[str, str], reason: str, way: str
) -> None:
    opener, xsrf = hub.browser_of("ada")
    before = hub.refusals()
    if way == "form":
        form = urlencode(fields).encode()
        kind = "application/x-www-form-urlencoded"
        answer = hub.send("POST", f"/hub/spawn?_xsrf={quote(xsrf)}", form, opener=opener, kind=kind)
    else:
        query = urlencode({f"opt-{name}" if NEW else name: value for name, value in fields.items()})
        answer = hub.send("GET", f"/hub/spawn?{query}", opener=opener)
    assert answer.status in (400, 403), answer
    assert "not offered to you." in answer.text or "not one that you may use." in answer.text
    grown = {one: n - before.get(one, 0) for one, n in hub.refusals().items() if n != before.get(one)}
    assert grown == {reason: 1}
    assert "Traceback" not in answer.text
    assert "evil.io/x" not in answer.text


def test_an_admin_who_starts_somebody_elses_server_gives_no_rights(hub: RealHub) -> None:
    answer = hub.send("POST", "/hub/api/users/ada/server", b'{"profile": "root"}', hub.token_of("root"))
    assert answer.status == 403


def test_what_is_offered_to_some_is_offered_to_them(hub: RealHub, cluster: embedded.Embedded) -> None:
    token = hub.token_of("grace")
    answer = hub.send("POST", "/hub/api/users/grace/server", b'{"profile": "staff"}', token)
    assert answer.status in (201, 202), answer
    assert "jupyter-grace" in cluster.names("pods")
    hub.send("DELETE", "/hub/api/users/grace/server", token=token)
    hub.wait("the pod is gone", lambda: "jupyter-grace" not in cluster.names("pods"))


def test_after_all_of_it_nothing_is_there_and_an_honest_user_starts_a_server(
    hub: RealHub, ada: str, cluster: embedded.Embedded
) -> None:
    assert [
        name for kind in ("pods", "persistentvolumeclaims") for name in cluster.names(kind) if "ada" in name
    ] == []
    answer = hub.send(
        "POST",
        "/hub/api/users/ada/server",
        json.dumps({**MENU, "word--unlisted-choice": "abc"}).encode(),
        ada,
    )
    assert answer.status in (201, 202), answer
    hub.wait(
        "the server is ready",
        lambda: json.loads(hub.send("GET", "/hub/api/users/ada").text)["server"] is not None,
    )
    pod = cluster.store.get("pods", "default", "jupyter-ada")
    env = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
    assert env["WORD"] == "abc"
    hub.send("DELETE", "/hub/api/users/ada/server", token=ada)


def test_refusals_neither_reach_nor_hide_the_limit_of_failures(
    cluster: embedded.Embedded, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    config = CONFIG.format(policy=str(tmp_path / "policy.yaml"), script=STOPS_EARLY)
    with realhub.run(tmp_path, config, cluster.kubeconfig) as hub:
        ada, broken = hub.token_of("ada"), hub.token_of("broken")
        bodies = [b'{"profile": "staff"}', b'{"profile": ["x"]}', b"[1]", b'{"profile": "nope"}']
        for number in range(100):
            answer = hub.send("POST", "/hub/api/users/ada/server", bodies[number % 4], ada)
            assert 400 <= answer.status < 500
        for _ in range(4):
            assert hub.send("POST", "/hub/api/users/broken/server", b"{}", broken).status == 500
        time.sleep(3)  # a hub that gives up does so two seconds after the failure
        assert hub.process.poll() is None
        assert hub.send("POST", "/hub/api/users/ada/server", bodies[0], ada).status == 403
        assert hub.send("POST", "/hub/api/users/broken/server", b"{}", broken).status == 500
        assert hub.process.wait(20) != 0
        assert "Aborting due to 5 consecutive spawn failures" in hub.log


def test_the_table_is_long_enough() -> None:
    assert len(REST) >= 60
    assert all(isinstance(one, Forged) for one in REST.values())
