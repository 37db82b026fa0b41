"""What `check` says of homes and starter files across rules."""

from __future__ import annotations

import pytest

from .loading import policy_of, problem_of, warnings_of

HTTP = "lifecycleHooks: {postStart: {httpGet: {port: 80}}}"
RUN = "lifecycleHooks: {postStart: {exec: {command: [a]}}}"
INIT = "copyOnce: {when: initContainer"
HINT = "(make the hook an exec hook, or write when: initContainer in copyOnce)"


@pytest.mark.parametrize(
    ("beneath", "above", "path"),
    [("copyOnce: /a", HTTP, "lifecycleHooks.postStart"), (HTTP, "copyOnce: /a", "copyOnce")],
)
def test_a_hook_and_starter_files_that_cannot_be_joined_are_told(beneath: str, above: str, path: str) -> None:
    other = "copyOnce" if path != "copyOnce" else "lifecycleHooks.postStart"
    said = f"{path}: cannot be joined with the {other} of p.yaml:1"
    (warning,) = warnings_of(f"defaults: {{{beneath}}}\ngroups: {{g: {{{above}}}}}")
    assert warning.endswith(f"groups.g.{said} {HINT}")
    choice = f"profiles: {{p: {{{beneath}, options: {{o: {{choices: {{c: {{{above}}}}}}}}}}}}}"
    assert problem_of(choice).endswith(f"profiles.p.options.o.choices.c.{said} {HINT}")


@pytest.mark.parametrize(
    ("beneath", "above"),
    [
        ("copyOnce: /a", RUN),
        (f"{INIT}}}", HTTP),
        (HTTP, f"{INIT}}}"),
        ("copyOnce: /a", "lifecycleHooks: {postStart: null}"),
        (HTTP, "copyOnce: null"),
        ("copyOnce: /a", f"{HTTP}, copyOnce: null"),
        ("cmd: [a]", HTTP),
    ],
)
def test_what_can_be_joined_is_fine(beneath: str, above: str) -> None:
    assert warnings_of(f"defaults: {{{beneath}}}\ngroups: {{g: {{{above}}}}}") == []
    policy_of(f"profiles: {{p: {{{beneath}, options: {{o: {{choices: {{c: {{{above}}}}}}}}}}}}}")


def test_an_init_container_without_a_home_is_a_hook_again() -> None:
    said = problem_of(f"defaults: {{{INIT}}}, storage: {{type: none}}, {HTTP}}}")
    assert said.endswith("cannot be joined with copyOnce (make it an exec hook)")


# --- init containers copy to the home ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "target", "fine"),
    [
        ("", "/home/jovyan", True),
        ("", "/home/jovyan/x", True),
        ("", "/home/jovyan2", False),
        ("storage: {homeMountPath: /data}", "/data/x", True),
        ("storage: {homeMountPath: /data}", "/home/jovyan/x", False),
        ("storage: {homeMountPath: '/home/{username}'}", "/data", True),
        ("", "/home/{username}", True),
    ],
)
def test_an_init_container_outside_of_the_home_is_an_error(rest: str, target: str, fine: bool) -> None:
    text = f"defaults: {{{rest}{', ' if rest else ''}{INIT}, to: '{target}'}}}}"
    if fine:
        policy_of(text)
    else:
        home = "/data" if rest else "/home/jovyan"
        assert problem_of(text).endswith(
            f"defaults.copyOnce[0].to: an init container can copy to the home only, and {target} is not in it "
            f"(write a folder below {home}, or when: postStart)"
        )


def test_a_home_of_any_rule_will_do() -> None:
    policy_of(f"defaults: {{{INIT}, to: /data/x}}}}\ngroups: {{g: {{storage: {{homeMountPath: /data}}}}}}")


@pytest.mark.parametrize("more", ["to: /data, when: postStart", "marker: .m, to: /data"])
def test_the_servers_own_copy_may_go_anywhere(more: str) -> None:
    policy_of(f"defaults: {{copyOnce: {{{more}}}}}")


