"""Servers that a real JupyterHub starts by policy on a cluster: seen from outside and from inside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.hub import Hub, HubError, SpawnError
from tests.cluster.kube import Cluster, Server
from tests.cluster.people import (
    ADA,
    BEN,
    CY,
    DEE,
    EVE,
    EVERYBODY,
    PASSWORD,
    RUN,
    Person,
    Servers,
    other_names_of,
)
from tests.cluster.where import only_on_a_real_cluster

MIB = 1 << 20


def test_defaults_reach_the_environment_of_the_process(servers: Servers) -> None:
    environ = servers[ADA].environ
    assert environ["EDITOR"] == "vim"
    assert environ["OWNER"] == ADA.name
    assert environ["UMASK"] == "0002"


def test_braces_reach_the_process_byte_for_byte(servers: Servers) -> None:
    assert servers[ADA].environ["SHELL_TEXT"] == '${HOME}/x {"a": 1} {nobody} {{nothing}}'


def test_a_secret_reaches_the_process_and_not_the_pods_spec(servers: Servers) -> None:
    assert servers[ADA].environ["PASSWORD"] == PASSWORD
    assert PASSWORD not in json.dumps(servers[ADA].pod)


def test_a_groups_environment_is_above_the_defaults(servers: Servers) -> None:
    environ = servers[BEN].environ
    assert environ["COURSE"] == "stat101"
    assert environ["EDITOR"] == "nano"
    assert environ["UMASK"] == "0002"
    assert "COURSE" not in servers[ADA].environ


def test_a_users_environment_is_above_the_defaults(servers: Servers) -> None:
    assert servers[CY].environ["TICKET"] == "4711"
    assert "TICKET" not in servers[ADA].environ


def test_a_profiles_environment_is_above_the_defaults(servers: Servers) -> None:
    assert servers[DEE].environ["SIZE"] == "large"
    assert "SIZE" not in servers[ADA].environ


def test_defaults_group_user_and_profile_each_set_their_image(servers: Servers, cluster: Cluster) -> None:
    other, another = other_names_of(cluster.image)
    assert servers[ADA].container["image"] == cluster.image
    assert servers[BEN].container["image"] == other
    assert servers[CY].container["image"] == another
    assert servers[DEE].container["image"] == other


@only_on_a_real_cluster
def test_limits_of_defaults_group_user_profile_and_choice_are_in_the_cgroup(servers: Servers) -> None:
    limits = {p.name: (servers[p].memory_limit // MIB, servers[p].cpu_limit) for p in (ADA, BEN, CY, DEE)}
    assert limits == {
        ADA.name: (512, 0.5),
        BEN.name: (640, 0.5),
        CY.name: (700, 0.75),
        DEE.name: (1024, 1.0),
    }


def test_claims_have_the_capacity_of_the_policy_and_are_the_home(servers: Servers, cluster: Cluster) -> None:
    def capacity(server: Server) -> str:
        (claim,) = server.claims
        asked: str = cluster.claim(claim)["spec"]["resources"]["requests"]["storage"]
        return asked

    assert capacity(servers[ADA]) == "1Gi"
    assert capacity(servers[CY]) == "3Gi"
    assert servers[ADA].mounts == ["/home/jovyan"]


def test_storage_none_has_no_claim_no_volume_and_no_mount(servers: Servers, cluster: Cluster) -> None:
    server = servers[EVE]
    assert server.claims == []
    assert cluster.owned_by("persistentvolumeclaim", EVE.name) == []
    assert server.mounts == []
    assert server.environ["COURSE"] == "stat101"


def test_a_group_globs_match_is_in_the_mount(servers: Servers) -> None:
    assert "project-stars" in [v["name"] for v in servers[BEN].pod["spec"]["volumes"]]
    servers[BEN].run("test", "-d", "/projects/stars")


@pytest.mark.parametrize("person", [ADA, EVE], ids=["on a claim", "without a home"])
def test_starter_files_are_in_the_home(servers: Servers, person: Person) -> None:
    server = servers[person]
    assert server.run("cat", "/home/jovyan/README.md") == "# hello from the image\n"
    assert server.run("cat", "/home/jovyan/.dotfile") == "hidden\n"
    assert server.run("cat", "/home/jovyan/nested/deeper/run.py") == 'print("nested")\n'


def test_servers_answer_through_the_proxy(servers: Servers, hub: Hub) -> None:
    for person in EVERYBODY:
        assert servers[person].pod_name
        answer = hub.fetch(person.name, "api/status")
        assert answer.status == 200
        assert json.loads(answer.text)["kernels"] == 0


def test_pods_carry_the_profile_and_the_policys_digest(servers: Servers) -> None:
    marks = [servers[person].pod["metadata"]["annotations"] for person in (ADA, DEE)]
    assert [m["hub.jupyter.org/envspawner-profile"] for m in marks] == ["small", "large"]
    assert len({m["hub.jupyter.org/envspawner-policy"] for m in marks}) == 1


def test_a_spawn_logs_one_line_without_secrets(servers: Servers, hub: Hub, cluster: Cluster) -> None:
    annotations = servers[DEE].pod["metadata"]["annotations"]
    digest = annotations["hub.jupyter.org/envspawner-policy"]
    lines = [line for line in hub.log.splitlines() if digest in line and DEE.name in line]
    assert len(lines) == 1
    for fact in ("large", servers[DEE].container["image"], "1G", servers[DEE].claims[0]):
        assert fact in lines[0]
    token = servers[DEE].environ["JUPYTERHUB_API_TOKEN"]
    assert PASSWORD not in hub.log
    assert token not in hub.log


def test_a_forbidden_profile_is_refused_and_makes_no_pod(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"fay{RUN}")
    with pytest.raises(SpawnError) as refusal:
        hub.spawn(name, {"profile": "staff-only"})
    assert refusal.value.status in (400, 403)
    assert cluster.owned_by("pod", name) == []
    assert cluster.owned_by("persistentvolumeclaim", name) == []


def test_a_profile_that_a_group_allows_starts(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"gus{RUN}", groups=["staff"])
    server = Server(cluster, hub.spawn(name, {"profile": "staff-only"}))
    assert server.pod["metadata"]["annotations"]["hub.jupyter.org/envspawner-profile"] == "staff-only"
    hub.stop(name)


def test_starter_files_never_overwrite_what_the_user_did(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"hal{RUN}")
    server = Server(cluster, hub.spawn(name))
    server.run("sh", "-c", "cd ~ && echo mine >README.md && rm .dotfile")
    hub.stop(name)
    server = Server(cluster, hub.spawn(name))
    assert server.run("cat", "/home/jovyan/README.md") == "mine\n"
    assert ".dotfile" not in server.run("ls", "-A", "/home/jovyan").split()


def test_two_profiles_have_two_homes_and_each_keeps_its_files(hub: Hub, cluster: Cluster) -> None:
    name = hub.create_user(f"ida{RUN}")
    claims: dict[str, list[str]] = {}
    for profile in ("red", "blue"):
        server = Server(cluster, hub.spawn(name, {"profile": profile}))
        claims[profile] = server.claims
        server.run("sh", "-c", f"echo {profile} >~/which")
        hub.stop(name)
    assert claims == {"red": [f"red-{name}"], "blue": [f"blue-{name}"]}
    sizes = [cluster.claim(c)["spec"]["resources"]["requests"]["storage"] for (c,) in claims.values()]
    assert sizes == ["2Gi", "1Gi"]
    server = Server(cluster, hub.spawn(name, {"profile": "red"}))
    assert server.run("cat", "/home/jovyan/which") == "red\n"
    hub.delete_user(name)
    assert cluster.owned_by("persistentvolumeclaim", name) == []


def test_a_wrong_policy_stops_the_hub_with_every_problem(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("defaults: {memroy: {limit: 1G}, storage: {capacity: 8 Gib}}\n")
    config = f"""
c.JupyterHub.spawner_class = "envspawner"
c.EnvSpawner.policy_file = {str(tmp_path / "policy.yaml")!r}
"""
    with (
        pytest.raises(HubError, match="the hub ended with 1") as stopped,
        Hub(config, cluster=cluster, workdir=tmp_path),
    ):
        pass
    assert "policy.yaml:1:12: defaults.memroy" in str(stopped.value)
    assert "defaults.storage.capacity" in str(stopped.value)
