"""`other`: a choice that the user types, as admins write it and as they are told of mistakes in it."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

import pytest

from envspawner.policy.image_globs import parse_glob
from envspawner.policy.patterns import Pattern
from envspawner.policy.rules import Allow, Option, Other

from .loading import policy_of, problem_of, problems_of, values_of, warnings_of

IMAGES = """
profiles:
  gpu:
    options:
      image:
        choices: {base: {}}
        other:
          displayName: Another image
          description: One of Jupyter's.
          message: It is one of quay.io/jupyter.
          allow: {groups: [staff]}
          images: ["quay.io/jupyter/*", "jupyter/*:2026-*"]
          extraEnv: {TYPED: "{value}"}
"""


def option_of(text: str) -> Option:
    (profile,) = policy_of(text).profiles
    (option,) = profile.options
    return option


def other_of(block: str) -> Other:
    other = option_of(f"profiles: {{p: {{options: {{o: {{other: {block}}}}}}}}}").other
    assert other is not None
    return other


def test_an_option_may_have_choices_and_a_typed_one() -> None:
    option = option_of(IMAGES)
    other = option.other
    assert other is not None
    assert [choice.slug for choice in option.choices] == ["base"]
    assert (other.display_name, other.description) == ("Another image", "One of Jupyter's.")
    assert other.message == "It is one of quay.io/jupyter."
    assert other.allow == Allow(groups=("staff",))
    assert other.images == (parse_glob("quay.io/jupyter/*"), parse_glob("jupyter/*:2026-*"))
    assert other.pattern is None
    assert values_of(other.rule) == {"extraEnv.TYPED": "{value}"}
    assert other.rule.source == "profiles.gpu.options.image.other"
    assert str(other.rule.place) == "p.yaml:7"


def test_an_option_may_have_a_typed_choice_alone() -> None:
    option = option_of(
        "profiles: {p: {options: {o: {other: {pattern: '[a-z]+', extraEnv: {A: '{value}'}}}}}}"
    )
    assert option.choices == ()
    assert option.other is not None
    assert option.other.pattern == Pattern("[a-z]+")
    assert (option.other.display_name, option.other.allow, option.other.images) == ("Other", None, ())


def test_one_image_needs_no_list() -> None:
    assert other_of("{images: 'quay.io/jupyter/*'}").images == (parse_glob("quay.io/jupyter/*"),)


def test_null_is_no_other() -> None:
    assert option_of("profiles: {p: {options: {o: {choices: {a: {}}, other: null}}}}").other is None


def test_its_rule_is_among_those_of_the_policy() -> None:
    assert [rule.source for rule in policy_of(IMAGES).rules()] == [
        "profiles.gpu",
        "profiles.gpu.options.image.choices.base",
        "profiles.gpu.options.image.other",
    ]


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (
            "{}",
            "other: does not say what may be typed (write images: [quay.io/jupyter/*], or pattern: a regular expression)",
        ),
        (
            "{images: []}",
            "other: does not say what may be typed (write images: [quay.io/jupyter/*], or pattern: a regular expression)",
        ),
        (
            "{images: x, pattern: x}",
            "other: images and pattern: one of them (write images: [quay.io/jupyter/*], or pattern: a regular expression)",
        ),
        (
            "{images: [x, '*']}",
            "other.images[1]: '*' does not say which registry (write its name first; on Docker Hub this is docker.io/library/*)",
        ),
        ("{pattern: '(a'}", "other.pattern: this is no regular expression: missing ) at position 2 (write one such as [a-z0-9.-]+)"),
        ("{pattern: [a]}", "other.pattern: expected text, got a list"),
        ("{pattern: ''}", "other.pattern: expected text, got nothing (write a word, or delete the line)"),
        ("{pattern: a, default: true}", "other.default: unknown key 'default' (only profiles and their choices have it)"),
        ("{pattern: a, options: {}}", "other.options: unknown key 'options' (only profiles have it)"),
        ("{pattern: a, patern: b}", "other.patern: unknown key 'patern' (did you mean pattern?)"),
        ("{pattern: a, allow: [x]}", "other.allow: expected a mapping, got a list (write allow: {groups: [x]})"),
        (
            "{pattern: a, allow: {}}",
            "other.allow: says nobody (name users, groups or admins; without allow it is for everybody)",
        ),
        ("{pattern: a, memory: {guarantee: 2G, limit: 1G}}", "other.memory.guarantee: the guarantee is above the limit (lower it, or raise the limit)"),
        ("5", "other: expected a mapping, got a number"),
    ],
)  # fmt: skip
def test_mistakes_in_an_other_are_told(block: str, complaint: str) -> None:
    said = problem_of(f"profiles: {{p: {{options: {{o: {{other: {block}}}}}}}}}")
    assert said.split(": ", 1)[1] == f"profiles.p.options.o.{complaint}"


def test_they_are_told_with_their_places() -> None:
    assert problem_of(IMAGES.replace('"jupyter/*:2026-*"', '"jupyter/**"')).startswith("p.yaml:12:41: ")


@pytest.mark.parametrize(("key", "owner"), [("images", "choices: {c: %s}"), ("pattern", "choices: {c: %s}")])
def test_a_choice_is_not_typed(key: str, owner: str) -> None:
    block = owner % f"{{{key}: x}}"
    assert problem_of(f"profiles: {{p: {{options: {{o: {{{block}}}}}}}}}").endswith(
        f"unknown key '{key}' (only the other of an option has it)"
    )


def test_what_contradicts_the_profile_is_found_in_an_other_too() -> None:
    text = (
        "profiles: {p: {copyOnce: /srv, options: {o: {other: {pattern: a, extraEnv: {A: '{value}'},"
        " lifecycleHooks: {postStart: {httpGet: {port: 1}}}}}}}}"
    )
    (said,) = problems_of(text)
    assert "profiles.p.options.o.other.lifecycleHooks.postStart: cannot be joined with the copyOnce" in said


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("{p: {options: {o: {other: {pattern: a}}}}}", "what is typed is used nowhere"),
        (
            "{p: {default: true, options: {o: {other: {images: x}}}}}",
            "whoever starts a server without a choice gets this profile, and is refused",
        ),
        (
            "{p: {options: {o: {other: {pattern: a, image: 'x:{value}', cpu: {limit: 1}}}}}}",
            "cpu.limit: a limit",
        ),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(text: str, warning: str) -> None:
    (said,) = warnings_of(f"profiles: {text}")
    assert "warning: profiles.p.options.o.other" in said
    assert warning in said


@pytest.mark.parametrize(
    "other",
    ["{images: x}", "{pattern: a, image: 'quay.io/x/{value}'}", "{pattern: a, extraEnv: {A: '{value}'}}"],
)
def test_a_useful_other_is_not_warned_of(other: str) -> None:
    assert warnings_of(f"profiles: {{p: {{options: {{o: {{choices: {{c: {{}}}}, other: {other}}}}}}}}}") == []
