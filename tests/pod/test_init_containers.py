"""Init containers that the policy's words make: who copies starter files, and who owns a static home."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import V1Container, V1Pod, V1PodSpec

from envspawner.hub.offline import OfflineSpawner
from envspawner.pod.copying import NOTICE, copies_of
from envspawner.pod.init_containers import COPY, OWNER, OWNER_IMAGE, complete, unexpanded
from envspawner.pod.starter_files import SCRIPT
from envspawner.pod.traits import traits_of
from envspawner.resolve.home import Unusable
from envspawner.resolve.request import OwnLayer

from ..hub.support import Made, config_of, made_by, spawner_for
from ..resolve.support import own, own_layer, resolve

INIT = "copyOnce: {when: initContainer}"
STATIC = 'type: static, static: {pvcName: nfs, subPath: "homes/{username}"}'


def made(tmp_path: Path, policy: str, configure: Any = None, **how: Any) -> Made:
    """What a start would send, checked against Kubernetes' schemas."""

    async def start() -> Made:
        with spawner_for(config_of(tmp_path, policy, configure), **how) as spawner:
            await spawner.load_user_options()
            return await made_by(spawner)

    return asyncio.run(start())


def names(pod: Made) -> list[str]:
    return [one["name"] for one in pod.pod["spec"].get("initContainers", [])]


def container(pod: Made, name: str) -> dict[str, Any]:
    return dict(next(one for one in pod.pod["spec"]["initContainers"] if one["name"] == name))


# --- starter files -----------------------------------------------------------------------------------------------


