"""Changes that cut the operator off undo themselves, on real servers with their real sshd and packet filter (spec setup-hosts.md 6.1)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from hive_nornir.connections import shell as shell_module
from hive_nornir.errors import ConnectionFailed, ConnectionLost, ProviderError
from hive_nornir.operations import files, services
from hive_nornir.operations import guard as guard_module
from hive_nornir.operations.commands import command
from hive_nornir.operations.core import Change, Guard, Operation
from hive_nornir.operations.engine import Engine
from hive_nornir.operations.guard import GuardGate
from tests.hosts.pair import container, inside, output, pair, shell, until

DROP_IN = "/etc/ssh/sshd_config.d/zz-test.conf"
PATIENCE = 3.0  # seconds for one attempt to connect, so that a lock-out is soon noticed


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pair(tmp_path_factory.mktemp("pair")) as built:
        yield built


@pytest.fixture
def transport(site):
    with shell(site, timeout=PATIENCE) as open_shell:
        output(open_shell, ":")
        yield open_shell


def sshd(text, seconds=60, port=None):
    """sshd's configuration, taken over by the running daemon."""
    guard = Guard("sshd", f"hv_keep {DROP_IN}", "hv_putback\nsystemctl reload ssh.service", port=port, seconds=seconds)
    file = files.content(DROP_IN, text, guard=guard)
    return [file, services.running("ssh.service", reload_on=[file], guard=guard)]


def firewall(rule, seconds=60):
    """A rule at the head of INPUT."""
    guard = Guard("firewall", ":", f"iptables -D INPUT {rule}", seconds=seconds)
    probe = f"iptables -C INPUT {rule} 2>/dev/null && echo there || echo absent"
    apply = f"iptables -I INPUT {rule}"
    return [Operation("rule", probe, lambda seen: Change("add", apply) if seen.text.strip() == "absent" else None, guard=guard)]


def left_behind(site, number=0):
    """What is to be gone after a guarded change, however it ended."""
    guards = "ls -A /var/lib/hive-nornir/guards 2>/dev/null"
    units = "systemctl list-units --all --no-legend 'hive-nornir-guard-*'"
    unit_files = "find /etc/systemd/system -name 'hive-nornir-guard-*'"
    return inside(site, f"{guards}; {units}; {unit_files}; ls {DROP_IN} 2>/dev/null; iptables -S INPUT | grep -v '^-P'; true", number)


def run(transport, operations, **options):
    began = time.monotonic()
    outcomes = Engine(transport, "host", **options).run(operations)
    return outcomes, time.monotonic() - began


LOCK_OUTS = {
    "sshd lets nobody in": lambda: sshd("AllowUsers nobody\n"),
    "sshd on another port": lambda: sshd("Port 2222\n"),
    "no new connections": lambda: firewall("-p tcp --dport 22 -m state --state NEW -j DROP"),
    "new connections refused": lambda: firewall("-p tcp --syn --dport 22 -j REJECT"),
}


@pytest.mark.parametrize("change", LOCK_OUTS.values(), ids=LOCK_OUTS)
def test_what_locks_the_operator_out_is_undone_at_once(site, transport, change):
    outcomes, seconds = run(transport, change())
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert "nobody gets in any more, so it was undone, and the host lets us in again" in str(outcomes[0].error)
    assert outcomes[0].stderr
    assert seconds < 30
    transport.proof_of_entry()
    assert left_behind(site) == ""


def blackhole(seconds, restore):
    """Nothing goes in or out any more, on open connections neither."""
    guard = Guard("firewall", ":", restore, seconds=seconds)
    apply = "iptables -I INPUT -p tcp --dport 22 -j DROP; iptables -I OUTPUT -p tcp --sport 22 -j DROP"
    return [Operation("rules", "iptables -S", lambda seen: None if "DROP" in seen.text else Change("add", apply), guard=guard)]


