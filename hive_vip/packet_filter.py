"""Our chains in the packet filter: each pass makes them what they have to be."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from hive_vip import rules
from hive_vip.desired import Claim
from hive_vip.errors import CommandFailedError
from hive_vip.labels import IPAddress
from hive_vip.ledger import Ledger, Written

__all__ = ["VERSIONS", "FilterHost", "converge"]

VERSIONS = (4, 6)
_log = logging.getLogger(__name__)


class FilterHost(Protocol):
    """What this needs of the host."""

    def saved(self, version: int) -> rules.Saved:
        """The rules of one version of IP."""

    def restore(self, version: int, text: str) -> None:
        """Change rules."""

    def forget_flows(self, address: IPAddress) -> None:
        """Have UDP to the address looked at by the new rules."""


def converge(host: FilterHost, ledger: Ledger, here: Mapping[IPAddress, Claim]) -> dict[IPAddress, str]:
    """Make our rules what they have to be, for the addresses that are there.

    :param here: what this node has to answer for.
    :returns: why they are not.
    """
    errors = {}
    for version in VERSIONS:
        concerned = {address: claim for address, claim in here.items() if address.version == version}
        try:
            if _write(host, ledger, version, here):
                for address, claim in concerned.items():
                    if any(port.protocol == "udp" for port in claim.vip.ports):
                        host.forget_flows(address)
        except CommandFailedError as error:
            errors.update(dict.fromkeys(concerned, str(error)))
            if not concerned:
                _log.error("%s", error)
    return errors


def _write(host: FilterHost, ledger: Ledger, version: int, here: Mapping[IPAddress, Claim]) -> bool:
    """Whether something had to be written.

    :raises CommandFailedError: it could not, or is not what was written.
    """
    wanted = rules.given(version, here, ledger.entries)
    saved = host.saved(version)
    if not rules.missing(wanted, saved, ledger.rules.get(version, Written())):
        return False
    text = rules.restore(wanted, saved)
    if text:
        _log.info("write %d rules of IPv%d", len(wanted), version)
        host.restore(version, text)
        saved = host.saved(version)
    written = Written(wanted, rules.printed(saved))
    if len(written.printed) != len(wanted) or rules.missing(wanted, saved, written):
        raise CommandFailedError(f"the rules of IPv{version} are other ones than were written")
    ledger.rules[version] = written
    ledger.save()
    return True
