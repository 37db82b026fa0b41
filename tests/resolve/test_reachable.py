"""Every image that a policy can lead to is found, and none that no layers could ever make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import chain, combinations, product
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from envspawner.policy.fields import FIELDS
from envspawner.policy.load import load_text
from envspawner.policy.problems import Place
from envspawner.policy.rules import Policy, Rule, Setting
from envspawner.resolve.match import name_slug
from envspawner.resolve.reachable import reachable, unpinned
from envspawner.resolve.request import OwnLayer, Person, SpawnRequest, Start
from envspawner.resolve.resolver import Resolver

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
DIGEST = "sha256:" + "ab" * 32


def listed(text: str, own: Rule | None = None) -> tuple[list[str], list[str]]:
    """Images, and what cannot be listed."""
    found, told = reachable(load_text(text, "p.yaml")[0], own, NOW)
    return [str(one.image) for one in found], [str(one) for one in told]


def own_rule(image: str, **more: Any) -> Rule:
    place = Place("c.KubeSpawner")
    parts = dict(zip(("image.name", "image.tag"), image.split(":"), strict=False))
    settings = [Setting(FIELDS[path], text, place, slot=path, opaque=True) for path, text in parts.items()]
    for path, value in more.items():
        settings.append(Setting(FIELDS[path], value, place, "one", f"{path}.one", opaque=True))
    return Rule("kubespawner", place, tuple(settings))


def test_a_group_that_changes_the_tag_adds_an_image_and_keeps_the_one_beneath() -> None:
    found, told = listed("defaults: {image: a/b:1}\ngroups: {x: {image: {tag: 2}}, y: {image: {tag: 3}}}")
    assert (found, told) == (["a/b:1", "a/b:2", "a/b:3"], [])


def test_a_new_name_takes_no_tag_from_beneath() -> None:
    assert listed("defaults: {image: a/b:1}\nusers: {ada: {image: {name: c/d}}}")[0] == ["a/b:1", "c/d"]


def test_a_new_tag_takes_no_digest_from_beneath_but_null_leaves_it() -> None:
    text = f"defaults: {{image: a/b:1@{DIGEST}}}\nadmins: {{image: {{tag: 2}}}}\n"
    text += "users: {ada: {image: {tag: null}}}"
    assert listed(text)[0] == [f"a/b:1@{DIGEST}", "a/b:2", f"a/b@{DIGEST}", "a/b"]


def test_two_users_are_never_one() -> None:
    text = "defaults: {image: a/b:1}\nusers: {ada: {image: {name: c/d}}, bob: {image: {tag: 2}}}"
    assert listed(text)[0] == ["a/b:1", "c/d", "a/b:2"]


def test_each_profile_with_each_choice_counts() -> None:
    text = """
defaults: {image: a/b:1}
profiles:
  own: {image: {tag: 2}}
  picked:
    options:
      name: {choices: {c: {image: c/d:5}, same: {}}}
      tag: {choices: {t: {image: {tag: 3}}, keep: {}}}
"""
    assert listed(text)[0] == ["a/b:2", "a/b:1", "c/d:5", "a/b:3", "c/d:3"]


def test_what_is_replaced_in_every_case_is_not_listed() -> None:
    assert listed("defaults: {image: a/b:1}\nprofiles: {one: {image: c/d:1}}")[0] == ["c/d:1"]


def test_rules_that_ended_do_not_count_and_those_that_will_end_may_or_may_not() -> None:
    text = """
