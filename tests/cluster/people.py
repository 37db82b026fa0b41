"""Who logs in to the hub under test, what they pick, and the policy that decides what they get."""

from __future__ import annotations

import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.hub import Hub
from tests.cluster.kube import Server

RUN = secrets.token_hex(2)  # part of the names of one run, so that runs do not meet in the namespace
SECRET = f"envspawner-test-{RUN}"
PASSWORD = secrets.token_hex(16)


@dataclass(frozen=True)
class Person:
    name: str
    groups: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


ADA = Person(f"ada{RUN}")
BEN = Person(f"ben{RUN}", groups=("course::stat101", "project:stars"))
CY = Person(f"cy{RUN}")  # the policy has a rule for this user
DEE = Person(f"dee{RUN}", options=(("profile", "large"), ("cores", "many")))
EVE = Person(f"eve{RUN}", groups=("course::stat101",), options=(("profile", "scratch"),))
EVERYBODY = (ADA, BEN, CY, DEE, EVE)


def other_names_of(image: str) -> tuple[str, str]:
    """The same image under other names, where it has any: one without a registry is Docker Hub's."""
    registry, slash, _ = image.partition("/")
    if slash and not set(".:") & set(registry):
        return f"docker.io/{image}", f"index.docker.io/{image}"
    return image, image


def policy_text(image: str) -> str:
    """The policy for an image that is given as name:tag."""
    text = Path(__file__).with_name("policy.yaml").read_text()
    group_image, user_image = other_names_of(image)
    name, _, tag = image.rpartition(":")
    words = {
        "GROUP_IMAGE": group_image,
        "USER_IMAGE": user_image,
        "PROFILE_IMAGE": other_names_of(name)[0],
        "IMAGE": name,
        "TAG": tag,
        "SECRET": SECRET,
        "CY": CY.name,
    }
    for word, value in words.items():
        text = text.replace(word, value)
    return text


class Servers:
    """Starts the servers of EVERYBODY beside one another, each once; `servers[ADA]` waits for that one."""

    def __init__(self, hub: Hub, pool: ThreadPoolExecutor) -> None:
        self._hub = hub
        self._starting: dict[Person, Future[Server]] = {p: pool.submit(self._start, p) for p in EVERYBODY}

    def _start(self, person: Person) -> Server:
        self._hub.create_user(person.name, person.groups)
        return Server(self._hub.cluster, self._hub.spawn(person.name, dict(person.options)))

    def __getitem__(self, person: Person) -> Server:
        start = self._starting[person]
        assert start.exception() is None, f"the server of {person.name} did not start: {start.exception()}"
        return start.result()
