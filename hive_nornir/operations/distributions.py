"""Which column of the table of distributions a host belongs to (spec os-matrix.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hive_nornir.errors import HiveError

__all__ = ["COLUMNS", "Column", "Distribution", "Family", "classify"]

Family = Literal["debian", "el", "alpine"]
# Alpine is no server's: only containers have it.
Column = Literal["EL7", "EL8", "EL9", "EL10", "A2", "A23", "D12", "D13", "U22", "U24", "ALPINE"]
COLUMNS: tuple[Column, ...] = ("EL7", "EL8", "EL9", "EL10", "A2", "A23", "D12", "D13", "U22", "U24")

# First version of each column, in order; what lies between two columns is treated as the older one.
_SERIES: dict[str, tuple[Family, tuple[tuple[float, Column], ...]]] = {
    "el": ("el", ((7, "EL7"), (8, "EL8"), (9, "EL9"), (10, "EL10"))),
    "amzn": ("el", ((2, "A2"), (2023, "A23"))),
    "debian": ("debian", ((12, "D12"), (13, "D13"))),
    "ubuntu": ("debian", ((22.04, "U22"), (24.04, "U24"))),
}
_EL = ("almalinux", "rocky", "centos", "rhel")


@dataclass(frozen=True)
class Distribution:
    """Where a distribution stands in the table.

    :param supported: it is the column's own; otherwise `column` is the most alike one.
    """

    family: Family
    column: Column
    supported: bool


def classify(distribution: str, version: str, like: tuple[str, ...] = (), *, container: bool = False) -> Distribution:
    """The column of a distribution (spec os-matrix.md 1).

    :param distribution: ID of os-release(5), for example `almalinux`.
    :param version: VERSION_ID, `9.4`; empty for rolling releases, which count as newer than all.
    :param like: ID_LIKE; decides for distributions that are not in the table.
    :param container: it is that of a container, which may be Alpine.
    :raises HiveError: it is of no family that we know.
    """
    if container and "alpine" in (distribution, *like):
        return Distribution("alpine", "ALPINE", distribution == "alpine")
    series = _series(distribution)
    known = bool(series)
    for other in () if known else like:
        series = series or _series(other) or ("el" if other == "fedora" else "")
    if not series:
        families = (
            "images must be of the Debian or the EL family, or Alpine" if container else "servers must be of the Debian or the EL family"
        )
        raise HiveError(f"{distribution or 'a system without os-release'} is not supported", families)
    family, columns = _SERIES[series]
    number = _number(version, series)
    fitting = [column for first, column in columns if first <= number]
    column = fitting[-1] if fitting else columns[0][1]
    return Distribution(family, column, known and any(first == number for first, _ in columns))


def _series(distribution: str) -> str:
    if distribution in _EL:
        return "el"
    return distribution if distribution in _SERIES and distribution != "el" else ""


def _number(version: str, series: str) -> float:
    """The version as the columns count it: Ubuntu's with the month, all others' major number."""
    words = version.split(".")
    text = ".".join(words[:2]) if series == "ubuntu" else words[0]
    try:
        return float(text)
    except ValueError:
        return float("inf")
