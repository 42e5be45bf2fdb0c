"""Connections to real servers: what they cost, whom they trust, and that nothing keeps them waiting for ever."""

from __future__ import annotations

import io
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from nornir.core.task import Result

from hive_nornir.connections import shell as shell_module
from hive_nornir.connections.ssh import connect, fingerprint
from hive_nornir.errors import ConnectionFailed, ConnectionLost, DeadlineExceeded, HiveError, HostKeyChanged
from hive_nornir.inventory.known_hosts import KnownHosts
from hive_nornir.inventory.ssh_files import SshHost, write_ssh_config
from tests.hosts.pair import frozen, inside, output, pair, shell, target, until
from tests.hosts.sites import build
from tests.support.latency import slow_way


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pair(tmp_path_factory.mktemp("pair")) as built:
        yield built


@contextmanager
def second_sshd(site, port, *options, number=0):
    """Another sshd on a server."""
    more = " ".join(f"-o {option}" for option in options)
    inside(site, f"/usr/sbin/sshd -p {port} -o PidFile=/run/sshd-{port}.pid {more}", number)
    try:
        yield
    finally:
        inside(site, f"kill $(cat /run/sshd-{port}.pid)", number)


def host_keys(site, number=0):
    """The server's own keys, by type."""
    lines = inside(site, "cat /etc/ssh/ssh_host_*_key.pub", number).splitlines()
    return {line.split()[0]: " ".join(line.split()[:2]) for line in lines}


def pins(folder, *entries):
    known = KnownHosts(folder / "known_hosts")
    for name, key in entries:
        known.pin([name], key)
    return known.file


# --- cost


def connecting_costs(site, **changes):
    """Round trips until a root shell is there, and those of one script on it."""
    with shell(site, **changes) as transport:
        output(transport, ":")
        first = transport.traffic.round_trips
        output(transport, ":")
        again = transport.traffic.round_trips - first
    return first - again, again


def test_connecting_costs_at_most_8_round_trips(site):
    costs = [connecting_costs(site) for _ in range(5)]
    assert all(connecting <= 8 and script == 1 for connecting, script in costs), costs


def test_connecting_costs_at_most_8_round_trips_from_afar(site):
    with slow_way(target(site).hostname, 22, 0.02) as port:
        costs = [connecting_costs(site, hostname="127.0.0.1", port=port) for _ in range(3)]
    assert all(connecting <= 8 and script == 1 for connecting, script in costs), costs


def test_connections_leave_nothing_open(site):
    def use():
        with shell(site) as transport:
            output(transport, ":")
            transport.run("cat", deadline=10, stdin=b"x")
            transport.proof_of_entry()

    def open_now():
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    use()
    until(lambda: not [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport)])
    files, threads = open_now()
    for _ in range(5):
        use()
    until(lambda: open_now() <= (files, threads), 5)


# --- scripts


def test_bytes_go_in_and_out_as_they_are(site):
    with shell(site) as transport:
        done = transport.run("printf '\\377 %s' 'ä\udcff $(id)'; echo oops >&2; exit 3", deadline=10)
        assert (done.exit_code, done.stdout, done.stderr) == (3, b"\xff \xc3\xa4\xff $(id)", b"oops\n")
        data = bytes(range(256)) * 12_000
        done = transport.run("tee /dev/stderr", deadline=30, stdin=data)
        assert (done.exit_code, done.stdout == data, done.stderr == data) == (0, True, True)


def test_5_megabytes_on_stderr_do_not_hang(site):
    with shell(site) as transport:
        done = transport.run("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2", deadline=60)
    assert (done.exit_code, len(done.stdout), len(done.stderr)) == (0, 5_000_000, 5_000_000)


def test_what_a_login_prints_is_not_taken_for_output(site):
    inside(site, "sed -i '1i echo welcome; echo careful >&2' /home/admin/.bashrc")
    try:
        with shell(site) as transport:
            for stdin in (None, b"in"):
                done = transport.run("echo out; echo err >&2", deadline=10, stdin=stdin)
                assert (done.stdout, done.stderr) == (b"out\n", b"err\n")
    finally:
        inside(site, "sed -i 1d /home/admin/.bashrc")


