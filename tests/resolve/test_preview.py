"""What the page says of choices is what the server makes of them."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from envspawner.resolve.preview import MOST, Preview, blank, picks, preview, selection, sets_image, shown
from envspawner.resolve.resolver import Resolver

from .support import NOW, policy_of, request


def previewed(policy: str, user: str = "ada", groups: tuple[str, ...] = ()) -> Preview:
    resolver, asked = Resolver(policy_of(policy)), request(user, groups)
    return preview(resolver, asked, resolver.menu(asked)[0])


def told(seen: Preview, picked: dict[str, str]) -> dict[str, Any]:
    """What the page's script makes of a preview."""
    found: dict[str, Any] = dict(seen.base)
    for option, name in picked.items():
        found |= seen.alone[option][name]
    for names, changes in seen.together:
        if all(picked[option] == name for option, name in names.items()):
            found |= changes
    return {key: figure for key, figure in found.items() if figure is not None}


TWO = """
defaults: {image: "x:1", memory: {guarantee: 1G, limit: 2G}}
profiles:
  p:
    options:
      size: {choices: {s: {}, l: {memory: {limit: 8G}}}}
      image: {choices: {a: {}, b: {image: "y:2"}}}
"""


def test_options_that_speak_of_different_things_add_up() -> None:
    seen = previewed(TWO)
    assert seen.alone["size"]["s"] == {}
    assert {key: figure.text for key, figure in seen.alone["size"]["l"].items() if figure} == {
        "memory": "1\N{EN DASH}8 GB"
    }
    assert seen.together == ()
    assert seen.exact
    assert seen.order() == ["image", "memory", "storage"]


def test_a_choice_that_takes_something_away_says_so() -> None:
    policy = """
    defaults: {extraResource: {limits: {nvidia.com/gpu: 1}}}
    profiles: {p: {options: {o: {choices: {a: {}, b: {extraResource: null}}}}}}
    """
    assert previewed(policy).alone["o"]["b"] == {"nvidia.com/gpu": None}


def test_choices_of_one_thing_are_worked_out_together() -> None:
    policy = """
    profiles:
      p:
        options:
          limit: {choices: {s: {memory: {limit: 2G}}, l: {memory: {limit: 8G}}}}
          sure: {choices: {little: {memory: {guarantee: 1G}}, all: {memory: {guarantee: 100%}}}}
    """
    seen = previewed(policy)
    assert told(seen, {"limit": "l", "sure": "all"})["memory"].text == "8 GB"
    assert told(seen, {"limit": "l", "sure": "little"})["memory"].text == "1\N{EN DASH}8 GB"
    assert seen.exact


def test_choices_that_end_the_same_are_worked_out_together() -> None:
    policy = """
    groups: {exam: {memory: {limit: 2G}, cpu: {limit: 2}, until: 2026-12-01}}
    profiles:
      p:
        options:
          m: {choices: {usual: {}, l: {memory: {limit: 8G}}}}
          c: {choices: {usual: {}, l: {cpu: {limit: 8}}}}
    """
    seen = previewed(policy, groups=("exam",))
    assert told(seen, {"m": "usual", "c": "l"})["until"].label == "Memory until"
    assert "until" not in told(seen, {"m": "l", "c": "l"})
    assert "until" in seen.order()


def test_more_combinations_than_can_be_worked_out_are_not() -> None:
    choices = {f"c{number}": {"memory": {"limit": f"{number + 2}G"}} for number in range(MOST)}
    policy = {"profiles": {"p": {"options": {"a": {"choices": choices}, "b": {"choices": choices}}}}}
    seen = previewed(json.dumps(policy))
    assert not seen.exact
    assert seen.together == ()
    assert len(seen.alone["a"]) == MOST


