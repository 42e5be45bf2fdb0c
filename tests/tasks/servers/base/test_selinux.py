"""BASE-10, L-12: SELinux' mode."""

from __future__ import annotations

import pytest

from hive_nornir.tasks.servers.base.selinux import boot_mode, selinux, selinux_pending, selinux_text
from hive_nornir.tasks.servers.base.variables import BaseVariables
from tests.tasks.servers.servers import ALMA, DEBIAN, names, server


def variables(mode=None):
    return BaseVariables(hive_private_ip="10.1.0.4", hive_selinux=mode)


def host(context, state, distribution=ALMA, **facts):
    return server(context, distribution=distribution, facts={"selinux": state, **facts})


def test_permissive_is_the_default_live_and_at_boot(tmp_path):
    operations = selinux(host(tmp_path, "enforcing"), variables())
    assert names(operations) == ["SELinux mode in /etc/selinux/config", "SELinux permissive"]
    assert boot_mode(host(tmp_path, "enforcing"), variables()) == "permissive"


def test_from_disabled_to_enforcing_it_goes_by_way_of_permissive(tmp_path):
    off = host(tmp_path, "disabled")
    assert boot_mode(off, variables("enforcing")) == "permissive"
    assert "SELinux enforcing" not in names(selinux(off, variables("enforcing")))
    assert "on at the next start" in selinux_pending(off, variables("enforcing"))
    assert boot_mode(host(tmp_path, "permissive"), variables("enforcing")) == "enforcing"


def test_disabled_needs_the_kernels_command_line_since_el_9(tmp_path):
    assert "SELinux off on the kernel's command line" in names(selinux(host(tmp_path, "permissive"), variables("disabled")))
    old = host(tmp_path, "permissive", distribution=("almalinux", "8.10"))
    assert names(selinux(old, variables("disabled"))) == ["SELinux mode in /etc/selinux/config"]


def test_debian_says_that_the_variable_has_no_effect(tmp_path):
    assert names(selinux(server(tmp_path, distribution=DEBIAN), variables("enforcing"))) == [
        "SELinux: skipped, this family has AppArmor, which stays as it is; hive_selinux has no effect"
    ]
    assert selinux(server(tmp_path, distribution=DEBIAN), variables()) == []


def test_a_container_has_none_of_its_own(tmp_path):
    [told] = names(selinux(host(tmp_path, "", virtualization="docker"), variables()))
    assert told.startswith("SELinux: skipped")
    assert selinux_pending(host(tmp_path, "", virtualization="docker"), variables()) == ""


@pytest.mark.parametrize("text", ["", "# SELINUX= one of\nSELINUX=enforcing\nSELINUXTYPE=mls\n", "SELINUXTYPE=targeted"])
def test_the_configuration_says_mode_and_policy_once(text):
    new = selinux_text(text, "permissive")
    settings = [line for line in new.splitlines() if not line.startswith("#")]
    assert sorted(settings) == ["SELINUX=permissive", "SELINUXTYPE=targeted"]
    assert selinux_text(new, "permissive") == new
