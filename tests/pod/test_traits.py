"""Values become KubeSpawner's traits: text complete, removed values empty, everything what the traits accept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubespawner import KubeSpawner

from envspawner.pod.literal import Literal, literal, plain
from envspawner.pod.traits import EMPTY, EXPANDED
from envspawner.policy.fields import FIELDS
from envspawner.policy.overrides import ADMITTED

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DATA)
def test_literal_data_is_the_same_data(data: Any) -> None:
    assert literal(data) == data
    assert plain(literal(data)) == data


@given(st.text())
def test_text_becomes_complete_and_text_again(text: str) -> None:
    assert type(literal(text)) is Literal
    assert type(plain(literal(text))) is str


def test_a_copy_shares_nothing_that_can_be_changed() -> None:
    data = {"a": [{"b": "c"}]}
    copy = literal(data)
    copy["a"][0]["b"] = "d"
    assert data == {"a": [{"b": "c"}]}


@pytest.mark.parametrize("trait", sorted(EMPTY))
def test_a_removed_value_is_the_traits_own_default(trait: str) -> None:
    assert KubeSpawner.class_traits()[trait].default() == EMPTY[trait]


@pytest.mark.parametrize("trait", sorted({f.trait for f in FIELDS.values() if f.trait} | set(ADMITTED)))
def test_what_null_leaves_behind_is_accepted_by_the_trait(trait: str) -> None:
    kind = KubeSpawner.class_traits()[trait]
    nullable = {f.trait for f in FIELDS.values() if f.nullable} | set(ADMITTED)
    if trait in nullable and trait not in {"environment", "pvc_name_template"}:
        allowed = EMPTY.get(trait)
        assert allowed is not None or kind.allow_none or is_container(trait)


def is_container(trait: str) -> bool:
    """Traits whose value is made of entries: without any it is an empty list or mapping."""
    return any(f.trait == trait and f.combine.name != "REPLACE" for f in FIELDS.values())


def test_the_traits_that_kubespawner_formats_are_all_known() -> None:
    import inspect
    import re

    source = inspect.getsource(KubeSpawner)
    formatted = set(re.findall(r"_expand_all\(\s*(?:self\._sorted_dict_values\(\s*)?self\.(\w+)", source))
    formatted |= {"environment", "default_url", "notebook_dir"}  # get_env and Spawner.format_string
    assert formatted - {"user_namespace_labels", "user_namespace_annotations"} == set(EXPANDED)