OTHER = """
defaults: {image: "x:1", memory: {limit: 1G}}
profiles:
  p:
    options:
      image:
        choices: {a: {}}
        other: {displayName: Other, images: ["quay.io/*"], memory: {limit: 4G}, extraEnv: {A: "{value}"}}
      word:
        other: {displayName: Word, pattern: "[a-z]+", extraEnv: {B: "{value}"}}
      tag:
        choices: {a: {}}
        other: {displayName: Tag, pattern: "[a-z]+", image: "quay.io/a:{value}"}
"""


def test_a_typed_image_is_not_known_before_it_is_typed_and_what_else_it_brings_is() -> None:
    seen = previewed(OTHER)
    for option in ("image", "tag"):
        image = seen.alone[option]["unlisted-choice"]["image"]
        assert image is not None
        assert image.text == "Depends on what you type"
    assert told(seen, {"image": "unlisted-choice"})["memory"].text == "1\N{EN DASH}4 GB"
    assert seen.base["image"].text == "x:1"


def test_a_typed_text_that_came_is_shown() -> None:
    resolver, asked = Resolver(policy_of(OTHER)), request()
    chosen = resolver.select(
        asked, {"profile": "p", "image--unlisted-choice": "quay.io/b:2", "word--unlisted-choice": "w"}
    )
    assert shown(resolver, asked, chosen, NOW)["image"].text == "b:2"


def test_nothing_of_a_text_is_left_in_what_waits_for_it() -> None:
    resolver, asked = Resolver(policy_of(OTHER)), request()
    offered = resolver.menu(asked)[0]
    waiting = [next(reversed(picks(one).values())) for one in offered.options]
    assert [sets_image(one) for one in waiting] == [True, False, True]
    assert resolver.resolve_selection(asked, selection(offered, waiting)).by_field.get("extraEnv") is None
    other = offered.options[0].option.other
    assert other is not None
    assert blank(other).value == ""


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "memory": st.sampled_from(
            [{"limit": "2G"}, {"guarantee": "50%", "limit": "3G"}, {"guarantee": "2G"}]
        ),
        "cpu": st.sampled_from([{"limit": 2}, {"limit": 1}]),
        "image": st.sampled_from(["a:1", "b:2"]),
        "storage": st.sampled_from([{"type": "none"}, {"capacity": "1Gi"}]),
        "copyOnce": st.sampled_from(["/a", "/b"]),
        "extraResource": st.just({"limits": {"nvidia.com/gpu": 1}}),
    },
)
OPTIONS = st.lists(st.lists(SETTINGS, min_size=1, max_size=3), min_size=1, max_size=3)


GPU: dict[str, Any] = {"extraResource": {"limits": {"nvidia.com/gpu": 1}}}
MEMORY: dict[str, Any] = {"memory": {"limit": "2G"}}


@settings(max_examples=60, deadline=None)
@given(OPTIONS, SETTINGS)
@example([[{}, GPU], [MEMORY, {}], [MEMORY, {}]], MEMORY | GPU)
def test_what_the_page_shows_of_any_combination_is_what_the_server_gives(
    options: list[list[dict[str, Any]]], exam: dict[str, Any]
) -> None:
    policy = {
        "defaults": {"image": "x:1", "memory": {"limit": "1G"}, "atMost": {"cpu": 1}},
        "groups": {"exam": {**exam, "until": "2026-12-01"}},
        "profiles": {
            "p": {
                "options": {
                    f"o{number}": {"choices": {f"c{index}": one for index, one in enumerate(choices)}}
                    for number, choices in enumerate(options)
                }
            }
        },
    }
    resolver, asked = Resolver(policy_of(json.dumps(policy))), request(groups=["exam"])
    for offered in resolver.menu(asked):
        seen = preview(resolver, asked, offered)
        names = [one.option.slug for one in offered.options]
        for combination in product(*(picks(one).items() for one in offered.options)):
            picked = dict(zip(names, (name for name, _ in combination), strict=True))
            gets = shown(resolver, asked, selection(offered, [one for _, one in combination]), NOW)
            if seen.exact:
                assert told(seen, picked) == gets
            assert set(gets) <= set(seen.order()) or not seen.exact
