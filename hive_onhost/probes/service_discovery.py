"""`hive-service-discovery`: the services of this host's systemd that are worth watching (swarm-extension.md 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.options import UsageProblem
from hive_onhost.probes import units
from hive_onhost.probes.answers import discovered, probe
from hive_onhost.probes.local import output

if TYPE_CHECKING:
    from hive_onhost.probes.answers import Answer

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return probe(_discovery, arguments, "usage: hive-service-discovery [--failed]")


def _discovery(arguments: Sequence[str]) -> Answer:
    """The list; with `--failed` how many services have failed."""
    if list(arguments) not in ([], ["--failed"]):
        raise UsageProblem("nothing or --failed is wanted")
    lists = units.Lists.read()
    if arguments:
        return len(units.failed(output, lists))
    return discovered({"SERVICE": units.shown(name)} for name in sorted(units.discover(output, lists)))
