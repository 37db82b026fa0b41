"""What user options mean is kept; for whom it is, is asked each time."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.resolve.access import _MOST, Refusal
from envspawner.resolve.request import SpawnRequest
from envspawner.resolve.resolver import Resolver

from .support import policy_of, request


def judged(resolver: Resolver, asked: SpawnRequest, options: Any) -> Any:
    try:
        found = resolver.select(asked, options)
    except Refusal as refusal:
        return refusal.reason, refusal.message, refusal.detail
    return found.slug, [(option.slug, choice.slug) for option, choice in found.choices]


TYPED = """
defaults: {atMost: {memory: 4G}}
users: {grace: {atMost: {memory: null}}}
profiles:
  gpu:
    aliases: [big]
    options:
      size:
        choices: {s: {}, l: {allow: {users: [grace], groups: [staff]}}, xl: {memory: {limit: 64G}}}
      image:
        choices: {base: {}, old: {}}
        other: {displayName: Other, images: ["quay.io/*"], allow: {groups: [staff]}}
  staff: {allow: {groups: [staff]}}
"""
SENT = st.dictionaries(
    st.sampled_from(
        ["profile", "size", "image", "image--unlisted-choice", "image--unlisted-choice--ref", "x"]
    ),
    st.sampled_from(
        ["gpu", "big", "staff", "s", "l", "xl", "base", "old", "other", "quay.io/a:1", "", 1, None, ()]
    ),
)
NAMED = st.fixed_dictionaries(
    {
        "profile": st.sampled_from(["gpu", "big"]),
        "size": st.sampled_from(["s", "l", "xl"]),
        "image": st.sampled_from(["base", "old"]),
    },
    optional={"image--unlisted-choice": st.just("quay.io/a:1")},
)
PEOPLE = st.permutations([request(user, groups) for user in ("ada", "grace") for groups in ((), ("staff",))])


@settings(deadline=None)
@given(st.lists(NAMED | SENT, min_size=1, max_size=4), PEOPLE)
def test_what_others_may_have_does_not_count(sent: list[Any], people: list[SpawnRequest]) -> None:
    """What options mean is kept; for whom it is, is asked each time."""
    policy = policy_of(TYPED)
    resolver = Resolver(policy)
    for options in sent:
        for one in people:
            assert judged(resolver, one, options) == judged(Resolver(policy), one, options)


def test_what_is_named_and_not_taken_is_no_choice() -> None:
    """An option that is called like a field of an image builder: nobody reads it, so the default counts."""
    policy = policy_of("""
        profiles:
          p:
            options:
              image:
                choices: {a: {}}
                other: {displayName: Other, pattern: ".*", extraEnv: {T: "{value}"}}
              image--unlisted-choice--ref:
                choices: {big: {default: true, allow: {groups: [staff]}, memory: {limit: 64G}}, x: {}}
    """)
    sent = {"profile": "p", "image": "a", "image--unlisted-choice--ref": "x"}
    resolver = Resolver(policy)
    for one in (request("zoe", ["staff"]), request("ada")):
        assert judged(resolver, one, sent) == judged(Resolver(policy), one, sent)


def test_what_is_no_object_is_refused_whatever_was_taken_before() -> None:
    class Odd:
        def items(self) -> Any:
            return {"profile": "gpu", "size": "s", "image": "base"}.items()

    resolver = Resolver(policy_of(TYPED))
    assert judged(resolver, request(), dict(Odd().items()))[0] == "gpu"
    assert judged(resolver, request(), Odd())[0] == "options-invalid"


def test_text_that_nobody_reads_is_not_kept() -> None:
    resolver = Resolver(policy_of(TYPED))
    sent = {"profile": "gpu", "size": "s", "image": "base", "image--unlisted-choice--ref": "x" * 1000}
    assert judged(resolver, request(), sent) == ("gpu", [("size", "s"), ("image", "base")])
    assert not resolver._menu._named


def test_not_everything_that_was_ever_sent_is_kept() -> None:
    choices: dict[str, Any] = {f"c{number}": {} for number in range(_MOST + 10)}
    resolver = Resolver(policy_of(json.dumps({"profiles": {"p": {"options": {"o": {"choices": choices}}}}})))
    for slug in (*choices, "c7", "c7"):
        assert judged(resolver, request(), {"profile": "p", "o": slug}) == ("p", [("o", slug)])
    assert 0 < len(resolver._menu._named) <= _MOST