def test_a_script_is_ended_at_its_deadline_and_the_shell_lives_on(site):
    with shell(site) as transport:
        assert transport.run("sleep 60", deadline=1).exit_code == 124
        assert output(transport, "echo on") == "on"


def test_a_script_is_in_nobodys_process_list(site):
    with shell(site) as transport:
        assert "s3cret" not in output(transport, ": s3cret; cat /proc/*/cmdline | tr '\\0' ' '")


# --- an end to waiting


def ends(transport, script, deadline, results, key):
    began = time.monotonic()
    try:
        results[key] = transport.run(script, deadline=deadline)
    except HiveError as error:
        results[key] = error
    results[key, "seconds"] = time.monotonic() - began


def begin(transport, script, deadline, results, key):
    thread = threading.Thread(target=ends, args=(transport, script, deadline, results, key), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("sending", [False, True], ids=["waiting for the answer", "sending"])
def test_a_host_that_freezes_fails_in_time_and_the_other_finishes(site, monkeypatch, sending):
    monkeypatch.setattr(shell_module, "GRACE_SECONDS", 1)
    script = f"touch /run/begun; sleep 30; : {'x' * 16_000_000 if sending else ''}"
    results = {}
    with shell(site, 0) as stuck, shell(site, 1) as other:
        assert [output(one, "rm -f /run/begun; echo ready") for one in (stuck, other)] == ["ready", "ready"]
        if not sending:
            begin(stuck, script, 3, results, "frozen")
            until(lambda: "begun" in inside(site, "ls /run"))
        with frozen(site):
            threads = [begin(stuck, script, 3, results, "frozen")] if sending else []
            for thread in [*threads, begin(other, "echo fine", 3, results, "other")]:
                thread.join(20)
            with pytest.raises(ConnectionFailed, match="no answer within 2 s"):
                connect(target(site, 0, timeout=2.0))
            until(lambda: ("frozen", "seconds") in results)
        assert isinstance(results["frozen"], DeadlineExceeded), results
        assert results["frozen", "seconds"] < 6
        assert results["other"].stdout == b"fine\n"
        assert output(stuck, "echo back") == "back"


def test_close_ends_a_waiting_run_at_once_and_nothing_is_tried_again(site):
    results = {}
    with shell(site) as transport:
        output(transport, ":")
        output(transport, "rm -f /run/begun")
        thread = begin(transport, "touch /run/begun; sleep 30", 60, results, "run")
        until(lambda: "begun" in inside(site, "ls /run"))
        began = time.monotonic()
        transport.close()
        thread.join(10)
        assert time.monotonic() - began < 1
        assert not isinstance(results["run"], (ConnectionFailed, DeadlineExceeded))
        for action in (lambda: transport.run(":", deadline=5), lambda: transport.reopen(5)):
            with pytest.raises(HiveError, match="closed from here"):
                action()


def test_close_while_connecting_lets_no_script_run(site):
    results = {}
    with shell(site) as transport:
        with frozen(site):
            thread = begin(transport, "touch /run/too-late", 10, results, "run")
            until(lambda: transport.traffic.round_trips > 0)
            transport.close()
        thread.join(30)
    assert "closed from here" in str(results["run"])
    assert "too-late" not in inside(site, "ls /run")


def test_a_connection_that_broke_between_two_scripts_costs_a_new_one(site):
    with shell(site) as transport:
        first = output(transport, "echo $PPID")
        inside(site, "pkill -f '^sshd: admin'")
        until(lambda: transport._shell.closed)
        assert output(transport, "echo $PPID") != first


def test_a_connection_that_breaks_under_a_script_is_lost(site):
    with shell(site) as transport:
        output(transport, ":")
        with pytest.raises(ConnectionLost):
            transport.run("sleep 0.3; pkill -f '^sshd: admin'; sleep 5", deadline=20)
        transport.reopen(20)
        assert output(transport, "echo back") == "back"


# --- who is let in


def test_nobody_listens(site):
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"cannot connect to .*:2299\): .*refused"):
        connect(target(site, port=2299))
    assert time.monotonic() - began < 6


def test_an_sshd_that_restarts_is_waited_for(site):
    start = "systemd-run --on-active=1 --timer-property=AccuracySec=100ms systemctl start ssh.service"
    inside(site, f"systemctl stop ssh.service ssh.socket 2>/dev/null; {start}")
    with shell(site) as transport:
        assert output(transport, "echo in") == "in"


