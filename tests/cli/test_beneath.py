"""What lies beneath a policy is the same for everybody but for names, and people are compared by kinds there too."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from envspawner.cli.alike import Asked, Comparison
from envspawner.cli.beneath import beneath_of
from envspawner.cli.diff import OneByOne
from envspawner.cli.sources import read
from envspawner.resolve.request import Person

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
PEOPLE = [
    Person("ada", frozenset({"staff"})),
    Person("Al.b+c@example.org", frozenset({"project:x"}), True),
    Person("zoe", frozenset()),
]
CHART = """\
hub:
  config:
    EnvSpawner:
      defaults: {memory: {limit: 2G}, extraEnv: {OWNER: "{username}"}}
      groups: {staff: {memory: {limit: 4G}}, "project:*": {extraEnv: {P: "{match}"}}}
      profiles: {small: {}, large: {cpu: {limit: 2}}}
singleuser:
  extraEnv: {A: "b-{username}"}
  storage: {capacity: 5Gi, extraVolumes: [{name: "v-{escaped_username}", emptyDir: {}}]}
"""
CONFIG = """\
c.KubeSpawner.image = "a/b:1"
c.KubeSpawner.slug_scheme = "escape"
c.KubeSpawner.pod_name_template = "x-{username}"
c.KubeSpawner.volumes = {"one": {"name": "vol-{username}", "emptyDir": {}}}
c.EnvSpawner.defaults = {"extraEnv": {"POD": "{pod_name}", "OWNER": "{username}"}}
c.EnvSpawner.users = {"ada": {"uid": 5}}
"""
CHANGES = {
    "the policy of a chart": ("yaml", CHART, [("limit: 2G", "limit: 3G"), ('"{match}"', '"m-{match}"')]),
    "a chart's own values": ("yaml", CHART, [("5Gi", "6Gi"), ("b-{user", "c-{user"), ("v-{esc", "w-{esc")]),
    "a configuration": ("py", CONFIG, [("a/b:1", "a/b:2"), ("vol-", "disk-"), ('"uid": 5', '"uid": 6')]),
    "a configuration's policy": ("py", CONFIG, [('"{pod_name}"', '"p-{pod_name}"')]),
    "nothing": ("py", CONFIG, []),
}


@pytest.mark.parametrize("server", ["", "lab"])
@pytest.mark.parametrize(("suffix", "text", "changes"), CHANGES.values(), ids=CHANGES)
def test_everybody_gets_the_changes_of_a_comparison_of_their_own(
    tmp_path: Path, suffix: str, text: str, changes: list[tuple[str, str]], server: str
) -> None:
    asked = Asked(NOW, server)
    old, new = tmp_path / f"old.{suffix}", tmp_path / f"new.{suffix}"
    old.write_text(text)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    new.write_text(text)
    subjects = read(str(old)), read(str(new))
    beneath = beneath_of(subjects[0], asked), beneath_of(subjects[1], asked)
    assert beneath[0] is not None
    assert beneath[1] is not None
    assert subjects[0].policy is not None
    assert subjects[1].policy is not None
    quick = Comparison(subjects[0].policy, subjects[1].policy, asked, (beneath[0], beneath[1]))
    slow = OneByOne(*subjects, asked)
    changed = False
    for person in PEOPLE:
        found = {mine for _, mine in quick.changes(person)}
        assert found == {mine for _, mine in slow.changes(person)}, person
        changed = changed or bool(found)
    assert changed == bool(changes)


UNFIT = {
    "no policy": "c.KubeSpawner.image = 'a'",
    "a list of profiles": "c.KubeSpawner.profile_list = [{'display_name': 'A'}]",
    "a list of profiles that a callable makes": "c.KubeSpawner.profile_list = lambda spawner: []",
}


@pytest.mark.parametrize("text", UNFIT.values(), ids=UNFIT)
def test_stand_ins_are_not_for_every_hub(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hub.py"
    path.write_text(text)
    assert beneath_of(read(str(path)), Asked(NOW)) is None
