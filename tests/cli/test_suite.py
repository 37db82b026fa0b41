"""`envspawner test` says which case of a suite fails, by how much, and whose rule it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from envspawner.cli import main
from tests.generated.policies import Written, policies
from tests.generated.starting import accepted

POLICY = """\
defaults:
  image: quay.io/jupyter/scipy-notebook:2026-11-02
  memory: {limit: 2G, guarantee: 50%}
  cpu: {limit: 500m}
  extraEnv: {A: a, LINES: "one\\ntwo", N: 7, TOKEN: "{auth_state.token}"}
  extraResource: {limits: {nvidia.com/gpu: 2}}
  extraTolerations: [{key: x, operator: Exists}]
  extraContainers: [{name: proxy, image: proxy:1, args: [-v], stdin: true, ports: [{containerPort: 80}]}]
  extraLabels: {example.org/team: blue}
  copyOnce: /srv/app/src
  uid: 1000
groups:
  course: {memory: {limit: 4G}, extraEnv: {A: null}, until: 2026-12-20}
admins: {image: {tag: next}}
profiles:
  small: {default: true}
  big: {allow: {groups: [staff]}}
  menu: {options: {size: {choices: {s: {memory: {limit: 1G}}, m: {}}}}}
  broken: {storage: {type: static}}
"""


class Suites:
    """Suites beside a policy in a folder of their own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def run(self, *words: str) -> tuple[int, list[str], list[str]]:
        """Exit code, lines of stdout and of stderr."""
        code = main(["test", *words])
        out, err = self.capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    def text(self, text: str) -> tuple[int, list[str], list[str]]:
        Path("suite.yaml").write_text(text)
        return self.run("suite.yaml")

    def case(self, expect: str, more: str = "") -> tuple[int, list[str]]:
        """Exit code and lines of one case, whose expectations are in line 6."""
        head = "policy: policy.yaml\ncases:\n- name: it\n  user: ada\n"
        code, out, _ = self.text(f"{head}  server: ''\n  expect: {expect}\n{more}")
        return code, out


@pytest.fixture
def suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Suites:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY)
    return Suites(capsys)


HOLDS = {
    "text": "{image.name: quay.io/jupyter/scipy-notebook, image.tag: 2026-11-02}",
    "the whole image": "{image: quay.io/jupyter/scipy-notebook:2026-11-02}",
    "an amount in another unit": "{memory.limit: 2048M, cpu.limit: 0.5, storage.capacity: 10240Mi}",
    "an amount that was a share": "{memory.guarantee: 1Gi}",
    "comparisons": "{memory.limit: '>= 2G', memory.guarantee: < 2G, cpu.limit: '!= 1', uid: '<= 1000'}",
    "comparisons of what cannot be divided": "{extraResource.limits.nvidia.com/gpu: '> 1'}",
    "nothing": "{extraEnv.B: absent, storage.extraVolumes: absent, defaultUrl: absent}",
    "blocks": "{memory: {limit: 2G, guarantee: 1G}, extraEnv: {A: a}, home: {type: dynamic}}",
    "all of a list": "{extraTolerations: [{key: x, operator: Exists}]}",
    "an item of a list": "{'extraTolerations[0]': {key: x, operator: Exists}}",
    "a part of an object": "{'extraContainers.proxy.args[0]': -v, 'extraTolerations[0].key': x}",
    "parts with numbers and booleans": "{extraContainers: {proxy.stdin: true, 'proxy.ports[0].containerPort': 80}}",
    "a key with dots and a slash": "{extraLabels.example.org/team: blue}",
    "a number as text": "{extraEnv.N: 7}",
    "the home": "{home.claim: claim-ada, home.identity: default, storage.type: dynamic}",
    "the profile": "{profile: small}",
    "what comes from the auth state": "{extraEnv.TOKEN: '***'}",
    "not to be refused": "{}",
}


@pytest.mark.parametrize("expect", HOLDS.values(), ids=HOLDS)
def test_what_holds_passes(suites: Suites, expect: str) -> None:
    assert suites.case(expect) == (0, [])


