"""On a hub that already mounts homes, such as the chart's, the policy lies above and meets its parts by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes_asyncio.client import V1Container
from tornado.web import HTTPError

from .conftest import Making

HOME = {"name": "volume-ada", "persistentVolumeClaim": {"claimName": "claim-ada"}}
MOUNT = {"name": "volume-ada", "mountPath": "/home/jovyan"}


@contextmanager
def refused_with(words: str) -> Iterator[None]:
    with pytest.raises(HTTPError) as caught:
        yield
    assert words in getattr(caught.value, "refusal", "")


def chart(c: Any) -> None:
    """What the chart 4.4 sets for `storage.type: dynamic` and its default values."""
    k = c.KubeSpawner
    k.image = "quay.io/jupyterhub/k8s-singleuser-sample:4.4.0"
    k.extra_labels = {"hub.jupyter.org/network-access-hub": "true"}
    k.uid, k.fs_gid, k.start_timeout = 1000, 100, 300
    k.mem_guarantee = "1G"
    k.pvc_name_template = "claim-{user_server}"
    k.storage_pvc_ensure = True
    k.storage_capacity = "10Gi"
    k.storage_access_modes = ["ReadWriteOnce"]
    k.volumes = {
        "home": {"name": "volume-{user_server}", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    }
    k.volume_mounts = {"home": {"name": "volume-{user_server}", "mountPath": "/home/jovyan"}}
    k.tolerations = [
        {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user", "effect": "NoSchedule"}
    ]
    k.init_containers = [
        V1Container(
            name="block-cloud-metadata",
            image="quay.io/jupyterhub/k8s-network-tools:4.4.0",
            command=["iptables"],
        )
    ]


def chart_static(c: Any) -> None:
    chart(c)
    c.KubeSpawner.storage_pvc_ensure = False
    c.KubeSpawner.volumes = {"home": {"name": "home", "persistentVolumeClaim": {"claimName": "all-homes"}}}
    c.KubeSpawner.volume_mounts = {
        "home": {"name": "home", "mountPath": "/home/jovyan", "subPath": "{username}"}
    }


def chart_none(c: Any) -> None:
    chart(c)
    c.KubeSpawner.storage_pvc_ensure = False
    c.KubeSpawner.volumes = {}
    c.KubeSpawner.volume_mounts = {}


async def test_a_policy_that_does_not_speak_of_storage_keeps_the_charts_home(making: Making) -> None:
    made = await making("defaults: {extraEnv: {A: b}}", configure=chart)
    assert made.volumes == {"volume-ada": HOME}
    assert made.mounts == {"/home/jovyan": MOUNT}
    assert made.claim is not None
    assert made.claim["spec"]["resources"]["requests"]["storage"] == "10Gi"


async def test_extra_volumes_stand_beside_the_charts_home(making: Making) -> None:
    policy = """
    defaults:
      storage:
        extraVolumes: [{name: shm, emptyDir: {}}]
        extraVolumeMounts: [{name: shm, mountPath: /dev/shm}, {name: home, mountPath: /again, subPath: x}]
    """
    made = await making(policy, configure=chart)
    assert made.volumes == {"volume-ada": HOME, "shm": {"name": "shm", "emptyDir": {}}}
    assert made.mounts["/home/jovyan"] == MOUNT
    assert made.mounts["/again"] == {"name": "volume-ada", "mountPath": "/again", "subPath": "x"}


async def test_a_capacity_changes_the_charts_claim_and_nothing_else(making: Making) -> None:
    made = await making("defaults: {storage: {capacity: 5Gi}}", configure=chart)
    assert made.volumes == {"volume-ada": HOME}
    assert made.mounts == {"/home/jovyan": MOUNT}
    assert made.claim is not None
    assert made.claim["spec"]["resources"]["requests"]["storage"] == "5Gi"


async def test_no_storage_removes_the_charts_home(making: Making) -> None:
    made = await making("profiles: {p: {storage: {type: none}}}", configure=chart)
    assert (made.claim, made.volumes, made.mounts) == (None, {}, {})


async def test_a_static_home_replaces_the_charts_dynamic_one(making: Making) -> None:
    policy = "defaults: {storage: {type: static, static: {pvcName: nfs, subPath: '{username}'}}}"
    made = await making(policy, configure=chart)
    assert made.claim is None
    assert made.volumes == {
        "volume-ada": {"name": "volume-ada", "persistentVolumeClaim": {"claimName": "nfs"}}
    }
    assert made.mounts == {"/home/jovyan": MOUNT | {"subPath": "ada"}}


async def test_a_static_home_of_the_chart_is_kept_or_removed(making: Making) -> None:
    made = await making("defaults: {memory: {limit: 2G}}", configure=chart_static)
    assert made.claim is None
    assert made.mounts["/home/jovyan"] == {"name": "home", "mountPath": "/home/jovyan", "subPath": "ada"}
    made = await making("defaults: {storage: {homeMountPath: /home/x}}", configure=chart_static)
    assert made.mounts == {"/home/x": {"name": "home", "mountPath": "/home/x", "subPath": "ada"}}
    made = await making("defaults: {storage: {type: none}}", configure=chart_static)
    assert (made.volumes, made.mounts) == ({}, {})


async def test_a_chart_without_storage_gets_the_policys_home(making: Making) -> None:
    made = await making("defaults: {storage: {capacity: 1Gi}}", configure=chart_none)
    assert made.claim is not None
    assert made.mounts["/home/jovyan"]["name"] == "home"


async def test_other_volumes_of_the_hub_keep_the_built_in_home_away(making: Making) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.volumes = [{"name": "data", "emptyDir": {}}]
        c.KubeSpawner.volume_mounts = [{"name": "data", "mountPath": "/data"}]

    made = await making("defaults: {extraEnv: {A: b}}", configure=configure)
    assert (made.claim, set(made.volumes), set(made.mounts)) == (None, {"data"}, {"/data"})
    made = await making("defaults: {storage: {capacity: 1Gi}}", configure=configure)
    assert made.claim is not None
    assert set(made.mounts) == {"/data", "/home/jovyan"}


async def test_a_home_that_is_no_claim_is_replaced_when_the_policy_speaks_of_storage(making: Making) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.volumes = [{"name": "nfs", "nfs": {"server": "s", "path": "/export"}}]
        c.KubeSpawner.volume_mounts = [{"name": "nfs", "mountPath": "/home/jovyan", "subPath": "{username}"}]

    made = await making("defaults: {extraEnv: {A: b}}", configure=configure)
    assert made.volumes["nfs"]["nfs"]["path"] == "/export"
    made = await making("defaults: {storage: {type: dynamic}}", configure=configure)
    assert set(made.volumes) == {"home"}


async def test_block_cloud_metadata_stays_first(making: Making) -> None:
    policy = "defaults: {initContainers: [{name: mine, image: 'x:1'}]}"
    made = await making(policy, configure=chart)
    assert [one["name"] for one in made.pod["spec"]["initContainers"]] == ["block-cloud-metadata", "mine"]
    made = await making("defaults: {initContainers: {block-cloud-metadata: null}}", configure=chart)
    assert "initContainers" not in made.pod["spec"]


async def test_the_same_name_replaces_in_its_place(making: Making) -> None:
    def configure(c: Any) -> None:
        chart(c)
        c.KubeSpawner.init_containers.append({"name": "second-{username}", "image": "y:1"})

    policy = """
    defaults:
      initContainers: [{name: block-cloud-metadata, image: 'z:1'}, {name: 'second-{username}', image: 'w:1'}]
    """
    made = await making(policy, configure=configure)
    containers = made.pod["spec"]["initContainers"]
    assert [(one["name"], one["image"]) for one in containers] == [
        ("block-cloud-metadata", "z:1"),
        ("second-ada", "w:1"),
    ]


async def test_what_the_hub_sets_is_added_to_or_bounded(making: Making) -> None:
    def configure(c: Any) -> None:
        chart(c)
        c.KubeSpawner.mem_limit = "64G"
        c.KubeSpawner.environment = {
            "NAME": "{username}",
            "CALL": lambda spawner: spawner.user.name,
            "GONE": "x",
        }
        c.KubeSpawner.lifecycle_hooks = {"preStop": {"exec": {"command": ["sync"]}}}
        c.KubeSpawner.extra_resource_limits = {"nvidia.com/gpu": 4}
        c.KubeSpawner.node_selector = {"pool": "user"}

    policy = """
    defaults:
      extraEnv: {MINE: '{x}', GONE: null}
      extraTolerations: [{key: gpu, operator: Exists}]
      lifecycleHooks: {postStart: {exec: {command: [true]}}}
      nodeSelector: {zone: a}
      atMost: {memory: 8G, nvidia.com/gpu: 1}
    """
    made = await making(policy, configure=configure)
    assert (made.env["NAME"], made.env["CALL"], made.env["MINE"]) == ("ada", "ada", "{x}")
    assert "GONE" not in made.env
    assert made.notebook["resources"]["limits"] == {"memory": 8 * 2**30, "nvidia.com/gpu": 1}
    assert set(made.notebook["lifecycle"]) == {"postStart", "preStop"}
    assert [one["key"] for one in made.pod["spec"]["tolerations"]] == ["hub.jupyter.org/dedicated", "gpu"]
    assert made.pod["spec"]["nodeSelector"] == {"pool": "user", "zone": "a"}
    assert made.pod["metadata"]["labels"]["hub.jupyter.org/network-access-hub"] == "true"


async def test_a_tag_alone_goes_with_the_hubs_image(making: Making) -> None:
    made = await making("defaults: {image: {tag: next}}", configure=chart)
    assert made.notebook["image"] == "quay.io/jupyterhub/k8s-singleuser-sample:next"


async def test_an_image_that_cannot_be_parsed_is_left_alone(making: Making) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.image = "Not An Image"

    made = await making("defaults: {extraEnv: {A: b}}", configure=configure)
    assert made.notebook["image"] == "Not An Image"


async def test_a_callable_or_a_tolerations_mapping_is_carried_whole(making: Making) -> None:
    def configure(c: Any) -> None:
        c.KubeSpawner.uid = lambda spawner: 4711
        c.KubeSpawner.tolerations = {
            "b": {"key": "b", "operator": "Exists"},
            "a": {"key": "a", "operator": "Exists"},
        }

    made = await making("defaults: {extraTolerations: [{key: c, operator: Exists}]}", configure=configure)
    assert made.notebook["securityContext"]["runAsUser"] == 4711
    assert [one["key"] for one in made.pod["spec"]["tolerations"]] == ["a", "b", "c"]


async def test_null_removes_what_the_hub_sets(making: Making) -> None:
    def configure(c: Any) -> None:
        chart(c)
        c.KubeSpawner.service_account = "hub-users"
        c.KubeSpawner.default_url = "/tree"
        c.KubeSpawner.image_pull_secrets = ["s"]
        c.KubeSpawner.pod_security_context = {"runAsNonRoot": True}

    policy = """
    defaults:
      serviceAccountName: null
      defaultUrl: null
      uid: null
      fsGid: null
      image: {pullSecrets: null}
      extraTolerations: null
      extraLabels: null
      memory: null
      kubespawnerOverride: {pod_security_context: null}
    """
    made = await making(policy, configure=configure)
    spec = made.pod["spec"]
    assert "serviceAccountName" not in spec
    assert "securityContext" not in spec
    assert "tolerations" not in spec
    assert spec.get("imagePullSecrets", []) == []
    assert "JUPYTERHUB_DEFAULT_URL" not in made.env
    assert "hub.jupyter.org/network-access-hub" not in made.pod["metadata"]["labels"]
    assert made.notebook["resources"] == {"limits": {}, "requests": {}}
    assert "runAsUser" not in made.notebook["securityContext"]


async def test_none_drops_whatever_mounts_the_home(making: Making) -> None:
    policy = """
    defaults:
      storage:
        extraVolumes: [{name: shared, emptyDir: {}}]
        extraVolumeMounts: [{name: home, mountPath: /again}, {name: shared, mountPath: /shared}]
      initContainers:
      - {name: i, image: 'x:1', volumeMounts: [{name: home, mountPath: /h}, {name: shared, mountPath: /s}]}
    profiles: {with: {}, without: {storage: {type: none}}}
    """
    made = await making(policy)
    assert made.mounts["/again"]["name"] == "home"
    assert [one["name"] for one in made.pod["spec"]["initContainers"][0]["volumeMounts"]] == [
        "home",
        "shared",
    ]
    made = await making(policy, options={"profile": "without"})
    assert set(made.mounts) == {"/shared"}
    assert [one["name"] for one in made.pod["spec"]["initContainers"][0]["volumeMounts"]] == ["shared"]


async def test_a_second_volume_where_the_home_is_mounted_ends_the_start(making: Making) -> None:
    policy = """
    defaults:
      storage: {extraVolumes: [{name: v, emptyDir: {}}], extraVolumeMounts: [{name: v, mountPath: /home/jovyan}]}
    """
    with refused_with("where the home is"):
        await making(policy)


async def test_a_volume_of_the_homes_name_ends_the_start(making: Making) -> None:
    policy = """
    defaults:
      storage: {dynamic: {volumeNameTemplate: data}, extraVolumes: [{name: data, emptyDir: {}}]}
    """
    with refused_with("is also in extraVolumes"):
        await making(policy)


async def test_a_claim_without_capacity_ends_the_start(making: Making) -> None:
    with refused_with("removes storage.capacity"):
        await making("defaults: {storage: {capacity: null}}")


async def test_a_copy_and_a_hook_that_cannot_be_joined_end_the_start(making: Making) -> None:
    policy = """
    defaults: {copyOnce: /srv/app/src}
    groups: {g: {lifecycleHooks: {postStart: {httpGet: {port: 1}}}}}
    """
    with refused_with("cannot be joined"):
        await making(policy, groups=["g"])
    made = await making(
        "defaults: {copyOnce: /srv/app/src, lifecycleHooks: {postStart: {exec: {command: [me]}}}}"
    )
    command = made.notebook["lifecycle"]["postStart"]["exec"]["command"]
    assert command[-2:] == ["--", "me"]
    assert command[4:8] == ["/srv/app/src", "", ".copied", "no"]
