"""Members of the swarm restart one after the other, and the cluster is whole afterwards (spec setup-hosts.md H-5, L-13)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hive_nornir import Site
from tests.hosts.pair import until
from tests.hosts.sites import changes, errors, setup, shell

NODES = "docker node ls --format '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'"


def _boots(site: Site) -> dict[str, str]:
    return {name: shell(site, "cut -d' ' -f22 /proc/1/stat", name) for name in site.inventory.hives}


@contextmanager
def _watched(site: Site, host: str) -> Iterator[list[int]]:
    """How many members were drained at a time, as a member sees it that stays; a new leader knows nobody's state for a moment."""
    other = Site.open(site.context.root, site.context.stage)  # whose connections the run does not close
    away, done = [0], threading.Event()

    def look() -> None:
        while not done.is_set():
            away.append(sum(line.split()[2] == "Drain" for line in shell(other, f"{NODES} || :", host).splitlines()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield away
    finally:
        done.set()
        thread.join()
        other.close()


def test_the_members_restart_one_after_the_other(example: Site):
    first, second, third = example.inventory.hives
    before = _boots(example)
    for name in (first, third):
        shell(example, "touch /run/reboot-required", name)
    planned = setup(example, "reboot", check=True)
    assert [change.split(":")[0] for change in changes(planned)] == [
        f"p-hive{number} reboot {what}" for number in (0, 2) for what in (f"node p-hive{number} drained", "restart")
    ]  # fmt: skip

    with _watched(example, second) as away:
        report = example.run("setup-hosts", roles=["reboot"])
    assert report.ok, errors(report)
    assert max(away) == 1, "nobody left while another was away, and somebody was seen to leave"
    after = _boots(example)
    assert after[second] == before[second]
    assert after[first] != before[first]
    assert after[third] != before[third]
    # The restart of a leader makes another one, which at first knows nobody's state.
    until(lambda: sorted(line.split()[1:3] for line in shell(example, NODES).splitlines()) == [["Ready", "Active"]] * 3, 60)
    assert sorted(line.split()[3] for line in shell(example, NODES).splitlines()) == ["Leader", "Reachable", "Reachable"]
    assert changes(setup(example, "reboot")) == []


def test_a_member_that_others_cannot_spare_does_not_restart(example: Site):
    first, second, third = example.inventory.hives
    before = _boots(example)
    shell(example, "systemctl stop docker.socket docker", third)
    try:
        shell(example, "touch /run/reboot-required", second)
        report = example.run("setup-hosts", roles=["reboot"], limit=[second])
        assert report.exit_code == 1
        assert "of 3 managers 1 would be left, and 2 are needed" in errors(report)[0]
        state = json.loads(shell(example, "docker node inspect p-hive1", first))
        assert state[0]["Spec"]["Availability"] == "active"
    finally:
        shell(example, "systemctl start docker", third)
        shell(example, "rm -f /run/reboot-required", second)
    assert _boots(example)[second] == before[second]
    shell(example, f"i=0; until [ $({NODES} | grep -c ' Ready ') = 3 ]; do i=$((i+1)); [ $i -lt 60 ]; sleep 0.5; done", first)
