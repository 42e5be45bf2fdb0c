"""The syslog daemon as the roles use it that collect logs and forward them: its certificate, its checks, its restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hive_nornir.operations import accounts, files, services
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.servers.issuer import pem_of, site_issuer
from hive_nornir.tasks.servers.server_certificate import certificate_name, server_certificate

if TYPE_CHECKING:
    from hive_nornir.inventory.leaf import Usage
    from hive_nornir.operations.core import Outcome
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.certificate_files import IssuedCertificate

__all__ = ["UNIT", "LogCertificate", "configuration", "log_certificate", "no_certificate", "restarted"]

UNIT = "rsyslog.service"


@dataclass(frozen=True)
class LogCertificate:
    """Who the daemon is to its peers, and which authority vouches for them: a key of its own, not the server's (spec setup-hosts.md P-11).

    :param operations: in their order.
    :param changed: those whose change is a reason for a restart.
    """

    operations: tuple[Operation, ...]
    changed: tuple[Operation, ...]
    _issued: IssuedCertificate

    def note(self, outcomes: Mapping[Operation, Outcome]) -> None:
        """Remember on the mother which certificate the host has."""
        self._issued.note(outcomes)


def log_certificate(host: Target, address: str, *, shared: bool) -> LogCertificate:
    """The certificate with which a server receives and sends logs. One that does both has one certificate for both.

    :param address: the server's in the site.
    :param shared: whether the stage has a shared repository.
    """
    tls, owner = host.os.tls, host.os.logs.owner
    name = certificate_name(host, shared=shared)
    sends: tuple[Usage, ...] = ("client",) if host.name in host.site.hives else ()
    receives: tuple[Usage, ...] = ("server",) if host.name == host.site.repository else ()
    issued = server_certificate(host, name, address, purpose="syslog", usages=(*receives, *sends), owner=owner)
    # Of the site's authority, and of former ones that are still in use (L-17).
    ca = files.content(f"{tls.folder}/certs/hive-syslog-ca.pem", pem_of(site_issuer(host).accepted))
    settings = files.content(
        _tls_file(host),
        "# Written by hive-nornir: roles rsyslogd and rsyslogd-client.\n"
        f'global(\n  defaultNetstreamDriverCAFile="{tls.folder}/certs/hive-syslog-ca.pem"\n'
        f'  defaultNetstreamDriverCertFile="{tls.certificate(f"{name}-syslog")}"\n'
        f'  defaultNetstreamDriverKeyFile="{tls.key(f"{name}-syslog")}"\n)\n',
    )
    # Where the daemon gives up root's rights, it must still get at its key.
    enters = [accounts.member(owner, tls.private_group)] if owner != "root" else []
    folder = needed(host, "folder for certificates", f"[ -d {tls.folder}/misc ]", "tls-certificate")
    return LogCertificate(
        operations=(folder, *enters, ca, *issued.operations, settings), changed=(ca, issued.installed, settings), _issued=issued
    )


def no_certificate(host: Target) -> Operation:
    """The daemon's settings for TLS are gone."""
    return files.absent(_tls_file(host))


def _tls_file(host: Target) -> str:
    # One file for both roles, since the daemon takes each setting once only.
    return f"{host.os.logs.rsyslog_folder}/00-hive-tls.conf"


def configuration(path: str, text: str) -> Operation:
    """A file of the daemon's configuration, which it has called right before it is put in its place.

    :param text: complete but for the settings of TLS: what the daemon checks is this file alone.
    """
    return files.content(path, text, validate='rsyslogd -N1 -f "$hv_v" >&2')


def restarted(on: Sequence[Operation]) -> Operation:
    """The daemon runs, and is restarted when one of the operations changed, once it has called its whole configuration right."""
    running = services.running(UNIT, restart_on=on)

    def decide(seen: Observed) -> Change | None:
        change = running.decide(seen)
        return change and replace(change, apply=f"rsyslogd -N1 >&2\n{change.apply}")

    return replace(running, decide=decide)
