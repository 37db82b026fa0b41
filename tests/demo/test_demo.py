"""`envspawner demo` from its command line to JupyterLab: real hub, proxy, servers and browsers."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from tests.demo.browser import Browser, browser
from tests.demo.running import Demo, demo_in, gone

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demos") / "demo"


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    with demo_in(folder) as demo:
        yield demo


@pytest.fixture
async def page(demo: Demo) -> AsyncIterator[Browser]:
    async with browser(demo.link) as page:
        yield page


@pytest.fixture(scope="module")
def started() -> set[str]:
    """Whose server has been started already."""
    return set()


@pytest.fixture
async def ada(page: Browser, started: set[str]) -> Browser:
    """ada, in front of her running server."""
    assert (await page.log_in("ada"))[0] == 302
    if "ada" not in started:
        await page.start()
        started.add("ada")
    await page.enter()
    return page


# --- login --------------------------------------------------------------------------------------------------------


def test_it_says_what_it_is_and_how_long_it_took(demo: Demo) -> None:
    assert "for trying out: not for users" in demo.output
    assert "are not pulled: the local Python stands in" in demo.output
    assert "limits  are shown, not enforced" in demo.output
    assert " s  the login page is ready" in demo.output


async def test_the_login_page_names_people_of_different_groups(page: Browser) -> None:
    _, text = await page.get("/hub/login?token=" + page.token)
    for words in ("<strong>ada</strong>, in students", "<strong>grace</strong>, in staff", "hub admin"):
        assert words in text


async def test_the_printed_link_lets_its_people_in(page: Browser) -> None:
    assert (await page.log_in("grace"))[0] == 302
    assert "grace" in (await page.get("/hub/home"))[1]


@pytest.mark.parametrize("token", ["", "wrong", "\u00e4"])
async def test_without_the_right_token_there_is_no_login_page(page: Browser, token: str) -> None:
    status, text = await page.get(f"/hub/login?token={token}")
    assert status == 403
    assert "Open the link" in text
    assert "<strong>ada</strong>" not in text


@pytest.mark.parametrize("token", ["", "wrong", "\u00e4"])
async def test_a_wrong_token_in_the_form_lets_nobody_in(page: Browser, token: str) -> None:
    assert (await page.log_in("ada", token=token))[0] == 403
    assert (await page.get("/hub/api/user"))[0] == 403


async def test_nobody_else_gets_in_with_the_token(page: Browser) -> None:
    assert (await page.log_in("mallory"))[0] == 403
    assert (await page.get("/hub/api/user"))[0] == 403


# --- servers ------------------------------------------------------------------------------------------------------


async def test_jupyterlab_answers_through_the_proxy(ada: Browser) -> None:
    status, text = await ada.get("/user/ada/api/status")
    assert status == 200
    assert "kernels" in json.loads(text)


async def test_a_kernel_finds_what_the_policy_says_and_nothing_of_the_callers(ada: Browser) -> None:
    printed = await ada.run("env")
    for line in ("GREETING=Hello ada", "COURSE=stat101", "EDITOR=nano", "HOME=/home/jovyan"):
        assert line in printed.splitlines()
    assert "not for servers" not in printed


async def test_starter_files_are_in_the_home_and_the_home_under_the_demos_folder(
    ada: Browser, folder: Path
) -> None:
    assert "first-steps.ipynb" in await ada.run("ls")
    await ada.run("sh", "-c", "echo mine >notes")
    assert (folder / "homes/claim-ada/notes").read_text() == "mine\n"


async def test_a_start_shows_its_events_on_the_progress_page(page: Browser) -> None:
    await page.log_in("grace")
    assert (await page.api("POST", "/users/grace/server", {"profile": "large", "cores": "4"}))[0] == 202
    told = await page.progress()
    assert "the local Python stands in for it" in told
    assert "Started container notebook" in told
    await page.stop()


async def test_a_choice_that_is_not_theirs_is_refused(page: Browser) -> None:
    await page.log_in("margaret")
    status, told = await page.api("POST", "/users/margaret/server", {"profile": "large"})
    assert status == 403, told


# --- safety -------------------------------------------------------------------------------------------------------


def test_nothing_listens_beyond_loopback(demo: Demo) -> None:
    listening = {
        (p.name(), c.laddr.ip)
        for p in demo.tree
        for c in p.net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    }
    assert len(listening) >= 3
    assert {ip for _, ip in listening} == {"127.0.0.1"}


def test_no_secret_is_in_a_command_line(demo: Demo, folder: Path) -> None:
    token = json.loads((folder / "hub/kubeconfig").read_text())["users"][0]["user"]["token"]
    link_token = demo.link.rpartition("=")[2]
    commands = " ".join(" ".join(p.cmdline()) for p in demo.tree)
    assert token not in commands
    assert link_token not in commands


def test_credentials_are_for_their_owner_only(folder: Path, demo: Demo) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("kubeconfig", "jupyterhub_config.py"):
        assert stat.S_IMODE((folder / "hub" / name).stat().st_mode) == 0o600


# --- endings: from here on the demo of above is over --------------------------------------------------------------


async def test_ctrl_c_leaves_no_process_and_the_next_demo_finds_homes_again(
    ada: Browser, demo: Demo, folder: Path
) -> None:
    await ada.run("sh", "-c", "echo all my work >thesis")
    tree = demo.tree
    assert any("singleuser" in " ".join(p.cmdline()) for p in tree)
    assert demo.end(signal.SIGINT) == 0
    assert gone(tree) == []
    assert "ended; homes are kept" in demo.output
    with demo_in(folder, "--rewrite-paths") as second:
        assert "are rewritten" in second.output
        async with browser(second.link) as page:
            await page.log_in("ada")
            await page.start()
            await page.enter()
            assert (await page.run("sh", "-c", "cd; cat thesis")).strip() == "all my work"
            assert "first-steps.ipynb" in await page.run("ls")
        await _a_killed_hub_leaves_no_process(second)


async def _a_killed_hub_leaves_no_process(demo: Demo) -> None:
    tree = demo.tree
    demo.one("-m jupyterhub").kill()
    assert demo.process.wait(60) == 2
    assert gone(tree) == []
    assert "the hub ended (137)" in demo.output


async def test_a_policy_of_ones_own_runs_and_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "defaults: {image: a:1, copyOnce: /srv/app/src}\nusers: {alice: {extraEnv: {WHO: alice}}}\n"
    )
    (tmp_path / "files").mkdir()
    (tmp_path / "files/lecture.md").write_text("one")
    own = [str(tmp_path / "policy.yaml"), "--yes", "--image-files", str(tmp_path / "files")]
    with demo_in(tmp_path / "demo", *own) as third:
        async with browser(third.link) as page:
            await page.log_in("alice")
            await page.start()
            await page.enter()
            assert (await page.run("sh", "-c", "echo $WHO; cat lecture.md")).split() == ["alice", "one"]
        tree = third.tree
        third.process.kill()
        third.process.wait()
        assert gone(tree) == []