FAILS = {
    "text": ("{image.tag: latest}", "image.tag: got 2026-11-02, want latest (set by defaults policy.yaml:2)"),
    "an amount": ("{memory.limit: 4G}", "memory.limit: got 2G, want 4G (set by defaults policy.yaml:3)"),
    "a comparison": (
        "{cpu.limit: '>= 500.1m'}",
        "cpu.limit: got 0.5, want >= 500.1m (set by defaults policy.yaml:4)",
    ),
    "an image of two rules": (
        "{image: a/b:1}",
        "image: got quay.io/jupyter/scipy-notebook:next, want a/b:1 "
        "(set by defaults policy.yaml:2, admins policy.yaml:14)",
    ),
    "a value that is there": ("{uid: absent}", "uid: got 1000, want absent (set by defaults policy.yaml:11)"),
    "a value that is not there": ("{gid: 100}", "gid: got nothing, want 100"),
    "an amount that is not there": ("{extraResource.limits.x/y: 1}", "extraResource.limits.x/y: got nothing, want 1"),
    "lines": (
        "{extraEnv: {LINES: one}}",
        'extraEnv.LINES: got "one\\ntwo", want one (set by defaults policy.yaml:5)',
    ),
    "a shorter list": (
        "{extraContainers.proxy.args: []}",
        'extraContainers.proxy.args: got ["-v"], want [] (set by defaults policy.yaml:8)',
    ),
    "a boolean": (
        "{extraContainers.proxy.stdin: 1}",
        "extraContainers.proxy.stdin: got true, want 1 (set by defaults policy.yaml:8)",
    ),
    "the home": ("{home.claim: claim-bob}", "home.claim: got claim-ada, want claim-bob"),
}  # fmt: skip


@pytest.mark.parametrize(("expect", "line"), FAILS.values(), ids=FAILS)
def test_what_does_not_hold_is_one_line(suites: Suites, expect: str, line: str) -> None:
    more = "  admin: true\n" if "admins" in line else ""
    assert suites.case(expect, more) == (1, [f"suite.yaml:6: it: {line}"])


def test_a_value_that_a_rule_removed_names_the_rule(suites: Suites) -> None:
    code, out = suites.case("{extraEnv.A: a}", "  groups: course\n  at: 2026-12-20\n")
    assert (code, out) == (
        1,
        ["suite.yaml:6: it: extraEnv.A: got nothing, want a (set by groups.course policy.yaml:13)"],
    )


def test_a_term_bump_ends_with_the_term(suites: Suites) -> None:
    case = "\n- {{name: at {0}, user: ada, groups: [course], at: {0}, expect: {{memory.limit: {1}}}}}"
    text = "policy: policy.yaml\ncases:" + case.format("2026-12-20", "4G") + case.format("2026-12-21", "2G")
    assert suites.text(text) == (0, [], ["suite.yaml: 2 cases, 0 failed"])


REFUSED = """\
policy: policy.yaml
cases:
- {name: right, user: ada, profile: big, refused: profile-forbidden}
- {name: other, user: ada, profile: huge, refused: profile-forbidden}
- {name: not refused, user: ada, groups: staff, profile: big, refused: profile-forbidden}
- {name: no, user: ada, profile: big, expect: {uid: 1000}}
- {name: a choice, user: ada, profile: menu, options: {size: s}, expect: {memory.limit: 1G, options.size: s}}
- {name: no choice, user: ada, profile: menu, options: {size: x}, refused: choice-unknown}
- {name: unusable, user: ada, profile: broken, refused: policy-unusable}
"""


def test_refusals_are_expected_by_their_reason(suites: Suites) -> None:
    code, out, err = suites.text(REFUSED)
    assert (code, err) == (1, ["suite.yaml: 7 cases, 3 failed"])
    assert out == [
        "suite.yaml:4: other: refused: got profile-unknown: there is no profile 'huge', want profile-forbidden",
        "suite.yaml:5: not refused: refused: got a server, want profile-forbidden",
        "suite.yaml:6: no: refused: got profile-forbidden: allow of profiles.big does not admit ada, want a server",
    ]


def test_run_takes_only_cases_whose_name_fits(suites: Suites) -> None:
    Path("suite.yaml").write_text(REFUSED)
    assert suites.run("suite.yaml", "--run", "^(right|a choice)$") == (
        0,
        [],
        ["suite.yaml: 2 cases, 0 failed"],
    )
    code, out, _ = suites.run("suite.yaml", "--run", "^nothing like it$")
    assert (code, out) == (1, ["suite.yaml: no case has a name like that"])
    with pytest.raises(SystemExit) as caught:
        suites.run("suite.yaml", "--run", "(")
    assert caught.value.code == 2


