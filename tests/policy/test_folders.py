"""No name leads into another's folder of a shared claim: what templates on one claim could meet is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy.folders import folders_that_meet, is_given
from envspawner.policy.load import load_text
from envspawner.policy.problems import PolicyError
from envspawner.policy.templates import Template, compile_text
from envspawner.resolve.slugs import user_names


def policy(*sub_paths: str, mounts: str = "", claim: str = "all") -> str:
    """A policy with a static home in `defaults` and in profiles; all on one claim."""
    document: dict[str, Any] = {"defaults": {"storage": static(sub_paths[0], claim)}, "profiles": {}}
    for number, path in enumerate(sub_paths[1:]):
        document["profiles"][f"p{number}"] = {"storage": static(path, None)}
    if mounts:
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": "all"}}
        mount = {"name": "v", "mountPath": "/v", "subPath": mounts}
        document["groups"] = {"g:*": {"storage": {"extraVolumes": [volume], "extraVolumeMounts": [mount]}}}
    return json.dumps(document)


def static(path: str, claim: str | None) -> dict[str, Any]:
    return {"type": "static", "static": {"subPath": path, **({"pvcName": claim} if claim else {})}}


@pytest.mark.parametrize(
    "paths",
    [
        ("{username}", "{username}-gpu"),  # of a user called ada-gpu
        ("{username}", "homes/{username}"),  # a user called homes would have all of them
        ("{username}", "shared"),
        ("{username}", "shared/data"),
        ("{username}/gpu", "shared/{username}"),
        ("a-{username}", "{username}-b"),
        ("{safe_username}", "{escaped_username}"),
        ("homes/{username}-{profile}",),
    ],
)
def test_folders_that_a_name_could_make_meet_are_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(PolicyError, match=r"a name could make this|joins two names"):
        load_text(policy(*paths))


@pytest.mark.parametrize(
    "paths",
    [
        ("{username}",),
        ("{username}", "{username}/gpu"),
        ("{username}", "{user_server}"),
        ("homes/{username}", "gpu/{username}"),
        ("homes/{username}/{profile}", "homes/{username}/x"),
        ("home-{username}", "gpu-{username}"),
        ("homes/{userid}-{username}",),
        ("{username}", "Shared.Data"),
        ("shared", "{userid}_x"),
    ],
)
def test_folders_of_one_person_and_folders_apart_are_fine(paths: tuple[str, ...]) -> None:
    load_text(policy(*paths))


def test_a_folder_of_a_server_needs_its_user_too() -> None:
    """Users choose what their servers are called, and the default server's name is empty: that is the whole claim."""
    for path in ("{servername}", "homes/{servername}"):
        with pytest.raises(PolicyError, match="names a server and no user"):
            load_text(policy(path))
        load_text(policy(path, claim="home-{username}"))
    load_text(policy("{username}/{servername}"))


def test_a_mounted_folder_of_the_same_claim_counts_too() -> None:
    with pytest.raises(PolicyError, match=r"the folder projects/\{match\} of groups.g:\*"):
        load_text(policy("{username}", mounts="projects/{match}"))
    load_text(policy("homes/{username}", mounts="projects/{match}"))
    load_text(policy("{username}", mounts="projects/{match}", claim="another"))


def test_volumes_that_are_no_claims_and_whole_claims_are_passed_over() -> None:
    volumes = "extraVolumes: [{name: v, emptyDir: {}}, {name: w, persistentVolumeClaim: {claimName: all}}]"
    mounts = "extraVolumeMounts: [{name: v, mountPath: /v, subPath: x}, {name: w, mountPath: /w}]"
    home = "type: static, static: {pvcName: all, subPath: '{username}'}"
    found = load_text(f"defaults: {{storage: {{{home}, {volumes}, {mounts}}}}}")
    assert list(folders_that_meet(found[0])) == []


def test_a_claim_that_a_rule_mounts_for_others_is_a_given_one() -> None:
    text = """
    defaults: {storage: {type: static, static: {pvcName: 'own-{username}'}}}
    groups:
      'g:*':
        storage:
          extraVolumes: [{name: v, persistentVolumeClaim: {claimName: 'team-{match}'}}, {name: w, emptyDir: {}}]
    users: {ada: {storage: {static: {pvcName: all}}}}
    """
    found, _ = load_text(text)
    given = [is_given(found, name) for name in ("all", "team-x", "own-ada", "claim-ada")]
    assert given == [True, True, False, False]


NAMES = st.sampled_from(
    [
        "ada",
        "ada-gpu",
        "gpu",
        "gpu-ada",
        "homes",
        "shared",
        "a-b",
        "a--b",
        "x",
        "ada-2dgpu",
        "first.läst+x@uni.example",
    ]
) | st.text("ab-", min_size=1, max_size=6)
PARTS = st.lists(
    st.sampled_from(
        [
            "{username}",
            "{user_server}",
            "{escaped_username}",
            "homes",
            "gpu",
            "-gpu",
            "gpu-",
            "-",
            "shared",
            "a",
        ]
    ),
    min_size=1,
    max_size=2,
).map("".join)
PATHS = st.lists(PARTS, min_size=1, max_size=2).map("/".join)


def filled(path: str, user: str, server: str) -> list[str]:
    compiled = compile_text(path)
    names = user_names(user, server, "safe")
    return (compiled.fill(names) if isinstance(compiled, Template) else path).split("/")


def who_may_get(folder: list[str], path: str) -> set[str]:
    """Users whose names are cut out of a folder, and to whom the template gives it, or one above it."""
    names = {part[i:j] for part in folder for i in range(len(part)) for j in range(i + 1, len(part) + 1)}
    return {name for name in names if folder[: path.count("/") + 1] == filled(path, name, "")}


@settings(deadline=None, max_examples=300)
@given(PATHS.filter(lambda path: "{" in path), PATHS, NAMES, st.sampled_from(["", "gpu"]))
def test_nobody_can_choose_a_name_that_leads_into_anothers_folder(
    one: str, two: str, user: str, server: str
) -> None:
    try:
        load_text(policy(one, two))
    except PolicyError:
        return
    theirs = filled(two, user, server)
    assert who_may_get(theirs, one) <= ({user} if "{" in two else set())
