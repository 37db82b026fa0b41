"""What happens to people's homes on a cluster: servers of several users live side by side, and the tests look back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from tests.cluster.hub import Hub
from tests.cluster.kube import Cluster, RealCluster, Server
from tests.cluster.people import RUN, other_names_of
from tests.cluster.where import only_on_a_real_cluster

T = TypeVar("T")
HERE = Path(__file__).parent
ROLE = HERE.parent.parent / "docs" / "grow-role.yaml"
GIVEN, TIGHT, GROWS, FIXED = (f"{word}-{RUN}" for word in ("given", "tight", "grows", "fixed"))
TEAM = f"team-x{RUN}"
CONFIG = """
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {policy!r}
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}  # the progress of a start can be read from its beginning
c.Spawner.http_timeout = 120
"""


@dataclass
class Person:
    """A user of the hub who starts and stops servers."""

    hub: Hub
    name: str

    def start(self, profile: str = "usual", server: str = "", **options: str) -> Server:
        pod = self.hub.spawn(self.name, {"profile": profile, **options}, server)
        return Server(self.hub.cluster, pod)

    def start_and_read(self, profile: str) -> str:
        """Starts a server, and gives what its progress said."""
        path = f"/hub/api/users/{quote(self.name)}/server"
        answer = self.hub.request("POST", path, {"profile": profile})
        assert answer.status == 202, answer
        progress = self.hub.request("GET", f"{path}/progress", timeout=180).text
        assert '"ready": true' in progress, progress
        return progress

    def stop(self, server: str = "") -> None:
        self.hub.stop(self.name, server)

    def size(self, home: str) -> str:
        spec: dict[str, Any] = self.hub.cluster.claim(f"{home}-{self.name}")["spec"]
        return str(spec["resources"]["requests"]["storage"])


def files(server: Server, folder: str = ".") -> dict[str, str]:
    """The first line of each file by its path, but for markers."""
    ours = "-type f ! -name .copied ! -name .new-files ! -name .unmodified"
    command = f'cd ~ && cd {folder} && find . {ours} -exec sh -c \'echo "$1=$(head -n 1 "$1")"\' sh {{}} \\;'
    lines = server.run("sh", "-c", command).splitlines()
    return dict(line.removeprefix("./").split("=", 1) for line in lines)


# --- lives ------------------------------------------------------------------------------------------------------


@dataclass
class Kept:
    first: dict[str, str]
    image: str
    later: dict[str, str]
    newer_image: str


def keeps(person: Person) -> Kept:
    server = person.start()
    first, image = files(server), server.container["image"]
    server.run("sh", "-c", "cd ~ && echo mine >README.md && rm .dotfile && echo mine >own")
    person.stop()
    server = person.start("newer")
    return Kept(first, image, files(server), server.container["image"])


def takes_a_course(person: Person) -> dict[str, dict[str, str]]:
    server = person.start("course", edition="first")
    server.run(
        "sh", "-c", "cd ~ && for d in new-files unmodified; do echo mine >$d/edited && rm $d/gone; done"
    )
    person.stop()
    server = person.start("course", edition="second")
    return {folder: files(server, folder) for folder in ("new-files", "unmodified")}


def does_without(person: Person) -> list[tuple[list[str], bool]]:
    """(claims, whether the user's file is there) at each start."""
    seen = []
    for profile in ("usual", "none", "usual"):
        server = person.start(profile)
        there = "own" in server.run("ls", "/home/jovyan").split()
        seen.append((server.claims, there))
        server.run("sh", "-c", "echo mine >~/own")
        person.stop()
    return seen


@dataclass
class Deleted:
    mounted: list[list[str]]
    without_lab: list[str]
    left: list[str]
    given: bool


def goes(person: Person) -> Deleted:
    hub, mounted = person.hub, []
    for profile, server in (("own", "lab"), ("usual", ""), ("mine", ""), ("given", "")):
        mounted.append(person.start(profile, server).claims)
        person.stop(server)
    hub.api("DELETE", f"/users/{person.name}/servers/lab", {"remove": True})
    without_lab = hub.cluster.owned_by("persistentvolumeclaim", person.name)
    hub.delete_user(person.name)
    left = hub.cluster.owned_by("persistentvolumeclaim", person.name)
    return Deleted(mounted, without_lab, left, hub.cluster.find("persistentvolumeclaim", GIVEN) is not None)


def fits(person: Person) -> Server:
    return person.start("tight")


@dataclass
class Grown:
    """progress and size at the start without the right, with it, and with a class that does not allow it."""

    told: list[str]
    sizes: list[str]


def grows(person: Person) -> Grown:
    """The Role of the docs is given between the second start and the third."""
    cluster = person.hub.cluster
    assert isinstance(cluster, RealCluster)
    person.start("grows")
    person.stop()
    told, sizes = [person.start_and_read("grown")], [person.size("grows")]
    person.stop()
    cluster.kubectl("apply", "-f", "-", stdin=ROLE.read_text().replace("jhub", cluster.namespace))
    for profile, home in (("grown", "grows"), ("fixed", "fixed"), ("refixed", "fixed")):
        told.append(person.start_and_read(profile))
        sizes.append(person.size(home))
        person.stop()
    return Grown(told, sizes)


@dataclass
class Full:
    status: int
    room: int
    file: str
    log: str


def is_full(person: Person) -> Full:
    cluster = person.hub.cluster
    assert isinstance(cluster, RealCluster)
    server = person.start("full")
    log = cluster.kubectl("logs", server.pod_name, "-c", "notebook")
    room = int(server.run("sh", "-c", "df -kP ~ | tail -n 1").split()[3])
    file = server.run("sh", "-c", "wc -c <~/mine; head -n 1 ~/mine")
    return Full(person.hub.fetch(person.name, "api/status").status, room, file, log)


ANYWHERE: tuple[Callable[[Person], Any], ...] = (goes, does_without, takes_a_course, keeps)
REAL: tuple[Callable[[Person], Any], ...] = (grows, is_full, fits)


class Lives:
    """`lives[grows]` waits for that life, and gives what it saw."""

    def __init__(
        self, hub: Hub, pool: ThreadPoolExecutor, lives: tuple[Callable[[Person], Any], ...]
    ) -> None:
        self._hub = hub
        self._lives: dict[Any, Future[Any]] = {live: pool.submit(self._live, live) for live in lives}

    @property
    def log(self) -> str:
        """The hub's."""
        return self._hub.log

    def _live(self, live: Callable[[Person], T]) -> T:
        name = live.__name__.replace("_", "-") + RUN
        groups = [f"team:x{RUN}"] if live is goes else []
        return live(Person(self._hub, self._hub.create_user(name, groups)))

    def __getitem__(self, live: Callable[[Person], T]) -> T:
        found: T = self._lives[live].result()
        return found


# --- the hub ----------------------------------------------------------------------------------------------------


def policy_text(image: str) -> str:
    words = {"NEWER": other_names_of(image)[0], "IMAGE": image, "GIVEN": GIVEN}
    words |= {"TIGHT": TIGHT, "GROWS": GROWS, "FIXED": FIXED}
    text = (HERE / "homes.yaml").read_text()
    for word, value in words.items():
        text = re.sub(rf"\b{word}\b", value, text)
    return text


def things(cluster: RealCluster) -> list[Mapping[str, Any]]:
    """Two storage classes like the usual one, of which one lets claims grow, and a quota for one kind of pod."""
    classes = json.loads(cluster.kubectl("get", "storageclass", "-o", "json"))["items"]
    mark = "storageclass.kubernetes.io/is-default-class"
    usual = next(c for c in classes if c["metadata"].get("annotations", {}).get(mark) == "true")
    made = [
        {**usual, "metadata": {"name": name}, "allowVolumeExpansion": name == GROWS}
        for name in (GROWS, FIXED)
    ]
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1}
    selector = [{"scopeName": "PriorityClass", "operator": "In", "values": [TIGHT]}]
    hard = {"pods": "1", "limits.memory": "512Mi", "limits.cpu": "500m", "requests.memory": "64Mi"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": TIGHT}}
    spec = {"hard": hard, "scopeSelector": {"matchExpressions": selector}}
    return [*made, {**priority, "metadata": {"name": TIGHT}}, {**quota, "spec": spec}]


@pytest.fixture(scope="module")
def surroundings(cluster: Cluster) -> Iterator[None]:
    """What the policy speaks of, as long as the tests take."""
    cluster.create_claim(GIVEN)
    try:
        if isinstance(cluster, RealCluster):
            found = {"apiVersion": "v1", "kind": "List", "items": things(cluster)}
            cluster.kubectl("apply", "-f", "-", stdin=json.dumps(found))
        yield
    finally:
        for claim in (GIVEN, TEAM):
            cluster.delete("persistentvolumeclaim", claim)
        if isinstance(cluster, RealCluster):
            cluster.kubectl("delete", "storageclass", GROWS, FIXED, "--ignore-not-found")
            for kind, name in (("priorityclass", TIGHT), ("resourcequota", TIGHT)):
                cluster.delete(kind, name)
            for kind in ("rolebinding", "role"):
                cluster.delete(kind, "envspawner-grow")


@pytest.fixture(scope="module")
def lives(cluster: Cluster, surroundings: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    folder = tmp_path_factory.mktemp("homes")
    (folder / "policy.yaml").write_text(policy_text(cluster.image))
    config = CONFIG.format(policy=str(folder / "policy.yaml"))
    real = isinstance(cluster, RealCluster)
    with Hub(config, cluster=cluster, workdir=folder / "hub") as hub, ThreadPoolExecutor(4) as pool:
        yield Lives(hub, pool, (*REAL, *ANYWHERE) if real else ANYWHERE)
        pool.shutdown(cancel_futures=True)


# --- what was seen ----------------------------------------------------------------------------------------------

STARTER = {
    "README.md": "# hello from the image",
    ".dotfile": "hidden",
    "nested/deeper/run.py": 'print("nested")',
}


def test_the_first_login_copies_the_starter_files(lives: Lives) -> None:
    assert STARTER.items() <= lives[keeps].first.items()


def test_edits_survive_a_stop_a_start_and_a_new_image(lives: Lives) -> None:
    kept = lives[keeps]
    assert kept.image != kept.newer_image
    mine = kept.first | {"README.md": "mine", "own": "mine"}
    del mine[".dotfile"]
    assert kept.later == mine


def test_new_files_brings_what_a_newer_image_added(lives: Lives) -> None:
    brought = {"added": "2", "part/added": "2"}
    assert lives[takes_a_course]["new-files"] == {"same": "1", "read": "1", "edited": "mine"} | brought


def test_unmodified_also_updates_what_the_user_never_touched(lives: Lives) -> None:
    brought = {"added": "2", "part/added": "2"}
    assert lives[takes_a_course]["unmodified"] == {"same": "1", "read": "2", "edited": "mine"} | brought


def test_a_start_without_a_home_does_not_lose_the_home(lives: Lives) -> None:
    first, without, last = lives[does_without]
    assert len(first[0]) == 1
    assert without == ([], False)
    assert last == (first[0], True)


def test_deleting_a_server_and_its_user_removes_exactly_what_goes_with_them(lives: Lives) -> None:
    gone, name = lives[goes], f"goes{RUN}"
    assert gone.mounted == [[f"own-{name}--lab"], [TEAM], [f"mine-{name}"], [GIVEN]]
    assert gone.without_lab == [f"mine-{name}", TEAM]
    assert gone.left == [TEAM]
    assert gone.given


@only_on_a_real_cluster
def test_an_init_container_copies_within_a_tight_quota(lives: Lives) -> None:
    server = lives[fits]
    (copying,) = [c for c in server.pod["spec"]["initContainers"] if c["name"] == "envspawner-copy-once"]
    assert copying["resources"] == server.container["resources"]
    assert STARTER.items() <= files(server).items()


@only_on_a_real_cluster
def test_a_growth_that_the_hub_has_no_right_to_is_told_and_fails_nothing(lives: Lives) -> None:
    grown = lives[grows]
    assert "could not be made larger" in grown.told[0]
    assert grown.sizes[0] == "1Gi"
    assert "the hub may not patch claims (give its Role the verb patch)" in lives.log


@only_on_a_real_cluster
def test_with_the_role_of_the_docs_a_claim_grows(lives: Lives) -> None:
    grown = lives[grows]
    assert "Your home grows from 1Gi to 2Gi." in grown.told[1]
    assert grown.sizes[1] == "2Gi"


@only_on_a_real_cluster
def test_a_class_that_does_not_let_claims_grow_is_told_apart_and_fails_nothing(lives: Lives) -> None:
    grown = lives[grows]
    assert "larger" not in grown.told[2]
    assert "could not be made larger" in grown.told[3]
    assert grown.sizes[2:] == ["1Gi", "1Gi"]
    assert "the storage class or the volume does not allow it" in lives.log


@only_on_a_real_cluster
def test_a_full_disk_does_not_lock_the_user_out(lives: Lives) -> None:
    full = lives[is_full]
    assert full.room == 0
    assert full.status == 200
    assert full.file == f"{300 * 1024}\nmine\n"
    assert "envspawner-copy-once: could not copy /srv/app/src" in full.log
