"""`envspawner diff` says whose environment changes, and how, in groups of people who change alike."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from benchmarks import differences
from envspawner.cli import main, progress
from envspawner.cli.alike import Asked, Comparison
from envspawner.cli.roster import read_roster
from envspawner.policy.load import load_text
from tests.cli.two_policies import OLD, Policies


def test_nobody_changes_where_only_comments_do(policies: Policies) -> None:
    policies.new(("defaults:", "# a comment\ndefaults:"))
    assert policies.run("--roster", "roster.csv") == (0, "", "old.yaml → new.yaml: 0 of 4 people changed\n")


def test_people_who_change_alike_stand_together(policies: Policies) -> None:
    policies.new(("limit: 2G", "limit: 3G"), ("[staff]", "[others]"))
    code, out, err = policies.run("--roster", "roster.csv")
    assert (code, err) == (1, "old.yaml → new.yaml: 4 of 4 people changed\n")
    assert out == (
        "2 users: ada, eve\n"
        "  memory.limit: 2G → 3G  (small)\n"
        "2 users: bob, zoe\n"
        "  memory.limit: 2G → 3G  (small)\n"
        "  offered: yes → refused: profile-forbidden  (gpu)\n"
    )


def test_what_names_fill_in_is_shown_as_its_placeholder_to_many(policies: Policies) -> None:
    policies.new(('OWNER: "{username}"', 'OWNER: "u-{username}"'), ('"{match}"', '"p-{match}"'))
    _, out, _ = policies.run("--roster", "roster.csv", "--profile", "small")
    assert out == (
        "2 users: ada, zoe\n"
        "  extraEnv.OWNER: {username} → u-{username}\n"
        "2 users: bob, eve\n"
        "  extraEnv.OWNER: {username} → u-{username}\n"
        "  extraEnv.PROJECT: {match} → p-{match}\n"
    )


def test_what_names_fill_in_is_shown_as_it_is_to_one(policies: Policies) -> None:
    policies.new(('OWNER: "{username}"', 'OWNER: "u-{username}"'), ('"{match}"', '"p-{match}"'))
    words = ["--user", "ada", "--group", "project:stars", "--profile", "small"]
    assert policies.run(*words)[1] == (
        "1 user: ada\n  extraEnv.OWNER: ada → u-ada\n  extraEnv.PROJECT: stars → p-stars\n"
    )


def test_profiles_and_choices_come_and_go(policies: Policies) -> None:
    policies.new(
        ("  gpu: {allow: {groups: [staff]}}", "  huge: {}"),
        ("two: {cpu: {limit: 2}}", "two: {cpu: {limit: 3}}, four: {}"),
    )
    assert policies.facts("--user", "bob", "--group", "staff")[0]["changes"] == [
        {"profile": "large", "options": {"cpu": "two"}, "path": "cpu.limit", "old": "2", "new": "3"},
        {
            "profile": "large",
            "options": {"cpu": "four"},
            "path": "offered",
            "old": "refused: choice-unknown",
            "new": "yes",
        },
        {
            "profile": "gpu",
            "options": {},
            "path": "offered",
            "old": "yes",
            "new": "refused: profile-unknown",
        },
        {
            "profile": "huge",
            "options": {},
            "path": "offered",
            "old": "refused: profile-unknown",
            "new": "yes",
        },
    ]


def test_an_alias_is_no_new_profile(policies: Policies) -> None:
    policies.new(("  gpu: {", "  t4: {aliases: [gpu], "))
    assert policies.facts("--user", "bob", "--group", "staff")[0]["changes"] == [
        {"profile": "gpu", "options": {}, "path": "profile", "old": "gpu", "new": "t4"}
    ]


def test_another_default_is_a_change(policies: Policies) -> None:
    policies.new(("small: {default: true}", "small: {}"), ("large: {", "large: {default: true, "))
    assert policies.run("--user", "ada")[1] == "1 user: ada\n  profile: small → large\n"


def test_a_changed_cap_shows_in_what_is_offered(policies: Policies) -> None:
    policies.new(("atMost: {memory: 8G}", "atMost: {memory: 3G}"))
    _, out, _ = policies.run("--roster", "roster.csv")
    assert out == "2 users: bob, zoe\n  offered: yes → refused: over-bound  (large)\n"


def test_a_part_of_an_object_is_one_line(policies: Policies) -> None:
    sidecar = "defaults: {{extraContainers: [{{name: a, image: a:{}, env: [{{name: A, value: b}}]}}],"
    Path("old.yaml").write_text(OLD.replace("defaults: {", sidecar.format(1)))
    Path("new.yaml").write_text(OLD.replace("defaults: {", sidecar.format(2)))
    _, out, _ = policies.run("--user", "ada", "--profile", "small")
    assert out == "1 user: ada\n  extraContainers.a.image: a:1 → a:2\n"


def test_an_item_of_a_list_is_added_or_removed(policies: Policies) -> None:
    policies.new(("defaults: {", "defaults: {extraTolerations: [{key: a, operator: Exists}], "))
    _, out, _ = policies.run("--user", "ada", "--profile", "small")
    assert out == '1 user: ada\n  extraTolerations: nothing → {"key": "a", "operator": "Exists"}\n'


def test_one_selection_may_be_refused_on_one_side(policies: Policies) -> None:
    policies.new(("[staff]", "[others]"))
    words = ["--user", "ada", "--profile", "gpu"]
    assert policies.run(*words, "--group", "staff")[1].endswith("offered: yes → refused: profile-forbidden\n")
    assert policies.run(*words)[0] == 0  # on both


def test_the_time_counts(policies: Policies) -> None:
    policies.new(("limit: 2G}", "limit: 2G}"), ("staff: {", "staff: {until: 2026-12-20, "))
    words = ["--user", "bob", "--group", "staff", "--profile", "large"]
    assert policies.run(*words, "--at", "2026-12-20")[0] == 0
    policies.new(("defaults: {", "users: {ada: {uid: 5, until: 2026-12-20}}\ndefaults: {"))
    assert policies.run("--user", "ada", "--at", "2026-12-20")[0] == 1
    assert policies.run("--user", "ada", "--at", "2026-12-21")[0] == 0


def test_secrets_are_never_printed(policies: Policies) -> None:
    policies.new(('OWNER: "{username}"', 'OWNER: "{auth_state.token}"'))
    _, out, _ = policies.run("--user", "ada", "--profile", "small")
    assert out == "1 user: ada\n  extraEnv.OWNER: ada → ***\n"


def test_ten_names_are_enough_for_people_and_all_for_programs(policies: Policies) -> None:
    policies.new(("limit: 2G", "limit: 3G"))
    Path("roster.csv").write_text("user\n" + "".join(f"user{n:02}\n" for n in range(25)))
    _, out, _ = policies.run("--roster", "roster.csv")
    assert out.startswith("25 users: user00, user01,")
    assert "user09 and 15 more\n" in out
    assert len(policies.facts("--roster", "roster.csv")[0]["users"]) == 25


def test_long_work_says_how_far_it_is(policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    policies.new(("limit: 2G", "limit: 3G"))
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    _, _, err = policies.run("--roster", "roster.csv")
    assert "3 of 4 people compared\n" in err


# --- charts and configurations ---------------------------------------------------------------------------------


def test_charts_and_configurations_are_compared_with_what_lies_beneath(policies: Policies) -> None:
    Path("config.yaml").write_text("singleuser: {memory: {limit: 3G}, extraEnv: {A: b}}\n")
    Path("more.yaml").write_text("singleuser: {memory: {limit: 4G}, extraEnv: {A: b}}\n")
    Path("hub.py").write_text(
        "c.KubeSpawner.image = 'a/b:1'\nc.EnvSpawner.groups = {'staff': {'memory': {'limit': '4G'}}}\n"
    )
    Path("hub2.py").write_text(
        "c.KubeSpawner.image = 'a/b:2'\nc.EnvSpawner.groups = {'staff': {'memory': {'limit': '5G'}}}\n"
    )
    for old, new, expected in (
        ("config.yaml", "more.yaml", "  memory.limit: 3G → 4G\n"),
        ("hub.py", "hub2.py", "  image.tag: 1 → 2\n  memory.limit: 4G → 5G\n"),
        ("hub.py", "hub.py", ""),
    ):
        code = main(["diff", old, new, "--user", "ada", "--group", "staff"])
        assert code == bool(expected)
        assert policies.capsys.readouterr().out.partition("\n")[2] == expected


# --- many people -----------------------------------------------------------------------------------------------


def test_many_people_with_many_profiles_are_compared_once_for_each_kind(policies: Policies) -> None:
    both = differences.policies(profiles=3, groups=10)
    for name, text in zip(("old.yaml", "new.yaml"), both, strict=True):
        Path(name).write_text(text)
    Path("roster.csv").write_text(differences.roster(people=60, groups=10))
    code, out, _ = policies.run("--roster", "roster.csv")
    assert code == 1
    assert out.startswith("60 users: user0, user1, ")
    assert "defaultUrl: /lab/{username} → /tree/{username}  (p0, p1, p2)" in out
    two = [load_text(text)[0] for text in both]
    comparison = Comparison(two[0], two[1], Asked(datetime(2026, 11, 23, tzinfo=timezone.utc)))
    for person in read_roster("roster.csv"):
        assert comparison.changes(person)
    assert comparison.compared == 3  # 2G, 5G and 6G are the largest that their courses give
