"""Stand-ins for text that differs from person to person, so that one answer is that of many people.

A stand-in is a short word that can stand in any name, path or label, and in no policy. What was resolved with
stand-ins becomes anybody's answer when their own text is put in; `holds_for` tells for whom that may not be so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from ..policy import names as rules
from ..policy.problems import Fault
from ..policy.templates import USER
from ..resolve.match import Applied
from .changes import Change, Outcome

_WORD: Final = re.compile(r"zq\d+qz")
OF_USERS: Final = {name: f"zq{number}qz" for number, name in enumerate(sorted(USER - {"userid"}), 100)}
"""Stand-ins for what placeholders make of a user's name, and of it and a server's."""
PROFILE: Final = "zq11qz"
CLAIM: Final = "zq12qz"
Words = Mapping[str, str]


class GroupWords:
    """Stand-ins for groups that matched a pattern: by which of a person's groups, in the order of names."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str, bool], str] = {}

    def stand_in(self, position: int, pattern: str, word: str, *, raw: bool) -> str:
        """word: group or match. raw: as it stands in variables, not as a slug."""
        key = (position, pattern if word == "match" else "", word, raw)
        return self._known.setdefault(key, f"zq{1000 + len(self._known)}qz")

    def replaced(self, one: Applied, positions: Mapping[str, int]) -> Applied:
        """The same rule with stand-ins in place of its group and match, if a pattern matched."""
        if "match" not in one.words:
            return one
        at, pattern = positions[one.words["group"]], one.rule.source
        return one._replace(
            words={word: self.stand_in(at, pattern, word, raw=True) for word in one.words},
            slugs={word: self.stand_in(at, pattern, word, raw=False) for word in one.slugs},
        )

    def words(self, applied: Iterable[Applied], positions: Mapping[str, int]) -> dict[str, str]:
        """What the stand-ins stand for, for the person for whom these rules hold."""
        found: dict[str, str] = {}
        for one in applied:
            if "match" in one.words:
                at, pattern = positions[one.words["group"]], one.rule.source
                for word, text in one.words.items():
                    found[self.stand_in(at, pattern, word, raw=True)] = text
                for word, text in one.slugs.items():
                    found[self.stand_in(at, pattern, word, raw=False)] = text
        return found

    def shown(self) -> dict[str, str]:
        """How stand-ins are shown to people."""
        return {text: f"{{{word}}}" for (_, _, word, _), text in self._known.items()}


def has_stand_in(text: str | None) -> bool:
    return text is not None and _WORD.search(text) is not None


def put(text: str, words: Words) -> str:
    """The text with what stand-ins stand for; what is put in is not looked at again."""
    return _WORD.sub(lambda found: words.get(found[0], found[0]), text)


def put_json(text: str | None, words: Words) -> str | None:
    """The same for JSON text, and that JSON again."""
    if text is None or not has_stand_in(text):
        return text
    return json.dumps(_put_all(json.loads(text), words), ensure_ascii=False)


def _put_all(value: Any, words: Words) -> Any:
    if isinstance(value, str):
        return put(value, words)
    if isinstance(value, dict):
        return {put(key, words): _put_all(item, words) for key, item in value.items()}
    return [_put_all(item, words) for item in value] if isinstance(value, list) else value


def filled(changes: Iterable[Change], words: Words) -> Iterator[tuple[Change, Change]]:
    """(change with stand-ins, change of one person), without those that are none for this person."""
    known: dict[tuple[str, str | None, str | None], tuple[str, str | None, str | None]] = {}
    for one in changes:  # the same with many profiles
        mine = known.get(one[1:])
        if mine is None:
            mine = put(one.path, words), put_json(one.old, words), put_json(one.new, words)
            known[one[1:]] = mine
        if mine[1] != mine[2] or one.old == one.new:
            yield one, Change(one.where, *mine)


class Doubts:
    """What of an answer depends on more than the text that is put in."""

    def __init__(self, seen: Iterable[tuple[Outcome, Outcome]]) -> None:
        pairs = list(seen)
        slots = {old.slots | new.slots for old, new in pairs}
        self._slots = [
            (dynamic, frozenset(together) - frozenset(dynamic))
            for together in slots
            if (dynamic := [slot for slot in together if has_stand_in(slot)])
        ]
        both = [one for pair in pairs for one in pair]
        homes = {one.home for one in both if one.home is not None}
        self._claims = {home.claim for home in homes if home.claim and has_stand_in(home.claim)}
        self._volumes = {home.volume for home in homes if has_stand_in(home.volume)}
        self._texts = any(has_stand_in(one.detail) for one in both)

    @property
    def none(self) -> bool:
        """Whether the answer holds for everybody of the same kind."""
        return not (self._slots or self._claims or self._volumes or self._texts)

    def hold_for(self, words: Words) -> bool:
        """Whether somebody's own text may lead to another answer than the stand-ins: too long, or met elsewhere."""
        if self._texts:
            return True
        for dynamic, fixed in self._slots:
            mine = {put(slot, words) for slot in dynamic}
            if len(mine) < len(dynamic) or mine & fixed:
                return True
        claims = ((put(claim, words), rules.check_subdomain) for claim in self._claims)
        volumes = ((put(volume, words), rules.check_dns_label) for volume in self._volumes)
        return not all(_passes(check, name) for name, check in (*claims, *volumes))


def _passes(check: Callable[[str], Any], name: str) -> bool:
    """Whether a name can be one; a hyphen at its end, before an empty server name, would have gone."""
    try:
        check(name)
    except Fault:
        return False
    return not name.endswith("-")
