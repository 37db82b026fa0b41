"""Rules with bounds and end dates, profiles, options, choices and whom they are for."""

# A case of a table, with the whole message that is expected, is easier to read in one line.
# ruff: noqa: E501

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from envspawner.policy.rules import Allow, Policy
from envspawner.policy.sections import slug
from envspawner.policy.values import moment

from .loading import from_traits, policy_of, problem_of, problems_of, trait_problems, warnings_of

UTC = timezone.utc


def until_of(text: str) -> datetime | None:
    rule = policy_of(f"users: {{ada: {{until: {text}}}}}").users["ada"]
    return rule.until


@pytest.mark.parametrize(
    ("text", "moment_of"),
    [
        ("2026-12-20", datetime(2026, 12, 20, 23, 59, 59, 999999, UTC)),
        ("'2026-12-20'", datetime(2026, 12, 20, 23, 59, 59, 999999, UTC)),
        ("2026-12-20T18:00", datetime(2026, 12, 20, 18, tzinfo=UTC)),
        ("2026-12-20 18:00:30", datetime(2026, 12, 20, 18, 0, 30, tzinfo=UTC)),
        ("2026-12-20T18:00Z", datetime(2026, 12, 20, 18, tzinfo=UTC)),
        ("2026-12-20T18:00:00+01:00", datetime(2026, 12, 20, 18, tzinfo=timezone(timedelta(hours=1)))),
        ("null", None),
    ],
)
def test_until_is_a_whole_day_or_a_moment_in_utc(text: str, moment_of: datetime | None) -> None:
    assert until_of(text) == moment_of


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2026-13-01",
        "20261220",
        "2026-W51-7",
        "soon",
        "2026-12-20T25:00",
        "2026-12",
        "true",
        "1.5",
        "''",
    ],
)
def test_what_is_no_date_is_told_how_to_write_one(text: str) -> None:
    said = problem_of(f"users: {{ada: {{until: {text}}}}}")
    assert said.startswith("p.yaml:1:22: users.ada.until: ")
    assert said.endswith("is not a date (write 2026-12-20 or 2026-12-20T18:00+01:00)")


def test_until_is_no_list() -> None:
    assert "expected a date, got a list (write 2026-12-20" in problem_of("defaults: {until: [1]}")


def test_python_dates_are_dates() -> None:
    local = timezone(timedelta(hours=2))
    assert moment(date(2026, 12, 20)) == datetime(2026, 12, 20, 23, 59, 59, 999999, UTC)
    assert moment(datetime(2026, 12, 20, 18)) == datetime(2026, 12, 20, 18, tzinfo=UTC)
    assert moment(datetime(2026, 12, 20, 18, tzinfo=local)).tzinfo is local
    policy, _ = from_traits({"users": {"ada": {"until": date(2026, 12, 20), "note": 4711}}})
    assert policy.users["ada"].note == "4711"


def test_a_rule_has_bounds_a_note_and_their_places() -> None:
    rule = policy_of(
        "defaults:\n  atLeast: {memory: 1G}\n  atMost: {memory: 8G, cpu: 4, storage: 20Gi,\n    nvidia.com/gpu: 2, x.org/y: null}\n  note: why"
    ).defaults
    assert rule is not None
    assert rule.at_least == {"memory": 2**30}
    assert rule.at_most == {
        "memory": 2**33,
        "cpu": 4.0,
        "storage": "20Gi",
        "nvidia.com/gpu": 2,
        "x.org/y": None,
    }
    assert rule.note == "why"
    assert rule.bound_places["atMost.nvidia.com/gpu"].full == "p.yaml:4:21"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("atMost: 8G", "atMost: expected a mapping, got text (write {memory: 8G, cpu: 4})"),
        ("atMost: {memroy: 8G}", "atMost.memroy: unknown resource 'memroy' (did you mean memory?)"),
        ("atMost: {gpu: 1}", "atMost.gpu: unknown resource 'gpu' (did you mean cpu?)"),
        (
            "atMost: {disk: 1}",
            "atMost.disk: unknown resource 'disk' (memory, cpu, storage or a name such as nvidia.com/gpu)",
        ),
        ("atMost: {memory: 0}", "atMost.memory: a limit is above 0 (write null for no limit)"),
        (
            "atMost: {a_b/c: 1}",
            "atMost.a_b/c: 'a_b/c' is not a resource (write its full name, such as nvidia.com/gpu)",
        ),
        (
            "atMost: {x.org/y: 0.5}",
            "atMost.x.org/y: '0.5' is not a whole number (write a whole number such as 1)",
        ),
        (
            "atMost: {storage: all}",
            "atMost.storage: 'all' is not an amount of storage (write a Kubernetes quantity such as 10Gi or 500M)",
        ),
        (
            "atLeast: {cpu: 4}, atMost: {cpu: 2}",
            "atLeast.cpu: above atMost of the same rule (lower it, or raise atMost)",
        ),
        (
            "atLeast: {storage: 11Gi}, atMost: {storage: 10Gi}",
            "atLeast.storage: above atMost of the same rule (lower it, or raise atMost)",
        ),
        (
            "atLeast: {x.org/y: 2}, atMost: {x.org/y: 1}",
            "atLeast.x.org/y: above atMost of the same rule (lower it, or raise atMost)",
        ),
    ],
)
def test_bounds_are_checked(text: str, complaint: str) -> None:
    assert problem_of(f"defaults: {{{text}}}").split(": ", 1)[1] == f"defaults.{complaint}"


