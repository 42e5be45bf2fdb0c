"""Where DRBD 9 comes from, by distribution and kernel (spec os-matrix.md 4). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hive_nornir.errors import OperationFailed

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import Drbd

__all__ = ["DrbdKind", "DrbdSource", "resolve"]

DrbdKind = Literal["auto", "archive", "elrepo", "linbit", "dkms", "none"]
Kind = Literal["archive", "elrepo", "linbit", "dkms"]
# The kernels for which hive-builder's archives were made; rows 4 and 5 of the table.
_OLD_EL7 = (3, 10, 0, 1127)


@dataclass(frozen=True)
class DrbdSource:
    """What is installed.

    :param url: of the archive or the sources, "" for packages of a repository.
    :param sha256: of what is downloaded.
    """

    kind: Kind
    url: str = ""
    sha256: str = ""


def resolve(data: Drbd, wanted: DrbdKind, kernel: str, url: str, sha256: str) -> DrbdSource:
    """The first row of the table that applies.

    :param data: what the distribution says.
    :param kernel: release that will run after the barrier, `5.14.0-503.el9.x86_64`.
    :param url: what the site says, "" for nothing.
    :raises OperationFailed: something would be downloaded and its checksum is not known (P-15), or nothing fits.
    """
    kind: Kind = "archive" if url and wanted == "auto" else data.source if wanted in ("auto", "none") else wanted  # type: ignore[assignment]
    if kind not in data.sources:
        raise OperationFailed(
            f"DRBD cannot be taken from {kind} on this distribution", f"hive_drbd_source: one of {', '.join(data.sources)}"
        )
    if kind in ("elrepo", "linbit"):
        return DrbdSource(kind)
    if kind == "archive" and not url and not sha256 and "elrepo" in data.sources:
        # hive-builder's archive of this kernel counts only with a pinned checksum.
        return DrbdSource("elrepo")
    found = url or _archive(data, kernel) if kind == "archive" else url or data.tarball_url
    if not sha256:
        raise OperationFailed(
            f"DRBD would be taken from {found}, whose checksum is not known",
            "compare the file with its maker's word, then set hive_drbd_download_sha256; hive_drbd_source: none if no volume is replicated",
        )
    return DrbdSource(kind, found, sha256)


def _archive(data: Drbd, kernel: str) -> str:
    """The archive of hive-builder's authors that fits the kernel."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", kernel.partition(".el")[0].partition(".amzn")[0]))
    template = data.archive_url_old if data.archive_url_old and numbers < _OLD_EL7 else data.archive_url
    return template.format(kernel=kernel)
