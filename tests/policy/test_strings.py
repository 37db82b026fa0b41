"""Where which placeholder may stand, and which claims and subPaths lead into nobody else's home."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

import pytest

from envspawner.policy.templates import KNOWN

from .loading import policy_of, problems_of

HAND_OVER = "(hand it over as an environment variable (extraEnv), and write $NAME)"
COMMANDS = {
    "a hook": "lifecycleHooks: {postStart: {exec: {command: [sh, -c, 'echo %s']}}}",
    "a command": "cmd: [start, '%s']",
    "starter files": "copyOnce: {from: '/srv/%s'}",
    "an init container": "initContainers: [{name: i, image: busybox, command: [echo], args: ['%s']}]",
    "a container": "extraContainers: {x: {name: i, image: busybox, lifecycle: {preStop: {exec: {command: ['%s']}}}}}",
    "a probe": "extraContainerConfig: {livenessProbe: {exec: {command: ['%s']}}}",
    "the container's arguments": "extraContainerConfig: {args: ['%s']}",
    "the trait args": "kubespawnerOverride: {args: ['%s']}",
}
PLACES = {
    "an image": "image: 'quay.io/x/%s:1'",
    "a variable": "extraEnv: {A: '%s'}",
    "a variable called args": "extraEnv: {args: '%s', command: '%s'}",
    "a label": "extraLabels: {command: '%s'}",
    "an annotation": "extraAnnotations: {exec: '%s'}",
    "a mount": "storage: {extraVolumes: [{name: 'v-%s', emptyDir: {}}], extraVolumeMounts: [{name: 'v-%s', mountPath: '/%s'}]}",
    "a home": "storage: {home: 'x-%s', homeMountPath: '/home/%s'}",
    "a page": "defaultUrl: '/%s'",
    "a service account": "serviceAccountName: 'x-%s'",
    "a trait": "kubespawnerOverride: {working_dir: '/%s'}",
}


def rule(text: str, name: str, owner: str = "groups: {'g:*': %s}") -> str:
    return owner % ("{" + text.replace("%s", f"{{{name}}}") + "}")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["username", "user_server", "profile", "group", "match", "userid"])
def test_text_may_hold_what_is_known_of_the_user_and_the_group(place: str, name: str) -> None:
    assert policy_of(rule(PLACES[place], name))


@pytest.mark.parametrize("place", COMMANDS)
@pytest.mark.parametrize("name", ["username", "servername", "user_server", "userid", "namespace", "pod_name"])
def test_commands_may_hold_what_nobody_chose_freely(place: str, name: str) -> None:
    assert policy_of(rule(COMMANDS[place], name))


@pytest.mark.parametrize("place", COMMANDS)
@pytest.mark.parametrize("name", ["group", "match", "unescaped_username", "unescaped_servername"])
def test_commands_hold_no_text_that_people_chose(place: str, name: str) -> None:
    (said,) = problems_of(rule(COMMANDS[place], name))
    assert said.endswith(f"{{{name}}} may not stand in a command, for people chose that text {HAND_OVER}")


# --- typed text --------------------------------------------------------------------------------------------

OTHER = "profiles: {p: {options: {o: {other: {pattern: x, %s}}}}}"
TYPED = {
    "an image's last part": "image: 'quay.io/x/%s'",
    "an image's tag": "image: 'quay.io/x/y:%s'",
    "a whole image": "image: '%s'",
    "the tag alone": "image: {tag: '%s'}",
    "a variable": "extraEnv: {A: 'x %s'}",
    "a variable beside what else is known": "extraEnv: {A: '{username} %s {auth_state.token}'}",
    "a label": "extraLabels: {a: 'x-%s'}",
    "a claim's label": "storage: {extraLabels: {a: '%s'}}",
    "an annotation": "extraAnnotations: {a: 'x %s'}",
}
UNTYPED = {
    "a mount": "storage: {extraVolumeMounts: [{name: home, mountPath: '/%s'}]}",
    "a volume": "storage: {extraVolumes: [{name: v, configMap: {name: 'x-%s'}}]}",
    "a subPath": "storage: {dynamic: {subPath: 'x/%s'}}",
    "a claim": "storage: {dynamic: {pvcNameTemplate: 'x-%s'}}",
    "a home": "storage: {home: 'x-%s', homeMountPath: '/home/%s'}",
    "a page": "defaultUrl: '/%s'",
    "a service account": "serviceAccountName: 'x-%s'",
    "a trait": "kubespawnerOverride: {working_dir: '/%s'}",
    "a node": "nodeSelector: {pool: '%s'}",
    "an image of another container": "initContainers: [{name: i, image: 'x/%s'}]",
    "a pull secret": "image: {pullSecrets: ['%s']}",
    "a secret that a variable is read from": "extraEnv: {A: {valueFrom: {secretKeyRef: {name: s, key: '%s'}}}}",
    "a variable of another container": "initContainers: [{name: i, image: x, env: [{name: A, value: '%s'}]}]",
}


@pytest.mark.parametrize("place", [*PLACES, *COMMANDS, *TYPED, *UNTYPED])
@pytest.mark.parametrize("owner", ["defaults: %s", "groups: {'g:*': %s}", "profiles: {p: %s}"])
def test_only_an_other_knows_what_was_typed(owner: str, place: str) -> None:
    said = problems_of(rule((PLACES | COMMANDS | TYPED | UNTYPED)[place], "value", owner))
    assert said
    assert all(
        line.endswith("{value} may stand only below `other` (write {{value}} for the text itself)")
        for line in said
    )


@pytest.mark.parametrize("place", TYPED)
def test_typed_text_stands_in_images_variables_labels_and_annotations(place: str) -> None:
    assert policy_of(OTHER % TYPED[place].replace("%s", "{value}"))


@pytest.mark.parametrize("place", UNTYPED)
def test_typed_text_stands_in_no_path_and_no_name(place: str) -> None:
    said = problems_of(OTHER % UNTYPED[place].replace("%s", "{value}"))
    where = "{value} may stand only in the text of image, extraEnv, extraLabels and extraAnnotations"
    assert all(line.endswith(f"{where} (write {{{{value}}}} for the text itself)") for line in said)


@pytest.mark.parametrize("place", COMMANDS)
def test_typed_text_stands_in_no_command(place: str) -> None:
    (said,) = problems_of(OTHER % COMMANDS[place].replace("%s", "{value}"))
    assert said.endswith(f"extraLabels and extraAnnotations {HAND_OVER}")


def test_a_typed_image_holds_nothing_else_that_is_filled_in() -> None:
    (said,) = problems_of(OTHER % "image: 'quay.io/{username}/{value}'")
    assert said.endswith("an image with {value} holds no other placeholder (write what the others would say)")


def test_what_else_is_wrong_beside_a_typed_value_is_told_too() -> None:
    (said,) = problems_of(OTHER % "extraEnv: {A: '{value} {group}'}")
    assert "{group} may stand only in rules of groups" in said


@pytest.mark.parametrize("name", ["group", "match"])
@pytest.mark.parametrize("owner", ["defaults: %s", "admins: %s", "users: {ada: %s}", "profiles: {p: %s}"])
def test_only_rules_of_groups_know_the_group(name: str, owner: str) -> None:
    (said,) = problems_of(rule("extraEnv: {A: '%s'}", name, owner))
    assert said.endswith(
        f"{{{name}}} may stand only in rules of groups (write {{{{{name}}}}} for the text itself)"
    )


def test_a_match_needs_a_star() -> None:
    (said,) = problems_of("groups: {staff: {extraEnv: {A: '{match}', B: '{group}'}}}")
    assert said == (
        "p.yaml:1:32: groups.staff.extraEnv: {match} needs a * in the group's name (write {group} for its whole name)"
    )


def test_auth_state_stands_only_in_variables() -> None:
    assert policy_of("defaults: {extraEnv: {A: 'x {auth_state.a}'}}")
    for text in (
        "extraLabels: {a: '{auth_state.a}'}",
        "cmd: ['{auth_state.a}']",
        "image: 'a/{auth_state.a}'",
    ):
        (said,) = problems_of(f"defaults: {{{text}}}")
        assert said.endswith(f"{{auth_state...}} may stand only in extraEnv {HAND_OVER}")


@pytest.mark.parametrize(
    "text",
    [
        "home: '{pvc_name}'",
        "dynamic: {pvcNameTemplate: 'x-{pvc_name}'}",
        "dynamic: {subPath: '{pvc_name}'}",
        "dynamic: {volumeNameTemplate: 'v-{pvc_name}'}",
        "static: {pvcName: 'x-{pvc_name}'}",
        "static: {subPath: '{pvc_name}'}",
    ],
)
def test_the_claim_s_name_is_not_known_before_the_home(text: str) -> None:
    said = problems_of(f"defaults: {{storage: {{{text}}}}}")
    assert said[-1].endswith("{pvc_name} is not known before the home is (write {username} or {user_server})")


def test_the_claim_s_name_may_stand_elsewhere() -> None:
    assert policy_of("defaults: {extraEnv: {CLAIM: '{pvc_name}'}, extraLabels: {claim: '{pvc_name}'}}")


CLAIMS = [
    "storage: {dynamic: {pvcNameTemplate: '%s'}}",
    "storage: {static: {pvcName: '%s'}, type: static}",
    "storage: {extraVolumes: [{name: v, persistentVolumeClaim: {claimName: '%s'}}]}",
]
SUB_PATHS = [
    "storage: {dynamic: {subPath: '%s'}}",
    "storage: {static: {subPath: '%s', pvcName: homes}, type: static}",
    "storage: {extraVolumeMounts: [{name: home, mountPath: /x, subPath: '%s'}]}",
    "initContainers: [{name: i, image: b, volumeMounts: [{name: home, mountPath: /x, subPath: '%s'}]}]",
]


@pytest.mark.parametrize("text", [*CLAIMS, *SUB_PATHS])
@pytest.mark.parametrize(
    "template",
    ["claim-{username}", "claim-{user_server}", "project-{match}", "plain", "a.{userid}"],
)
def test_names_of_claims_and_subpaths_that_nobody_shares_by_accident_are_fine(
    text: str, template: str
) -> None:
    assert policy_of(f"groups: {{'g:*': {{{text.replace('%s', template)}}}}}")


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_that_names_a_server_and_no_user_is_refused(text: str) -> None:
    (said,) = problems_of(f"defaults: {{{text.replace('%s', 'x{servername}x')}}}")
    assert "that names a server and no user could be another user's (write {user_server})" in said


@pytest.mark.parametrize("text", [text for text in SUB_PATHS if "static" not in text])
@pytest.mark.parametrize("template", ["x{servername}x", "p-{group}-{username}"])
def test_a_subpath_of_ones_own_claim_is_freer(text: str, template: str) -> None:
    assert policy_of(f"groups: {{'g:*': {{{text.replace('%s', template)}}}}}")


@pytest.mark.parametrize("template", ["x{servername}x", "p-{group}-{username}"])
def test_a_subpath_of_a_claim_that_many_share_is_not(template: str) -> None:
    """Group a and user b-c would have the folder of group a-b and user c."""
    static = f"{{type: static, static: {{subPath: '{template}', pvcName: homes}}}}"
    (said,) = problems_of(f"groups: {{'g:*': {{storage: {static}}}}}")
    assert "could be another" in said


@pytest.mark.parametrize("text", CLAIMS)
@pytest.mark.parametrize(
    "template", ["claim-{username}{servername}", "{username}-{servername}", "{userid}.{safe_servername}x"]
)
def test_a_claim_that_joins_user_and_server_is_refused(text: str, template: str) -> None:
    (said,) = problems_of(f"defaults: {{{text.replace('%s', template)}}}")
    assert said.endswith(
        "the name of a claim that joins user and server could be another user's (write {user_server})"
    )


@pytest.mark.parametrize("text", SUB_PATHS)
def test_a_subpath_may_join_user_and_server_only_with_a_slash(text: str) -> None:
    assert policy_of("defaults: {" + text.replace("%s", "homes/{username}/{servername}/x") + "}")
    (said,) = problems_of("defaults: {" + text.replace("%s", "x/{username}-{servername}") + "}")
    assert said.endswith("a subPath that joins user and server could be another user's (write {user_server})")


@pytest.mark.parametrize("text", [*CLAIMS, *SUB_PATHS])
@pytest.mark.parametrize("template", ["{group}", "{match}", "{match}-{group}"])
def test_a_group_s_name_alone_is_no_claim_and_no_subpath(text: str, template: str) -> None:
    (said,) = problems_of(f"groups: {{'g:*': {{{text.replace('%s', template)}}}}}")
    assert said.endswith(
        "that only a group names could be somebody else's (add a word, such as project-{match})"
    )


@pytest.mark.parametrize("text", [*CLAIMS, *SUB_PATHS])
def test_unescaped_names_are_no_claim_and_no_subpath(text: str) -> None:
    (said,) = problems_of("defaults: {" + text.replace("%s", "x-{unescaped_username}") + "}")
    assert said.endswith("(write {username})")
    assert "{unescaped_username} may not stand in " in said


def test_a_placeholder_in_doubled_braces_is_text_and_may_stand_anywhere() -> None:
    names = " ".join(f"{{{{{name}}}}}" for name in sorted(KNOWN))
    assert policy_of(f"defaults: {{cmd: [sh, -c, '{names}']}}")


def test_commands_that_say_nothing_of_people_are_left_alone() -> None:
    assert policy_of("defaults: {cmd: [sh, -c, 'echo ${HOME} {\"a\": 1} {nobody}'], copyOnce: null}")
