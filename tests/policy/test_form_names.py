"""No name makes a form mean something else than was chosen in it."""

from __future__ import annotations

import pytest

from .loading import policy_of, problem_of

OPTIONS = "options: {o: {choices: {c: {}}}}"
TAKEN = "in a form, the options of %s would be taken for options of %s (choose a name that does not begin with %s--)"


@pytest.mark.parametrize(
    ("slug", "other"),
    [("a--b", "a"), ("a--b--c", "a--b"), ("a---b", "a"), ("a---b", "a-"), ("a----b", "a--")],
)
def test_a_profile_that_begins_as_the_fields_of_another_is_an_error(slug: str, other: str) -> None:
    problem = problem_of(f"profiles:\n  {other}: {{}}\n  {slug}: {{{OPTIONS}}}\n")
    assert problem == f"p.yaml:3:3: profiles.{slug}: {TAKEN % (slug, other, other)}"


def test_other_names_and_profiles_without_fields_are_fine() -> None:
    policy_of(
        f"profiles: {{a: {{{OPTIONS}}}, a-b: {{{OPTIONS}}}, aa--b: {{{OPTIONS}}}, b: {{}}, b--c: {{}}}}"
    )


@pytest.mark.parametrize("slug", ["unlisted-choice", "unlisted_choice", "--extra-selectable-item"])
def test_a_choice_that_is_called_as_a_typed_text_is_an_error_beside_one(slug: str) -> None:
    choices = f"choices: {{{slug}: {{}}}}"
    other = "other: {pattern: x, extraEnv: {A: '{value}'}}"
    problem = problem_of(f"profiles: {{p: {{options: {{o: {{{choices}, {other}}}}}}}}}")
    assert problem == (
        f"p.yaml:1:40: profiles.p.options.o.choices.{slug}: {slug} is what forms send for a text that was typed "
        "(choose another name)"
    )
    policy_of(f"profiles: {{p: {{options: {{o: {{{choices}}}}}}}}}")
    aliases = f"choices: {{a: {{aliases: [{slug}]}}}}"
    assert f"{slug} is what" in problem_of(f"profiles: {{p: {{options: {{o: {{{aliases}, {other}}}}}}}}}")
