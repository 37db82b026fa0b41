"""Cards are kept for all for whom the same rules hold, and nobody sees what is another's."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from envspawner.hub.cards import cards_of
from envspawner.hub.form import render

from .forms import POLICY, Page
from .support import config_of, spawner_for


async def test_people_with_the_same_rules_share_cards_and_others_do_not(tmp_path: Path) -> None:
    config = config_of(tmp_path, POLICY)
    pages = {}
    for user, groups in (("ada", ()), ("ben", ("staff",)), ("cat", ()), ("dan", ("staff",))):
        with spawner_for(config, user, groups) as spawner:
            pages[user] = Page(await spawner.get_options_form())
    assert pages["ada"].html == pages["cat"].html
    assert pages["ben"].html == pages["dan"].html
    assert set(pages["ben"].cards) - set(pages["ada"].cards) == {"unseen-profile"}


@pytest.mark.parametrize(
    ("policy", "mine", "theirs"),
    [
        ("defaults: {image: 'x/{username}:1'}", "ada:1", "ben:1"),
        ("groups: {'g:*': {image: 'x/{match}:1'}}", "a:1", "b:1"),
        ("users: {ada: {image: 'x/a:1'}, ben: {image: 'x/b:1'}}", "a:1", "b:1"),
        ("defaults: {image: 'x/{pvc_name}:1'}", "claim-ada:1", "claim-ben:1"),
    ],
    ids=["a name", "a group", "a rule", "a claim"],
)
async def test_a_figure_of_one_person_is_never_shown_to_another(
    tmp_path: Path, policy: str, mine: str, theirs: str
) -> None:
    config = config_of(tmp_path, f"{{{policy}, profiles: {{a: {{}}, b: {{}}}}}}")
    for user, groups, image in (("ada", ["g:a"], mine), ("ben", ["g:b"], theirs), ("ada", ["g:a"], mine)):
        with spawner_for(config, user, groups) as spawner:
            assert Page(await spawner.get_options_form()).figures("a")["Image"] == image


async def test_figures_follow_the_hubs_own_configuration_of_each_spawner(tmp_path: Path) -> None:
    config = config_of(tmp_path, "profiles: {a: {}, b: {}}")
    for limit in (2**30, 2**31):
        with spawner_for(config) as spawner:
            spawner.mem_limit = limit
            page = Page(await spawner.get_options_form())
            assert page.figures("a")["Memory"].endswith(f"{limit >> 30} GB")


async def test_a_home_that_is_remembered_is_shown_as_the_persons_home(tmp_path: Path) -> None:
    config = config_of(tmp_path, "profiles: {a: {}, b: {}}")
    for state, words in ((None, "10 GB"), ({"pvc_name": "claim-ada"}, "Your home"), (None, "10 GB")):
        with spawner_for(config) as spawner:
            if state:
                spawner.load_state(state)
            assert Page(await spawner.get_options_form()).figures("a")["Home"] == words


async def test_the_home_of_one_group_is_not_taken_for_that_of_another(tmp_path: Path) -> None:
    storage = "{home: '{group}', dynamic: {pvcNameTemplate: 'home-{username}-{group}'}}"
    config = config_of(
        tmp_path, f"{{groups: {{'g:*': {{storage: {storage}}}}}, profiles: {{a: {{}}, b: {{}}}}}}"
    )
    with spawner_for(config, groups=["g:a"]) as spawner:
        await spawner.load_user_options()
        spawner._pvc_exists = True
        state = spawner.get_state()
    for group, words in (("g:a", "Your home"), ("g:b", "10 GB"), ("g:a", "Your home")):
        with spawner_for(config, groups=[group]) as spawner:
            spawner.load_state(state)
            assert Page(await spawner.get_options_form()).figures("a")["Home"] == words


async def test_figures_change_when_a_rule_ends(tmp_path: Path) -> None:
    policy = "{groups: {exam: {memory: {limit: 4G}, until: 2026-12-20}}, profiles: {a: {}, b: {}}}"
    config = config_of(tmp_path, policy)
    found = []
    for month, day in ((11, 1), (12, 1), (12, 30)):
        at = datetime(2026, month, day, tzinfo=timezone.utc)
        with spawner_for(config, groups=["exam"], at=at) as spawner:
            figures = Page(await spawner.get_options_form()).figures("a")
        found.append((figures["Memory"], figures.get("Memory until")))
    assert found == [
        ("1\N{EN DASH}4 GB", None),
        ("1\N{EN DASH}4 GB", "20 December 2026"),
        ("1 GB or more", None),
    ]


async def test_what_somebody_typed_is_not_shown_to_others(tmp_path: Path) -> None:
    config = config_of(tmp_path, POLICY)
    saved = {"profile": "large", "image--unlisted-choice": "quay.io/jupyter/private:1"}
    with spawner_for(config, "ada", options=saved) as spawner:
        assert "private:1" in await spawner.get_options_form()
    with spawner_for(config, "ben") as spawner:
        assert "private:1" not in await spawner.get_options_form()


async def test_a_start_that_failed_does_not_leave_its_figures_on_the_page(tmp_path: Path) -> None:
    config = config_of(tmp_path, "profiles: {a: {}, b: {memory: {limit: 8G}}}")
    with spawner_for(config) as spawner:
        spawner.user_options = {"profile": "b"}
        await spawner.load_user_options()
        assert spawner.mem_limit
        spawner.server = None  # as after a failure
        assert Page(await render(spawner)).figures("a")["Memory"] == "1 GB or more"


async def test_no_more_cards_are_kept_than_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envspawner.hub.cards.MOST", 4)
    users = ", ".join(f"u{number}: {{image: 'x:{number}'}}" for number in range(9))
    config = config_of(tmp_path, f"{{users: {{{users}}}, profiles: {{a: {{}}, b: {{}}}}}}")
    for number in (*range(9), 0):
        with spawner_for(config, f"u{number}") as spawner:
            page = Page(await spawner.get_options_form())
            cards = cards_of(spawner._loaded.resolver)
        assert page.figures("a")["Image"] == f"x:{number}"
        assert sum(map(len, cards._kept.values())) <= 4
