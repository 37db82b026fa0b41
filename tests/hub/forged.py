"""Requests that no spawn page sends, each with its status and reason."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

POLICY: Final = """
defaults: {memory: {limit: 1G}, atMost: {memory: 4G}}
groups: {staff: {atMost: {memory: 64G}}}
profiles:
  small: {default: true}
  staff: {allow: {groups: [staff]}}
  root: {allow: {admins: true}}
  huge: {memory: {limit: 32G}}
  menu:
    options:
      size:
        choices:
          s: {memory: {limit: 2G}}
          m: {memory: {limit: 3G}, allow: {groups: [staff]}}
          l: {memory: {limit: 32G}}
      image:
        choices: {base: {image: "quay.io/jupyter/base-notebook:2026-11-02"}}
        other: {images: ["quay.io/jupyter/*"]}
      word:
        choices: {none: {}}
        other: {pattern: "[a-z]{3,10}", extraEnv: {WORD: "{value}"}}
      secret:
        choices: {none: {}}
        other: {pattern: ".*", allow: {groups: [staff]}, extraEnv: {SECRET: "{value}"}}
"""

MENU: Final = {"profile": "menu"}
DEEP: Final = b'{"profile": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
FEW: Final = b'{"profile": ' + b'{"a": ' * 300 + b"1" + b"}" * 300 + b"}"


class Forged(NamedTuple):
    """body: raw, or to be JSON. reason: None where JupyterHub itself refuses. old: what differs on 5.5."""

    body: Any
    status: int
    reason: str | None
    old: tuple[int, str | None] | None = None

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def image(text: str) -> Forged:
    return Forged({**MENU, "image--unlisted-choice": text}, 400, "value-invalid")


def word(text: str) -> Forged:
    return Forged({**MENU, "word--unlisted-choice": text}, 400, "value-invalid")


def _invalid(body: Any) -> Forged:
    return Forged(body, 400, "options-invalid")


def _no_object(body: Any) -> Forged:
    return Forged(body, 400, None, (400, "options-invalid"))


REST: Final[dict[str, Forged]] = {
    # bodies that are no object
    "a list": _no_object([1]),
    "a list of objects": _no_object([{"profile": "small"}]),
    "text": _no_object("small"),
    "a number": _no_object(7),
    "true": _no_object(True),
    "no JSON": Forged(b"{profile: small}", 400, None),
    "half of a JSON": Forged(b'{"profile": "sm', 400, None),
    "bytes that are no text": Forged(b"\xff\xfe\x00", 400, None),
    "a hundred thousand lists in one another": Forged(DEEP, 400, None),
    # values that are no text
    "a profile that is a list": _invalid({"profile": ["small"]}),
    "a profile that is an object": _invalid({"profile": {"slug": "small"}}),
    "a profile that is a number": _invalid({"profile": 1}),
    "a profile that is true": _invalid({"profile": True}),
    "a profile that is null": _invalid({"profile": None}),
    "a profile that is no number": _invalid(b'{"profile": NaN}'),
    "a profile of 300 objects in one another": _invalid(FEW),
    "a choice that is a list": _invalid({**MENU, "size": ["s"]}),
    "a choice that is an object": _invalid({**MENU, "size": {"memory": "64G"}}),
    "a choice that is a number": _invalid({**MENU, "size": 0}),
    "a choice that is null": _invalid({**MENU, "size": None}),
    "a typed text that is a list": _invalid({**MENU, "image--unlisted-choice": ["quay.io/jupyter/a:1"]}),
    "a typed text that is an object": _invalid({**MENU, "image--unlisted-choice": {"a": "b"}}),
    # too much
    "10 MB of profile": _invalid({"profile": "x" * 10_000_000}),
    "17 KiB of typed text": _invalid({**MENU, "word--unlisted-choice": "a" * 17 * 1024}),
    "a hundred thousand keys": _invalid({f"k{number}": "v" for number in range(100_000)}),
    "a key of 17 KiB": _invalid({"k" * 17 * 1024: "v"}),
    # profiles
    "an unknown profile": Forged({"profile": "nope"}, 403, "profile-unknown"),
    "a profile for staff": Forged({"profile": "staff"}, 403, "profile-forbidden"),
    "a profile for admins": Forged({"profile": "root"}, 403, "profile-forbidden"),
    "a profile above the cap": Forged({"profile": "huge"}, 403, "over-bound"),
    "a prefix of a profile": Forged({"profile": "smal"}, 403, "profile-unknown"),
    "a profile and a suffix": Forged({"profile": "small2"}, 403, "profile-unknown"),
    "a profile and a newline": Forged({"profile": "small\n"}, 403, "profile-unknown"),
    "a profile and a NUL": Forged({"profile": "small\0"}, 403, "profile-unknown"),
    "a profile in capitals": Forged({"profile": "SMALL"}, 403, "profile-unknown"),
    "a profile with a look-alike": Forged({"profile": "smаll"}, 403, "profile-unknown"),
    "a profile with a lone surrogate": Forged(b'{"profile": "\\ud800"}', 403, "profile-unknown"),
    "a profile that is a path": Forged({"profile": "../staff"}, 403, "profile-unknown"),
    "a profile that is HTML": Forged({"profile": "<script>alert(1)</script>"}, 403, "profile-unknown"),
    "the attribute of an object": Forged({"profile": "__class__"}, 403, "profile-unknown"),
    # choices
    "an unknown choice": Forged({**MENU, "size": "xl"}, 403, "choice-unknown"),
    "a choice for staff": Forged({**MENU, "size": "m"}, 403, "choice-forbidden"),
    "a choice above the cap": Forged({**MENU, "size": "l"}, 403, "over-bound"),
    "a choice and a blank": Forged({**MENU, "size": "s "}, 403, "choice-unknown"),
    "a choice that is empty": Forged({**MENU, "size": ""}, 403, "choice-unknown"),
    "the choice of another option": Forged({**MENU, "size": "base"}, 403, "choice-unknown"),
    # options
    "an unknown option": Forged({**MENU, "gpu": "1"}, 403, "option-unknown"),
    "the option of another profile": Forged({"profile": "small", "size": "s"}, 403, "option-unknown"),
    "an option without a profile": Forged({"size": "s"}, 403, "option-unknown"),
    "a typed image without a profile": Forged(
        {"image--unlisted-choice": "evil.io/x:1"}, 403, "option-unknown"
    ),
    "a trait": Forged({"profile": "small", "mem_limit": "64G"}, 403, "option-unknown"),
    "an override": Forged({"profile": "small", "kubespawner_override": "x"}, 403, "option-unknown"),
    "a key of the form": Forged({"profile": "menu", "profile-option-menu--size": "s"}, 403, "option-unknown"),
    "text where none is taken": Forged(
        {**MENU, "size--unlisted-choice": "evil.io/x:1"}, 403, "option-unknown"
    ),
    "text that only staff may type": Forged(
        {**MENU, "secret--unlisted-choice": "abc"}, 403, "choice-forbidden"
    ),
    "text behind two suffixes": Forged(
        {**MENU, "image--unlisted-choice--unlisted-choice": "x"}, 403, "option-unknown"
    ),
    # typed images
    "an image of another registry": image("evil.io/jupyter/x:1"),
    "a registry that only begins so": image("quay.io.evil/jupyter/x:1"),
    "an image that climbs": image("quay.io/jupyter/x/../../evil:1"),
    "an image that climbs in codes": image("quay.io/jupyter/%2e%2e/evil:1"),
    "an image one folder deeper": image("quay.io/jupyter/x/y:1"),
    "an image with a user": image("quay.io@evil.io/jupyter/x:1"),
    "an image without a tag": image("quay.io/jupyter/x"),
    "an image with a command behind it": image("quay.io/jupyter/x:1; rm -rf /"),
    "an image and a newline": image("quay.io/jupyter/x:1\n"),
    "an image in capitals": image("quay.io/jupyter/X:1"),
    "an image with a placeholder": image("quay.io/jupyter/{username}:1"),
    "an image with a look-alike": image("quay.io/juрyter/x:1"),
    # typed words
    "a word and a newline": word("abc\n"),
    "a word and a NUL": word("abc\0"),
    "a word that is too long": word("abcdefghijk"),
    "a word that is too short": word("ab"),
    "a word with a placeholder": word("{nope}"),
    "a word with a variable": word("${HOME}"),
    "a word within others": word("a b c"),
    "a word with a look-alike": word("аbс"),
    "a word of another script": word("ßßß"),
}
"""By `POST /hub/api/users/ada/server`, with ada's own token."""
