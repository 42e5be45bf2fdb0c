"""Units of a real systemd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hive_nornir.connections.shell import SshTransport
from hive_nornir.operations import files, services
from hive_nornir.operations.core import Operation, Outcome
from hive_nornir.operations.engine import Engine
from tests.operations.conftest import statuses

UNIT = "/etc/systemd/system/test-demo.service"


@pytest.fixture
def host(debian_host: SshTransport) -> Iterator[SshTransport]:
    """The server, without the unit of these tests before and after."""
    yield debian_host
    clean = f"systemctl disable --now test-demo; rm -rf {UNIT} {UNIT}.d /etc/test-demo.conf; systemctl daemon-reload"
    debian_host.run(clean, deadline=60)


def settle(host: SshTransport, *operations: Operation) -> list[Outcome]:
    return Engine(host, "host").run(operations)


def pid(host: SshTransport) -> str:
    return host.run("systemctl show -p MainPID test-demo", deadline=10).stdout.decode()


def demo(program: str = "sleep 1000", extra: str = "", nice: int = 1, config: str = "a\n", *, reload: bool = False) -> list[Operation]:
    """A unit, a drop-in of it, a configuration file, and the service."""
    text = f"[Service]\nExecStart=/bin/sh -c '{program}'\n{extra}[Install]\nWantedBy=multi-user.target\n"
    units = services.unit_file(UNIT, text) + services.unit_file(f"{UNIT}.d/hive.conf", f"[Service]\nNice={nice}\n")
    conf = files.content("/etc/test-demo.conf", config)
    service = services.running("test-demo", restart_on=() if reload else [*units, conf], reload_on=[conf] if reload else ())
    return [*units, conf, service]


def test_a_service_follows_its_files(host: SshTransport) -> None:
    assert set(statuses(settle(host, *demo()))) == {"changed"}
    assert host.run("systemctl is-active test-demo; systemctl is-enabled test-demo", deadline=10).stdout == b"active\nenabled\n"
    first = pid(host)
    assert set(statuses(settle(host, *demo()))) == {"unchanged"}
    assert pid(host) == first
    outcomes = settle(host, *demo(nice=2))
    assert [(o.operation.name, o.summary) for o in outcomes if o.status == "changed"] == [
        (f"file {UNIT}.d/hive.conf", "content"),
        (f"daemon-reload after {UNIT}.d/hive.conf", "daemon-reload"),
        ("service test-demo", "restart"),
    ]
    assert pid(host) != first
    assert set(statuses(settle(host, *demo(nice=2)))) == {"unchanged"}


def test_a_service_that_dies_of_its_configuration_tells_why_and_recovers(host: SshTransport) -> None:
    outcome = settle(host, *demo("sleep 0.1; echo line 7 is bad; exit 3"))[-1]
    assert outcome.status == "failed"
    assert "line 7 is bad" in outcome.stderr
    assert settle(host, *demo())[-1].summary == "start"
    assert set(statuses(settle(host, *demo()))) == {"unchanged"}


def test_a_service_is_reloaded_if_it_can_and_else_restarted(host: SshTransport) -> None:
    assert set(statuses(settle(host, *demo(reload=True)))) == {"changed"}
    first = pid(host)
    assert settle(host, *demo(config="b\n", reload=True))[-1].summary == "restart"
    assert pid(host) != first
    reloads = "ExecReload=/bin/true\n"
    settle(host, *demo(extra=reloads, config="b\n", reload=True))
    first = pid(host)
    assert settle(host, *demo(extra=reloads, config="c\n", reload=True))[-1].summary == "reload"
    assert pid(host) == first


def test_stopped_disabled_masked_and_back(host: SshTransport) -> None:
    plain = demo()
    settle(host, *plain)
    assert statuses(settle(host, services.stopped("test-demo"), services.stopped("test-absent", masked=True))) == ["changed", "unchanged"]
    assert host.run("systemctl is-active test-demo; systemctl is-enabled test-demo", deadline=10).stdout == b"inactive\ndisabled\n"
    assert statuses(settle(host, services.stopped("test-demo"))) == ["unchanged"]
    settle(host, services.stopped("ssh.socket", masked=True))
    assert statuses(settle(host, services.stopped("ssh.socket", masked=True))) == ["unchanged"]
    host.run("systemctl unmask ssh.socket", deadline=10)


def test_a_service_is_restarted_only_if_it_runs_and_not_later_instead(host: SshTransport) -> None:
    settle(host, *demo())

    def role(config: str) -> list[Outcome]:
        conf = files.content("/etc/test-demo.conf", config)
        absent = services.restarted_if_running("test-absent", on=[conf])
        return settle(host, conf, services.restarted_if_running("test-demo", on=[conf]), absent)

    assert statuses(role("b\n")) == ["changed", "changed", "unchanged"]
    settle(host, services.stopped("test-demo"))
    assert statuses(role("c\n")) == ["changed", "unchanged", "unchanged"]
    settle(host, services.running("test-demo"))
    assert statuses(role("c\n")) == ["unchanged"] * 3
