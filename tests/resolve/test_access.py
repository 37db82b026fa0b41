"""Who may choose what: one evaluator, and everything that arrives is untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from envspawner.resolve.access import Refusal
from envspawner.resolve.resolver import Resolver

from .support import env, policy_of, refused, request, resolve

POLICY = """
defaults: {atMost: {memory: 4G}}
profiles:
  small: {aliases: [tiny, mini]}
  staff:
    allow: {groups: [staff]}
    extraEnv: {P: staff}
  gpu:
    displayName: GPU
    options:
      size:
        choices:
          s: {}
          m: {default: true, aliases: [medium]}
          l: {allow: {users: [grace]}}
          xl: {memory: {limit: 64G}}
      image:
        choices:
          base: {}
"""


# --- what may be chosen ------------------------------------------------------------------------------------


def test_a_profile_and_its_choices_are_chosen_by_name() -> None:
    selection = resolve(POLICY, options={"profile": "gpu", "size": "s", "image": "base"}).selection
    assert selection.slug == "gpu"
    assert [(o.slug, c.slug) for o, c in selection.choices] == [("size", "s"), ("image", "base")]


def test_choices_not_given_are_the_defaults() -> None:
    selection = resolve(POLICY, options={"profile": "gpu"}).selection
    assert [c.slug for _, c in selection.choices] == ["m", "base"]


@pytest.mark.parametrize("alias", ["small", "tiny", "mini"])
def test_an_alias_means_the_profile(alias: str) -> None:
    assert resolve(POLICY, options={"profile": alias}).selection.slug == "small"


def test_an_alias_means_the_choice() -> None:
    selection = resolve(POLICY, options={"profile": "gpu", "size": "medium"}).selection
    assert selection.choices[0][1].slug == "m"


def test_an_alias_is_held_to_the_rules_of_its_profile() -> None:
    text = "profiles: {a: {}, b: {aliases: [old], allow: {users: [grace]}}}"
    assert refused(text, options={"profile": "old"}).reason == "profile-forbidden"


def test_select_and_resolve_agree() -> None:
    ready = Resolver(policy_of(POLICY))
    chosen = {"profile": "gpu", "size": "s"}
    assert ready.select(request(), chosen) == ready.resolve(request(), chosen).selection


# --- defaults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, {}, {"profile": ""}])
def test_nothing_given_means_the_default(nothing: Any) -> None:
    assert resolve("profiles: {a: {}, b: {default: true}}", options=nothing).selection.slug == "b"


def test_without_a_default_it_is_the_first() -> None:
    assert resolve("profiles: {b: {}, a: {}}").selection.slug == "b"


@pytest.mark.parametrize(
    ("user", "groups", "slug"),
    [("ada", [], "open"), ("ada", ["staff"], "best"), ("grace", [], "hers")],
)
def test_the_default_is_among_what_this_user_may_use(user: str, groups: list[str], slug: str) -> None:
    text = """
        profiles:
          hers: {allow: {users: [grace]}}
          open: {}
          best: {default: true, allow: {groups: [staff]}}
        """
    assert resolve(text, user, groups).selection.slug == slug


def test_a_default_choice_is_among_what_this_user_may_use() -> None:
    text = """
        profiles:
          p:
            options:
              size: {choices: {s: {}, l: {default: true, allow: {groups: [staff]}}}}
        """
    assert resolve(text).selection.choices[0][1].slug == "s"
    assert resolve(text, groups=["staff"]).selection.choices[0][1].slug == "l"


def test_a_profile_without_a_choice_for_this_user_is_no_default() -> None:
    text = """
        profiles:
          p: {options: {size: {choices: {l: {allow: {groups: [staff]}}}}}}
          q: {}
        """
    assert resolve(text).selection.slug == "q"
    assert resolve(text, groups=["staff"]).selection.slug == "p"


def test_without_profiles_there_is_nothing_to_choose() -> None:
    environment = resolve("defaults: {extraEnv: {A: x}}")
    assert environment.selection.profile is None
    assert environment.selection.slug == ""
    assert env(environment) == {"A": "x"}


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"profile": "none"}, "profile-unknown"),
        ({"profile": "SMALL"}, "profile-unknown"),
        ({"profile": "small "}, "profile-unknown"),
        ({"profile": "GPU"}, "profile-unknown"),
        ({"profile": "staff"}, "profile-forbidden"),
        ({"profile": "gpu", "size": "none"}, "choice-unknown"),
        ({"profile": "gpu", "size": ""}, "choice-unknown"),
        ({"profile": "gpu", "size": "l"}, "choice-forbidden"),
        ({"profile": "gpu", "size": "xl"}, "over-bound"),
        ({"profile": "gpu", "colour": "red"}, "option-unknown"),
        ({"profile": "small", "size": "s"}, "option-unknown"),
        ({"size": "s"}, "option-unknown"),
        ({"": ""}, "option-unknown"),
        ({"profile": "gpu", "image--unlisted-choice": "evil.io/x:1"}, "option-unknown"),
        ({"profile": "gpu", "size--unlisted-choice": "s"}, "option-unknown"),
        ({"profile--unlisted-choice": "gpu"}, "option-unknown"),
        ({"profile": "gpu", "size": "xl", "colour": "red"}, "over-bound"),
    ],
)
def test_what_is_not_this_users_is_refused(options: Any, reason: str) -> None:
    assert refused(POLICY, options=options).reason == reason


def test_without_profiles_every_option_is_unknown() -> None:
    assert refused("defaults: {}", options={"profile": "small"}).reason == "profile-unknown"
    refusal = refused("defaults: {}", options={"size": "s"})
    assert refusal.reason == "option-unknown"
    assert refusal.detail == "the policy has no profiles, so no option 'size'"


def test_who_may_use_no_profile_gets_no_server() -> None:
    refusal = refused("profiles: {p: {allow: {users: [grace]}}}")
    assert refusal.reason == "no-profile"
    assert refusal.message == (
        "There is no server profile that you may use. Ask the people who run this hub."
    )


def test_a_profile_without_a_choice_for_this_user_is_refused() -> None:
    text = "profiles: {p: {options: {size: {choices: {l: {allow: {groups: [staff]}}}}}}, q: {}}"
    refusal = refused(text, options={"profile": "p"})
    assert refusal.reason == "choice-forbidden"
    assert refusal.detail == "option size of profile p has no choice for ada"


@pytest.mark.parametrize(
    ("forbidden", "unknown"),
    [
        ({"profile": "staff"}, {"profile": "nothing"}),
        ({"profile": "gpu", "size": "l"}, {"profile": "gpu", "size": "nothing"}),
        ({"profile": "gpu", "size": "xl"}, {"profile": "gpu", "size": "nothing"}),
        ({"profile": "gpu", "colour": "red"}, {"profile": "gpu", "size--unlisted-choice": "x"}),
    ],
)
def test_forbidden_and_unknown_read_the_same(forbidden: Any, unknown: Any) -> None:
    one, other = refused(POLICY, options=forbidden), refused(POLICY, options=unknown)
    assert one.message == other.message
    assert one.detail != other.detail


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "staff"}, "This profile is not offered to you."),
        ({"profile": "gpu", "size": "l"}, "This choice is not offered to you."),
        ({"profile": "gpu", "colour": "red"}, "This option is not offered to you."),
    ],
)
def test_people_read_what_is_refused_and_whom_to_ask(options: Any, message: str) -> None:
    assert refused(POLICY, options=options).message == (
        f"{message} If you need it, ask the people who run this hub."
    )


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"profile": "staff"}, "allow of profiles.staff does not admit ada"),
        ({"profile": "none"}, "there is no profile 'none'"),
        ({"profile": "gpu", "size": "q"}, "option size of profile gpu has no choice 'q'"),
        (
            {"profile": "gpu", "size": "xl"},
            "profiles.gpu.options.size.choices.xl asks for more memory than the 4G of defaults.atMost (policy.yaml:2)",
        ),
        ({"profile": "gpu", "a--unlisted-choice": "x"}, "'a--unlisted-choice' of profile gpu takes no typed"),
        ({"profile": "gpu", "colour": "red"}, "profile gpu has no option 'colour'"),
    ],
)
def test_the_hubs_log_says_why(options: Any, detail: str) -> None:
    refusal = refused(POLICY, options=options)
    assert refusal.detail.startswith(detail)
    assert str(refusal) == f"{refusal.reason}: {refusal.detail}"


# --- untrusted input ---------------------------------------------------------------------------------------

NO_TEXT: list[Any] = [None, 1, 1.5, True, [], ["small"], {}, {"small": "small"}, b"small", [[[]]], object()]


@pytest.mark.parametrize("options", [1, 0, 1.5, True, "small", "", [], ["profile"], b"", object()])
def test_options_that_are_no_object_are_refused(options: Any) -> None:
    assert refused(POLICY, options=options).reason == "options-invalid"


@pytest.mark.parametrize("value", NO_TEXT, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("key", ["profile", "size", "nothing", "size--unlisted-choice"])
def test_values_that_are_no_text_are_refused(key: str, value: Any) -> None:
    refusal = refused(POLICY, options={"profile": "gpu"} | {key: value})
    assert refusal.reason == "options-invalid"
    assert refusal.message == "This request is not one that the spawn page sends."


@pytest.mark.parametrize("key", [1, None, True, b"profile", ("profile",), pytest.param(10**5000, id="huge")])
def test_keys_that_are_no_text_are_refused(key: Any) -> None:
    assert refused(POLICY, options={key: "small"}).reason == "options-invalid"


@pytest.mark.parametrize("text", ["defaults: {}", POLICY])
def test_wrong_types_are_refused_with_and_without_profiles(text: str) -> None:
    assert refused(text, options={"profile": ["small"]}).reason == "options-invalid"


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "x" * 20_000},
        {"x" * 20_000: "small"},
        {f"option-{number}": "x" for number in range(2_000)},
    ],
    ids=["value", "key", "many"],
)
def test_more_than_16_kib_are_refused(options: Any) -> None:
    assert refused(POLICY, options=options).reason == "options-invalid"


ODD = {
    "long": "x" * 9_000,
    "nul": "\x00",
    "lines": "\n[E] forged line",
    "surrogate": "\ud800",
    "accents": "é" * 500,
    "placeholder": "{username}",
    "path": "../small",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
@pytest.mark.parametrize("place", ["profile", "size", "key"])
def test_odd_text_is_refused_in_few_printable_words(place: str, text: str) -> None:
    options: Mapping[str, str] = {"profile": "gpu"} | ({text: "s"} if place == "key" else {place: text})
    refusal = refused(POLICY, options=options)
    assert refusal.reason in ("profile-unknown", "choice-unknown", "option-unknown")
    assert len(refusal.detail) < 700
    assert refusal.detail.isprintable()
    assert text not in refusal.message


def test_what_arrived_is_not_changed() -> None:
    options = {"profile": "gpu", "size": "s"}
    resolve(POLICY, options=options)
    assert options == {"profile": "gpu", "size": "s"}


def test_a_refusal_is_an_exception_with_facts() -> None:
    refusal = Refusal("reason", "For people.", "for the log")
    assert (refusal.reason, refusal.message, refusal.detail) == ("reason", "For people.", "for the log")
