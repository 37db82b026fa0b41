"""Names, labels and paths: what Kubernetes takes, and what people are told about the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy import names
from envspawner.policy.problems import Fault

CHECKS: list[Callable[[str], str]] = [
    names.check_label_key,
    names.check_label_value,
    names.check_annotation_key,
    names.check_env_name,
    names.check_dns_label,
    names.check_subdomain,
    names.check_resource_name,
    names.check_mount_path,
    names.check_sub_path,
]
relaxed = settings(deadline=None)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (names.check_label_key, "app"),
        (names.check_label_key, "app.kubernetes.io/name"),
        (names.check_label_key, "Under_score.and-Dash"),
        (names.check_label_key, "a" * 253 + "/" + "A" * 63),
        (names.check_label_value, ""),
        (names.check_label_value, "Stat_101.a-b"),
        (names.check_label_value, "x" * 63),
        (names.check_annotation_key, "hub.jupyter.org/envspawner-profile"),
        (names.check_annotation_key, "Example.ORG/Note"),
        (names.check_env_name, "EDITOR"),
        (names.check_env_name, "_x1"),
        (names.check_env_name, "a.b-c"),
        (names.check_env_name, ".a"),
        (names.check_dns_label, "home"),
        (names.check_dns_label, "0a-1"),
        (names.check_dns_label, "x" * 63),
        (names.check_subdomain, "claim-ada.lab"),
        (names.check_subdomain, "x" * 253),
        (names.check_resource_name, "nvidia.com/gpu"),
        (names.check_resource_name, "nvidia.com/mig-1g.5gb"),
        (names.check_resource_name, "ephemeral-storage"),
        (names.check_resource_name, "hugepages-2Mi"),
        (names.check_resource_name, "hugepages-1Gi"),
        (names.check_mount_path, "/"),
        (names.check_mount_path, "/home/jovyan/..data"),
        (names.check_mount_path, "/home/jovyan/with blank/"),
        (names.check_sub_path, "projects/a..b"),
        (names.check_sub_path, "."),
        (names.check_sub_path, "a:b"),
    ],
)
def test_what_kubernetes_takes_is_given_back(check: Callable[[str], str], text: str) -> None:
    assert check(text) is text


@pytest.mark.parametrize(
    ("check", "text", "hint"),
    [
        (names.check_label_key, "", "at most 63 letters"),
        (names.check_label_key, "x" * 64, "at most 63 letters"),
        (names.check_label_key, "-a", "at most 63 letters"),
        (names.check_label_key, "a/", "at most 63 letters"),
        (names.check_label_key, "/a", "before the / write a DNS name"),
        (names.check_label_key, "a/b/c", "before the / write a DNS name"),
        (names.check_label_key, "Example.org/a", "before the / write a DNS name"),
        (names.check_label_key, "a" * 254 + "/a", "before the / write a DNS name"),
        (names.check_label_value, "a b", "at most 63 letters"),
        (names.check_label_value, "a/b", "at most 63 letters"),
        (names.check_label_value, "a\n", "at most 63 letters"),
        (names.check_label_value, "é", "at most 63 letters"),
        (names.check_label_value, "x" * 64, "at most 63 letters"),
        (names.check_annotation_key, "a_b/c", "before the / write a DNS name"),
        (names.check_annotation_key, "a b", "at most 63 letters"),
        (names.check_env_name, "", "not a digit first"),
        (names.check_env_name, ".", "not a digit first"),
        (names.check_env_name, "..", "not a digit first"),
        (names.check_env_name, "..a", "did you mean a?"),
        (names.check_env_name, "1A", "did you mean A?"),
        (names.check_env_name, "A B", "did you mean A_B?"),
        (names.check_env_name, "A=B", "did you mean A_B?"),
        (names.check_env_name, "é", "not a digit first"),
        (names.check_env_name, "A\n", "did you mean A_?"),
        (names.check_dns_label, "", "at most 63 lower-case letters"),
        (names.check_dns_label, "Home_Dir", "did you mean home-dir?"),
        (names.check_dns_label, "a.b", "did you mean a-b?"),
        (names.check_dns_label, "-a", "at most 63 lower-case letters"),
        (names.check_dns_label, "x" * 64, "at most 63 lower-case letters"),
        (names.check_subdomain, "", "at most 253 lower-case letters"),
        (names.check_subdomain, "Claim.Ada", "did you mean claim.ada?"),
        (names.check_subdomain, "a..b", "a letter or digit beside each"),
        (names.check_subdomain, "x" * 254, "at most 253 lower-case letters"),
        (names.check_resource_name, "cpu", "use the key cpu, with guarantee and limit"),
        (names.check_resource_name, "memory", "use the key memory, with guarantee and limit"),
        (names.check_resource_name, "gpu", "such as nvidia.com/gpu"),
        (names.check_resource_name, "", "such as nvidia.com/gpu"),
        (names.check_resource_name, "ephemeralStorage", "did you mean ephemeral-storage?"),
        (names.check_resource_name, "hugepages-2MB", "did you mean hugepages-2Mi?"),
        (names.check_resource_name, "NVIDIA.com/gpu", "such as nvidia.com/gpu"),
        (names.check_resource_name, "nvidia.com/", "such as nvidia.com/gpu"),
        (names.check_resource_name, "/gpu", "such as nvidia.com/gpu"),
        (names.check_resource_name, "requests.nvidia.com/gpu", "such as nvidia.com/gpu"),
        (names.check_mount_path, "", "write a path, or leave out the key"),
        (names.check_mount_path, "home", "start it with /"),
        (names.check_mount_path, "~/data", "start it with /"),
        (names.check_mount_path, "/a:b", "Kubernetes takes none there"),
        (names.check_mount_path, "/a/../b", "write the path without '..'"),
        (names.check_mount_path, "/a\0", "leave it out"),
        (names.check_sub_path, "", "write a path, or leave out the key"),
        (names.check_sub_path, "/a", "leave out the / at its start"),
        (names.check_sub_path, "..", "write the path without '..'"),
        (names.check_sub_path, "a/..", "write the path without '..'"),
    ],
)
def test_what_kubernetes_refuses_is_refused_with_what_to_write(
    check: Callable[[str], str], text: str, hint: str
) -> None:
    with pytest.raises(Fault) as caught:
        check(text)
    assert hint in str(caught.value.hint)


@relaxed
@given(st.text() | st.text("aZ0._-/: ", max_size=300))
def test_nothing_but_a_fault_is_ever_raised(text: str) -> None:
    for check in CHECKS:
        if fault := _refusal(check, text):
            assert fault.hint
            assert len(fault.message) < 750  # of 60 characters, each may be written as ten
        else:
            assert check(text) is text


@relaxed
@given(st.text("aZ09._-/ =", max_size=20))
def test_a_name_that_a_hint_proposes_is_taken(text: str) -> None:
    for check in CHECKS:
        _, mean, meant = str(getattr(_refusal(check, text), "hint", "")).partition("did you mean ")
        if mean:
            check(meant.removesuffix("?"))


def _refusal(check: Callable[[str], str], text: str) -> Fault | None:
    try:
        check(text)
    except Fault as fault:
        return fault
    return None


def test_a_message_repeats_long_text_in_part_only() -> None:
    assert names.quoted("a" * 1000) == f"'{'a' * 60}…'"
    assert names.quoted("a\n") == r"'a\n'"