defaults: {image: a/b:1, until: 2026-12-01}
groups: {x: {image: {tag: 2}, until: 2026-01-01}, y: {image: {tag: 3}, until: 2027-01-01}}
users: {ada: {image: {tag: 4}, until: 9999-12-31}}
"""
    found = listed(text, own_rule("own:1"))[0]
    assert found == ["a/b:1", "a/b:3", "a/b:4", "own:1", "own:3", "own:4"]


def test_rules_that_end_together_never_hold_alone() -> None:
    text = "defaults: {image: a/b:1, until: 2026-12-01}\nusers: {ada: {image: {tag: 2}, until: 2026-12-01}}"
    assert listed(text, own_rule("own:1"))[0] == ["a/b:1", "a/b:2", "own:1"]


def test_kubespawners_own_image_lies_beneath() -> None:
    assert listed("groups: {x: {image: {tag: 2}}}", own_rule("own:1"))[0] == ["own:1", "own:2"]
    assert [str(one.image) for one in reachable(None, own_rule("own:1"), NOW)[0]] == ["own:1"]


def test_without_a_name_the_hubs_own_image_is_told_to_be_unknown() -> None:
    found, told = listed("groups: {x: {image: {tag: 2}}}")
    assert found == []
    assert told == [
        "c.KubeSpawner: warning: image: where no rule names an image, servers have the one of the hub's own "
        "configuration (give the hub's configuration to this command)",
        "p.yaml:1:27: warning: image: where no rule names an image, servers have the one of the hub's own "
        "configuration (give the hub's configuration to this command)",
    ]
    assert reachable(None, None, NOW)[0] == []


def test_known_placeholders_are_filled_in() -> None:
    text = """
defaults: {image: "a/{profile}:1"}
groups: {X y: {image: "g/{group}:1"}}
profiles: {small: {}, big: {}}
"""
    found, told = listed(text)
    assert found == ["a/small:1", f"g/{name_slug('X y')}:1", "a/big:1"]
    assert told == []


@pytest.mark.parametrize(
    ("group", "image"), [("x", "a/{username}:1"), ("x:*", "a/b:{match}"), ("x:*", "{group}")]
)
def test_an_image_that_depends_on_who_starts_is_told(group: str, image: str) -> None:
    found, told = listed(f'defaults: {{image: "d:1"}}\ngroups:\n  "{group}": {{image: "{image}"}}')
    assert found == ["d:1"]
    assert len(told) == 1
    assert told[0].startswith("p.yaml:3:")
    assert told[0].endswith("depends on who starts the server, and cannot be listed")


def test_what_users_type_is_told_and_what_they_pick_instead_is_listed() -> None:
    text = """
defaults: {image: d:1}
profiles:
  p:
    options:
      image:
        choices: {base: {image: e:1}}
        other: {images: ["quay.io/jupyter/*"]}
  q: {options: {tag: {other: {pattern: "[0-9]+", image: "f:{value}"}}}}
  r: {options: {word: {other: {pattern: "[0-9]+", image: "g:1"}}}}
"""
    found, told = listed(text)
    assert found == ["e:1", "g:1"]
    assert [line.split(": ")[-1] for line in told] == ["is what users type, and cannot be listed"] * 2


def test_images_of_containers_and_volumes_are_listed() -> None:
    text = """
defaults:
  image: d:1
  initContainers: [{name: i, image: i:1}]
  extraContainers: {one: {name: e, image: "e@DIGEST"}, two: {name: u, image: "u/{username}"}, none: null}
  storage: {extraVolumes: [{name: v, image: {reference: v:1}}, {name: w, emptyDir: {}}]}
users: {ada: {initContainers: [{name: i, image: UP}], until: 2020-01-01}}
""".replace("DIGEST", DIGEST)
    found, told = listed(text)
    assert found == ["d:1", "v:1", "i:1", f"e@{DIGEST}"]
    assert [line.split(": ")[2] for line in told] == ["defaults.extraContainers"]


def test_a_field_may_bring_a_container_of_its_own() -> None:
    storage = "{type: static, static: {pvcName: nfs}, owner: '1000:100'}"
    text = f"defaults: {{image: a:1, storage: {storage}}}\nusers: {{ada: {{storage: {{owner: null}}}}}}"
    found, _ = reachable(load_text(text)[0], None, NOW, {"storage.owner": "tools:1"})
    assert [str(one.image) for one in found] == ["a:1", "tools:1"]


class Model:
    """As a model of the Kubernetes client."""

    image = "model:1"


def test_kubespawners_own_containers_count_as_far_as_their_image_is_plain() -> None:
    containers: list[Any] = [Model(), {"image": "{username}"}, {"name": "none"}, {"image": "Not An Image"}]
    found: list[str] = []
    for container in containers:
        images, _ = reachable(None, own_rule("own:1", initContainers=container), NOW)
        found += [str(one.image) for one in images[1:]]
    assert found == ["model:1", "Not An Image"]


def test_only_what_may_change_is_unpinned() -> None:
    text = f"""
