"""Names that a hub does not know are found wherever a policy says them."""

from __future__ import annotations

from envspawner.policy.known import unknown_names
from tests.policy.loading import policy_of

POLICY = """\
groups:
  staff: {}
  Teachers: {}
  "course:*": {}
  "project:*": {}
users:
  ada: {}
  Bob: {}
  nobody: {}
profiles:
  gpu:
    allow: {users: [eve, ada], groups: [staff, gone, "lab:*"]}
    options:
      size:
        choices: {s: {allow: {groups: [teachers]}}, l: {allow: {groups: [Staff]}}}
        other: {images: ["a/*"], allow: {users: [zoe]}}
"""
HINT = "(correct the name, or leave it for somebody who is still to come)"


def test_every_name_that_the_hub_does_not_know_is_told_with_its_place() -> None:
    problems = unknown_names(policy_of(POLICY), ["ada", "bob"], ["staff", "teachers", "course:a"])
    assert [str(problem) for problem in problems] == [
        "p.yaml:8:3: warning: users.Bob: the hub knows no user 'Bob' (did you mean bob?)",
        f"p.yaml:9:3: warning: users.nobody: the hub knows no user 'nobody' {HINT}",
        "p.yaml:3:3: warning: groups.Teachers: the hub knows no group 'Teachers' (did you mean teachers?)",
        f"p.yaml:5:3: warning: groups.project:*: no group of the hub is like 'project:*' {HINT}",
        f"p.yaml:11:3: warning: profiles.gpu.allow: the hub knows no user 'eve' {HINT}",
        f"p.yaml:11:3: warning: profiles.gpu.allow: the hub knows no group 'gone' {HINT}",
        f"p.yaml:11:3: warning: profiles.gpu.allow: no group of the hub is like 'lab:*' {HINT}",
        "p.yaml:15:53: warning: profiles.gpu.options.size.choices.l.allow: the hub knows no group 'Staff' "
        "(did you mean staff?)",
        f"p.yaml:16:9: warning: profiles.gpu.options.size.other.allow: the hub knows no user 'zoe' {HINT}",
    ]


def test_where_the_hub_knows_all_of_them_nothing_is_said() -> None:
    assert list(unknown_names(policy_of("users: {ada: {}}\nprofiles: {p: {}}"), ["ada"], [])) == []