def test_a_wrong_key_and_a_missing_one_are_said_so(site, tmp_path):
    other = tmp_path / "other"
    paramiko.RSAKey.generate(2048).write_private_key_file(str(other))
    with pytest.raises(ConnectionFailed, match="does not let admin in"):
        connect(target(site, key_files=(other,)))
    with pytest.raises(ConnectionFailed, match=r"cannot read the private key .*none: No such file"):
        connect(target(site, key_files=(tmp_path / "none",)))
    (tmp_path / "rubbish").write_text("no key")
    with pytest.raises(ConnectionFailed, match="cannot use the private key"):
        connect(target(site, key_files=(tmp_path / "rubbish",)))
    connect(target(site, key_files=(other, *target(site).key_files))).close()


def test_a_password_opens_too(site):
    inside(site, "echo admin:opensesame | chpasswd")
    with second_sshd(site, 2223, "PasswordAuthentication=yes"):
        with shell(site, port=2223, key_files=(), password="opensesame") as transport:
            assert output(transport, "id -u") == "0"
        with pytest.raises(ConnectionFailed, match="does not let admin in") as caught:
            connect(target(site, port=2223, key_files=(), password="wr0ng"))
    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in repr(target(site, password="wr0ng"))


def test_who_may_not_become_root_is_told_why(site):
    inside(
        site,
        "useradd -m plain; mkdir -p /home/plain/.ssh; cp /home/admin/.ssh/authorized_keys /home/plain/.ssh; chown -R plain: /home/plain",
    )
    with shell(site, username="plain") as transport, pytest.raises(ConnectionFailed, match=r"plain cannot become root .*sudo: a password"):
        transport.run("id", deadline=10)


# --- host keys


def test_an_unknown_host_is_refused_with_its_fingerprint_and_the_way_out(site, tmp_path):
    with pytest.raises(ConnectionFailed) as caught:
        connect(target(site, known_hosts=tmp_path / "none"))
    shown = [line.split()[1] for line in inside(site, "for f in /etc/ssh/*.pub; do ssh-keygen -lf $f; done").splitlines()]
    assert any(one in caught.value.message for one in shown)
    assert "run build-infra" in caught.value.hint


def test_a_changed_key_is_refused_with_the_way_out(site, tmp_path):
    name = site.inventory.servers[0]
    known = pins(tmp_path, (name, host_keys(site, 1)["ssh-ed25519"]))
    asked = []
    with pytest.raises(HostKeyChanged) as caught:
        connect(target(site, known_hosts=known, learn=lambda *all: asked.append(all) or True))
    assert not asked
    assert str(known) in caught.value.hint
    assert "SHA256:" in caught.value.message


def test_first_contact_asks_and_only_when_nothing_is_pinned(site, tmp_path):
    known = KnownHosts(tmp_path / "known_hosts")
    asked = []

    def learn(name, port, key):
        asked.append((name, port, fingerprint(key)))
        return known.pin([name], key, port)

    entry = target(site, known_hosts=known.file, learn=learn)
    connect(entry).close()
    connect(entry).close()
    assert [(name, port) for name, port, _ in asked] == [(site.inventory.servers[0], 22)]
    known.remove([site.inventory.servers[0]])
    with pytest.raises(ConnectionFailed, match="was not accepted"):
        connect(target(site, known_hosts=known.file, learn=lambda *_: False))


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"])
def test_any_one_pinned_key_of_the_hosts_is_enough(site, tmp_path, kind):
    known = pins(tmp_path, (site.inventory.servers[0], host_keys(site)[kind]))
    client = connect(target(site, known_hosts=known))
    assert client.get_transport().get_remote_server_key().get_name() == kind
    client.close()


def test_a_host_that_gave_up_one_of_two_pinned_types_is_still_known(site, tmp_path):
    name, keys = site.inventory.servers[0], host_keys(site)
    known = pins(tmp_path, (name, keys["ecdsa-sha2-nistp256"]), (name, keys["ssh-rsa"]))
    with second_sshd(site, 2224, "HostKey=/etc/ssh/ssh_host_rsa_key", "HostKey=/etc/ssh/ssh_host_ed25519_key"):
        client = connect(target(site, port=2224, known_hosts=known))
        assert client.get_transport().get_remote_server_key().get_name() == "ssh-rsa"
        client.close()