defaults: {{image: a/b}}
users:
  ada: {{image: {{tag: latest}}}}
  bob: {{image: c:1}}
  cy: {{image: "d@{DIGEST}"}}
  dee: {{image: "e:latest@{DIGEST}"}}
"""
    images, _ = reachable(load_text(text, "p.yaml")[0], None, NOW)
    assert [str(problem).partition(" (")[0] for problem in unpinned(images)] == [
        "p.yaml:2:19: defaults.image: a/b has no tag, so Kubernetes takes latest",
        "p.yaml:4:22: defaults.image: a/b:latest may change without notice",
    ]


# --- all of it against every start there is --------------------------------------------------------------------

IMAGES = st.sampled_from(
    [
        None,
        "a:1",
        f"b:2@{DIGEST}",
        "c",
        {"tag": "3"},
        {"tag": None},
        {"digest": DIGEST},
        {"digest": None},
        {"name": "d"},
        {"name": "e", "digest": DIGEST},
        {"pullPolicy": "Always"},
    ]
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    image = draw(IMAGES)
    found: dict[str, Any] = {} if image is None else {"image": image}
    if draw(st.integers(0, 5)) == 5:
        found["until"] = draw(st.sampled_from(["2020-01-01", "2030-01-01"]))
    return found


def choice() -> st.SearchStrategy[dict[str, Any]]:
    return rules().map(lambda found: {key: value for key, value in found.items() if key != "until"})


OPTION = st.fixed_dictionaries(
    {"choices": st.dictionaries(st.sampled_from("st"), choice(), min_size=1, max_size=2)}
)
PROFILES = st.dictionaries(
    st.sampled_from("pq"),
    st.tuples(choice(), st.dictionaries(st.sampled_from("vw"), OPTION, max_size=2)).map(
        lambda pair: {**pair[0], "options": pair[1]}
    ),
    max_size=2,
)


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries(
        {"groups": st.dictionaries(st.sampled_from(["x", "y", "z*"]), rules(), max_size=3)},
        optional={
            "defaults": rules(),
            "admins": rules(),
            "users": st.dictionaries(st.sampled_from(["ada", "bob"]), rules(), max_size=2),
            "profiles": PROFILES,
        },
    )
)
def test_the_images_are_those_of_all_starts_that_there_can_be(data: dict[str, Any]) -> None:
    policy = load_text(yaml.safe_dump(data, sort_keys=False))[0]
    found, _ = reachable(policy, own_rule("own:0"), NOW)
    assert {str(one.image) for one in found} == set(images_of_starts(policy))


def images_of_starts(policy: Policy) -> Iterator[str]:
    resolver = Resolver(policy)
    groups = [group.replace("*", "1") for group in policy.groups]
    memberships = chain.from_iterable(combinations(groups, size) for size in range(len(groups) + 1))
    moments = [NOW, datetime(2031, 1, 1, tzinfo=timezone.utc)]
    for names, admin, name, at in product(memberships, (True, False), (*policy.users, "eve"), moments):
        person = Person(name, frozenset(names), admin)
        start = Start(person, "", {}, at).request()
        request = SpawnRequest(person, at, start.names, OwnLayer(own_rule("own:0")))
        for options in picks(policy):
            image = resolver.resolve(request, options).image()
            assert image is not None
            yield image


def picks(policy: Policy) -> Iterator[dict[str, str]]:
    if not policy.profiles:
        yield {}
    for profile in policy.profiles:
        options = [[(option.slug, one.slug) for one in option.choices] for option in profile.options]
        for chosen in product(*options):
            yield {"profile": profile.slug, **dict(chosen)}
