"""Every distribution of the table finds its column; others find the most alike one, and say that it is not their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.errors import HiveError
from hive_nornir.operations.distributions import COLUMNS, classify


@pytest.mark.parametrize(
    ("distribution", "version", "column"),
    [
        ("centos", "7", "EL7"),
        ("centos", "8", "EL8"),
        ("almalinux", "8.10", "EL8"),
        ("rocky", "9.4", "EL9"),
        ("rhel", "9.4", "EL9"),
        ("almalinux", "10.0", "EL10"),
        ("amzn", "2", "A2"),
        ("amzn", "2023", "A23"),
        ("debian", "12", "D12"),
        ("debian", "13", "D13"),
        ("ubuntu", "22.04", "U22"),
        ("ubuntu", "24.04", "U24"),
    ],
)
def test_a_distribution_of_the_table(distribution: str, version: str, column: str) -> None:
    place = classify(distribution, version)
    assert (place.column, place.supported) == (column, True)


@pytest.mark.parametrize(
    ("distribution", "version", "like", "column"),
    [
        ("debian", "11", (), "D12"),
        ("debian", "14", (), "D13"),
        ("debian", "", (), "D13"),
        ("ubuntu", "20.04", (), "U22"),
        ("ubuntu", "23.10", (), "U22"),
        ("ubuntu", "26.04", (), "U24"),
        ("amzn", "2018.03", (), "A2"),
        ("centos", "6", (), "EL7"),
        ("fedora", "42", ("fedora",), "EL10"),
        ("ol", "9.4", ("fedora",), "EL9"),
        ("raspbian", "12", ("debian",), "D12"),
        ("pop", "22.04", ("ubuntu", "debian"), "U22"),
    ],
)
def test_another_distribution_is_treated_like_the_most_alike_one(
    distribution: str, version: str, like: tuple[str, ...], column: str
) -> None:
    place = classify(distribution, version, like)
    assert (place.column, place.supported) == (column, False)


@pytest.mark.parametrize(
    ("distribution", "like"), [("alpine", ()), ("arch", ()), ("opensuse-leap", ("suse", "opensuse")), ("el", ()), ("", ())]
)
def test_a_foreign_family_is_refused(distribution: str, like: tuple[str, ...]) -> None:
    with pytest.raises(HiveError, match="not supported"):
        classify(distribution, "3", like)


@given(st.sampled_from(["debian", "ubuntu", "almalinux", "amzn"]), st.text(max_size=12))
def test_any_version_finds_a_column_of_the_family(distribution: str, version: str) -> None:
    place = classify(distribution, version)
    assert place.column in COLUMNS
    assert place.family == ("debian" if distribution in ("debian", "ubuntu") else "el")