@pytest.mark.parametrize(
    "text",
    [
        "atLeast: {cpu: 2}, atMost: {cpu: 2}",
        "atLeast: {cpu: 4}, atMost: {cpu: null}",
        "atLeast: {cpu: null}, atMost: {cpu: 1}",
        "atLeast: {cpu: 1}, atMost: {memory: 1G}",
        "atMost: null, atLeast: {}",
    ],
)
def test_bounds_that_agree_are_fine(text: str) -> None:
    assert policy_of(f"defaults: {{{text}}}").defaults


PROFILES = """
profiles:
  small: {default: true, memory: {limit: 1G}}
  gpu:
    displayName: GPU
    description: One T4.
    aliases: [cuda, {old}]
    allow: {users: [ada], groups: [staff, "project:*"], admins: true}
    options:
      size:
        displayName: Size
        choices:
          s: {displayName: 8 GB, memory: {limit: 8G}}
          l: {default: true, allow: {groups: staff}}
          xl:
      image: {choices: {base: {}}}
""".replace("{old}", "old")


def test_profiles_options_and_choices_are_read_in_their_order() -> None:
    small, gpu = policy_of(PROFILES).profiles
    assert (small.slug, small.display_name, small.default, small.allow, small.options) == (
        "small",
        "small",
        True,
        None,
        (),
    )
    assert (gpu.display_name, gpu.description, gpu.default, gpu.aliases) == (
        "GPU",
        "One T4.",
        False,
        ("cuda", "old"),
    )
    assert gpu.allow == Allow(frozenset({"ada"}), ("staff", "project:*"), True)
    size, image = gpu.options
    assert [(o.slug, o.display_name) for o in gpu.options] == [("size", "Size"), ("image", "image")]
    assert [(c.slug, c.display_name, c.default) for c in size.choices] == [
        ("s", "8 GB", False),
        ("l", "l", True),
        ("xl", "xl", False),
    ]
    assert size.choices[1].allow == Allow(frozenset(), ("staff",))
    assert [c.rule.source for c in image.choices] == ["profiles.gpu.options.image.choices.base"]


