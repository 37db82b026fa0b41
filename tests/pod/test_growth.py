"""Which claims are made larger: only where a rule says so, only upwards, compared exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envspawner.pod.growth import grown
from envspawner.policy.quantities import exact_capacity

from ..resolve.support import resolve


def growth(storage: str, claimed: str | None) -> str | None:
    return grown(resolve(f"defaults: {{storage: {{{storage}}}}}"), claimed)


@pytest.mark.parametrize("claimed", ["10Gi", "21474836479", "19999M", "21474836479999m", "1"])
def test_a_smaller_claim_grows_to_the_capacity(claimed: str) -> None:
    assert growth("expand: grow, capacity: 20Gi", claimed) == "20Gi"


@pytest.mark.parametrize("claimed", ["20Gi", "21474836480", "20480Mi", "21474836480001m", "1Ti"])
def test_a_claim_that_is_as_large_or_larger_stays(claimed: str) -> None:
    assert growth("expand: grow, capacity: 20Gi", claimed) is None


@pytest.mark.parametrize("claimed", [None, "", "much"])
def test_a_size_that_nobody_can_read_stays(claimed: str | None) -> None:
    assert growth("expand: grow, capacity: 20Gi", claimed) is None


@pytest.mark.parametrize(
    "storage",
    [
        "capacity: 20Gi",
        "expand: null, capacity: 20Gi",
        "expand: grow, capacity: null, type: none",
        "expand: grow, capacity: 20Gi, type: none",
        "expand: grow, capacity: 20Gi, type: static, static: {pvcName: nfs}",
    ],
)
def test_no_other_home_grows(storage: str) -> None:
    assert growth(storage, "1Gi") is None


@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_no_claim_ever_shrinks(wanted: int, claimed: int) -> None:
    found = growth(f"expand: grow, capacity: {wanted}Ki", f"{claimed}Ki")
    assert (found is not None) == (wanted > claimed)
    assert found is None or exact_capacity(found) > exact_capacity(f"{claimed}Ki")
