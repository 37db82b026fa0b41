"""Where typed text goes: into images, variables, labels and annotations, as text that nobody looks at again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.pod.traits import traits_of

from .support import env, keyed, policy_of, refused, request, resolve

PATTERN = """
profiles:
  p:
    options:
      one:
        displayName: First
        other: {pattern: ".*", %s}
"""
DIGEST = "sha256:" + "0123456789abcdef" * 4


def one(text: str) -> dict[str, str]:
    return {"one--unlisted-choice": text}


@pytest.mark.parametrize(
    ("template", "text", "image"),
    [
        ("'{value}'", "quay.io/a/b:1", "quay.io/a/b:1"),
        ("'{value}'", f"a:5000/b@{DIGEST}", f"a:5000/b@{DIGEST}"),
        ("'{value}'", "busybox", "busybox"),
        ("'quay.io/org/{value}'", "x", "quay.io/org/x"),
        ("'quay.io/org/{value}'", "x:2", "quay.io/org/x:2"),
        ("'quay.io/org/{value}:3'", "x", "quay.io/org/x:3"),
        ("'quay.io/org/x:{value}'", "2", "quay.io/org/x:2"),
        ("{tag: '{value}'}", "2", "base:2"),
        ("{name: 'quay.io/{username}/x', tag: 'v{value}'}", "2", "quay.io/ada/x:v2"),
        ("{name: 'quay.io/x/{value}', tag: '{username}'}", "y", "quay.io/x/y:ada"),
    ],
)
def test_an_image_is_made_of_what_was_typed(template: str, text: str, image: str) -> None:
    policy = "defaults: {image: 'base:1'}" + PATTERN % f"image: {template}"
    assert resolve(policy, options=one(text)).image() == image


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("'quay.io/org/{value}'", "../evil"),
        ("'quay.io/org/{value}'", "X"),
        ("'quay.io/org/{value}'", "{username}"),
        ("'quay.io/org/{value}'", "x:"),
        ("'quay.io/org/{value}:3'", "x:2"),
        ("'quay.io/org/{value}:3'", "x@" + DIGEST + "/y"),
        ("{name: 'a/{value}', digest: '" + DIGEST + "'}", "x@" + DIGEST),
        ("'quay.io/org/x:{value}'", "2@" + DIGEST),
        ("'quay.io/org/x:{value}'", "2/../../y"),
        ("{tag: '{value}'}", "-x"),
        ("'{value}'", "a b"),
        ("'{value}'", "https://x"),
    ],
)
def test_what_makes_no_image_is_refused(template: str, text: str) -> None:
    policy = "defaults: {image: 'base:1'}" + PATTERN % f"image: {template}"
    assert refused(policy, options=one(text)).reason == "value-invalid"


@pytest.mark.parametrize("place", ["extraLabels: {a: 'x-%s'}", "storage: {extraLabels: {a: 'x-%s'}}"])
@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a", True),
        ("A_b.c", True),
        ("a b", False),
        ("a/b", False),
        ("-", False),
        ("é", False),
        ("x" * 62, False),
    ],
)
def test_a_label_takes_only_what_may_be_its_value(place: str, text: str, good: bool) -> None:
    policy = PATTERN % place.replace("%s", "{value}")
    if good:
        environment = resolve(policy, options=one(text))
        path = "extraLabels" if place.startswith("extra") else "storage.extraLabels"
        assert keyed(environment, path) == {"a": f"x-{text}"}
    else:
        refusal = refused(policy, options=one(text))
        assert refusal.reason == "value-invalid"
        assert refusal.detail.endswith("it makes no valid image or label")


def test_a_label_with_a_name_in_it_is_held_to_the_rule_too() -> None:
    policy = PATTERN % "extraLabels: {a: '{value}.{username}', b: null, c: plain}"
    assert keyed(resolve(policy, options=one("x")), "extraLabels") == {"a": "x.ada", "c": "plain"}
    assert refused(policy, options=one("x y")).reason == "value-invalid"


def test_each_option_knows_its_own_text_only() -> None:
    text = """
        profiles:
          p:
            extraEnv: {P: "{{value}}"}
            options:
              one: {other: {pattern: ".*", extraEnv: {A: "{value}", SAME: "{value}", P1: "{profile}"}}}
              two: {choices: {c: {}}, other: {pattern: ".*", extraEnv: {B: "{value}", SAME: "{value}"}}}
        """
    both = {"one--unlisted-choice": "first {value}", "two--unlisted-choice": "second"}
    assert env(resolve(text, options=both)) == {
        "P": "{value}", "A": "first {value}", "SAME": "second", "P1": "p", "B": "second",
    }  # fmt: skip
    assert env(resolve(text, options=one("x"))) == {"P": "{value}", "A": "x", "SAME": "x", "P1": "p"}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("$(JUPYTERHUB_API_TOKEN)", "$$(JUPYTERHUB_API_TOKEN)"),
        ("$$(A)", "$$$$(A)"),
        ("a$", "a$$"),
        ("$a $", "$a $$"),
        ("${HOME} $HOME", "${HOME} $HOME"),
    ],
)
def test_the_kubelet_expands_no_typed_text(text: str, sent: str) -> None:
    """It takes $(NAME) for another variable's value, and $$ for a $."""
    environment = resolve(
        PATTERN % "extraEnv: {A: '{value}'}, extraAnnotations: {a: '{value}'}", options=one(text)
    )
    assert env(environment) == {"A": sent}
    assert keyed(environment, "extraAnnotations") == {"a": text}


