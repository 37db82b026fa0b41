"""What only a look at a whole pod tells, and what is told elsewhere already."""

from __future__ import annotations

import pytest

from envspawner.policy.kubernetes_pods import pod
from envspawner.policy.kubernetes_shapes import SHAPES
from envspawner.policy.problems import Fault
from tests.policy.loading import policy_of, problems_of


def test_a_claim_can_be_a_device() -> None:
    side = {"name": "side", "image": "b:1", "volumeDevices": [{"name": "disk", "devicePath": "/dev/x"}]}
    disk = {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}
    assert list(pod({"containers": [side], "volumes": [disk]})) == []
    assert [fault.message for fault in pod({"containers": [side], "volumes": []})] == [
        "the volume disk is not there"
    ]
    shared = {"name": "disk", "emptyDir": {}}
    assert [f.message for f in pod({"containers": [side], "volumes": [shared]})] == [
        "the volume disk is no claim"
    ]


def test_an_azure_disk_with_its_address_is_fine() -> None:
    assert policy_of(
        "defaults: {storage: {extraVolumes: [{name: d, azureDisk: {diskName: d, diskURI: 'https://x/d.vhd'}}]}}"
    )


def test_what_is_wrong_with_the_pod_itself_is_told_once() -> None:
    said = problems_of(
        "defaults: {extraPodConfig: {dnsPolicy: None}, extraContainers: [{name: a, image: 'b:1'}]}"
    )
    assert len(said) == 1


def test_a_choice_may_add_a_hook_that_can_be_joined() -> None:
    assert policy_of(
        "profiles: {p: {copyOnce: /a, options: {o: {choices: {c: "
        "{lifecycleHooks: {postStart: {exec: {command: [x]}}}}, d: {lifecycleHooks: {postStart: null}}}}}}}"
    )


@pytest.mark.parametrize("text", ["10.0.0.1:5000", "a:1,b:2", "[fd00::1]:5000"])
def test_registries_are_hosts_with_ports(text: str) -> None:
    SHAPES["registries"](text)


@pytest.mark.parametrize("text", ["", "host", "a:1,", "fd00::1:5000"])
def test_what_is_no_registry_is_told(text: str) -> None:
    with pytest.raises(Fault, match="is no registry"):
        SHAPES["registries"](text)
