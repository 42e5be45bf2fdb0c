"""The role as a whole: what it does in which order, and what its variables switch on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hive_nornir.inventory.ca import SiteCA
from hive_nornir.operations.core import Observed, Outcome
from hive_nornir.tasks.servers.base import BaseVariables, base
from tests.tasks.servers.servers import ALMA, RHEL, names, server
from tests.tasks.servers.targets import due, named

PLAIN = {"hive_private_ip": "10.1.0.4"}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("context")
    SiteCA.load_or_create(folder / "ca", "example.com")
    return folder


def first_list(host, **values):
    return next(base.function(host, BaseVariables.model_validate({**PLAIN, **values})))


def test_the_sites_ca_comes_before_anything_is_fetched_and_the_rest_in_the_order_of_the_specification(context):
    found = names(first_list(server(context)))
    assert next(name for name in found if name.startswith("packages")) == "packages ca-certificates, openssl"
    wanted = [
        "variables in /etc/environment",
        "file /usr/local/share/ca-certificates/hive-example.com.crt",
        "trust store",
        "packages wget",
        "service sysstat.service",
        "host name",
        "settings of sshd",
        "no service apt-daily.timer",
    ]
    order = [next(at for at, name in enumerate(found) if name.startswith(start)) for start in wanted]
    assert order == sorted(order)


def test_a_plan_for_a_site_without_a_ca_says_that_it_would_be_trusted(tmp_path):
    operation = named(first_list(server(tmp_path, check=True)), "file /usr/local/share/ca-certificates")
    assert "build-infra makes" in due(operation, "").summary


def test_a_step_whose_variable_is_not_set_is_skipped(context):
    found = " ".join(names(first_list(server(context))))
    for word in ("time zone", "locale", "mirror", "95hive-proxy.*:3128", "pip.conf", "nfs"):
        assert word not in found


def test_variables_switch_steps_on(context):
    host = server(context, site_groups={"nfs_volumes": ["volume_a"]}, facts={"cloud_init": True})
    found = " ".join(names(first_list(host, hive_timezone="Asia/Tokyo", hive_locale="ja_JP.UTF-8")))
    for word in ("time zone", "locale", "nfs-common", ", locales", "/etc/cloud/cloud.cfg.d/99-hive-hostname.cfg"):
        assert word in found


def test_unattended_upgrades_are_left_alone_when_they_are_wanted(context):
    assert "no service apt-daily.timer" in names(first_list(server(context)))
    assert "no service apt-daily.timer" not in names(first_list(server(context), hive_unattended_upgrades=True))


def test_selinux_tools_come_where_selinux_is(context):
    def packages(state, **values):
        host = server(context, distribution=ALMA, facts={"selinux": state})
        return next(name for name in names(first_list(host, **values)) if name.startswith("packages wget"))

    assert "selinux-policy-devel" in packages("enforcing")
    assert "selinux-policy-devel" not in packages("enforcing", hive_selinux="disabled")


def test_the_shared_repository_keeps_its_name(context):
    host = server(context, name="p-hive2.example.com", groups=("repository", "servers"))
    assert "host name" in names(first_list(host))
    assert "host name" not in names(first_list(host, hive_shared_repository={"context_dir": "/x"}))


def test_network_manager_waits_for_late_interfaces(context):
    unit = "file /etc/systemd/system/NetworkManager-wait-online.service.d/hive.conf"
    assert unit in names(first_list(server(context, distribution=RHEL)))
    assert unit not in names(first_list(server(context)))


def outcomes(operations, status="unchanged", text=""):
    return {operation: Outcome(operation, status, observed=Observed(text)) for operation in operations}


@pytest.mark.parametrize("values", [{"hive_http_proxy": "p:8080"}, {}])
def test_a_new_login_is_made_for_other_variables_before_packages_are_fetched(context, values):
    variables, *rest = first_list(server(context), **values)
    assert (variables.name, variables.relogin) == ("variables in /etc/environment", True)
    assert any(name.startswith("packages wget") for name in names(rest))


def test_the_way_to_the_proxy_is_open_before_packages_are_fetched(context):
    found = names(first_list(server(context), hive_http_proxy="p:8080"))
    fetched = next(at for at, name in enumerate(found) if name.startswith("packages "))
    assert found.index("sshd forwards for containers too") < fetched


def test_a_pending_restart_is_told_and_done_only_with_permission(context):
    for allowed, name in ((False, "reboot pending: kernel a -> b"), (True, "restart: kernel a -> b")):
        host = server(context)
        host.options = SimpleNamespace(allow_reboot=allowed, barrier=False)
        steps = base.function(host, BaseVariables.model_validate(PLAIN))
        told = steps.send(outcomes(next(steps), text="kernel a -> b"))
        assert names(told) == [name]


def test_every_variable_is_described():
    assert all(field.description for field in BaseVariables.model_fields.values())
