"""`envspawner check`: whatever a file holds, a place and a reason, and never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from envspawner.cli import main

FINE = "defaults: {memory: {limit: 2G, guarantee: 1G}, image: quay.io/jupyter/scipy-notebook:2026-11-02}\n"
LINE = re.compile(r"^\S+:\d+:\d+: (warning: )?(\S.*: )?\S.*$")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], *names: str) -> tuple[int, list[str], list[str]]:
    """Exit code, lines of stdout and of stderr."""
    code = main(["check", *names])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.splitlines()


def test_a_fine_policy_is_said_to_be_fine(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write / "p.yaml").write_text(FINE + "groups: {a: {}, b: {}}\nusers: {ada: {}}\nprofiles: {s: {}}")
    code, out, err = check(capsys, "p.yaml")
    assert (code, out) == (0, [])
    assert re.fullmatch(r"p\.yaml: fine \(2 groups, 1 user, 1 profile; policy [0-9a-f]{16}\)", err[0])


def test_warnings_are_printed_and_do_not_fail(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write / "p.yaml").write_text(
        "defaults:\n  memory: {limit: }\n  image: a:latest\nusers:\n  ada: {until: 2020-01-01}\n"
    )
    code, out, err = check(capsys, "p.yaml")
    assert code == 0
    assert [line.split(": ")[:3] for line in out] == [
        ["p.yaml:2:19", "warning", "defaults.memory.limit"],
        ["p.yaml:3:10", "warning", "defaults.image"],
        ["p.yaml:5:3", "warning", "users.ada"],
    ]
    assert "fine" in err[0]


def test_problems_are_printed_in_the_order_of_the_file_and_counted(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write / "p.yaml").write_text(
        "users:\n  ada: {memroy: 1}\ndefaults:\n  mem_limit: 1G\n  memory: {limit: }\n"
    )
    assert check(capsys, "p.yaml") == (
        1,
        [
            "p.yaml:2:9: users.ada.memroy: unknown key 'memroy' (did you mean memory?)",
            "p.yaml:4:3: defaults.mem_limit: unknown key 'mem_limit' (write memory.limit)",
            "p.yaml:5:19: warning: defaults.memory.limit: nothing is written here (write null to remove what "
            "is beneath, {} for a block without settings, or delete the line)",
        ],
        ["p.yaml: 2 problems"],
    )


def test_null_is_not_warned_of(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write / "p.yaml").write_text("defaults: {memory: {limit: null, guarantee: 1G}}")
    assert check(capsys, "p.yaml")[:2] == (0, [])


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = 100_000
BAD: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "p.yaml:1:1: the file holds nothing"),
    "blanks": (" \n\n", "p.yaml:1:1: the file holds nothing"),
    "null": ("null", "p.yaml:1:1: the file holds nothing"),
    "text": ("hello", "p.yaml:1:1: expected a mapping, got text"),
    "a NUL byte": ("defaults: {note: a\0b}", "p.yaml:1:19: the character U+0000 may not stand in YAML"),
    "a NUL that is spelled out": (
        'defaults: {extraEnv: {A: "\\0"}}',
        "p.yaml:1:26: defaults.extraEnv.A: a character",
    ),
    "not UTF-8": (b"defaults:\n  note: caf\xe9\n", "p.yaml:2:12: byte 0xe9 is not UTF-8"),
    "UTF-16": ("defaults: {}".encode("utf-16"), "p.yaml:1:1: byte 0xff is not UTF-8"),
    "UTF-16 without a mark": ("defaults: {}".encode("utf-16-be"), "p.yaml:1:1: the character U+0000"),
    "tabs": ("defaults:\n\tnote: x", "p.yaml:2:1: a tab stands where blanks must (indent with blanks)"),
    "a key twice": (
        "defaults:\n  uid: 1\n  uid: 2",
        "p.yaml:3:3: defaults.uid: this key stands here twice, first in line 2",
    ),
    "a section twice": (
        "users: {}\ndefaults: {}\nusers: {}",
        "p.yaml:3:1: users: this key stands here twice, first in line 1",
    ),
    "a bomb of anchors": (BOMB, "aliases add too many values"),
    "a cyclic anchor": (
        "defaults: &a {extraEnv: *a}",
        "p.yaml:1:25: defaults.extraEnv: *a stands for something that holds",
    ),
    "an anchor that is not there": ("defaults: *a", "p.yaml:1:11: defaults: no anchor &a stands above"),
    "a merge of a number": ("defaults: {<<: 5}", "p.yaml:1:16: defaults: << takes a mapping"),
    "a Python object": (
        "defaults: !!python/object/apply:os.system [ls]",
        "p.yaml:1:11: defaults: the YAML tag !!python/object/apply:os.system",
    ),
    "a tag of one's own": (
        "defaults: !vault x",
        "p.yaml:1:11: defaults: the YAML tag !vault is not known here",
    ),
    "two documents": (FINE + "---\n" + FINE, "p.yaml:2:1: a second document begins here"),
    "brackets": ("[" * 500, "p.yaml:1:101: [0]"),
    "deep brackets": ("[" * DEEP, "nested more than 100 deep"),  # newer parsers give up before we do
    "deep braces": ("{a: " * DEEP, "nested more than 100 deep"),
    "deep dashes": ("- " * DEEP, "nested more than 100 deep"),
    "a deep value": (
        "defaults: {extraPodConfig: " + "[" * DEEP + "]" * DEEP + "}",
        "nested more than 100 deep",
    ),
    "a long line": ("defaults: {note: " + "x" * 10**6 + ": 1}", "p.yaml:1:"),
    "a huge whole number": (
        "defaults: {uid: " + "9" * 10**5 + "}",
        "p.yaml:1:17: defaults.uid: expected a whole number, got '999",
    ),
    "a huge amount": (
        "defaults: {memory: {limit: 1e999999999}}",
        "p.yaml:1:28: defaults.memory.limit: '1e999999999' is too large",
    ),
    "a huge quantity": (
        "defaults: {storage: {capacity: 1e999999999}}",
        "p.yaml:1:32: defaults.storage.capacity: ",
    ),
    "infinity": (
        "defaults: {cpu: {limit: .inf}}",
        "p.yaml:1:25: defaults.cpu.limit: '.inf' is not a number of CPU cores",
    ),
    "not a number": (
        "defaults: {cpu: {limit: .nan}}",
        "p.yaml:1:25: defaults.cpu.limit: '.nan' is not a number of CPU cores",
    ),
    "a number to the base of 60": (
        "defaults: {startTimeout: 1:30}",
        "p.yaml:1:26: defaults.startTimeout: expected a whole number, got '1:30'",
    ),
    "a huge key": ("x" * 1000 + ": 1", "p.yaml:1:1: xxx"),
    "an unclosed quote": (
        "defaults: {note: 'x}",
        "p.yaml:1:18: a quote is opened here and never closed (close it)",
    ),
    "escapes for a terminal": ('defaults: {"\\e[31m": 1}', "p.yaml:1:12: defaults.\\x1b[31m: unknown key"),
    "a line break in a key": ('defaults: {"a\\nb": 1}', "p.yaml:1:12: defaults.a\\nb: unknown key"),
    "a list as a key": ("defaults: {[a]: b}", "p.yaml:1:12: defaults: a key must be plain text"),
    "an empty key": ("defaults: {? : b}", "p.yaml:1:14: defaults: a key is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_answered_with_a_place_and_a_reason(
    name: str, write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, answer = BAD[name]
    (write / "p.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    code, out, err = check(capsys, "p.yaml")
    assert code == 1
    assert any(answer in line for line in out)
    assert all(LINE.match(line) for line in out)
    assert all(len(line) < 2000 for line in out)
    assert err == [f"p.yaml: {len(out)} problem{'s' if len(out) > 1 else ''}"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a byte order mark", b"\xef\xbb\xbf" + FINE.encode()),
        ("lines of Windows", FINE.replace("\n", "\r\n").encode()),
        ("a merge", b"groups:\n  a: &a {memory: {limit: 1G}}\n  b: {<<: *a, uid: 5}\n"),
        ("a document with its marks", b"%YAML 1.1\n---\n" + FINE.encode() + b"...\n"),
    ],
)
def test_unusual_files_are_fine(
    name: str, content: bytes, write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write / "p.yaml").write_bytes(content)
    assert check(capsys, "p.yaml")[:2] == (0, []), name


def test_a_hundred_thousand_keys_are_answered(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = "".join(f"  k{n}: x\n" for n in range(100_000))
    (write / "env.yaml").write_text("defaults:\n extraEnv:\n" + keys)
    assert check(capsys, "env.yaml")[:2] == (0, [])
    (write / "unknown.yaml").write_text("defaults:\n" + keys)
    code, out, err = check(capsys, "unknown.yaml")
    assert (code, len(out), err) == (1, 100_000, ["unknown.yaml: 100000 problems"])


def test_what_cannot_be_read_cannot_be_checked(write: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(write / "pipe")
    (write / "folder").mkdir()
    (write / "loop").symlink_to("loop")
    for name, reason in (
        ("missing.yaml", "No such file or directory"),
        ("folder", "it is a directory, not a file"),
        ("pipe", "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        ("loop", "Too many levels of symbolic links"),
        ("p.yaml/x", "No such file or directory"),
        ("x" * 5000, "File name too long"),
        ("a\0b", "embedded null byte"),
    ):
        assert check(capsys, name) == (2, [], [f"envspawner check: {name}: {reason}"])


def test_every_policy_is_checked_and_the_worst_decides(
    write: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write / "good.yaml").write_text(FINE)
    (write / "bad.yaml").write_text("xyzzy: 1")
    code, out, err = check(capsys, "bad.yaml", "good.yaml")
    assert (code, len(out), len(err)) == (1, 1, 2)
    code, out, err = check(capsys, "missing.yaml", "bad.yaml", "good.yaml")
    assert (code, len(out), len(err)) == (2, 1, 3)


def test_no_policy_is_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    assert ended.value.code == 2
    assert "POLICY" in capsys.readouterr().err


def test_the_command_answers_in_plain_text_through_a_pipe(write: Path) -> None:
    (write / "p.yaml").write_text("defaults: {memroy: 1, 'ä': 2}")
    command = [sys.executable, "-m", "envspawner", "check", "p.yaml"]
    root = Path(__file__).parents[2]
    env = {"PYTHONPATH": str(root), "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, cwd=write, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "p.yaml: 2 problems\n")
    assert (
        done.stdout.splitlines()[0]
        == "p.yaml:1:12: defaults.memroy: unknown key 'memroy' (did you mean memory?)"
    )
    assert "\x1b" not in done.stdout
