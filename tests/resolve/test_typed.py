"""Text that users type: in which shapes it comes, who may type, and which text is good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envspawner.policy.rules import Policy
from envspawner.resolve.result import ResolvedEnvironment
from envspawner.resolve.typed import Typed

from .support import env, policy_of, refused, resolve, source

ASK = "If you need it, ask the people who run this hub."
IMAGES = """
defaults: {image: {name: base, tag: "1", pullPolicy: Always}, atMost: {memory: 4G}}
profiles:
  p:
    options:
      image:
        displayName: Image
        choices:
          r: {image: "r:1"}
          s: {image: "s:1", default: true, aliases: [old]}
          t: {allow: {users: [grace]}}
        other: {images: ["quay.io/jupyter/*"], image: "never:1", extraEnv: {TYPED: "{value}"}}
      size:
        choices: {m: {}}
  plain: {}
"""
PATTERN = """
profiles:
  p:
    options:
      one:
        displayName: First
        other: {pattern: ".*", %s}
"""
DIGEST = "sha256:" + "0123456789abcdef" * 4


def given_image(text: str, **more: str) -> dict[str, str]:
    return {"profile": "p", "image--unlisted-choice": text} | more


def one(text: str) -> dict[str, str]:
    return {"one--unlisted-choice": text}


def picked(environment: ResolvedEnvironment) -> list[tuple[str, str]]:
    return [(option.slug, choice.slug) for option, choice in environment.selection.choices]


# --- images ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["quay.io/jupyter/x:2", f"quay.io/jupyter/x@{DIGEST}", f"quay.io/jupyter/x:2@{DIGEST}"]
)
def test_a_typed_image_is_the_image(text: str) -> None:
    environment = resolve(IMAGES, options=given_image(text))
    assert environment.image() == text
    assert env(environment) == {"TYPED": text}
    assert environment.get("image.pullPolicy") == "Always"
    assert source(environment, "image.name") == "profiles.p.options.image.other"
    assert picked(environment) == [("image", text), ("size", "m")]


def test_a_typed_image_that_makes_no_label_is_refused_and_named_in_the_log() -> None:
    text = IMAGES.replace("images: [", "extraLabels: {a: '{value}'}, images: [")
    refusal = refused(text, options=given_image(TYPED))
    assert refusal.reason == "value-invalid"
    assert refusal.detail == f"option image of profile p: {TYPED!r}: {TYPED!r} cannot be the value of a label"


def test_what_was_typed_is_known_to_whoever_reads_the_selection() -> None:
    (_, choice), _ = resolve(IMAGES, options=given_image("quay.io/jupyter/x:2")).selection.choices
    assert isinstance(choice, Typed)
    assert choice.other.display_name == "Other"
    assert choice.value == "quay.io/jupyter/x:2"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("evil.io/x:1", "it is none of the images"),
        ("quay.io/jupyter/x", "it has neither tag nor digest"),
        ("quay.io/jupyter/x/../../evil:1", "the image name"),
        ("quay.io/jupyter/x:1\n", "it holds a character that does not print"),
        ("quay.io/jupyter/x:1 ", "has a blank in it"),
        ("x" * 300 + ":1", "is longer than 255 characters"),
        ("x" * 9000, "is longer than any can be"),
        ("{username}", "the part '{username}'"),
        ("<script>alert(1)</script>", "the image name"),
    ],
)
def test_another_image_is_refused_without_an_echo(text: str, why: str) -> None:
    refusal = refused(IMAGES, options=given_image(text))
    assert refusal.reason == "value-invalid"
    assert refusal.message == f"This image is not one that you may use. {ASK}"
    assert refusal.detail.startswith(f"option image of profile p: {text[:100]!r}: ")
    assert why in refusal.detail
    assert refusal.detail.isprintable()
    assert len(refusal.detail) < 400


def test_the_admins_own_message_is_what_the_person_reads() -> None:
    text = IMAGES.replace("images: [", "message: Take one of <b>quay.io/jupyter</b>., images: [")
    assert refused(text, options=given_image("evil.io/x:1")).message == "Take one of <b>quay.io/jupyter</b>."


# --- the shapes of options ---------------------------------------------------------------------------------

TYPED = "quay.io/jupyter/x:2"


@pytest.mark.parametrize(
    "options",
    [
        given_image(TYPED),  # KubeSpawner's form
        given_image(TYPED, image="unlisted-choice"),
        given_image(TYPED, image="unlisted_choice"),  # jupyterhub-fancy-profiles
        given_image(TYPED, image=""),
        {
            **given_image(TYPED, image="--extra-selectable-item"),  # where it builds an image
            "image--unlisted-choice--ref": "HEAD",
            "image--unlisted-choice--repo": "https://github.com/x/y",
        },
        given_image(TYPED, image="r"),  # in KubeSpawner too the text counts
        {"image--unlisted-choice": TYPED},  # for the default profile
    ],
)
def test_the_text_counts_in_every_shape_that_pages_send(options: dict[str, str]) -> None:
    assert picked(resolve(IMAGES, options=options))[0] == ("image", TYPED)


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        (given_image(""), "s"),
        (given_image("", image="r"), "r"),
        (given_image("", image="old"), "s"),
        ({"profile": "p"}, "s"),
        ({}, "s"),
    ],
)
def test_an_empty_text_is_not_given(options: dict[str, str], choice: str) -> None:
    assert picked(resolve(IMAGES, options=options))[0] == ("image", choice)


@pytest.mark.parametrize(
    ("options", "reason", "message"),
    [
        (given_image(TYPED, image="nope"), "choice-unknown", f"This choice is not offered to you. {ASK}"),
        (given_image(TYPED, image="t"), "choice-forbidden", f"This choice is not offered to you. {ASK}"),
        ({"profile": "p", "image": "unlisted-choice"}, "value-invalid", "Type what you want for Image."),
        (given_image("", image="unlisted_choice"), "value-invalid", "Type what you want for Image."),
        (
            {"profile": "p", "size": "unlisted-choice"},
            "choice-unknown",
            f"This choice is not offered to you. {ASK}",
        ),
        (
            {"profile": "p", "size--unlisted-choice": "m"},
            "option-unknown",
            f"This option is not offered to you. {ASK}",
        ),
        (
            {"profile": "p", "size--unlisted-choice--ref": "m"},
            "option-unknown",
            f"This option is not offered to you. {ASK}",
        ),
        (
            {"profile": "plain", "image--unlisted-choice": TYPED},
            "option-unknown",
            f"This option is not offered to you. {ASK}",
        ),
    ],
)
def test_what_no_page_sends_is_refused(options: dict[str, str], reason: str, message: str) -> None:
    refusal = refused(IMAGES, options=options)
    assert (refusal.reason, refusal.message) == (reason, message)


# --- who may -----------------------------------------------------------------------------------------------


def test_a_typed_choice_for_others_reads_as_an_option_that_takes_no_text() -> None:
    text = IMAGES.replace("images: [", "allow: {groups: [staff]}, images: [")
    assert resolve(text, groups=["staff"], options=given_image(TYPED)).image() == TYPED
    forbidden = refused(text, options=given_image(TYPED))
    unknown = refused(text, options={"profile": "p", "size--unlisted-choice": TYPED})
    assert (forbidden.reason, unknown.reason) == ("choice-forbidden", "option-unknown")
    assert forbidden.message == unknown.message
    assert forbidden.detail == "allow of profiles.p.options.image.other does not admit ada"
    hidden = refused(text, options={"profile": "p", "image": "unlisted-choice"})
    assert hidden.reason == "choice-unknown"


def test_who_may_not_type_does_not_learn_which_texts_are_good() -> None:
    text = IMAGES.replace("images: [", "allow: {groups: [staff]}, images: [")
    messages = {refused(text, options=given_image(typed)).message for typed in (TYPED, "evil", "\x00")}
    assert len(messages) == 1


def test_a_typed_choice_that_asks_for_too_much_is_not_offered() -> None:
    text = IMAGES.replace("images: [", "memory: {limit: 8G}, images: [")
    refusal = refused(text, options=given_image(TYPED))
    assert refusal.reason == "over-bound"
    detail = (
        "profiles.p.options.image.other asks for more memory than the 4G of defaults.atMost (policy.yaml:2)"
    )
    assert refusal.detail == detail
    assert resolve(text + "users: {ada: {atMost: {memory: 8G}}}", options=given_image(TYPED)).image() == TYPED


def test_where_nothing_else_may_be_chosen_text_is_needed() -> None:
    refusal = refused(PATTERN % "extraEnv: {A: '{value}'}")
    assert (refusal.reason, refusal.message) == ("value-invalid", "Type what you want for First.")
    assert refusal.detail == "option one of profile p needs text"
    text = "profiles: {p: {options: {o: {choices: {c: {allow: {users: [grace]}}}, other: {pattern: x}}}}}"
    assert refused(text).reason == "value-invalid"
    assert picked(resolve(text, "grace")) == [("o", "c")]


ODD: list[Any] = [None, 1, [], ["x"], {}, b"x", True]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_typed_text_is_text(value: Any) -> None:
    options: dict[str, Any] = {"image--unlisted-choice": value}
    assert refused(IMAGES, options=options).reason == "options-invalid"


# --- patterns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "why"),
    [
        ("pangeo/[a-z]+", "pangeo/", "it does not match the pattern"),
        ("pangeo/", "pangeo/x:1; rm -rf", "it does not match the pattern"),
        ("x", "evil/x", "it does not match the pattern"),
        ("^a/[a-z]+$", "a/b\n", "it holds a character that does not print"),
        (".*", "a\x00b", "it holds a character that does not print"),
        ("(?s).*", "a\nb", "it holds a character that does not print"),
        (".*", "a\u202eb", "it holds a character that does not print"),
        (".*", "\ud800", "it holds a character that does not print"),
        (".*", "a\u00a0b", "it holds a character that does not print"),
        ("[a-z]+", "раngeо", "it does not match the pattern"),
        (r"\w+", "ｐａｎｇｅｏ", "it does not match the pattern"),
        ("x*", "x" * 257, "it is longer than 256 characters"),
        ("(?:a|b|ab)*c", "ab" * 127 + "cd", "the pattern took too long"),
    ],
)
def test_text_that_does_not_match_is_refused(pattern: str, text: str, why: str) -> None:
    policy = f"profiles: {{p: {{options: {{one: {{other: {{pattern: '{pattern}'}}}}}}}}}}"
    refusal = refused(policy, options=one(text))
    assert refusal.reason == "value-invalid"
    assert refusal.message == f"What you typed is not one that you may use. {ASK}"
    assert refusal.detail.startswith(f"option one of profile p: a text of {len(text)} characters: {why}")
    assert refusal.detail.isprintable()


@pytest.mark.parametrize("text", ["x" * 256, "a b", "é", "{nope}", "${HOME}", "日本"])
def test_text_that_matches_is_taken(text: str) -> None:
    assert env(resolve(PATTERN % "extraEnv: {A: '<{value}>'}", options=one(text))) == {"A": f"<{text}>"}


def without_pattern(policy: Policy) -> Policy:
    """The policy with an `other` that takes any text, as one of KubeSpawner's may be."""
    (profile,) = policy.profiles
    (option,) = profile.options
    assert option.other is not None
    opened = replace(option, other=replace(option.other, pattern=None))
    return replace(policy, profiles=(replace(profile, options=(opened,)),))


def test_without_a_pattern_any_text_of_a_fair_length_is_taken() -> None:
    policy = without_pattern(policy_of(PATTERN % "extraEnv: {A: '{value}'}"))
    assert env(resolve(policy, options=one("any thing"))) == {"A": "any thing"}
    assert refused(policy, options=one("x" * 257)).reason == "value-invalid"
