"""What people are shown of an environment: short words, true for what they would get."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from envspawner.resolve.figures import Figure, figures, short_image
from envspawner.resolve.request import OwnLayer

from .support import NOW, own, own_layer, resolve


def shown(policy: str, at: datetime = NOW, **more: Any) -> dict[str, Figure]:
    environment = resolve(policy, at=at, **more)
    return {figure.key: figure for figure in figures(environment, at)}


def text(policy: str, key: str, **more: Any) -> str | None:
    figure = shown(policy, **more).get(key)
    return None if figure is None else figure.text


@pytest.mark.parametrize(
    ("image", "short"),
    [
        ("quay.io/jupyter/scipy-notebook:2026-11-02", "scipy-notebook:2026-11-02"),
        ("localhost:5000/x", "x"),
        ("x", "x"),
        ("a/b:1@sha256:" + "ab" * 32, "b:1"),
        ("a/b@sha256:" + "ab" * 32, "b@sha256:abababab"),
    ],
)
def test_an_image_is_shown_short_and_told_in_full(image: str, short: str) -> None:
    assert short_image(image) == short
    figure = shown(f"defaults: {{image: '{image}'}}")["image"]
    assert (figure.text, figure.exact) == (short, image)


@pytest.mark.parametrize(
    ("memory", "words", "exact"),
    [
        ("{guarantee: 1G, limit: 2G}", "1\N{EN DASH}2 GB", "1G guaranteed, 2G at most"),
        (
            "{guarantee: 512M, limit: 2G}",
            "512 MB \N{EN DASH} 2 GB",
            "512M guaranteed, 2G at most",
        ),
        ("{guarantee: 2G, limit: 2G}", "2 GB", "2G guaranteed, and no more"),
        ("{guarantee: null, limit: 1.5G}", "up to 1.5 GB", "1536M at most"),
        ("{guarantee: 2T}", "2 TB or more", "2T guaranteed, no limit"),
        ("{guarantee: 50%, limit: 4G}", "2\N{EN DASH}4 GB", "2G guaranteed, 4G at most"),
        ("{guarantee: 500}", "500 bytes or more", "500 guaranteed, no limit"),
    ],
)
def test_memory_is_its_guarantee_and_its_limit(memory: str, words: str, exact: str) -> None:
    figure = shown(f"defaults: {{memory: {memory}}}")["memory"]
    assert (figure.text, figure.exact) == (words, exact)


@pytest.mark.parametrize(
    ("cpu", "words"),
    [
        ("{guarantee: 0.5, limit: 2}", "0.5\N{EN DASH}2 cores"),
        ("{guarantee: 1, limit: 2}", "1\N{EN DASH}2 cores"),
        ("{limit: 1}", "up to 1 core"),
        ("{guarantee: 250m}", "0.25 cores or more"),
        ("{guarantee: 0, limit: 4}", "up to 4 cores"),
        ("null", None),
    ],
)
def test_cpu_is_its_guarantee_and_its_limit(cpu: str, words: str | None) -> None:
    assert text(f"defaults: {{cpu: {cpu}}}", "cpu") == words


@pytest.mark.parametrize(
    ("resource", "label", "words"),
    [
        ("limits: {nvidia.com/gpu: 2}", "GPU", "2 \N{MULTIPLICATION SIGN} NVIDIA"),
        (
            "limits: {nvidia.com/mig-1g.5gb: 1}",
            "mig-1g.5gb",
            "1",
        ),
        ("guarantees: {ephemeral-storage: 20Gi}", "Temporary disk", "20 GB"),
        ("limits: {hugepages-2Mi: 100M}", "hugepages-2Mi", "100 MB"),
    ],
)
def test_extended_resources_are_shown_by_name(resource: str, label: str, words: str) -> None:
    found = shown(f"defaults: {{extraResource: {{{resource}}}}}")
    assert any((figure.label, figure.text) == (label, words) for figure in found.values())


def test_a_device_of_which_there_are_none_is_not_shown() -> None:
    assert "nvidia.com/gpu" not in shown("defaults: {extraResource: {limits: {nvidia.com/gpu: 0}}}")


def test_what_a_bound_leaves_is_shown_not_what_was_asked_for() -> None:
    policy = "{defaults: {atMost: {memory: 4G}, memory: {limit: 64G}}}"
    assert text(policy, "memory") == "1\N{EN DASH}4 GB"


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("{}", "10 GB"),
        ("{capacity: 500M}", "500 MB"),
        ("{capacity: 1e9}", "1e9"),
        ("{capacity: null, type: dynamic}", "New"),
        ("{type: static, static: {pvcName: shared}}", "Existing storage"),
        ("{type: none}", "Files are lost when the server stops"),
    ],
)
def test_the_home_says_what_becomes_of_files(storage: str, words: str) -> None:
    figure = shown(f"defaults: {{storage: {storage}}}")["storage"]
    assert figure.text == words
    assert figure.warns == ("lost" in words)


def test_a_home_that_is_there_already_is_shown_as_it_is_and_not_by_what_a_new_one_would_hold() -> None:
    policy = "defaults: {storage: {capacity: 20Gi}}"
    assert text(policy, "storage") == "20 GB"
    assert text(policy, "storage", homes={"default": "claim-ada"}) == "Your home"


OWN = OwnLayer(claim="claim-ada")
MOUNT = own("storage.extraVolumeMounts", {"mountPath": "/data", "name": "data"}, "/data")
HOME = (own("storage.type", "dynamic"), own("storage.capacity", "5Gi"))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (own_layer(*HOME, has_storage=True, claim="claim-ada"), "5 GB"),
        (own_layer(MOUNT, has_storage=True, claim="claim-ada"), None),
    ],
    ids=["a claim", "only something mounted"],
)
def test_kubespawners_own_storage_is_told_only_where_it_is_known(layer: OwnLayer, words: str | None) -> None:
    assert text("defaults: {image: 'x:1'}", "storage", own=layer) == words


def test_a_memory_that_only_a_start_will_know_is_not_shown() -> None:
    layer = own_layer(own("memory.limit", lambda spawner: 1), own("image.name", lambda spawner: "x"))
    found = shown("defaults: {cpu: {limit: 1}}", own=layer)
    assert "image" not in found
    assert found["memory"].text == "1 GB or more"


@pytest.mark.parametrize(
    ("storage", "words"), [("{}", "Copied in once"), ("{type: none}", "Copied in at each start")]
)
def test_starter_files_are_shown(storage: str, words: str) -> None:
    assert text(f"defaults: {{copyOnce: /srv/app/src, storage: {storage}}}", "copyOnce") == words
    assert text(f"defaults: {{storage: {storage}}}", "copyOnce") is None


def test_the_end_of_a_rule_is_shown_when_it_is_near_and_something_comes_from_it() -> None:
    policy = """
    defaults: {memory: {limit: 1G}}
    groups:
      exam: {memory: {limit: 2G}, cpu: {limit: 2}, extraEnv: {A: b}, until: 2026-12-20}
      later: {image: "x:1", until: 2026-12-22}
      env: {extraEnv: {B: c}, until: 2026-12-01}
    """
    near = shown(policy, groups=["exam", "later", "env"])["until"]
    assert (near.label, near.text) == ("Memory and CPU until", "20 December 2026")
    assert "until" not in shown(policy, groups=["exam"], at=datetime.fromisoformat("2026-11-01T00:00Z"))
    assert "until" not in shown(policy, groups=["env"])


def test_the_end_of_a_bound_is_shown_too() -> None:
    policy = "groups: {exam: {atLeast: {memory: 4G}, until: 2026-12-20}}\ndefaults: {memory: {limit: 1G}}"
    assert shown(policy, groups=["exam"])["until"].label == "Memory until"