def test_an_open_connection_that_is_cut_too_is_waited_for(site, transport, monkeypatch):
    monkeypatch.setattr(shell_module, "GRACE_SECONDS", 1)  # so that the connection is given up before the timer strikes
    outcomes, seconds = run(transport, blackhole(8, "iptables -F INPUT; iptables -F OUTPUT"))
    assert outcomes[0].status == "failed"
    assert "the connection broke, so the change was undone; the host lets us in again" in str(outcomes[0].error)
    assert seconds < 8 + 60
    transport.proof_of_entry()
    assert left_behind(site) == ""


def test_a_host_that_never_lets_us_in_again_is_given_up_in_time_with_the_way_out(site, transport, monkeypatch):
    monkeypatch.setattr(guard_module, "_AFTER_TIMER", 10.0)
    outcomes, seconds = run(transport, blackhole(8, ":"))
    inside(site, "iptables -F INPUT; iptables -F OUTPUT; rm -rf /var/lib/hive-nornir/guards/*")
    assert "locked out, and the host did not undo the change within 8 s" in str(outcomes[0].error)
    assert "restart it, or on its console run" in outcomes[0].error.hint
    assert seconds < 8 + 10 + 15


def test_when_a_step_fails_all_of_the_change_is_undone_and_said_so(site, transport):
    guarded = sshd("MaxAuthTries 5\n")
    broken = command("broken", "echo why >&2; false", unless="false")
    broken.guard = guarded[0].guard
    outcomes, _ = run(transport, [guarded[0], broken])
    assert [outcome.status for outcome in outcomes] == ["failed", "failed"]
    assert "broken: run: exit code 1; all of the guarded change was undone" in str(outcomes[0].error)
    assert outcomes[0].stderr == "why"
    assert left_behind(site) == ""


def test_what_could_not_be_saved_is_not_changed(site, transport):
    unsaved = firewall("-p tcp --dport 2299 -j DROP")
    unsaved[0].guard = Guard("firewall", "echo no space >&2; false", "iptables -A INPUT -j ACCEPT")
    outcomes, _ = run(transport, unsaved)
    assert outcomes[0].status == "failed"
    assert outcomes[0].stderr == "no space"
    assert left_behind(site) == ""


def test_a_good_change_is_kept_and_leaves_nothing_else(site, transport):
    outcomes, _ = run(transport, sshd("MaxAuthTries 5\n"))
    assert [outcome.status for outcome in outcomes] == ["changed", "changed"]
    assert left_behind(site) == DROP_IN
    assert "maxauthtries 5" in output(transport, "sshd -T")
    assert [outcome.status for outcome in run(transport, sshd("MaxAuthTries 5\n"))[0]] == ["unchanged", "unchanged"]
    output(transport, f"rm {DROP_IN}; systemctl reload ssh")


def test_a_change_of_port_is_proven_on_the_new_one(site, transport):
    outcomes, _ = run(transport, sshd("Port 22\nPort 2222\n", port=2222))
    assert [outcome.status for outcome in outcomes] == ["changed", "changed"]
    output(transport, f"rm {DROP_IN}; systemctl reload ssh")


def test_the_second_host_is_not_touched_after_the_first_failed(site, transport):
    gate, results = GuardGate(), {}

    def on(name, host, change):
        results[name] = Engine(host, name, gate=gate).run(change)

    with shell(site, 1, timeout=PATIENCE) as second:
        output(second, ":")
        first = threading.Thread(target=on, args=("first", transport, LOCK_OUTS["sshd lets nobody in"]()))
        first.start()
        until(lambda: gate._lock.locked())
        on("second", second, LOCK_OUTS["sshd lets nobody in"]())
        first.join(60)
    assert "nobody gets in" in str(results["first"][0].error)
    assert "not tried, since a guarded change failed on first" in str(results["second"][0].error)
    assert [outcome.status for outcome in results["second"]] == ["failed", "failed"]
    assert inside(site, "ls -d /var/lib/hive-nornir/guards 2>/dev/null; true", 1) == ""
    assert left_behind(site, 1) == ""


KILLED = """\
import os, sys, tests.hosts.test_guard as guard
from pathlib import Path
from hive_nornir import Site
site = Site.open(Path(sys.argv[1]), "private")
with guard.shell(site) as transport:
    transport.proof_of_entry = lambda port: os.kill(os.getpid(), 9)
    guard.run(transport, guard.sshd("AllowUsers nobody\\n", seconds=int(sys.argv[2])))
"""


