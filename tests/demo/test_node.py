"""Pods as processes: what a container finds, how it starts, ends, fails, and is ended."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

import pytest

from tests.demo.nodes import NAMESPACE, Cluster, claim, container, pod

# --- what a container finds ---------------------------------------------------------------------------------------


async def test_a_pod_runs_its_command_and_succeeds(cluster: Cluster) -> None:
    ended = await cluster.ended(container("echo out; echo err >&2"))
    assert ended["status"]["phase"] == "Succeeded"
    assert cluster.log() == "out\nerr\n"


async def test_command_and_args_are_joined_and_their_variables_expanded(cluster: Cluster) -> None:
    one = {
        "name": "notebook",
        "image": "image:1",
        "command": ["/bin/echo", "$(WHO)", "$$(WHO)"],
        "args": ["$(NOBODY)"],
        "env": [{"name": "FIRST", "value": "a"}, {"name": "WHO", "value": "$(FIRST)da"}],
    }
    await cluster.ended(one)
    assert cluster.log() == "ada $(WHO) $(NOBODY)\n"


async def test_the_callers_own_variables_stay_outside(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "do not tell")
    await cluster.ended(container("env"))
    assert "HOME=" in cluster.log()
    assert "do not tell" not in cluster.log()


async def test_variables_come_from_fields_resources_and_secrets(cluster: Cluster) -> None:
    data = {"password": base64.b64encode(b"sesame").decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": data}
    cluster.create("secrets", secret)
    env = [
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
        {
            "name": "NONE",
            "valueFrom": {"secretKeyRef": {"name": "other", "key": "password", "optional": True}},
        },
    ]
    await cluster.ended(container('echo "$POD $WHERE $IP $PASSWORD ${NONE-unset}"', env=env))
    assert cluster.log() == f"pod {NAMESPACE} 127.0.0.1 sesame unset\n"


async def test_all_of_a_secret_may_come_at_once_with_a_prefix(cluster: Cluster) -> None:
    data = {"password": base64.b64encode(b"sesame").decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": data}
    cluster.create("secrets", secret)
    sources = [
        {"prefix": "MY_", "secretRef": {"name": "keys"}},
        {"secretRef": {"name": "x", "optional": True}},
    ]
    await cluster.ended(container("echo $MY_password", envFrom=sources))
    assert cluster.log() == "sesame\n"


async def test_a_secret_may_be_mounted_as_files(cluster: Cluster) -> None:
    data = {"password": base64.b64encode(b"sesame").decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": data}
    cluster.create("secrets", secret)
    mounts = [{"name": "keys", "mountPath": "/keys", "readOnly": True}]
    volumes = [{"name": "keys", "secret": {"secretName": "keys"}}]
    await cluster.ended(container("cat /keys/password", volumeMounts=mounts), volumes=volumes)
    assert cluster.log() == "sesame"


async def test_a_secret_that_is_missing_is_waited_for_and_told(cluster: Cluster) -> None:
    env = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}}]
    cluster.create("pods", pod(container("true", env=env)))
    assert await cluster.event("Failed") == 'Error: secret "keys" not found'
    waiting = cluster.pod()["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"


async def test_a_container_sees_its_volumes_at_their_paths(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("home-ada"))
    volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "home-ada"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    mounts = [
        {"name": "home", "mountPath": "/home/jovyan"},
        {"name": "scratch", "mountPath": "/somewhere/deep/scratch"},
    ]
    script = "echo mine >$HOME/file; cp $HOME/file /somewhere/deep/scratch/copy"
    one = container(
        script + "; cat $COPY",
        volumeMounts=mounts,
        env=[{"name": "COPY", "value": "/somewhere/deep/scratch/copy"}],
    )
    await cluster.ended(one, volumes=volumes)
    assert cluster.log() == "mine\n"
    assert (cluster.places.homes / "home-ada" / "file").read_text() == "mine\n"


async def test_containers_of_a_pod_share_an_empty_dir(cluster: Cluster) -> None:
    mounts = [{"name": "shared", "mountPath": "/shared"}]
    first = container("echo told >/shared/word", name="first", volumeMounts=mounts)
    await cluster.ended(
        container("cat /shared/word", volumeMounts=mounts),
        initContainers=[first],
        volumes=[{"name": "shared", "emptyDir": {}}],
    )
    assert cluster.log() == "told\n"


async def test_a_sub_path_is_a_folder_of_its_volume(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("shared"))
    mounts = [{"name": "v", "mountPath": "/projects/stars", "subPath": "projects/stars"}]
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "shared"}}]
    await cluster.ended(container("echo sun >/projects/stars/list", volumeMounts=mounts), volumes=volumes)
    assert (cluster.places.homes / "shared/projects/stars/list").read_text() == "sun\n"


async def test_a_sub_path_does_not_follow_a_users_link_out_of_the_volume(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.create("persistentvolumeclaims", claim("shared"))
    await cluster.until("persistentvolumeclaims", "shared", phase="Bound")
    (cluster.places.homes / "shared/out").symlink_to(tmp_path)
    mounts = [{"name": "v", "mountPath": "/x", "subPath": "out"}]
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "shared"}}]
    cluster.create("pods", pod(container("ls /x", volumeMounts=mounts), volumes=volumes))
    assert "leads out of its volume" in await cluster.event("Failed")


async def test_the_images_starter_files_are_at_srv_app_src(cluster: Cluster) -> None:
    await cluster.ended(container("cat /srv/app/src/README.md"))
    assert cluster.log() == "hello"


async def test_without_a_home_volume_the_home_goes_with_the_pod(cluster: Cluster) -> None:
    await cluster.ended(container("echo x >$HOME/file; cat $HOME/file; pwd"))
    assert cluster.log().startswith("x\n")
    cluster.store.delete("pods", NAMESPACE, "pod", {})
    await cluster.gone()
    await asyncio.wait_for(_until_empty(cluster.places.pods), 10)


async def _until_empty(folder: Path) -> None:
    while any(folder.iterdir()):
        await asyncio.sleep(0.01)


async def test_a_working_directory_is_where_the_command_starts(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("data"))
    mounts = [{"name": "v", "mountPath": "/data"}]
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    await cluster.ended(container("touch here", workingDir="/data", volumeMounts=mounts), volumes=volumes)
    assert (cluster.places.homes / "data/here").exists()


@pytest.mark.parametrize(
    ("volume", "kind"),
    [({"hostPath": {"path": "/etc"}}, "hostPath"), ({"nfs": {"server": "s", "path": "/"}}, "nfs")],
)
async def test_volumes_that_one_machine_has_not_are_refused_by_an_event(
    cluster: Cluster, volume: dict[str, object], kind: str
) -> None:
    cluster.create("pods", pod(container("true"), volumes=[{"name": "v", **volume}]))
    assert f"is a {kind}" in await cluster.event("FailedMount")
    assert cluster.pod()["status"]["phase"] == "Pending"


# --- init containers, exit codes, restarts ------------------------------------------------------------------------


async def test_init_containers_run_one_after_the_other_before_the_rest(cluster: Cluster) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    first = [container(f"echo {n} >>/v/order", name=f"init{n}", volumeMounts=mounts) for n in (1, 2)]
    await cluster.ended(
        container("cat /v/order", volumeMounts=mounts),
        initContainers=first,
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    assert cluster.log() == "1\n2\n"


async def test_a_failed_init_container_fails_the_pod(cluster: Cluster) -> None:
    ended = await cluster.ended(container("echo ran"), initContainers=[container("exit 4", name="first")])
    assert ended["status"]["phase"] == "Failed"
    assert ended["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    assert "waiting" in ended["status"]["containerStatuses"][0]["state"]


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$$$", 137)])
async def test_exit_codes_are_in_the_status(cluster: Cluster, script: str, code: int) -> None:
    ended = await cluster.ended(container(f"sh -c '{script}'; exit $?"))
    assert ended["status"]["phase"] == "Failed"
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code


async def test_a_command_that_is_not_there_fails_with_the_reason(cluster: Cluster) -> None:
    ended = await cluster.ended({"name": "notebook", "image": "i:1", "command": ["no-such-command"]})
    state = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (128, "StartError")
    assert cluster.events("Failed") == ["Error: no-such-command: No such file or directory"]


async def test_a_failing_container_is_started_again_and_its_last_words_are_told(cluster: Cluster) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    script = "echo too early; test -e /v/second || { touch /v/second; exit 5; }"
    one = container(script, volumeMounts=mounts)
    ended = await cluster.ended(one, volumes=[{"name": "v", "emptyDir": {}}], restartPolicy="OnFailure")
    state = ended["status"]["containerStatuses"][0]
    assert ended["status"]["phase"] == "Succeeded"
    assert (state["restartCount"], state["lastState"]["terminated"]["exitCode"]) == (1, 5)
    assert "exit status 5: too early" in cluster.events("BackOff")[0]


# --- readiness, hooks ---------------------------------------------------------------------------------------------


async def test_a_running_pod_has_what_kubespawner_reads(cluster: Cluster) -> None:
    running = await cluster.running(container("sleep 60"), container("sleep 60", name="other"))
    assert running["status"]["phase"] == "Running"
    assert running["status"]["podIP"] == "127.0.0.1"
    assert [s["name"] for s in running["status"]["containerStatuses"]] == ["notebook", "other"]
    assert all(s["ready"] for s in running["status"]["containerStatuses"])
    conditions = {c["type"]: c["status"] for c in running["status"]["conditions"]}
    assert conditions["Ready"] == "True"


async def test_a_pod_tells_its_start_as_events(cluster: Cluster) -> None:
    await cluster.running(container("sleep 60"))
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert cluster.events(reason), reason
    assert "the local Python stands in" in cluster.events("Pulled")[0]


async def test_a_container_is_not_ready_before_its_post_start_hook_is_done(cluster: Cluster) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    hook = {"postStart": {"exec": {"command": ["/bin/sh", "-c", "cat /v/fifo >/v/copy"]}}}
    first = container("mkfifo /v/fifo", name="first", volumeMounts=mounts)
    one = container("sleep 60", volumeMounts=mounts, lifecycle=hook)
    cluster.create("pods", pod(one, initContainers=[first], volumes=[{"name": "v", "emptyDir": {}}]))
    await cluster.event("Started")
    while len(cluster.events("Started")) < 2:
        await asyncio.sleep(0.01)
    assert not cluster.pod()["status"]["containerStatuses"][0]["ready"]
    (uid,) = os.listdir(cluster.places.pods)
    fifo = cluster.places.pods / uid / "volumes/v/fifo"
    await asyncio.to_thread(fifo.write_text, "go")
    ready = await cluster.until("pods", "pod", phase="Running")
    assert ready["status"]["containerStatuses"][0]["ready"]


async def test_a_hook_runs_in_its_container(cluster: Cluster) -> None:
    hook = {"postStart": {"exec": {"command": ["/bin/sh", "-c", "echo $WORD >$HOME/word"]}}}
    env = [{"name": "WORD", "value": "hooked"}]
    await cluster.running(container("sleep 60", env=env, lifecycle=hook))
    assert await cluster.node.exec(NAMESPACE, "pod", "notebook", ("sh", "-c", "cat $HOME/word")) == (
        0,
        "hooked\n",
    )


async def test_a_failing_post_start_hook_ends_the_container(cluster: Cluster) -> None:
    hook = {"postStart": {"exec": {"command": ["/bin/sh", "-c", "echo disk full; exit 9"]}}}
    one = container("exec sleep 60", lifecycle=hook)
    ended = await cluster.ended(one, terminationGracePeriodSeconds=1)
    assert ended["status"]["phase"] == "Failed"
    assert "exited with 9: disk full" in cluster.events("FailedPostStartHook")[0]


async def test_a_pre_stop_hook_runs_before_the_container_ends(cluster: Cluster) -> None:
    cluster.create("persistentvolumeclaims", claim("home"))
    mounts = [{"name": "v", "mountPath": "/v"}]
    hook = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "echo bye >/v/bye"]}}}
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "home"}}]
    await cluster.running(container("sleep 60", volumeMounts=mounts, lifecycle=hook), volumes=volumes)
    cluster.store.delete("pods", NAMESPACE, "pod", {"gracePeriodSeconds": 1})
    await cluster.gone()
    assert (cluster.places.homes / "home/bye").read_text() == "bye\n"
