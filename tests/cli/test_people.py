"""Who a comparison is for: a roster, or the users and groups of a hub's database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from envspawner.cli import main
from tests.cli.two_policies import Policies


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("people.json", '[{"user": "ada"}, {"user": "bob", "groups": ["staff"], "admin": true}]'),
        ("people.yaml", "- ada\n- {user: bob, groups: staff, admin: yes}\n"),
        ("people.csv", "\ufeffadmin, user ,groups\n,ada,\nTRUE,bob, staff ;\n"),
    ],
)
def test_a_roster_may_be_csv_json_or_yaml(policies: Policies, name: str, text: str) -> None:
    policies.new(("staff: {", "staff: {uid: 5, "), ("groups:\n", "admins: {gid: 6}\ngroups:\n"))
    Path(name).write_text(text)
    code, out, _ = policies.run("--roster", name, "--profile", "small")
    assert (code, out) == (1, "1 user: bob\n  uid: nothing → 5\n  gid: nothing → 6\n")


WRONG = {
    "an unknown column": ("r.csv", "user,group\n", "r.csv:1: unknown column 'group' (did you mean groups?)"),
    "no column user": (
        "r.csv",
        "groups\nx\n",
        "r.csv:1: no column user (begin with the line user,groups,admin)",
    ),
    "no name": ("r.csv", "user,groups\nada,\n,staff\n", "r.csv:3: user: the name is empty"),
    "a name twice": (
        "r.csv",
        "user\nada\nbob\nada\n",
        "r.csv:4: user: 'ada' is also in line 2 (join the two)",
    ),
    "no truth": ("r.csv", "user,admin\nada,perhaps\n", "r.csv:2: admin: 'perhaps' is not true or false"),
    "too many values": (
        "r.csv",
        "user,groups\nada,a,b\n",
        "r.csv:2: more values than columns (separate groups by ; or quote the value)",
    ),
    "nobody": ("r.csv", "user\n", "r.csv:1:1: the roster names nobody (write a line for each user)"),
    "nothing": ("r.yaml", "", "r.yaml:1:1: the roster names nobody (write a line for each user)"),
    "an unknown key": (
        "r.yaml",
        "- user: ada\n- {user: bob, grups: [a]}\n",
        "r.yaml:2:15: [1].grups: unknown key 'grups' (did you mean groups?)",
    ),
    "a wrong type": (
        "r.yaml",
        "- {user: ada, admin: 1}\n",
        "r.yaml:1:22: [0].admin: expected true or false, got a number (write true or false without quotes)",
    ),
    "a list in a list": ("r.yaml", "- [ada]\n", "r.yaml:1:3: [0]: expected a mapping, got a list"),
    "a mapping": (
        "r.json",
        '{"ada": []}',
        "r.json:1:1: expected a list, got a mapping (write - {user: ada, groups: [staff]})",
    ),
    "a key twice": (
        "r.json",
        '[{"user": "a", "user": "b"}]',
        "r.json:1:16: [0].user: this key stands here twice, first in line 1 (join the two)",
    ),
}


@pytest.mark.parametrize(("name", "text", "line"), WRONG.values(), ids=WRONG)
def test_a_wrong_roster_ends_with_1_and_its_places(
    policies: Policies, name: str, text: str, line: str
) -> None:
    policies.new()
    Path(name).write_text(text)
    assert policies.run("--roster", name) == (1, "", f"{line}\n")


UNREADABLE = {
    "no file": (["--roster", "no.csv"], "no.csv: No such file or directory"),
    "no text": (["--roster", "binary.csv"], "binary.csv: 'utf-8' codec can't decode"),
    "nobody": ([], "name people by one of --user, --roster and --hub-db"),
    "two ways": (["--user", "ada", "--roster", "roster.csv"], "name people by one of --user, --roster"),
    "a group of nobody": (["--roster", "roster.csv", "--group", "a"], "--group and --admin go with --user"),
    "no URL": (["--hub-db", "here"], "--hub-db: this is no URL of a database, such as sqlite:///"),
    "no database": (["--hub-db", "sqlite:///no.sqlite"], "--hub-db: OperationalError: unable to open"),
    "no tables": (["--hub-db", "sqlite:///empty.sqlite"], "--hub-db: NoSuchTableError: users"),
    "an unknown database": (["--hub-db", "nosuch://x/y"], "--hub-db: Can't load plugin: "),
}


@pytest.mark.parametrize(("words", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_ends_with_2(policies: Policies, words: list[str], message: str) -> None:
    policies.new()
    Path("binary.csv").write_bytes(b"user\n\xff\n")
    sqlite3.connect("empty.sqlite").close()
    code, out, err = policies.run(*words)
    assert (code, out) == (2, "")
    assert err.startswith(f"envspawner diff: {message}")
    assert not Path("no.sqlite").exists()


def test_a_wrong_policy_ends_with_1(policies: Policies) -> None:
    Path("new.yaml").write_text("defaults: {memroy: 1}")
    code, _, err = policies.run("--user", "ada")
    assert (code, err) == (1, "new.yaml:1:12: defaults.memroy: unknown key 'memroy' (did you mean memory?)\n")


def hub_database() -> None:
    engine = create_engine("sqlite:///hub.sqlite")
    orm.Base.metadata.create_all(engine)
    with Session(engine) as session:
        staff, others = orm.Group(name="staff"), orm.Group(name="others")
        session.add_all(
            [orm.User(name="ada", groups=[others]), orm.User(name="bob", admin=True, groups=[staff, others])]
        )
        session.add(orm.User(name="zoe"))
        session.commit()
    engine.dispose()


def test_the_users_and_groups_of_a_hubs_database(policies: Policies) -> None:
    hub_database()
    before = Path("hub.sqlite").read_bytes()
    Path("hub.sqlite").chmod(0o444)
    policies.new(("staff: {", "staff: {uid: 5, "), ("groups:\n", "admins: {gid: 6}\ngroups:\n"))
    code, out, err = policies.run("--hub-db", "sqlite:///hub.sqlite", "--profile", "small")
    assert (code, out) == (1, "1 user: bob\n  uid: nothing → 5\n  gid: nothing → 6\n")
    assert "1 of 3 people changed" in err
    assert Path("hub.sqlite").read_bytes() == before


def test_check_warns_of_names_that_the_hub_does_not_know(policies: Policies) -> None:
    hub_database()
    Path("old.yaml").write_text("groups: {staff: {}, Others: {}}\nusers: {ada: {}, nobody: {}}\n")
    assert main(["check", "old.yaml", "--hub-db", "sqlite:///hub.sqlite"]) == 0
    lines = policies.capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        "old.yaml:1:21: warning: groups.Others: the hub knows no group 'Others'",
        "old.yaml:2:18: warning: users.nobody: the hub knows no user 'nobody'",
    ]
    assert main(["check", "old.yaml", "--hub-db", "sqlite:///no.sqlite"]) == 2
