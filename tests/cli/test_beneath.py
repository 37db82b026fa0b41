"""What lies beneath a policy is the same for everybody but for names, and people are compared by kinds there too."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from envspawner.cli.alike import Asked, Comparison
from envspawner.cli.beneath import beneath_of
from envspawner.cli.diff import OneByOne
from envspawner.cli.sources import read
from envspawner.policy.rules import Policy
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
BARE = """\
c.KubeSpawner.image = "a/b:1"
c.KubeSpawner.volumes = {"one": {"name": "vol-{username}", "emptyDir": {}}}
"""
LIST = """\
c.KubeSpawner.volumes = {"one": {"name": "vol-{username}", "emptyDir": {}}}
c.KubeSpawner.environment = {'A': 'a-{username}'}
c.KubeSpawner.pod_security_context = {'on': 'a'}
c.KubeSpawner.profile_list = [
    {'display_name': 'Small', 'kubespawner_override': {'mem_limit': '1G', 'environment': {'B': 'b'}}},
    {
        'display_name': 'Large',
        'allowed_groups': ['staff'],
        'kubespawner_override': {
            'mem_limit': '4G',
            'pod_security_context': {'off': 'x'},
            'volume_mounts': [{'name': 'v-{username}', 'mountPath': '/{username}'}],
        },
        'profile_options': {
            'cpu': {
                'choices': {
                    'one': {'kubespawner_override': {'cpu_limit': 1}},
                    'two': {'kubespawner_override': {'cpu_limit': 2, 'extra_resource_limits': {'x/y': '1'}}},
                }
            }
        },
    },
]
"""
BELOW = """
c.EnvSpawner.defaults = {'atMost': {'memory': '4G'}}
c.EnvSpawner.groups = {'project:*': {'extraEnv': {'P': '{match}'}}, 'staff': {'extraEnv': {'S': 'w'}}}
c.EnvSpawner.users = {'ada': {'atMost': {'memory': '4G'}}}
"""
POLICY = """\
c.EnvSpawner.profiles = {
    'small': {'memory': {'limit': '1G'}, 'extraEnv': {'B': 'b'}},
    'large': {
        'allow': {'groups': ['staff']},
        'memory': {'limit': '4G'},
        'options': {'cpu': {'choices': {'one': {'cpu': {'limit': 1}}, 'two': {'cpu': {'limit': 2}}}}},
    },
}
"""
CHANGES = {
    "the policy of a chart": ("yaml", CHART, [("limit: 2G", "limit: 3G"), ('"{match}"', '"m-{match}"')]),
    "a chart's own values": ("yaml", CHART, [("5Gi", "6Gi"), ("b-{user", "c-{user"), ("v-{esc", "w-{esc")]),
    "a configuration": ("py", CONFIG, [("a/b:1", "a/b:2"), ("vol-", "disk-"), ('"uid": 5', '"uid": 6')]),
    "a configuration's policy": ("py", CONFIG, [('"{pod_name}"', '"p-{pod_name}"')]),
    "nothing": ("py", CONFIG, []),
    "no policy": ("py", BARE, [("a/b:1", "a/b:2"), ("vol-", "disk-")]),
    "no policy and no storage": ("py", 'c.KubeSpawner.image = "a/b:1"', [("a/b:1", "a/b:2")]),
    "a policy where there was none": (
        "py",
        BARE + "# more",
        [("# more", 'c.EnvSpawner.defaults = {"memory": {"limit": "2G"}, "extraEnv": {"A": "{username}"}}')],
    ),
    "a list of profiles": (
        "py",
        LIST,
        [("4G", "5G"), ("['staff']", "['staff', 'project:*']"), ("v-{", "w-{")],
    ),
    "what lies beneath a list of profiles": ("py", LIST, [("'on': 'a'", "'on': 'b'"), ("vol-", "disk-")]),
    "mappings of a list of profiles": ("py", LIST, [("'off': 'x'", "'off': 'y'"), ("'B': 'b'", "'B': 'c'")]),
    "a policy below a list of profiles": (
        "py",
        LIST + BELOW,
        [("'4G'}}", "'3G'}}"), ("'w'", "'{username}'")],
    ),
    "a list of profiles below which there was no policy": ("py", LIST + "# more", [("# more", BELOW)]),
    "a list of profiles that becomes a policy": ("py", LIST, [(LIST, POLICY)]),
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
    policies = [subject.policy or Policy("", built_in=False) for subject in subjects]
    quick = Comparison(policies[0], policies[1], asked, (beneath[0], beneath[1]))
    slow = OneByOne(*subjects, asked)
    changed = False
    for person in PEOPLE:
        found = {mine for _, mine in quick.changes(person)}
        assert found == {mine for _, mine in slow.changes(person)}, person
        changed = changed or bool(found)
    assert changed == bool(changes)


UNFIT = {
    "a list of profiles that a callable makes": "c.KubeSpawner.profile_list = lambda spawner: []",
    "an override that a callable makes": (
        "c.KubeSpawner.profile_list = [\n"
        "    {'display_name': 'A', 'kubespawner_override': {'uid': lambda spawner: 5}}\n]"
    ),
    "a class with a list of its own": (
        "from envspawner.hub.spawner import EnvSpawner\n"
        "class Own(EnvSpawner):\n"
        "    def __init__(self, **more):\n"
        "        super().__init__(**more)\n"
        "        self.profile_list = [{'display_name': self.user.name}]\n"
        "c.JupyterHub.spawner_class = Own\n"
    ),
}


@pytest.mark.parametrize("text", UNFIT.values(), ids=UNFIT)
def test_stand_ins_are_not_for_every_hub(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hub.py"
    path.write_text(text)
    assert beneath_of(read(str(path)), Asked(NOW)) is None
