"""The role iptables: the whole set of rules stands before the old firewall goes, and one guard holds both (L-3)."""

import pytest

from hive_nornir.tasks.servers.iptables import IptablesVariables, iptables
from tests.tasks.servers.targets import due, named, target


def operations(tmp_path, distribution=("debian", "12"), **values):
    return iptables.function(target(tmp_path, distribution=distribution), IptablesVariables.model_validate(values))


@pytest.mark.parametrize(
    ("distribution", "old", "unit"),
    [(("debian", "12"), "ufw.service", "netfilter-persistent.service"), (("almalinux", "9"), "firewalld.service", "iptables.service")],
)
def test_the_rules_are_loaded_before_the_old_firewall_is_stopped_and_looked_at_again_after(tmp_path, distribution, old, unit):
    found = operations(tmp_path, distribution)
    names = [operation.name for operation in found]
    steps = ["packet filter", f"no service {old}", "no service nftables.service", f"service {unit}", "packet filter, at the end"]
    places = [names.index(step) for step in steps]
    assert places == sorted(places)
    guarded = [found[place] for place in places[:3]]
    assert guarded[0].guard is not None
    assert all(operation.guard is guarded[0].guard for operation in guarded)
    assert named(found, "packet filter, at the end").guard is not None


def test_the_rules_modules_come_with_the_tools_where_they_are_apart_and_the_kernel_is_the_servers_own(tmp_path):
    host = target(tmp_path, distribution=("almalinux", "10"))
    host.facts.__dict__.update(kernel="6.12.0-55.el10", virtualization="kvm")
    change = due(iptables.function(host, IptablesVariables())[0], "")
    assert change.summary == "install iptables-services, kernel-modules-extra-6.12.0-55.el10"
    assert "--disableexcludes=main" in change.apply
    host.facts.__dict__.update(virtualization="docker")
    assert due(iptables.function(host, IptablesVariables())[0], "").summary == "install iptables-services"


def test_undoing_starts_the_old_firewall_again(tmp_path):
    guard = named(operations(tmp_path), "no service ufw.service").guard
    assert "is-active" in guard.save
    assert "ufw.service" in guard.save
    assert guard.restore.index("enable --now") < guard.restore.index("iptables-restore")


def test_front_ends_are_masked_and_nothing_is_purged(tmp_path):
    found = operations(tmp_path)
    assert "mask" in due(named(found, "no service ufw.service"), "LoadState=loaded\nActiveState=active\nUnitFileState=enabled").summary
    nftables = due(named(found, "no service nftables.service"), "LoadState=loaded\nActiveState=active\nUnitFileState=enabled")
    assert nftables.summary == "stop, disable"
    assert not [operation for operation in found if operation.name.startswith("no packages")]


def test_installing_saves_no_rules_of_the_moment(tmp_path):
    change = due(named(operations(tmp_path), "packages iptables-persistent"), "")
    assert "autosave_v4 boolean false" in change.apply
    assert change.apply.index("debconf-set-selections") < change.apply.index("hv_apt")


def test_docker_is_restarted_only_when_its_rules_may_be_gone(tmp_path):
    found = operations(tmp_path)
    restart = found[-1]
    assert restart.name == "restart of docker.service if it runs"
    assert all(trigger in found for trigger in restart.triggered_by)
    assert "packet filter" not in [trigger.name for trigger in restart.triggered_by]
    assert "no service nftables.service" in [trigger.name for trigger in restart.triggered_by]


def test_the_port_in_use_and_the_wanted_one_are_open(tmp_path):
    diff = due(
        named(operations(tmp_path, hive_safe_sshd_port=2222), "packet filter, at"), "@@parts\n@@variant\niptables v1.8.9 (nf_tables)\n"
    ).diff
    assert "--dport 2222" in diff
    host = target(tmp_path)
    host.facts.__dict__["ssh_port"] = 22
    found = iptables.function(host, IptablesVariables(hive_safe_sshd_port=2222, hive_gwbridge_ports=[53]))
    diff = due(named(found, "packet filter, at"), "@@parts\n@@variant\niptables v1.8.9 (nf_tables)\n").diff
    assert all(f"--dport {port} " in diff for port in (22, 2222, 53))
