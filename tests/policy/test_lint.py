"""What only a look at the whole policy tells: warnings, and mounts of volumes that nobody defines."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from envspawner.policy.lint import ended

from .loading import policy_of, problems_of, warnings_of

GUARANTEE = "a limit without a guarantee: Kubernetes then guarantees the whole limit"
WITH_V = "storage: {extraVolumes: [{name: v, emptyDir: {}}]}"
MOUNTS_V = "storage: {extraVolumeMounts: [{name: v, mountPath: /v}]}"
CONTAINER_MOUNTS_V = "initContainers: [{name: i, image: b, volumeMounts: [{name: v, mountPath: /v}]}]"


def warned(text: str) -> list[str]:
    """Warnings without their places."""
    return [warning.split(": warning: ")[1] for warning in warnings_of(text)]


@pytest.mark.parametrize(
    ("image", "warning"),
    [
        (
            "a:latest",
            "the tag latest changes without notice (name a tag that stays what it is, so that everybody gets the same)",
        ),
        (
            "{tag: latest}",
            "the tag latest changes without notice (name a tag that stays what it is, so that everybody gets the same)",
        ),
        ("a", "without a tag, Kubernetes takes latest (name a tag)"),
        ("{name: a, tag: null}", "without a tag, Kubernetes takes latest (name a tag)"),
    ],
)
def test_an_image_that_changes_without_notice_is_warned_of(image: str, warning: str) -> None:
    assert warned(f"users: {{ada: {{image: {image}}}}}") == [f"users.ada.image: {warning}"]


@pytest.mark.parametrize(
    "image",
    ["a:1", "{tag: 1}", "{name: a, tag: '{profile}'}", "a@sha256:" + "0" * 64, "{pullPolicy: Always}"],
)
def test_an_image_that_stays_the_same_is_not_warned_of(image: str) -> None:
    assert (
        warned(f"defaults: {{image: '{image}'}}" if image[0] != "{" else f"defaults: {{image: {image}}}")
        == []
    )


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("defaults: {cpu: {limit: 1}}", ["defaults.cpu.limit"]),
        ("defaults: {memory: {limit: 2G}}", []),  # a guarantee of 1G is built in
        ("defaults: {memory: {limit: 1G, guarantee: null}}", ["defaults.memory.limit"]),
        ("defaults: {cpu: {limit: 1, guarantee: null}}", ["defaults.cpu.limit"]),
        ("defaults: {cpu: {limit: 1, guarantee: 0.5}}", []),
        ("defaults: {cpu: {guarantee: 0.5}}\nusers: {ada: {cpu: {limit: 1}}}", []),
        ("defaults: {cpu: {limit: null}}", []),
        ("profiles: {p: {cpu: {guarantee: 1}, options: {o: {choices: {c: {cpu: {limit: 2}}}}}}}", []),
    ],
)
def test_a_limit_without_a_guarantee_is_warned_of(text: str, paths: list[str]) -> None:
    found = [line.split(": ")[0] for line in warned(text) if GUARANTEE in line]
    assert found == paths


def test_a_limit_above_the_rule_s_own_bound_is_warned_of() -> None:
    text = (
        "defaults:\n  atMost: {memory: 1G, cpu: null}\n  memory: {limit: 2G}\n  cpu: {limit: 2, guarantee: 1}"
    )
    assert warnings_of(text) == [
        "p.yaml:3:19: warning: defaults.memory.limit: above atMost of the same rule, which lowers it "
        "(lower it, or raise atMost)"
    ]


def test_a_command_line_in_one_word_is_warned_of() -> None:
    words = "no program will be found that is called 'a --b' (write each word apart: [a, --b])"
    assert warned("defaults: {cmd: a --b}") == [f"defaults.cmd: {words}"]
    assert warned("profiles: {p: {cmd: [a --b, c d]}}") == [f"profiles.p.cmd: {words}"]
    assert warned("defaults: {cmd: [sh, -c, a --b]}\nusers: {ada: {cmd: null}, bob: {cmd: []}}") == []


def test_a_rule_that_has_ended_is_warned_of() -> None:
    policy = policy_of("groups:\n  a: {until: 2026-01-01}\n  b: {until: 2026-06-01}\n  c: {}")
    assert [str(one) for one in ended(policy, datetime(2026, 1, 2, tzinfo=timezone.utc))] == [
        "p.yaml:2:3: warning: groups.a: ended on 2026-01-01, and is no longer used (delete the rule, or move its end)"
    ]
    assert not list(ended(policy, datetime(2026, 1, 1, 23, tzinfo=timezone.utc)))


@pytest.mark.parametrize(
    ("text", "warned_of"),
    [
        ("defaults: {copyOnce: /home/jovyan/src}", "/home/jovyan/src"),
        ("defaults: {copyOnce: /home/jovyan}", "/home/jovyan"),
        (
            "defaults: {storage: {homeMountPath: /data}, copyOnce: [{from: /data/src, marker: .a}, {from: /b}]}",
            "/data/src",
        ),
        (
            "defaults: {storage: {homeMountPath: /srv}}\ngroups: {g: {copyOnce: {required: true}}}",
            "/srv/app/src",
        ),
        ("defaults: {copyOnce: /home/jovyan2}", None),
        ("defaults: {copyOnce: '/home/{username}'}", None),
        ("defaults: {copyOnce: /home/jovyan/src, storage: {type: none}}", None),
        (
            "defaults: {storage: {homeMountPath: '/home/{username}'}, copyOnce: /home/jovyan/x}",
            "/home/jovyan/x",
        ),
        ("defaults: {copyOnce: null}", None),
    ],
)
def test_starter_files_that_the_home_hides_are_warned_of(text: str, warned_of: str | None) -> None:
    hint = "(keep starter files elsewhere in the image, such as /srv/app/src)"
    expected = (
        []
        if warned_of is None
        else [f"{warned_of} lies in the home, whose volume hides what the image holds there {hint}"]
    )
    assert [line.split(": ", 1)[1] for line in warned(text)] == expected


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "defaults: {storage: {static: {pvcName: a}}}",
            "defaults.storage.static: has no effect while the type is not static (write type: static)",
        ),
        (
            "defaults: {storage: {type: none, static: {pvcName: a}}}",
            "defaults.storage.static: has no effect while the type is not static (write type: static)",
        ),
        (
            "defaults: {storage: {type: static}}",
            "defaults.storage.type: no rule names the claim (write static: {pvcName: ...})",
        ),
        ("defaults: {storage: {type: static, static: {pvcName: a}}}", None),
        ("defaults: {storage: {type: static}}\nusers: {ada: {storage: {static: {pvcName: a}}}}", None),
        ("defaults: {storage: {static: null}}", None),
    ],
)
def test_a_static_home_without_its_other_half_is_warned_of(text: str, warning: str | None) -> None:
    assert warned(text) == ([] if warning is None else [warning])


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("atMost: {memory: 1G}", "memory"),
        ("atMost: {cpu: 1}", "cpu"),
        ("atMost: {memory: 1G, cpu: 1}", "memory and cpu"),
        ("atMost: {memory: null, storage: 1Gi}", None),
        ("note: none", None),
    ],
)
@pytest.mark.parametrize("kind", ["initContainers", "extraContainers"])
def test_containers_that_bounds_do_not_see_are_warned_of(text: str, missing: str | None, kind: str) -> None:
    said = warned(f"defaults: {{{text}}}\ngroups: {{g: {{{kind}: [{{name: side, image: b}}]}}}}")
    message = (
        f"the container side has no limit of {missing}, and atMost does not see it (set resources.limits)"
    )
    assert said == ([] if missing is None else [f"groups.g.{kind}: {message}"])


def test_containers_with_limits_are_not_warned_of() -> None:
    container = "{name: a, image: b, resources: {limits: {memory: 1Gi, cpu: 1}}}"
    assert warned(f"defaults: {{atMost: {{memory: 1G, cpu: 1}}, initContainers: [{container}]}}") == []


@pytest.mark.parametrize(
    ("text", "is_warned"),
    [
        ("initContainers: {block-cloud-metadata: null}", True),
        ("initContainers: null", True),
        ("initContainers: {other: null}", False),
        ("initContainers: []", False),
        ("extraContainers: null", False),
    ],
)
def test_users_who_could_read_the_cloud_s_credentials_are_warned_of(text: str, is_warned: bool) -> None:
    expected = (
        "defaults.initContainers: removes block-cloud-metadata: users can then read the cloud's credentials of the node "
        "(keep it, unless the network forbids that already)"
    )
    assert warned(f"defaults: {{{text}}}") == ([expected] if is_warned else [])


@pytest.mark.parametrize("mount", [MOUNTS_V, CONTAINER_MOUNTS_V])
@pytest.mark.parametrize(
    "owner", ["defaults: {%s}", "users: {ada: {%s}}", "profiles: {p: {options: {o: {choices: {c: {%s}}}}}}"]
)
def test_a_mount_of_a_volume_that_nobody_defines_is_an_error(owner: str, mount: str) -> None:
    (said,) = problems_of(owner % mount)
    assert said.endswith(
        "mounts the volume v, which nothing defines (add it to storage.extraVolumes; the home's volume is called home)"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"defaults: {{{WITH_V}}}\nusers: {{ada: {{{MOUNTS_V}}}}}",
        f"users: {{ada: {{{WITH_V}, {CONTAINER_MOUNTS_V}}}}}",
        f"profiles: {{p: {{{WITH_V}, options: {{o: {{choices: {{c: {{{MOUNTS_V}}}}}}}}}}}}}",
        "defaults: {storage: {extraVolumeMounts: [{name: home, mountPath: /v, subPath: x}]}}",
        "groups: {'g:*': {storage: {extraVolumes: [{name: 'v-{match}', emptyDir: {}}], extraVolumeMounts: [{name: 'v-{match}', mountPath: /v}]}}}",
        "defaults: {storage: {extraVolumes: null, extraVolumeMounts: null}, initContainers: [{name: i, image: b}]}",
    ],
)
def test_a_mount_of_a_volume_that_is_certainly_there_is_fine(text: str) -> None:
    assert warned(text) == []


def test_a_mount_of_a_volume_that_only_other_rules_define_is_warned_of() -> None:
    assert warned(f"groups: {{g: {{{WITH_V}}}}}\nprofiles: {{p: {{{MOUNTS_V}}}}}") == [
        "profiles.p.storage.extraVolumeMounts: mounts the volume v, which only other rules define: "
        "without them no server starts (define it here too)"
    ]


def test_a_volume_that_is_removed_is_not_there() -> None:
    (said,) = problems_of(
        f"defaults: {{storage: {{extraVolumes: {{v: null}}}}}}\nusers: {{ada: {{{MOUNTS_V}}}}}"
    )
    assert "mounts the volume v, which nothing defines" in said


def test_warnings_come_in_the_order_of_the_file() -> None:
    lines = [
        warning.split(":")[1]
        for warning in warnings_of("profiles:\n  p: {image: a}\nusers:\n  Ada: {image: b}\n")
    ]
    assert lines == ["2", "4", "4"]
