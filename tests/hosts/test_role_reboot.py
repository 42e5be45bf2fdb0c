"""The barrier: what waits for a restart gets one, what does not is left running."""

from __future__ import annotations

from collections.abc import Callable

from hive_nornir import Site
from tests.hosts.sites import changes, setup, shell


def test_only_the_server_that_needs_it_restarts(make_site: Callable[..., Site]):
    site = make_site(2)
    needs, does_not = site.inventory.servers
    boots = {name: shell(site, "cat /proc/1/stat", name).split()[21] for name in site.inventory.servers}
    assert changes(setup(site, "reboot")) == []

    shell(site, "touch /run/reboot-required", needs)
    planned = setup(site, "reboot", check=True)
    assert changes(planned) == ["p-hive0 reboot restart: the distribution asks for it: would-change the distribution asks for it"]
    report = setup(site, "reboot")
    assert report.hosts[needs].changed == 1
    assert report.hosts[does_not].changed == 0
    assert shell(site, "cat /proc/1/stat", needs).split()[21] != boots[needs]
    assert shell(site, "cat /proc/1/stat", does_not).split()[21] == boots[does_not]
    assert shell(site, "ls /run/reboot-required 2>&1 || :", needs).endswith("No such file or directory\n")
    assert changes(setup(site, "reboot")) == []

    # T-4: another role alone says so, and does not restart.
    hooks = site.context.root / "roles" / "addon.d"
    hooks.mkdir(parents=True)
    (hooks / "10-firmware.sh").write_text('echo "new firmware" >>"$HIVE_REBOOT"\n')
    report = setup(site, "addon", limit=[needs])
    assert any("reboot pending: new firmware" in note for note in report.notes)
    report = setup(site, "reboot", limit=[needs])
    assert any("new firmware" in change for change in changes(report))
