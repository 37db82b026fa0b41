"""How long `envspawner diff` takes for many people who may pick from many profiles, reading included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Final

from envspawner.cli import main

from .measure import Row

GOAL: Final = 10.0  # seconds, for 10,000 people and 20 profiles


def differences(
    people: int, profiles: int, groups: int, rounds: int, say: Callable[[str], None]
) -> Iterator[Row]:
    """With two policies, and with two configurations that have the same profiles as a `profile_list`.

    Of the processor's time, for others may use the machine too.
    """
    size = f"{people} users, {profiles} profiles"
    for name, suffix, both, goal in (
        ("diff", "yaml", policies(profiles, groups), GOAL),
        ("diff, profile_list", "py", configurations(profiles, groups), None),
    ):
        say(f"{name}, {size}")
        files = {f"old.{suffix}": both[0], f"new.{suffix}": both[1], "roster.csv": roster(people, groups)}
        took = median(_took(files) for _ in range(rounds))
        yield Row(name, size, "s", None, took, None, goal)


def policies(profiles: int, groups: int) -> tuple[str, str]:
    """Two policies of which everybody gets another value, but hardly two people by the same rules."""
    courses = "".join(
        f"  course{n}: {{memory: {{limit: {2 + n % 5}G}}, extraEnv: {{C: c{n}}}}}\n" for n in range(groups)
    )
    sizes = "options: {m: {choices: {s: {}, l: {memory: {limit: 6G}}}}}"
    offered = "".join(f"  p{n}: {{cpu: {{limit: {1 + n}}}, {sizes}}}\n" for n in range(profiles))
    rest = f'groups:\n  "project:*": {{extraEnv: {{P: "{{match}}"}}}}\n{courses}profiles:\n{offered}'
    old, new = (
        f"defaults: {{memory: {{limit: {len(url)}G}}, defaultUrl: '/{url}/{{username}}'}}\n{rest}"
        for url in ("lab", "tree")
    )
    return old, new


def configurations(profiles: int, groups: int) -> tuple[str, str]:
    """The same as configurations of hubs, with the profiles in KubeSpawner's words."""
    sizes = {
        "s": {"display_name": "s"},
        "l": {"display_name": "l", "kubespawner_override": {"mem_limit": "6G"}},
    }
    listed = [
        {
            "display_name": f"p{n}",
            "kubespawner_override": {"cpu_limit": 1 + n},
            "profile_options": {"m": {"choices": sizes}},
        }
        for n in range(profiles)
    ]
    courses = {
        f"course{n}": {"memory": {"limit": f"{2 + n % 5}G"}, "extraEnv": {"C": f"c{n}"}}
        for n in range(groups)
    }
    rules = {"project:*": {"extraEnv": {"P": "{match}"}}, **courses}
    old, new = (
        f"c.KubeSpawner.profile_list = {listed!r}\nc.EnvSpawner.groups = {rules!r}\n"
        f"c.EnvSpawner.defaults = {{'defaultUrl': '/{url}/{{username}}'}}\n"
        for url in ("lab", "tree")
    )
    return old, new


def roster(people: int, groups: int) -> str:
    """People in three courses and a project each."""
    lines = (
        f"user{n},course{n % groups};course{n * 7 % groups};course{n * 13 % groups};project:{n % 3000}\n"
        for n in range(people)
    )
    return "user,groups\n" + "".join(lines)


def _took(files: Mapping[str, str]) -> float:
    """Seconds of the processor that a comparison took."""
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        old, new, people = (str(Path(folder, name)) for name in files)
        began = process_time()
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            code = main(["diff", old, new, "--roster", people])
        took = process_time() - began
    assert code == 1  # somebody changes
    return took
