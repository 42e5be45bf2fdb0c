"""The sandbox makes servers that behave like servers."""

import socket
import time
from contextlib import suppress

import pytest

from hive_nornir.errors import ConnectionLost, ProviderError
from hive_nornir.inventory.providers.sandbox import Sandbox, engine, names
from tests.hosts.sandbox import built, output, sandbox_site, shell

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with built(sandbox_site(tmp_path_factory.mktemp("site"), 2)) as site:
        yield site


def labelled(site):
    """The names of everything of a site that the engine has."""
    with engine.connect(engine.find()) as client:
        filters = names.filters(site)
        found = [
            *client.containers.list(all=True, filters=filters),
            *client.volumes.list(filters=filters),
            *client.networks.list(filters=filters),
        ]
        return sorted(entry.name for entry in found)


def states(site):
    return {resource.name: resource.state for resource in Sandbox().plan(site)}


def test_a_server_has_its_name_its_address_systemd_and_a_sudoer(site):
    for server in site.servers:
        said = output(
            site, server, "hostname; hostname -I; ps -o comm= -p 1; id -u; systemctl is-system-running; sudo -n -u admin sudo -n id -u"
        )
        assert said.split() == [server.short_name, server.private_ip, "systemd", "0", "running", "0"]


def test_servers_reach_each_other_and_the_mother(site):
    first, second = site.servers
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        mother = output(site, first, "ip route show default | cut -d' ' -f3")
        said = output(site, first, f'for at in {second.private_ip}/22 {mother}/{port}; do bash -c ": </dev/tcp/$at" && echo reached; done')
    assert said.split() == ["reached", "reached"]


def test_a_server_has_no_python_and_can_install_packages(site):
    server = site.servers[0]
    said = output(
        site,
        server,
        "command -v python3 || echo none; apt-get -qq update && apt-get -qq install -y --no-install-recommends tree 2>&1; command -v tree",
        120,
    )
    assert said.split()[0] == "none"
    assert said.split()[-1] == "/usr/bin/tree"


def test_root_has_no_password_and_the_machines_clock_is_out_of_reach(site):
    said = output(site, site.servers[0], "getent shadow root | cut -d: -f2; sed -n 's/^CapBnd:\\t//p' /proc/1/status")
    password, capabilities = said.split()
    assert password.startswith("!")
    cap_sys_time = 25
    assert not int(capabilities, 16) >> cap_sys_time & 1


def test_building_again_changes_nothing(site):
    sandbox = Sandbox()
    before = [sandbox.connection(site, server) for server in site.servers]

    began = time.monotonic()
    assert sandbox.build(site) is False
    assert time.monotonic() - began < 15
    assert [sandbox.connection(site, server) for server in site.servers] == before
    assert set(states(site).values()) == {"present"}


def test_a_reboot_from_inside_comes_back_as_the_same_server(site):
    server = site.servers[0]
    with shell(site, server) as transport:
        transport.run("hostnamectl set-hostname renamed; echo '192.0.2.7 elsewhere' >>/etc/hosts", deadline=10)
        boot = "stat -c %Y /proc/1"
        before = transport.run(boot, deadline=10).stdout
        with suppress(ConnectionLost):
            transport.run("systemctl reboot --no-block", deadline=10)
        give_up = time.monotonic() + 60
        after = before
        while after == before:
            assert time.monotonic() < give_up
            transport.reopen(60)
            with suppress(ConnectionLost):
                after = transport.run(boot, deadline=10).stdout
        said = transport.run("hostname; getent hosts 192.0.2.7; hostnamectl set-hostname p-hive0", deadline=10).stdout.decode()
    assert said.split() == ["renamed", "192.0.2.7", "elsewhere"]


def test_halt_and_build_keep_host_keys_and_files(site):
    sandbox = Sandbox()
    server = site.servers[1]
    keys = sandbox.connection(site, server).host_keys
    output(site, server, "echo kept >/srv/file; mkdir -p /var/lib/docker && echo kept >/var/lib/docker/file; cp /etc/machine-id /srv/id")

    assert sandbox.halt(site) is True
    assert {name: state for name, state in states(site).items() if "hive0" in name or "hive1" in name} == {
        entry.name: "stopped" for entry in site.servers
    }
    with pytest.raises(ProviderError, match="does not run"):
        sandbox.connection(site, server)
    assert sandbox.halt(site) is False

    assert sandbox.build(site) is True
    assert sandbox.connection(site, server).host_keys == keys
    assert output(site, server, "cat /srv/file /var/lib/docker/file; cmp /srv/id /etc/machine-id && echo same").split() == [
        "kept",
        "kept",
        "same",
    ]


def test_a_checkout_that_lost_its_keys_gets_in_again(site):
    key = site.context_dir / "id_rsa"
    key.unlink()
    key.with_suffix(".pub").unlink()

    assert Sandbox().build(site) is False
    assert output(site, site.servers[0], "id -u") == "0"


def test_another_checkout_of_the_site_is_told_whose_servers_these_are(site, tmp_path):
    other = sandbox_site(tmp_path, 2, name=site.hive_name, cidr=site.mother["hive_cidr"])

    with pytest.raises(ProviderError, match=f"belongs to .*{site.context_dir}"):
        Sandbox().build(other)
    assert Sandbox().destroy(other) is False
    assert len(labelled(site)) == 6


def test_an_address_range_in_use_is_refused_with_its_owner(site, tmp_path):
    other = sandbox_site(tmp_path, 1, cidr=site.mother["hive_cidr"])

    with pytest.raises(
        ProviderError, match=rf"overlaps network {names.network(site)} of site {site.hive_name}, stage private \({site.context_dir}\)"
    ):
        Sandbox().build(other)
    assert labelled(other) == []


def test_a_changed_definition_is_reported_and_never_replaces_a_server(site):
    changed = [site.servers[0], type(site.servers[1])(**{**vars(site.servers[1]), "variables": {"hive_memory_size": 512}})]
    other = type(site)(**{**vars(site), "servers": changed})

    resource = next(entry for entry in Sandbox().plan(other) if entry.name == changed[1].name)
    assert (resource.state, resource.detail) == ("differs", "memory limit (MiB) is 0, should be 512")
    with pytest.raises(ProviderError, match="memory limit"):
        Sandbox().build(other)


def test_destroy_leaves_nothing_and_can_be_repeated(tmp_path):
    site = sandbox_site(
        tmp_path, 1, variables={"hive_memory_size": 256, "hive_admin": "ops", "hive_admin_uid": 2000, "hive_admin_gid": 2001}
    )
    with built(site):
        assert Sandbox().connection(site, site.servers[0]).user == "ops"
        assert output(site, site.servers[0], "id -u ops; id -g ops").split() == ["2000", "2001"]
        assert len(labelled(site)) == 4

        assert Sandbox().destroy(site) is True
        assert labelled(site) == []
        assert Sandbox().destroy(site) is False
    assert set(states(site).values()) == {"missing"}