def test_every_rule_is_listed_in_the_order_of_the_layers() -> None:
    text = "users: {ada: {}}\nadmins: {}\ngroups: {b: {}, a: {}}\ndefaults: {}" + PROFILES
    assert [rule.source for rule in policy_of(text).rules()] == [
        "defaults",
        "groups.b",
        "groups.a",
        "admins",
        "users.ada",
        "profiles.small",
        "profiles.gpu",
        "profiles.gpu.options.size.choices.s",
        "profiles.gpu.options.size.choices.l",
        "profiles.gpu.options.size.choices.xl",
        "profiles.gpu.options.image.choices.base",
    ]
    assert Policy("").rules() == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{a: {options: 5}}", "profiles.a.options: expected a mapping, got a number"),
        ("{a: {options: {o: 5}}}", "profiles.a.options.o: expected a mapping, got a number"),
        ("{a: {options: {o: {}}}}", "profiles.a.options.o: nothing to choose from (write choices, or other)"),
        (
            "{a: {options: {o: null}}}",
            "profiles.a.options.o: nothing to choose from (write choices, or other)",
        ),
        (
            "{a: {options: {o: {choices: {}}}}}",
            "profiles.a.options.o: nothing to choose from (write choices, or other)",
        ),
        (
            "{a: {options: {o: {choices: {b: 5}}}}}",
            "profiles.a.options.o.choices.b: expected a mapping, got a number",
        ),
        (
            "{a: {options: {o: {choice: {b: {}}, choices: {b: {}}}}}}",
            "profiles.a.options.o.choice: unknown key 'choice' (did you mean choices?)",
        ),
        (
            "{a: {options: {o: {choices: {b: {memroy: 1}}}}}}",
            "profiles.a.options.o.choices.b.memroy: unknown key 'memroy' (did you mean memory?)",
        ),
        (
            "{a: {options: {o: {choices: {b: {options: {}}}}}}}",
            "profiles.a.options.o.choices.b.options: unknown key 'options' (only profiles have it)",
        ),
        (
            "{a: {options: {o: {choices: {b: {}}, memory: {}}}}}",
            "profiles.a.options.o.memory: unknown key 'memory' (it does not belong into this block)",
        ),
        ("{a: {options: {o: {s: {}}}}}", "profiles.a.options.o.s: unknown key 's' (write choices: {s: ...})"),
        (
            "{a: {allowed_groups: [staff]}}",
            "profiles.a.allowed_groups: unknown key 'allowed_groups' (write allow: {groups: [...]})",
        ),
        (
            "{a: {options: {profile: {choices: {b: {}}}}}}",
            "profiles.a.options.profile: no option may be called 'profile' (JupyterHub's forms use this word; take another)",
        ),
        (
            "{a: {options: {x--unlisted-choice: {choices: {b: {}}}}}}",
            "profiles.a.options.x--unlisted-choice: no option may be called 'x--unlisted-choice' (JupyterHub's forms use this word; take another)",
        ),
        (
            "{a: {options: {o: {choices: {b: {aliases: c}, c: {}}}}}}",
            "profiles.a.options.o.choices.c: c is also a name of b (a name is for one thing only)",
        ),
        ("{a: {aliases: [b]}, b: {}}", "profiles.b: b is also a name of a (a name is for one thing only)"),
        (
            "{a: {}, b: {aliases: a}}",
            "profiles.b.aliases[0]: a is also a name of a (a name is for one thing only)",
        ),
        (
            "{a: {aliases: ['']}}",
            "profiles.a.aliases[0]: expected text, got nothing (write a word, or delete the line)",
        ),
        (
            "{' a': {}}",
            "profiles. a: ' a' cannot name a profile, an option or a choice (write a short word, and what people see as displayName)",
        ),
        (
            '{"a\\n": {}}',
            "profiles.a\\n: 'a\\n' cannot name a profile, an option or a choice (write a short word, and what people see as displayName)",
        ),
        (
            "{a: {allow: null}}",
            "profiles.a.allow: says nobody (name users, groups or admins; without allow it is for everybody)",
        ),
        (
            "{a: {allow: {}}}",
            "profiles.a.allow: says nobody (name users, groups or admins; without allow it is for everybody)",
        ),
        (
            "{a: {allow: staff}}",
            "profiles.a.allow: expected a mapping, got text (write allow: {groups: [staff]})",
        ),
        (
            "{a: {allow: [staff, 'course:*']}}",
            "profiles.a.allow: expected a mapping, got a list (write allow: {groups: [staff, course:*]})",
        ),
        (
            "{a: {allow: [[staff]]}}",
            "profiles.a.allow: expected a mapping, got a list (write allow: {groups: [...]})",
        ),
        (
            "{a: {allow: {group: [staff]}}}",
            "profiles.a.allow.group: unknown key 'group' (did you mean groups?)",
        ),
        (
            "{a: {allow: {admins: 1}}}",
            "profiles.a.allow.admins: expected true or false, got a number (write true or false without quotes)",
        ),
        (
            "{a: {allow: {users: ['']}}}",
            "profiles.a.allow.users[0]: expected text, got nothing (write a word, or delete the line)",
        ),
        (
            "{a: {default: maybe}}",
            "profiles.a.default: expected true or false, got text (write true or false without quotes)",
        ),
        (
            "{a: {displayName: ''}}",
            "profiles.a.displayName: expected text, got nothing (write a word, or delete the line)",
        ),
        ("{a: {name: A}}", "profiles.a.name: unknown key 'name' (write displayName, or image.name)"),
        (
            "{a: {atMost: {cpu: 1}}}",
            "profiles.a.atMost: unknown key 'atMost' (only defaults, groups, admins and users have it)",
        ),
        (
            "{a: {until: 2026-12-20}}",
            "profiles.a.until: unknown key 'until' (only defaults, groups, admins and users have it)",
        ),
        (
            "{a: 5}",
            "profiles.a: expected a mapping, got a number (write each profile after a short name: profiles: {small: {displayName: Small}})",
        ),
        (
            "[a]",
            "profiles: expected a mapping, got a list (write each profile after a short name: profiles: {small: {displayName: Small}})",
        ),
    ],
)
def test_mistakes_in_profiles_are_told(text: str, complaint: str) -> None:
    assert problem_of(f"profiles: {text}").split(": ", 1)[1] == complaint