@pytest.mark.parametrize("pinned_port", [22, 2222])
def test_on_another_port_the_host_is_known_by_its_pin_there_or_without_a_port(site, tmp_path, pinned_port):
    entry = target(site, port=2222, known_hosts=tmp_path / "known hosts")
    for key in host_keys(site).values():
        KnownHosts(entry.known_hosts).pin([entry.alias], key, pinned_port)
    config = tmp_path / "ssh_config"
    write_ssh_config(config, [SshHost(entry.alias, entry.hostname, "admin", 2222, entry.key_files[0])], entry.known_hosts)
    with second_sshd(site, 2222):
        with shell(site, port=2222, known_hosts=entry.known_hosts) as transport:
            assert output(transport, "id -u") == "0"
            transport.proof_of_entry(22 if pinned_port == 22 else 2222)
        if pinned_port == 2222:
            done = subprocess.run(["ssh", "-F", config, entry.alias, "id", "-u"], capture_output=True, text=True, timeout=30)
            assert (done.returncode, done.stdout) == (0, "1000\n"), done.stderr


# --- through another host


@pytest.fixture(scope="module")
def behind(site):
    """The second server accepts ssh from the first one only, and the site says so."""
    gate, name = target(site, 0).hostname, site.inventory.servers[1]
    rule = f"INPUT -p tcp --dport 22 ! -s {gate} -j REJECT"
    folder = site.context.root / "inventory" / "host_vars"
    folder.mkdir()
    (folder / f"{name}.yml").write_text(f"hive_ssh_jump: admin@{gate}\n")
    site.reload()
    build(site)  # the sandbox waits for its servers without detours, so the rule comes later
    inside(site, f"iptables -A {rule}", 1)
    yield
    inside(site, f"iptables -D {rule}", 1)
    (folder / f"{name}.yml").unlink()
    site.reload()


def test_a_host_behind_another_is_reached_through_it(site, behind):
    with pytest.raises(ConnectionFailed):
        connect(target(site, 1, jump=None, timeout=2.0))
    with shell(site, 1) as transport:
        assert output(transport, "hostname -I").split()[0] == target(site, 1).hostname
        transport.proof_of_entry()
    until(lambda: not [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport) and thread.is_active()])


def test_the_operators_ssh_goes_through_it_too(site, behind):
    name = site.inventory.servers[1]
    command = ["ssh", "-F", site.context.ssh_config, name, "hostname", "-I"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.split()[:1] == [target(site, 1).hostname], done.stderr


def test_a_jump_host_is_not_trusted_blindly_and_named_when_it_fails(site, behind, tmp_path):
    jump = target(site, 0, alias="", known_hosts=tmp_path / "none")
    with pytest.raises(ConnectionFailed, match=rf"{jump.hostname} shows .*SHA256.*ssh-keyscan {jump.hostname} >>"):
        connect(target(site, 1, jump=jump))
    with pytest.raises(ConnectionFailed, match=rf"{target(site).alias} does not get through to it"):
        connect(target(site, 1, port=2299, jump=target(site, 0)))


# --- tasks written for nornir-paramiko


def test_tasks_for_nornir_paramiko_run_on_our_connection(site):
    def command(task):
        client = task.host.get_connection("paramiko", task.nornir.config)
        channel = client.get_transport().open_session()
        channel.exec_command("echo out; echo err >&2; exit 4")
        with channel.makefile() as out, channel.makefile_stderr() as err:
            return Result(host=task.host, result=(out.read(), err.read(), channel.recv_exit_status()))

    def copy(task):
        client = task.host.get_connection("paramiko", task.nornir.config)
        with paramiko.SFTPClient.from_transport(client.get_transport()) as sftp:
            sftp.putfo(io.BytesIO(b"by sftp"), "/tmp/by-sftp")
            with sftp.open("/tmp/by-sftp") as file:
                return Result(host=task.host, result=file.read())

    said, copied = site.nornir.run(task=command), site.nornir.run(task=copy)
    site.close()
    for name in site.inventory.servers:
        assert said[name].result == (b"out\n", b"err\n", 4), said[name].exception
        assert copied[name].result == b"by sftp", copied[name].exception
