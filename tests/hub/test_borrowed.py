"""Traits are lent to a start as traitlets would set them, but for notices and checks that change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import Bool, Dict, Int, List, TraitError, Unicode, Union, observe, validate
from traitlets.config import Config

from envspawner.hub.borrowed import _known
from envspawner.hub.offline import OfflineSpawner

from .support import spawner_for

SAMPLES: list[Any] = [
    *["", "text", "1", True, False, [], ["a", 1, None], [{"name": "x"}], {}, {"a": 1}, {1: ["b"]}],
    *[{"name": {"deep": [1]}}],
]


class Theirs(OfflineSpawner):
    """A subclass of a hub's admin whose traits do more with what they are set to."""

    words = List(Unicode())
    few: Any = List(maxlen=1)
    whole = Dict(value_trait=Int())
    either = Union([Unicode(), Bool(), List()])
    first = Union([Int(), List()])
    checked = Unicode()
    magic = Unicode()
    watched = Unicode()

    def _magic_validate(self, value: Any, trait: Any) -> str:
        return f"magic {value}"

    @validate("checked")
    def _check(self, proposal: Any) -> str:
        return f"checked {proposal['value']}"

    @observe("watched")
    def _see(self, change: Any) -> None:
        self.seen = change["new"]


def test_what_is_taken_as_it_is_is_what_traitlets_would_take_as_it_is() -> None:
    with spawner_for(Config(), spawner_class=Theirs) as spawner:
        quick = [one for one in _known(Theirs).items() if one[1].as_is]
        assert {"image", "volumes", "volume_mounts", "environment", "storage_pvc_ensure"} <= {
            n for n, _ in quick
        }
        for name, (trait, as_is) in quick:
            if name in spawner._trait_validators:
                continue
            for value in SAMPLES:
                if type(value) in as_is:
                    assert trait._validate(spawner, value) is value, (name, value)


@pytest.mark.filterwarnings("ignore:.*_magic_validate:DeprecationWarning")
def test_traits_of_a_subclass_are_set_as_it_says() -> None:
    with spawner_for(Config(), spawner_class=Theirs) as spawner:
        spawner._assign({"checked": "x", "magic": "x", "watched": "x", "either": ["x"], "first": [1]})
        assert (spawner.checked, spawner.magic, spawner.seen) == ("checked x", "magic x", "x")
        assert (spawner.either, spawner.first) == (["x"], [1])
        for name, wrong in {
            "words": [1],
            "few": [1, 2],
            "whole": {"a": "b"},
            "either": {},
            "image": 1,
        }.items():
            with pytest.raises(TraitError):
                spawner._assign({name: wrong})
        spawner._restore()
        assert (spawner.watched, spawner.either, spawner.first) == ("", "", 0)