def kubelet(text: str) -> str:
    """What a container gets where no variable is known: kubernetes/third_party/forked/golang/expansion."""
    found, at = "", 0
    while at < len(text):
        rest = text[at + 1 :]
        if text[at] == "$" and rest.startswith("$"):
            found, at = found + "$", at + 2
        elif text[at] == "$" and rest.startswith("(") and ")" in rest:
            found, at = found + "EXPANDED", at + 2 + rest.index(")")
        else:
            found, at = found + text[at], at + 1
    return found


@settings(deadline=None)
@given(st.text("$()ab{}", min_size=1, max_size=12))
def test_a_container_gets_what_was_typed(text: str) -> None:
    sent = env(resolve(POLICY, options=one(text)))["A"]
    assert kubelet(sent) == f"<{text}>(X)"


POLICY = policy_of(
    PATTERN
    % """
        image: {tag: "1", name: "quay.io/org/x"},
        extraEnv: {A: "<{value}>(X)"},
        extraAnnotations: {a: "{value}"},
        cmd: [start, "{username}"],
        lifecycleHooks: {postStart: {exec: {command: [sh, -c, "echo $A"]}}},
        copyOnce: /srv/app/src,
        storage: {dynamic: {pvcNameTemplate: "x-{user_server}"}, extraVolumeMounts: [{name: home, mountPath: /x}]},
        initContainers: [{name: i, image: b, command: [c], args: ["{profile}"]}]
"""
)
MARK = "zqj"


@settings(deadline=None)
@given(st.text(min_size=0, max_size=60).map(lambda text: MARK + text).filter(str.isprintable))
def test_typed_text_is_nowhere_but_where_the_policy_puts_it(text: str) -> None:
    asked = request()
    environment = resolve(POLICY, options=one(text))
    traits = traits_of(environment, asked.own)
    assert keyed(environment, "extraAnnotations") == {"a": text}
    assert traits["extra_annotations"]["a"] == text
    for trait in ("environment", "extra_annotations"):
        del traits[trait]
    assert MARK not in repr(traits)
    assert MARK not in repr(environment.home)
    values = {found.path for found in environment.values() if MARK in repr(found.value)}
    assert values == {"extraEnv.A", "extraAnnotations.a"}


@pytest.mark.parametrize(
    "text", ["{username}", "{nope}", "${HOME}", "{{value}}", "{auth_state.x}", "{0}", "{", "%s"]
)
def test_templates_in_typed_text_are_text(text: str) -> None:
    policy = PATTERN % "extraEnv: {A: '{value}', B: '{username} {value}'}, extraAnnotations: {a: '{value}'}"
    environment = resolve(policy, options=one(text))
    assert env(environment) == {"A": text, "B": f"ada {text}"}
    assert keyed(environment, "extraAnnotations") == {"a": text}


def test_no_rule_is_changed_by_what_is_typed() -> None:
    policy = policy_of(PATTERN % "extraEnv: {A: '{value}'}, image: 'x/{value}'")
    before = repr(policy)
    assert env(resolve(policy, options=one("first"))) == {"A": "first"}
    assert env(resolve(policy, options=one("second"))) == {"A": "second"}
    assert repr(policy) == before