def test_an_init_container_copies_with_all_that_the_notebook_has(tmp_path: Path) -> None:
    policy = f"""
        defaults:
          image: a/b:1
          extraEnv: {{A: x}}
          memory: {{limit: 2G}}
          cpu: {{limit: 2, guarantee: 1}}
          extraResource: {{limits: {{nvidia.com/gpu: 1}}}}
          uid: 1234
          storage:
            extraVolumes: [{{name: data, emptyDir: {{}}}}]
            extraVolumeMounts: [{{name: data, mountPath: /data}}]
          kubespawnerOverride: {{working_dir: /home/jovyan}}
          {INIT}
        """
    pod = made(tmp_path, policy)
    copying = container(pod, COPY)
    for word in ("image", "env", "resources", "volumeMounts", "securityContext", "workingDir"):
        assert copying[word] == pod.notebook[word]
    assert pod.env["A"] == "x"
    assert copying["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod.notebook["securityContext"]["runAsUser"] == 1234
    assert not pod.notebook["lifecycle"]


def test_an_init_container_copies_last(tmp_path: Path) -> None:
    policy = f"defaults: {{{INIT}, initContainers: [{{name: z, image: a}}, {{name: a, image: a}}]}}"
    assert names(made(tmp_path, policy)) == ["z", "a", COPY]


def test_it_copies_what_the_entry_says_as_kubernetes_hands_it_on(tmp_path: Path) -> None:
    policy = """
        defaults:
          copyOnce:
          - {from: "/srv/$(HOME)/$$x", to: /home/jovyan/y, marker: .m, when: initContainer, required: true,
             refresh: unmodified, timeout: 30}
          - {from: /later}
        """
    pod = made(tmp_path, policy)
    command = [handed_on(word) for word in container(pod, COPY)["command"]]
    arguments = ["/srv/$(HOME)/$$x", "/home/jovyan/y", ".m", "yes", "unmodified", "30"]
    assert command == ["/bin/sh", "-c", SCRIPT, "envspawner-copy-once", *arguments]
    hook = pod.notebook["lifecycle"]["postStart"]["exec"]["command"]
    assert hook[2:] == [SCRIPT, "envspawner-copy-once", "/later", "", ".copied", "no", "never", ""]


def handed_on(word: str) -> str:
    """What a container gets of a word of its command, by Kubernetes' rule, where no variable is called so."""
    found, rest = "", word
    while rest:
        step = 2 if rest.startswith("$$") else 1
        found, rest = found + rest[0], rest[step:]
    return found


@given(st.text(alphabet="$()aA") | st.just(SCRIPT))
def test_every_word_reaches_the_container_as_it_is(word: str) -> None:
    assert handed_on(unexpanded(word)) == word


def test_any_hook_goes_with_an_init_container(tmp_path: Path) -> None:
    hook = {"httpGet": {"port": 80}}
    policy = f"{{defaults: {{copyOnce: {{when: initContainer}}, lifecycleHooks: {{postStart: {hook}}}}}}}"
    assert made(tmp_path, policy).notebook["lifecycle"]["postStart"] == hook


def test_an_exec_hook_is_called_after_the_server_has_copied(tmp_path: Path) -> None:
    policy = "defaults: {copyOnce: /a, lifecycleHooks: {postStart: {exec: {command: [date, -u]}}}}"
    command = made(tmp_path, policy).notebook["lifecycle"]["postStart"]["exec"]["command"]
    assert command[-3:] == ["--", "date", "-u"]


def test_a_hook_of_another_kind_cannot_be_joined(tmp_path: Path) -> None:
    policy = "{defaults: {copyOnce: /a}, users: {ada: {lifecycleHooks: {postStart: {httpGet: {port: 80}}}}}}"
    with pytest.raises(Unusable, match="not an exec: write when: initContainer"):
        traits_of(resolve(policy), OwnLayer())


def test_without_a_home_the_server_copies_and_a_notice_says_so(tmp_path: Path) -> None:
    policy = f"defaults: {{{INIT}, storage: {{type: none}}}}"
    pod = made(tmp_path, policy)
    assert names(pod) == []
    assert pod.notebook["lifecycle"]["postStart"]["exec"]["command"][4] == "/srv/app/src"
    assert copies_of(resolve(policy), OwnLayer()).notices == [NOTICE]


def test_the_notice_reaches_the_users_progress_and_the_log(tmp_path: Path) -> None:
    async def told() -> list[str]:
        policy = f"defaults: {{{INIT}, storage: {{type: none}}}}"
        with spawner_for(config_of(tmp_path, policy), spawner_class=OfflineSpawner) as spawner:
            await spawner.load_user_options()
            return list(spawner._notices)

    assert asyncio.run(told()) == [NOTICE]


@pytest.mark.parametrize(
    "policy", [f"defaults: {{{INIT}}}", "defaults: {copyOnce: /a, storage: {type: none}}"]
)
def test_there_is_no_notice_where_all_is_as_the_rules_say(policy: str) -> None:
    assert copies_of(resolve(policy), OwnLayer()).notices == []


def test_kubespawners_own_home_counts(tmp_path: Path) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "claim-{user_server}"}}]
        c.KubeSpawner.volume_mounts = [{"name": "v", "mountPath": "/home/jovyan"}]
        c.KubeSpawner.init_containers = [{"name": "own", "image": "a/b:{username}"}]

    pod = made(tmp_path, f"defaults: {{{INIT}}}", configure)
    assert names(pod) == ["own", COPY]
    assert container(pod, "own")["image"] == "a/b:ada"
    assert container(pod, COPY)["volumeMounts"] == pod.notebook["volumeMounts"]


def test_own_storage_without_a_home_is_no_home() -> None:
    silent = own_layer(own("storage.extraVolumes", {"name": "v"}, "v"), has_storage=True)
    copies = copies_of(resolve(f"defaults: {{{INIT}}}", own=silent), silent)
    assert (copies.before, len(copies.after), copies.moved) == ((), 1, True)


@pytest.mark.parametrize(
    ("target", "fits"), [("/home/me", True), ("/home/me/x", True), ("/home/mean", False)]
)
def test_an_init_container_copies_to_the_home_only(target: str, fits: bool) -> None:
    policy = f"""
        groups: {{g: {{storage: {{homeMountPath: /home/mean}}}}}}
        users: {{ada: {{storage: {{homeMountPath: /home/me}}}}}}
        defaults: {{copyOnce: {{when: initContainer, to: {target}}}}}
        """
    environment = resolve(policy)
    if fits:
        assert [one.target for one in copies_of(environment, OwnLayer()).before] == [target]
    else:
        with pytest.raises(Unusable, match="cannot copy to /home/mean, which is not in the home"):
            traits_of(environment, OwnLayer())


def test_a_pod_without_init_containers_is_left_as_it_is() -> None:
    pod = V1Pod(spec=V1PodSpec(containers=[V1Container(name="notebook")]))
    complete(pod)
    assert pod.spec.init_containers is None