def killed(site, seconds):
    """A controller dies after it locked everybody out and before it looked whether it can still get in."""
    done = subprocess.run([sys.executable, "-c", KILLED, site.context.root, str(seconds)], timeout=60, check=False)
    assert done.returncode == -9
    assert inside(site, f"cat {DROP_IN}") == "AllowUsers nobody"


def test_a_controller_that_is_killed_before_it_disarmed_leads_to_the_old_state(site):
    killed(site, 4)
    until(lambda: "zz-test" not in inside(site, "ls /etc/ssh/sshd_config.d"))
    with shell(site) as transport:
        transport.reopen(10)
        until(lambda: ".undone" in left_behind(site))
        assert left_behind(site).count("\n") == 0
        output(transport, "touch -d '2 days ago' /var/lib/hive-nornir/guards/*")
        run(transport, LOCK_OUTS["sshd lets nobody in"]())
    assert left_behind(site) == ""


def restart(site):
    """The server falls and comes up again."""
    look = "cut -d ' ' -f 22 /proc/1/stat"  # when its first process began
    started = inside(site, look)
    with container(site) as server:
        server.exec_run(["systemctl", "reboot", "-ff"])

    def up():
        with suppress(ProviderError, AssertionError):
            return inside(site, look) != started
        return False

    until(up, 60)


@pytest.mark.parametrize("interrupted", [False, True], ids=["armed", "in the middle of undoing"])
def test_a_server_that_restarts_before_its_timer_strikes_comes_up_with_the_old_state(site, interrupted):
    killed(site, 900)
    if interrupted:
        inside(site, "cd /var/lib/hive-nornir/guards/*; mv armed undoing")
    restart(site)
    with shell(site) as transport:
        transport.reopen(60)
        until(lambda: ".undone" in left_behind(site))
        assert DROP_IN not in left_behind(site)
        output(transport, "systemctl is-active ssh; systemctl daemon-reload; rm -rf /var/lib/hive-nornir/guards/*")
    assert left_behind(site) == ""


def test_a_server_that_restarts_under_the_operators_eyes_is_waited_for(site, transport):
    real = transport.proof_of_entry

    def proof(_port):
        transport.proof_of_entry = real
        restart(site)
        raise ConnectionFailed("the server is not up yet")

    transport.proof_of_entry = proof
    outcomes, seconds = run(transport, sshd("AllowUsers nobody\n", seconds=900))
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert "so it was undone, and the host lets us in again" in str(outcomes[0].error)
    assert seconds < 60
    assert left_behind(site) == ""


def test_the_hosts_timer_and_a_late_proof_do_not_both_win(site, transport):
    transport.proof_of_entry = lambda _port: until(lambda: ".undone" in left_behind(site))
    outcomes, _ = run(transport, sshd("MaxAuthTries 5\n", seconds=2))
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert "took longer than 2 s, or the host restarted meanwhile; it undid the change" in str(outcomes[0].error)
    assert DROP_IN not in left_behind(site)
    output(transport, "rm -rf /var/lib/hive-nornir/guards/*")


@pytest.mark.parametrize("arrived", [True, False], ids=["disarmed before it broke", "not yet disarmed"])
def test_a_connection_that_breaks_while_disarming_leaves_nothing_open(site, transport, arrived):
    plain, cuts = transport.run, []

    def run_and_cut(script, **options):
        if "$G/kept" in script and not cuts:
            cuts.append(plain(script, **options) if arrived else None)
            raise ConnectionLost("the test cut the connection")
        return plain(script, **options)

    transport.run = run_and_cut
    outcomes, _ = run(transport, sshd("MaxAuthTries 5\n"))
    assert cuts
    assert [outcome.status for outcome in outcomes] == ["changed", "changed"]
    assert left_behind(site) == DROP_IN
    inside(site, f"rm {DROP_IN}; systemctl reload ssh")