@pytest.mark.parametrize("name", ["allow", "default", "aliases", "displayName", "description"])
def test_what_only_profiles_have_is_refused_elsewhere(name: str) -> None:
    assert f"unknown key '{name}' (only profiles and their choices have it)" in problem_of(
        f"groups: {{g: {{{name}: x}}}}"
    )


def test_a_slug_is_at_most_a_hundred_characters() -> None:
    assert slug("x" * 100) == "x" * 100
    assert "cannot name a profile" in problem_of(f"profiles: {{{'x' * 101}: {{}}}}")


def test_python_keys_that_are_no_text_are_told() -> None:
    assert trait_problems(
        {
            "profiles": {
                1: {},
                "a": {"options": {2: {"choices": {}}}},
                "b": {"options": {"o": {"choices": {3: {}, "x": {}}}}},
            }
        }
    ) == [
        "c.EnvSpawner: profiles.a.options[2]: a key must be text, got a number",
        "c.EnvSpawner: profiles.b.options.o.choices[3]: a key must be text, got a number",
        "c.EnvSpawner: profiles[1]: a name must be text (write a name in quotes)",
    ]


def test_a_default_for_some_leaves_the_next_default_to_the_others() -> None:
    text = "profiles: {big: {default: true, allow: {groups: [staff]}}, small: {default: true}}"
    assert warnings_of(text) == []


def test_a_second_default_for_everybody_is_warned_of() -> None:
    assert warnings_of("profiles:\n  a: {default: true}\n  b: {default: true}\n  c: {default: false}") == [
        "p.yaml:3:16: warning: profiles.b.default: a is the default already, for everybody who may have it (delete the line)"
    ]
    choices = "profiles: {a: {options: {o: {choices: {x: {default: true}, y: {default: true}}}}}}"
    assert warnings_of(choices) == [
        "p.yaml:1:73: warning: profiles.a.options.o.choices.y.default: x is the default already, for everybody who may have it (delete the line)"
    ]


@pytest.mark.parametrize("text", ["{users: []}", "{groups: null}", "{admins: false}"])
def test_a_profile_that_nobody_may_have_is_warned_of(text: str) -> None:
    assert warnings_of(f"profiles: {{a: {{allow: {text}}}}}") == [
        "p.yaml:1:23: warning: profiles.a.allow: admits nobody (name users, groups or admins)"
    ]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "users: {Ada: {}}",
            "p.yaml:1:9: warning: users.Ada: no user is called 'Ada': JupyterHub makes the names of users lower-case (write ada, unless your authenticator keeps capitals)",
        ),
        ("users: {'ada ': {}}", "p.yaml:1:9: warning: users.ada : 'ada ' has a blank at its end (delete it)"),
        (
            "users: {'a*': {}}",
            "p.yaml:1:9: warning: users.a*: users take no *, so 'a*' matches nobody (write a group, or defaults for everybody)",
        ),
        (
            "groups: {' staff': {}}",
            "p.yaml:1:10: warning: groups. staff: ' staff' has a blank at its end (delete it)",
        ),
        (
            "profiles: {a: {allow: {users: [ada, Ada]}}}",
            "p.yaml:1:37: warning: profiles.a.allow.users[1]: no user is called 'Ada'",
        ),
        (
            "profiles: {a: {allow: {groups: 'x '}}}",
            "p.yaml:1:32: warning: profiles.a.allow.groups[0]: 'x ' has a blank",
        ),
    ],
)
def test_names_that_can_never_match_are_warned_of(text: str, warning: str) -> None:
    (said,) = warnings_of(text)
    assert said.startswith(warning)


@pytest.mark.parametrize("name", ["Staff", "*", "**", "a*b*", "course::stat101", "/cn=x/y", "123", "null"])
def test_groups_may_be_called_anything(name: str) -> None:
    assert list(policy_of(f"groups: {{'{name}': {{}}}}").groups) == [name]
    assert warnings_of(f"groups: {{'{name}': {{}}}}") == []


@pytest.mark.parametrize("section", ["groups", "users", "profiles"])
@pytest.mark.parametrize("name", ["''", "' '"])
def test_an_empty_name_is_told(section: str, name: str) -> None:
    (said,) = problems_of(f"{section}: {{{name}: {{}}}}")
    assert said.endswith(": a name is empty (write a name in quotes)")


@pytest.mark.parametrize("rules", [{}, {"a": None}, {"a": {}}], ids=repr)
def test_rules_may_say_nothing(rules: Any) -> None:
    policy, warnings = from_traits({"groups": rules, "users": rules})
    assert (list(policy.groups), warnings) == (list(rules), [])