def test_the_policy_is_found_from_the_suite(suites: Suites) -> None:
    Path("sub").mkdir()
    Path("sub/suite.yaml").write_text(
        "policy: ../policy.yaml\ncases:\n- {name: it, user: ada, expect: {uid: 1}}\n"
    )
    code, out, _ = suites.run("sub/suite.yaml")
    assert code == 1
    assert out[0].endswith("(set by defaults sub/../policy.yaml:11)")


def test_several_suites_all_run_and_the_worst_counts(suites: Suites) -> None:
    for name, uid in (("good", 1000), ("bad", 1)):
        case = f"cases:\n- {{name: {name}, user: ada, expect: {{uid: {uid}}}}}\n"
        Path(f"{name}.yaml").write_text(f"policy: policy.yaml\n{case}")
    code, out, err = suites.run("bad.yaml", "good.yaml")
    assert (code, len(out), len(err)) == (1, 1, 2)
    assert suites.run("bad.yaml", "nowhere.yaml", "good.yaml")[0] == 2


def test_a_chart_and_a_python_configuration_can_be_tested(suites: Suites) -> None:
    Path("config.yaml").write_text("singleuser: {memory: {limit: 3G}, uid: 7}\n")
    Path("hub.py").write_text(
        "c.KubeSpawner.image = 'a/b:1'\nc.KubeSpawner.cpu_limit = 2\nc.EnvSpawner.defaults = {'uid': 7}\n"
    )
    for policy, expect in (
        ("config.yaml", "{memory.limit: '> 2G', storage.type: dynamic}"),
        ("hub.py", "{image: 'a/b:1', cpu.limit: 2000m, memory.guarantee: 1G}"),
    ):
        case = f"cases:\n- {{name: it, user: ada, expect: {{uid: 7}}}}\n- {{name: more, user: ada, expect: {expect}}}\n"
        assert suites.text(f"policy: {policy}\n{case}") == (0, [], ["suite.yaml: 2 cases, 0 failed"])


WRONG = {
    "an unknown key": (
        "policy: policy.yaml\ncase: []\n",
        "suite.yaml:2:1: case: unknown key 'case' (did you mean cases?)",
    ),
    "an unknown key of a case": (
        "policy: policy.yaml\ncases:\n- name: it\n  usr: ada\n",
        "suite.yaml:4:3: cases[0].usr: unknown key 'usr' (did you mean user?)",
    ),
    "an unknown path": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: {memory.limt: 4G}}\n",
        "suite.yaml:3:34: cases[0].expect.memory.limt: unknown path 'memory.limt' (did you mean memory.limit?)",
    ),
    "a path of what has no parts": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: {uid.x: 4}}\n",
        "suite.yaml:3:34: cases[0].expect.uid.x: unknown path 'uid.x' (did you mean uid?)",
    ),
    "no amount": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: {memory: {limit: '>= 4 Gib'}}}\n",
        "suite.yaml:3:50: cases[0].expect.memory.limit: '4 Gib' is not an amount of memory (did you mean 4Gi?)",
    ),
    "null": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: {uid: null}}\n",
        "suite.yaml:3:39: cases[0].expect.uid: nothing is expected here (write absent)",
    ),
    "nothing expected": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada}\n",
        "suite.yaml:3:3: cases[0]: nothing is expected (write expect: {memory.limit: 4G}, or refused: REASON)",
    ),
    "both": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: {}, refused: x}\n",
        "suite.yaml:3:3: cases[0]: a start that is refused has no values (write expect or refused)",
    ),
    "no user": (
        "policy: policy.yaml\ncases:\n- {name: it, expect: {}}\n",
        "suite.yaml:3:3: cases[0]: user is missing (write user: ...)",
    ),
    "a wrong type": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, admin: maybe, expect: {}}\n",
        "suite.yaml:3:32: cases[0].admin: expected true or false, got text (write true or false without quotes)",
    ),
    "a wrong time": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, at: soon, expect: {}}\n",
        "suite.yaml:3:29: cases[0].at: 'soon' is not a date (write 2026-12-20 or 2026-12-20T18:00+01:00)",
    ),
    "an option without a choice": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, options: {size: null}, expect: {}}\n",
        "suite.yaml:3:41: cases[0].options.size: no choice is named (write its slug)",
    ),
    "expectations that are a list": (
        "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: [uid]}\n",
        "suite.yaml:3:33: cases[0].expect: expected a mapping, got a list (write {memory.limit: 4G})",
    ),
    "a case that is text": (
        "policy: policy.yaml\ncases: [it]\n",
        "suite.yaml:2:9: cases[0]: expected a mapping, got text",
    ),
    "cases that are a mapping": (
        "policy: policy.yaml\ncases: {it: {}}\n",
        "suite.yaml:2:8: cases: expected a list, got a mapping (begin each case with `- name:`)",
    ),
    "no cases": (
        "policy: policy.yaml\ncases: []\n",
        "suite.yaml:2:8: cases: the suite has no cases, so it tests nothing (write at least one)",
    ),
    "no policy": ("cases: []\n", "suite.yaml:1:1: no policy is named (write policy: policy.yaml)"),
    "a list": ("- it\n", "suite.yaml:1:1: expected a mapping, got a list"),
    "nothing": ("# later\n", "suite.yaml:1:1: the file holds nothing (write policy: and cases:)"),
    "a key that stands there twice": (
        "policy: policy.yaml\npolicy: b.yaml\ncases: []\n",
        "suite.yaml:2:1: policy: this key stands here twice, first in line 1 (join the two)",
    ),
    "no YAML": ('policy: "a\n', "suite.yaml:1:9: a quote is opened here and never closed (close it)"),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG)
