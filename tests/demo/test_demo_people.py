"""Who may log in: somebody for each kind of rule in a policy."""

from __future__ import annotations

from envspawner.cli.demo import EXAMPLE
from envspawner.cli.sources import read
from envspawner.demo.people import ADMIN, Person, people_of
from envspawner.policy.rules import Policy
from tests.policy.loading import policy_of


def of(text: str) -> dict[str, Person]:
    return {person.name: person for person in people_of(policy_of(text))}


def test_the_example_has_a_student_staff_and_an_admin() -> None:
    policy = read(str(EXAMPLE)).policy
    assert policy is not None
    people = {person.name: person for person in people_of(policy)}
    assert people["ada"].groups == ("students",)
    assert people["grace"].groups == ("staff",)
    assert people[ADMIN].admin


def test_a_glob_is_a_group_that_it_matches() -> None:
    assert of("groups: {'project:*': {note: x}}")["ada"].groups == ("project:demo",)


def test_groups_that_only_a_profile_speaks_of_have_somebody_too() -> None:
    people = of("profiles: {a: {}, b: {allow: {groups: [few]}}}")
    assert people["ada"].groups == ("few",)


def test_named_users_may_log_in_by_their_names() -> None:
    people = of("users: {alice: {note: x}, ada: {note: y}}\ngroups: {staff: {note: z}}")
    assert people["alice"].groups == ()
    assert people["ada"].groups == ()
    assert people["grace"].groups == ("staff",)


def test_somebody_is_in_no_group() -> None:
    assert any(person.groups == () for person in of("groups: {staff: {note: x}}").values())


def test_names_are_never_given_twice() -> None:
    groups = ", ".join(f"g{n}: {{note: x}}" for n in range(9))
    people = people_of(policy_of(f"groups: {{{groups}}}\nusers: {{{ADMIN}: {{note: x}}, hedy: {{note: y}}}}"))
    assert len({person.name for person in people}) == len(people)


def test_a_policy_without_rules_has_a_user_and_an_admin() -> None:
    assert [person.admin for person in people_of(Policy("0" * 16))] == [False, True]
