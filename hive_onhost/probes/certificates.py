"""`hive-certificate-days`: when a certificate of the server expires."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.options import UsageProblem
from hive_onhost.probes.answers import probe
from hive_onhost.probes.local import output

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_days, arguments, "usage: hive-certificate-days FILE...")


def _days(arguments: Sequence[str]) -> Answer:
    """Days until the first of them expires."""
    if not arguments:
        raise UsageProblem("files are wanted")
    return (min(_end(path) for path in arguments) - time.time()) / 86400


def _end(path: str) -> float:
    told = output(["openssl", "x509", "-noout", "-enddate", "-in", path])
    return float(ssl.cert_time_to_seconds(told.strip().partition("=")[2]))
