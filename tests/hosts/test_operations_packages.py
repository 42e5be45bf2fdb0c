"""Packages on real servers: apt, and dnf through the EL look-alike."""

from __future__ import annotations

from hive_nornir.connections.shell import SshTransport
from hive_nornir.operations import packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.operations.engine import Engine
from tests.operations.conftest import statuses


def says(host: SshTransport, script: str) -> str:
    return host.run(script, deadline=30).stdout.decode().strip()


def settle(host: SshTransport, *operations: Operation, check: bool = False) -> list[str]:
    return statuses(Engine(host, "host", check=check).run(operations))


def test_apt_installs_holds_and_removes(debian_host: SshTransport) -> None:
    state = "dpkg-query -W -f '${db:Status-Status}' at 2>/dev/null"
    wanted = [packages.present("apt", ["at=3.*", "bash"]), services.running("atd"), packages.held("apt", ["at", "atop*"])]
    assert settle(debian_host, *wanted, check=True) == ["would-change", "would-change", "unknown"]
    assert settle(debian_host, *wanted) == ["changed", "unchanged", "changed"]
    assert says(debian_host, f"{state}; echo; apt-mark showhold | grep '^at'") == "installed\nat"
    assert settle(debian_host, *wanted) == ["unchanged"] * 3
    gone = packages.absent("apt", ["at", "never-was"])
    assert settle(debian_host, gone) == ["changed"]
    assert settle(debian_host, gone) == ["unchanged"]
    assert says(debian_host, state) == "config-files"


def test_apt_tells_which_name_it_does_not_know(debian_host: SshTransport) -> None:
    [plan] = Engine(debian_host, "host", check=True).run([packages.present("apt", ["bash", "nonesuch-package"])])
    assert plan.summary == "install nonesuch-package (not in the package index as it is now: nonesuch-package; it is refreshed first)"
    [outcome] = Engine(debian_host, "host").run([packages.present("apt", ["bash", "nonesuch-package"])])
    assert outcome.status == "failed"
    assert "Unable to locate package nonesuch-package" in outcome.stderr


def test_a_plan_of_apt_writes_nothing(debian_host: SshTransport) -> None:
    tree = "find /var/lib/dpkg /var/lib/apt /var/cache/apt -printf '%p %T@ %s\\n' | sha256sum"
    before = says(debian_host, tree)
    assert settle(debian_host, packages.present("apt", ["bash", "nonesuch-package"]), check=True) == ["would-change"]
    assert says(debian_host, tree) == before


def test_dnf_installs_holds_and_removes(el_host: SshTransport) -> None:
    held = packages.held("dnf", ["kernel*", "strace"])
    assert settle(el_host, held, packages.present("dnf", ["strace-9.4"]))[1].startswith("failed")  # dnf does not even see it
    wanted = [held, packages.present("dnf", ["kernel", "iptables-services"]), packages.present("dnf", ["strace-9.4"], despite_hold=True)]
    assert settle(el_host, *wanted, check=True) == ["unchanged", "would-change", "would-change"]
    assert settle(el_host, *wanted) == ["unchanged", "changed", "changed"]
    assert settle(el_host, *wanted) == ["unchanged"] * 3
    # A name that another package provides is installed; the provider has another name.
    assert (
        says(el_host, "rpm -q --quiet iptables-services || rpm -q --whatprovides iptables-services --qf '%{NAME}'")
        == "iptables-nft-services"
    )
    gone = packages.absent("dnf", ["strace", "kernel", "never-was"])
    assert settle(el_host, gone) == ["changed"]
    assert settle(el_host, gone) == ["unchanged"]
    [outcome] = Engine(el_host, "host").run([packages.present("dnf", ["nonesuch-package"])])
    assert "Unable to find a match: nonesuch-package" in outcome.stderr