# --- the owner of a static home ----------------------------------------------------------------------------------


def test_an_owner_gets_the_folder_of_a_static_home(tmp_path: Path) -> None:
    policy = f"defaults: {{storage: {{{STATIC}, owner: 1000:100, homeMountPath: /home/me}}}}"
    owner = container(made(tmp_path, policy), OWNER)
    assert owner["image"] == OWNER_IMAGE
    assert owner["command"][4:] == ["1000:100", "/home/me"]
    assert owner["volumeMounts"] == [{"name": "home", "mountPath": "/home/me", "subPath": "homes/ada"}]
    assert owner["securityContext"] == {
        "runAsUser": 0,
        "runAsGroup": 0,
        "runAsNonRoot": False,
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
    }
    assert owner["resources"]["limits"] == owner["resources"]["requests"]


def test_it_survives_other_init_containers_and_comes_before_them(tmp_path: Path) -> None:
    policy = f"""
        defaults:
          storage: {{{STATIC}, owner: "1000:100"}}
          {INIT}
          initContainers: [{{name: block-cloud-metadata, image: a}}, {{name: b, image: a}}]
        users: {{ada: {{initContainers: [{{name: c, image: a}}]}}}}
        """
    assert names(made(tmp_path, policy)) == ["block-cloud-metadata", OWNER, "b", "c", COPY]


def test_a_container_of_its_name_is_used_instead(tmp_path: Path) -> None:
    policy = f"""
        defaults:
          storage: {{{STATIC}, owner: "1000:100"}}
          initContainers: [{{name: a, image: a}}, {{name: {OWNER}, image: registry.example/busybox:1}}]
        """
    pod = made(tmp_path, policy)
    assert names(pod) == ["a", OWNER]
    assert container(pod, OWNER)["image"] == "registry.example/busybox:1"


@pytest.mark.parametrize(
    "policy",
    [
        f"{{defaults: {{storage: {{{STATIC}, owner: '1:1'}}}}, users: {{ada: {{storage: {{owner: null}}}}}}}}",
        f"{{defaults: {{storage: {{{STATIC}, owner: '1:1'}}}}, users: {{ada: {{storage: {{type: dynamic}}}}}}}}",
        f"defaults: {{storage: {{{STATIC}}}}}",
    ],
)
def test_no_owner_or_another_home_needs_no_container(tmp_path: Path, policy: str) -> None:
    assert names(made(tmp_path, policy)) == []


def test_a_whole_claim_may_be_a_home(tmp_path: Path) -> None:
    policy = "defaults: {storage: {type: static, static: {pvcName: nfs}, owner: '1:2'}}"
    (mount,) = container(made(tmp_path, policy), OWNER)["volumeMounts"]
    assert mount == {"name": "home", "mountPath": "/home/jovyan"}


def run_owner(tmp_path: Path, folder: Path, owner: str, chown: str) -> int:
    """Runs the container's command on a folder, with a `chown` that does what is said."""
    policy = f"defaults: {{storage: {{{STATIC}, owner: '{owner}', homeMountPath: {folder}}}}}"
    command = [handed_on(word) for word in container(made(tmp_path, policy), OWNER)["command"]]
    command[2] = f"{chown}\n{command[2]}"
    return subprocess.run(command, check=False).returncode


def test_a_folder_that_is_its_owners_already_is_left_alone(tmp_path: Path) -> None:
    """Also where root may not give anything away (NFS with root_squash)."""
    status = tmp_path.stat()
    owner = f"{status.st_uid}:{status.st_gid}"
    assert run_owner(tmp_path, tmp_path, owner, "chown() { return 1; }") == 0


def test_another_folder_is_given_to_its_owner_but_not_what_is_in_it(tmp_path: Path) -> None:
    said = tmp_path / "said"
    assert run_owner(tmp_path, tmp_path, "4321:100", f'chown() {{ echo "$@" >{said}; }}') == 0
    assert said.read_text() == f"4321:100 {tmp_path}\n"


def test_a_folder_that_cannot_be_given_away_fails_the_start(tmp_path: Path) -> None:
    assert run_owner(tmp_path, tmp_path, "4321:100", "chown() { return 1; }") == 1