# --- owners --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "warned"),
    [
        ("owner: '1:1'", True),
        ("type: dynamic, owner: '1:1'", True),
        ("type: static, static: {pvcName: a}, owner: '1:1'", False),
        ("owner: null", False),
    ],
)
def test_an_owner_of_no_static_home_is_warned_of(storage: str, warned: bool) -> None:
    found = warnings_of(f"defaults: {{storage: {{{storage}}}}}")
    assert ["storage.owner: has no effect" in one for one in found] == ([True] if warned else [])


# --- one node's claims ---------------------------------------------------------------------------------------------

SHARED = "storage: {dynamic: {pvcNameTemplate: 'home-{username}'}}"
GPU = "nodeSelector: {pool: gpu}"


def selectors_warned_of(text: str) -> list[str]:
    return [one.split(": ")[2] for one in warnings_of(text) if "one node mounts" in one]


def test_a_shared_claim_whose_servers_run_on_different_nodes_is_warned_of() -> None:
    text = f"defaults: {{{SHARED}}}\nprofiles: {{small: {{}}, gpu: {{{GPU}}}}}"
    (warning,) = warnings_of(text)
    assert "profiles.gpu.nodeSelector: all servers of a user share the claim home-{username}" in warning
    assert "profiles.small" in warning
    assert "(write {user_server} in pvcNameTemplate, " in warning


def test_a_choice_that_moves_a_server_is_warned_of_once() -> None:
    choices = f"options: {{o: {{choices: {{a: {{}}, b: {{{GPU}}}}}}}, p: {{choices: {{c: {{}}}}}}}}"
    text = f"defaults: {{{SHARED}}}\nprofiles: {{p: {{{choices}}}}}"
    assert selectors_warned_of(text) == ["profiles.p.options.o.choices.b.nodeSelector"]


def test_a_removed_selector_is_another_one() -> None:
    text = f"defaults: {{{SHARED}, {GPU}}}\nprofiles: {{a: {{}}, b: {{nodeSelector: null}}}}"
    assert selectors_warned_of(text) == ["profiles.b.nodeSelector"]
    text = f"defaults: {{{SHARED}, {GPU}}}\nprofiles: {{a: {{}}, b: {{nodeSelector: {{pool: null}}}}}}"
    assert selectors_warned_of(text) == ["profiles.b.nodeSelector"]


@pytest.mark.parametrize(
    "text",
    [
        f"defaults: {{}}\nprofiles: {{a: {{}}, b: {{{GPU}}}}}",
        f"defaults: {{{SHARED}}}\nprofiles: {{a: {{{GPU}}}, b: {{{GPU}}}}}",
        f"defaults: {{{SHARED}}}\ngroups: {{g: {{{GPU}}}}}\nprofiles: {{a: {{}}, b: {{}}}}",
        f"defaults: {{{SHARED}}}\nprofiles: {{a: {{}}, b: {{{GPU}, storage: {{type: none}}}}}}",
        f"defaults: {{{SHARED}}}\nprofiles: {{a: {{}}, b: {{{GPU}, storage: {{home: gpu}}}}}}",
        "defaults: {storage: {dynamic: {pvcNameTemplate: 'home-{username}', storageAccessModes: ReadWriteMany}}}"
        f"\nprofiles: {{a: {{}}, b: {{{GPU}}}}}",
        "defaults: {storage: {dynamic: {pvcNameTemplate: 'home-{user_server}'}}}"
        f"\nprofiles: {{a: {{}}, b: {{{GPU}}}}}",
        "defaults: {storage: {dynamic: {pvcNameTemplate: 'home-{username}-{profile}'}}}"
        f"\nprofiles: {{a: {{}}, b: {{{GPU}}}}}",
    ],
)
def test_servers_that_do_not_get_into_each_others_way_are_fine(text: str) -> None:
    assert selectors_warned_of(text) == []
