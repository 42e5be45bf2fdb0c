"""CVE-2024-6387 (OpenSSH 8.5p1 to 9.7p1): which builds have it, and how they get rid of it (BASE-13, L-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations._managers import APT_POLICY
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Operation

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["NO_GRACE", "mended_openssh", "vulnerable"]

PACKAGE = "openssh-server"
# Without a mended package the way in for the attack is closed by waiting for logins for ever, so the number of those that wait is bounded.
NO_GRACE = {"LoginGraceTime": "0", "MaxStartups": "10:30:60"}
# Debian's and Ubuntu's first packages with the mend (their security trackers). RPMs tell it in their change log.
_MENDED = {"D12": "1:9.2p1-2+deb12u3", "U22": "1:8.9p1-3ubuntu0.10", "U24": "1:9.6p1-3ubuntu13.3"}


def vulnerable(host: Target) -> str:
    """Shell that succeeds if the server's build of OpenSSH has the hole."""
    if host.os.manager == "apt":
        query = f"hv_o=$(dpkg-query -W -f '${{Version}}' {PACKAGE} 2>/dev/null)"
        mended = f'dpkg --compare-versions "$hv_o" ge {_MENDED[host.facts.column]}' if host.facts.column in _MENDED else "false"
    else:
        query = f"hv_o=$(rpm -q --qf '%{{VERSION}}' {PACKAGE} 2>/dev/null)"
        mended = f"rpm -q --changelog {PACKAGE} | grep -q CVE-2024-6387"
    return f"{query}; case ${{hv_o#*:}} in 8.[5-9]p* | 9.[0-7]p*) ! {mended} ;; *) false ;; esac"


def mended_openssh(host: Target) -> Operation:
    """The mended package, as soon as the package index has a newer one than the server; looking there writes nothing."""
    if host.os.manager == "apt":
        newer = f"{APT_POLICY} {PACKAGE} | awk '/Installed:/ {{i = $2}} /Candidate:/ {{c = $2}} END {{exit i == c}}'"
        options = "-y -q -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold"
        upgrade = f"DEBIAN_FRONTEND=noninteractive apt-get {options} install --only-upgrade {PACKAGE}"
    else:
        newer = f"{host.os.manager} -q -C check-update {PACKAGE} >/dev/null 2>&1; [ $? = 100 ]"
        upgrade = f"{host.os.manager} -y -q upgrade {PACKAGE}"
    fine = f"if {vulnerable(host)}; then ! {{ {newer}; }}; fi"
    return command("OpenSSH without CVE-2024-6387", upgrade, unless=fine, deadline=600, disturbs="OpenSSH is upgraded")