def test_a_wrong_suite_fails_with_places(suites: Suites, text: str, line: str) -> None:
    assert suites.text(text) == (1, [line], ["suite.yaml: not run"])


def test_all_that_is_wrong_with_a_suite_is_said_at_once(suites: Suites) -> None:
    _, out, _ = suites.text("cases:\n- {name: it, usr: ada}\n- {name: it, user: ada, expect: {a: 1, b: 2}}\n")
    assert [line.split(":")[1] for line in out] == ["1", "2", "3", "3"] or len(out) == 3


def test_a_wrong_policy_fails_with_its_problems(suites: Suites) -> None:
    Path("policy.yaml").write_text("defaults: {memroy: 1}")
    code, out = suites.case("{}")
    assert (code, out) == (
        1,
        ["policy.yaml:1:12: defaults.memroy: unknown key 'memroy' (did you mean memory?)"],
    )


def test_what_cannot_be_read_ends_with_2(suites: Suites) -> None:
    assert suites.run("nowhere.yaml") == (
        2,
        [],
        ["envspawner test: nowhere.yaml: No such file or directory"],
    )
    Path("policy.yaml").unlink()
    case = "policy: policy.yaml\ncases:\n- {name: it, user: ada, expect: {}}\n"
    assert suites.text(case) == (2, [], ["envspawner test: policy.yaml: No such file or directory"])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies())
def test_whatever_explain_shows_can_be_expected_by_its_path(suites: Suites, written: Written) -> None:
    if not accepted(written):
        return
    Path("policy.yaml").write_text(written.text, encoding="utf-8")
    words = ["--user", "ada", "--group", "staff", "--group", "project:alpha"]
    code = main(["explain", "policy.yaml", *words, "-o", "json"])
    shown = suites.capsys.readouterr().out
    if code:
        return
    values = {one["path"]: one["value"] for one in json.loads(shown)["values"]}
    expect: dict[str, Any] = {path: "absent" if value is None else value for path, value in values.items()}
    case = {"name": "it", "user": "ada", "groups": ["staff", "project:alpha"], "expect": expect}
    suite = {"policy": "policy.yaml", "cases": [case]}
    assert suites.text(yaml.safe_dump(suite, allow_unicode=True)) == (0, [], ["suite.yaml: 1 case, 0 failed"])
    case["expect"] = {path: "absent" for path, value in values.items() if value is not None}
    code, out, _ = suites.text(yaml.safe_dump(suite, allow_unicode=True))
    assert len(out) == len(case["expect"])
    assert all(re.match(r"suite\.yaml:\d+: it: ", line) for line in out)
