"""Amounts of memory, CPU, storage and countable resources: what is understood, and what is refused how."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jupyterhub.traitlets import ByteSpecification

from envspawner.policy import quantities
from envspawner.policy.located import Scalar
from envspawner.policy.problems import Fault

K, M, G, T = (1024**power for power in (1, 2, 3, 4))
READERS: list[Callable[[Any], object]] = [
    quantities.memory_bytes,
    quantities.cpu_cores,
    quantities.share,
    quantities.capacity,
    quantities.capacity_bytes,
    quantities.whole_count,
    lambda value: quantities.resource_amount("nvidia.com/gpu", value),
    lambda value: quantities.resource_amount("ephemeral-storage", value),
]
AMOUNT_LIKE = st.from_regex(r"\A ?[+-]?[0-9]{0,20}\.?[0-9]{0,6}([eE][+-]?[0-9]{1,9})? ?[kKMGTPEimbB%]{0,3}\Z")
ANYTHING = st.one_of(
    st.text(),
    AMOUNT_LIKE,
    AMOUNT_LIKE.map(Scalar),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(),
    st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()),
)
relaxed = settings(deadline=None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        (0, 0),
        (-0.0, 0),
        ("1G", G),
        ("1Gi", G),
        ("1K", K),
        ("1Ki", K),
        ("500Mi", 500 * M),
        ("1T", T),
        ("1P", 1024 * T),
        ("1Pi", 1024 * T),
        ("1E", 1024**2 * T),
        ("1Ei", 1024**2 * T),
        ("1.5G", 3 * G // 2),
        (".5G", G // 2),
        ("1.G", G),
        ("+1G", G),
        ("0.1G", 107374182),
        ("1073741824", G),
        (1073741824, G),
        (1.0e9, 10**9),
        (1.5, 1),
        ("1e9", 10**9),
        ("1E3", 1000),
        ("1.5e3K", 1500 * K),
        ("  2G\n", 2 * G),
        ("2 G", 2 * G),
        (Scalar("1G"), G),
        (Scalar("1e9", "float"), 10**9),
        (2**63 - 1, 2**63 - 1),
        ("9223372036854775807", 2**63 - 1),
        ("0e999999999999999999999", 0),
    ],
)
def test_memory_is_whole_bytes_with_units_of_1024(value: object, expected: int) -> None:
    assert quantities.memory_bytes(value) == expected


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("8 Gib", "did you mean 8Gi?"),
        ("8GiB", "did you mean 8Gi?"),
        ("8gb", "did you mean 8G?"),
        ("8 GB", "did you mean 8G?"),
        ("8g", "did you mean 8G?"),
        ("1.5gib", "did you mean 1.5Gi?"),
        ("512 bytes", "did you mean 512?"),
        ("500m", "did you mean 500M?"),
        ("500k", "did you mean 500K?"),
        ("8 gigs", "such as 512M or 1.5G"),
        ("1e3gb", "such as 512M or 1.5G"),
        ("1,5G", "such as 512M or 1.5G"),
        ("50%", "such as 512M or 1.5G"),
        ("G", "such as 512M or 1.5G"),
        ("1_0G", "such as 512M or 1.5G"),
        ("٣G", "such as 512M or 1.5G"),
        ("0x10", "such as 512M or 1.5G"),
        ("1G\x00", "such as 512M or 1.5G"),
        ("0.5", "0.5G"),
        (0.5, "0.5G"),
        ("1e-999", "0.5G"),
    ],
)
def test_a_wrong_amount_of_memory_is_refused_with_what_to_write(value: object, hint: str) -> None:
    with pytest.raises(Fault) as caught:
        quantities.memory_bytes(value)
    assert caught.value.hint is not None
    assert caught.value.hint.endswith((hint, f"write a unit behind it: {hint}"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "an empty text is not an amount of memory"),
        ("  ", "an empty text is not an amount of memory"),
        (True, "True is not an amount of memory"),
        (None, "null is not an amount of memory"),
        ([], "a list is not an amount of memory"),
        (float("nan"), "nan is not an amount of memory"),
        (float("inf"), "inf is not an amount of memory"),
        ("-1G", "'-1G' is below 0"),
        (-1, "-1 is below 0"),
        (-0.5, "-0.5 is below 0"),
        ("8E", "'8E' is too large to be an amount of memory"),
        (2**63, "9223372036854775808 is too large to be an amount of memory"),
        (2**64, "a number this far from 0 is not an amount of memory"),
        (1e300, "1e\\+300 is too large to be an amount of memory"),
        ("1e999999999999999999999", "is too large to be an amount of memory"),
        ("0.5", "'0.5' is less than one byte"),
        ("9" * 41, "'9{40}…' is not an amount of memory"),
    ],
)
def test_what_is_wrong_with_an_amount_of_memory_is_said(value: object, message: str) -> None:
    with pytest.raises(Fault, match=message):
        quantities.memory_bytes(value)


def test_ten_thousand_digits_are_refused_at_once() -> None:
    started = time.process_time()
    for text in ("9" * 10_000, "." + "0" * 10_000 + "1", "1e" + "9" * 10_000, "1" + "G" * 10_000):
        for read in READERS:
            if read is not quantities.share:
                with pytest.raises(Fault):
                    read(text)
    assert time.process_time() - started < 60  # by the square of its length it would take hours


@relaxed
@given(st.integers(1, 2**20), st.sampled_from("KMGT"))
def test_memory_means_what_jupyterhub_takes_it_for(number: int, unit: str) -> None:
    text = f"{number}{unit}"
    assert quantities.memory_bytes(text) == ByteSpecification().validate(None, text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, 2.0),
        (0, 0.0),
        ("0", 0.0),
        (0.5, 0.5),
        ("0.5", 0.5),
        ("500m", 0.5),
        ("1.5", 1.5),
        ("1500m", 1.5),
        (" 250m ", 0.25),
        ("1m", 0.001),
        (0.001, 0.001),
        ("0.1", 0.1),
        ("1e6", 1e6),
        (Scalar("2", "int"), 2.0),
    ],
)
def test_cpu_is_cores_or_thousandths_of_them(value: object, expected: float) -> None:
    assert quantities.cpu_cores(value) == expected


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("500M", "is not a number of CPU cores", "did you mean 500m?"),
        ("2 cores", "is not a number of CPU cores", "did you mean 2?"),
        ("1 core", "is not a number of CPU cores", "did you mean 1?"),
        ("2 vCPU", "is not a number of CPU cores", "did you mean 2?"),
        ("1G", "is not a number of CPU cores", "such as 2 or 0.5"),
        ("", "an empty text is not a number of CPU cores", "such as 2 or 0.5"),
        (False, "False is not a number of CPU cores", "such as 2 or 0.5"),
        ("0.0001", "is less than a thousandth of a core", "write at least 1m, or 0"),
        (0.0009, "is less than a thousandth of a core", "write at least 1m, or 0"),
        ("-1", "is below 0", "such as 2 or 0.5"),
        (1_000_001, "is too large", "such as 2 or 0.5"),
    ],
)
def test_a_wrong_number_of_cores_is_refused_with_what_to_write(
    value: object, message: str, hint: str
) -> None:
    with pytest.raises(Fault, match=message) as caught:
        quantities.cpu_cores(value)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("50%", Fraction(1, 2)),
        (" 50 % ", Fraction(1, 2)),
        ("100%", Fraction(1)),
        ("12.5%", Fraction(1, 8)),
        (Scalar("1%"), Fraction(1, 100)),
        ("50", None),
        ("1G", None),
        (50, None),
        (0.5, None),
        (None, None),
    ],
)
def test_a_percentage_is_a_share_and_all_else_is_none(value: object, expected: Fraction | None) -> None:
    assert quantities.share(value) == expected


@pytest.mark.parametrize("value", ["0%", "-5%", "100.1%", "%", "%50", "50%%", "half%", "50% of it", "1e99%"])
def test_a_percentage_that_is_no_share_is_refused(value: str) -> None:
    with pytest.raises(Fault) as caught:
        quantities.share(value)
    assert caught.value.hint == "write more than 0% and at most 100%, such as 50%"


@pytest.mark.parametrize(
    ("value", "text", "size"),
    [
        ("10Gi", "10Gi", 10 * G),
        ("5G", "5G", 5 * 10**9),
        ("500M", "500M", 500 * 10**6),
        ("10k", "10k", 10_000),
        ("1Ti", "1Ti", T),
        ("1.5Gi", "1.5Gi", 3 * G // 2),
        ("1.1Gi", "1.1Gi", 1181116007),
        ("1e12", "1e12", 10**12),
        ("1E12", "1E12", 10**12),
        ("1E", "1E", 10**18),
        (" 10Gi ", "10Gi", 10 * G),
        (Scalar("10Gi"), "10Gi", 10 * G),
        (1024, "1024", 1024),
        ("1.", "1.", 1),
        (1e12, "1000000000000", 10**12),
        ("7Ei", "7Ei", 7 * 2**60),
    ],
)
def test_a_capacity_keeps_its_text_and_has_kubernetes_size(value: object, text: str, size: int) -> None:
    found = quantities.capacity(value)
    assert found == text
    assert type(found) is str
    assert quantities.capacity_bytes(found) == size


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("10Gb", "did you mean 10G?"),
        ("10GB", "did you mean 10G?"),
        ("8 Gib", "did you mean 8Gi?"),
        ("10 Gi", "did you mean 10Gi?"),
        ("10gi", "did you mean 10Gi?"),
        ("10K", "did you mean 10k?"),
        ("100m", "did you mean 100M?"),
        ("1e3Ki", "such as 10Gi or 500M"),
        ("", "such as 10Gi or 500M"),
        ("8Ei", "such as 10Gi or 500M"),
        ("-1Gi", "such as 10Gi or 500M"),
        (None, "such as 10Gi or 500M"),
        (True, "such as 10Gi or 500M"),
        ("0", "write more than 0, such as 10Gi"),
        ("0Gi", "write more than 0, such as 10Gi"),
        ("1.5", "write a unit behind it: 0.5Gi"),
        (0.5, "write a unit behind it: 0.5Gi"),
    ],
)
def test_a_capacity_that_kubernetes_would_refuse_or_cut_is_refused(value: object, hint: str) -> None:
    with pytest.raises(Fault) as caught:
        quantities.capacity(value)
    assert str(caught.value.hint).endswith(hint)


@pytest.mark.parametrize(("value", "expected"), [(1, 1), ("2", 2), (" 3 ", 3), (0, 0), (2.0, 2), ("2.0", 2)])
def test_what_cannot_be_divided_is_counted(value: object, expected: int) -> None:
    found = quantities.whole_count(value)
    assert found == expected
    assert type(found) is int


@pytest.mark.parametrize("value", [0.5, "0.5", True, -1, "-1", "1k", "two", "", None, 2**63, "1 GPU"])
def test_what_is_no_whole_number_is_no_count(value: object) -> None:
    with pytest.raises(Fault) as caught:
        quantities.whole_count(value)
    assert caught.value.hint == "write a whole number such as 1"


@pytest.mark.parametrize(
    ("name", "value", "expected", "number"),
    [
        ("nvidia.com/gpu", "2", 2, 2),
        ("example.org/fpga", 0, 0, 0),
        ("ephemeral-storage", "10Gi", "10Gi", 10 * G),
        ("ephemeral-storage", 0, "0", 0),
        ("hugepages-2Mi", "4Mi", "4Mi", 4 * M),
    ],
)
def test_an_extended_resource_is_a_count_and_others_are_quantities(
    name: str, value: object, expected: str | int, number: int
) -> None:
    amount = quantities.resource_amount(name, value)
    assert amount == expected
    assert quantities.amount_number(amount) == number


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("nvidia.com/gpu", "1Gi", "is not a whole number"),
        ("ephemeral-storage", "10GB", "is not an amount of storage"),
        ("gpu", 1, "'gpu' is not an extended resource"),
    ],
)
def test_a_wrong_amount_of_a_resource_is_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(Fault, match=message):
        quantities.resource_amount(name, value)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (1000, "1000"), (1024, "1K"), (2**32, "4G"), (1536 * M, "1536M"), (T, "1T"), (2**50, "1024T")],
)
def test_memory_is_written_as_people_write_it(number: int, expected: str) -> None:
    assert quantities.format_memory(number) == expected


@pytest.mark.parametrize(
    ("cores", "expected"),
    [(0, "0"), (0.5, "0.5"), (16, "16"), (16.0, "16"), (0.001, "0.001"), (10**6, "1000000")],
)
def test_cores_are_written_as_people_write_them(cores: float, expected: str) -> None:
    assert quantities.format_cpu(cores) == expected


@relaxed
@given(st.integers(0, 2**63 - 1) | st.integers(0, 2**23).map(lambda number: number * G))
def test_memory_that_was_written_is_read_back(number: int) -> None:
    assert quantities.memory_bytes(quantities.format_memory(number)) == number


@relaxed
@given(st.just(0.0) | st.floats(0.001, 10**6))
def test_cores_that_were_written_are_read_back(cores: float) -> None:
    assert quantities.cpu_cores(quantities.format_cpu(cores)) == cores


@relaxed
@given(ANYTHING)
@example("1e-60000000000000000")
def test_nothing_but_a_fault_is_ever_raised(value: object) -> None:
    for read in READERS:
        if fault := _refusal(read, value):
            assert fault.hint
            assert len(fault.message) < 450  # of 40 characters, each may be written as ten


def test_an_int_that_python_would_not_print_is_refused() -> None:
    for read in READERS:
        if read is not quantities.share:
            for value in (10**5000, -(10**5000)):
                with pytest.raises(Fault, match="a number this far from 0 is not"):
                    read(value)


@relaxed
@given(AMOUNT_LIKE)
def test_a_hint_that_names_an_amount_names_one_that_is_understood(text: str) -> None:
    for read in (quantities.memory_bytes, quantities.capacity_bytes):
        prefix, mean, meant = str(getattr(_refusal(read, text), "hint", "")).partition("did you mean ")
        if mean and not prefix and (fault := _refusal(read, meant.removesuffix("?"))):
            assert "too large" in fault.message or "less than" in fault.message


def _refusal(read: Callable[[Any], object], value: object) -> Fault | None:
    try:
        read(value)
    except Fault as fault:
        return fault
    return None
