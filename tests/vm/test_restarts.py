"""Real restarts: of a server whose power fails in the middle of a guarded change, and of one that the barrier restarts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hive_nornir.connections.shell import SshTransport
from hive_nornir.errors import ConnectionFailed
from hive_nornir.operations.facts_text import boot_identity
from hive_nornir.operations.reboot import wait_for_restart
from tests.hosts.pair import until
from tests.hosts.sites import changes, setup
from tests.hosts.test_guard import DROP_IN, KILLED
from tests.vm.conftest import Server
from tests.vm.test_volume_groups import say


def boot(shell: SshTransport) -> str:
    boot_id, _, stat = say(shell, "cat /proc/sys/kernel/random/boot_id /proc/1/stat").partition("\n")
    return boot_identity(boot_id, stat)


def test_a_change_that_locks_the_operator_out_is_undone_when_the_power_fails(server: Server, shell: SshTransport) -> None:
    """The controller dies before it proves that it can still get in, and the server before its timer strikes."""
    before = boot(shell)
    done = subprocess.run([sys.executable, "-c", KILLED, server.root, "900"], timeout=180, check=False)
    assert done.returncode == -9
    with pytest.raises(ConnectionFailed):
        shell.proof_of_entry()
    assert say(shell, f"cat {DROP_IN}") == "AllowUsers nobody\n"
    server.machine.cut_power()
    wait_for_restart(shell, "p-hive0", before, limit=240)
    assert say(shell, f"[ ! -e {DROP_IN} ]; ls /var/lib/hive-nornir/guards").strip().endswith(".undone")
    assert say(shell, "find /etc/systemd/system -name 'hive-nornir-guard-*'") == ""
    say(shell, "rm -rf /var/lib/hive-nornir/guards/*")


# A volume that never comes up, before a Docker that only has to start.
BROKEN = """
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/docker.service
systemctl daemon-reload; systemctl -q enable docker.service drbd-resource@broken.service; touch /run/reboot-required
"""
MENDED = """
systemctl -q disable --now docker.service drbd-resource@broken.service; systemctl reset-failed drbd-resource@broken.service
rm /etc/systemd/system/docker.service; systemctl daemon-reload
"""


@pytest.mark.usefixtures("resource_unit")
def test_the_barrier_restarts_a_server_whose_broken_volume_keeps_nobody_from_starting(server: Server, shell: SshTransport) -> None:
    say(shell, BROKEN)
    before, site = boot(shell), server.site()
    restart = "p-hive0 reboot restart: the distribution asks for it:"
    assert changes(setup(site, "reboot", check=True)) == [f"{restart} would-change the distribution asks for it"]
    assert boot(shell) == before
    assert changes(setup(site, "reboot")) == [f"{restart} changed the distribution asks for it"]
    shell.reopen(60)
    assert boot(shell) != before
    assert changes(setup(site, "reboot")) == []

    until(lambda: shell.run("systemctl is-active docker.service", deadline=30).exit_code == 0, 180)
    ended = say(
        shell, "systemctl show -P ExecMainExitTimestampMonotonic drbd-resource@broken; systemctl is-failed drbd-resource@broken"
    ).split()
    began = say(shell, "systemctl show -P ExecMainStartTimestampMonotonic docker")
    assert ended[1] == "failed"
    assert 0 < int(ended[0]) < int(began), "Docker did not wait for the volume"
    say(shell, MENDED)
