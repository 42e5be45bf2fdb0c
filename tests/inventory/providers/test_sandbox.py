import os
import subprocess
from types import SimpleNamespace

import docker
import pytest

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec
from hive_nornir.inventory.providers.sandbox import Sandbox, engine, image, machine, names, network

AUTHORITY = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


@pytest.fixture
def site(tmp_path):
    servers = [
        ServerSpec("p-hive0.shop.example", "10.9.0.4", ("hives",), {}),
        ServerSpec("p-hive1.shop.example", "10.9.0.1", ("hives",), {}),
    ]
    return ProviderSite("shop.example", "private", tmp_path, tmp_path / ".hive" / "private", servers, {"hive_cidr": "10.9.0.0/24"})


@pytest.fixture
def no_engine(monkeypatch, tmp_path):
    """A machine on which no Docker engine answers."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "MACHINE_SOCKET", tmp_path / "none.sock")
    monkeypatch.setattr(engine, "SOCKET", tmp_path / "none-of-ours.sock")


def test_without_an_engine_everything_is_missing_and_nothing_is_there_to_stop(site, no_engine):
    sandbox = Sandbox()

    assert [(entry.kind, entry.name, entry.state) for entry in sandbox.plan(site)] == [
        ("engine", "docker", "missing"),
        ("network", "hive-shop.example-private", "missing"),
        ("server", "p-hive0.shop.example", "missing"),
        ("server", "p-hive1.shop.example", "missing"),
    ]
    assert (sandbox.halt(site), sandbox.destroy(site)) == (False, False)
    with pytest.raises(ProviderError, match="build the stage first"):
        sandbox.connection(site, site.servers[0])


def test_the_engine_that_was_asked_for_is_the_only_one_that_will_do(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    with pytest.raises(ProviderError, match="no Docker engine answers at DOCKER_HOST"):
        engine.find()


def test_a_user_who_is_not_root_is_told_what_to_do(monkeypatch, no_engine):
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(ProviderError, match=r"must be root .*\(run it as root, or point DOCKER_HOST at an engine\)"):
        engine.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
def test_mounts_that_a_killed_engine_left_do_not_hinder_its_removal(monkeypatch, tmp_path):
    data, elsewhere = tmp_path / "sandbox", tmp_path / "elsewhere"
    for folder in (data / "docker", elsewhere):
        folder.mkdir(parents=True)
    (elsewhere / "kept").touch()
    subprocess.run(["mount", "--bind", elsewhere, data / "docker"], check=True)
    started = []
    monkeypatch.setattr(engine, "DATA", data)
    monkeypatch.setattr(engine, "PID_FILE", tmp_path / "none.pid")
    monkeypatch.setattr(engine, "start", lambda **_: started.append("an engine"))

    assert engine.stop(remove=True)
    assert started == ["an engine"]
    assert not data.exists()
    assert (elsewhere / "kept").exists()


def test_names_tell_sites_and_stages_apart_and_fit_the_kernel(site):
    other = ProviderSite(site.hive_name, "staging", site.root, site.context_dir, site.servers, site.mother)

    assert names.container(site, site.servers[0]) == "hive-shop.example-private-p-hive0"
    assert names.network(site) != names.network(other)
    assert names.bridge(site) != names.bridge(other)
    assert len(names.bridge(site)) <= 15


def test_what_belongs_to_a_checkout_that_is_gone_belongs_to_whoever_comes_next(site, tmp_path):
    site.context_dir.mkdir(parents=True)
    theirs = tmp_path / "theirs"
    theirs.mkdir()

    assert names.is_mine(site, names.labels(site))
    assert not names.is_mine(site, {**names.labels(site), names.CONTEXT: str(theirs)})
    theirs.rmdir()
    assert names.is_mine(site, {**names.labels(site), names.CONTEXT: str(theirs)})


def test_things_without_our_label_are_nobodys_business_of_ours(site):
    assert not names.is_mine(site, None)
    assert not names.is_mine(site, {names.SITE: site.hive_name})


def test_the_mother_gets_an_address_that_no_server_has(site):
    assert str(network.gateway(site)) == "10.9.0.2"


def test_a_range_without_room_for_the_mother_is_refused(tmp_path):
    servers = [ServerSpec(f"h{n}", f"10.9.0.{n}", (), {}) for n in (1, 2)]
    site = ProviderSite("x", "private", tmp_path, tmp_path, servers, {"hive_cidr": "10.9.0.0/30"})

    with pytest.raises(ProviderError, match=r"10\.9\.0\.0/30 has no address left"):
        network.gateway(site)


def test_an_unknown_image_is_refused_with_the_nearest():
    with pytest.raises(ProviderError, match="did you mean 'debian-12'"):
        image.recipe("debian12")


@pytest.mark.parametrize("name", image.names())
def test_every_image_has_all_that_its_recipe_names(name):
    recipe = image.recipe(name)

    assert len(set(recipe.packages)) == len(recipe.packages)
    assert {"systemd-sysv", "openssh-server", "sudo", "iptables"} <= set(recipe.packages)
    for folder in recipe.folders:
        assert (folder / "customize").read_text().startswith("#!/bin/sh\n")
        assert (folder / "files").is_dir()


def test_the_sources_of_a_release_do_not_depend_on_the_machines_own_release():
    archives = [
        machine.Archive("http://mirror.example/debian/", "Debian"),
        machine.Archive("http://mirror.example/debian-security/", "Debian-Security"),
    ]

    assert machine.sources_list(archives, "trixie") == [
        "deb http://mirror.example/debian/ trixie main",
        "deb http://mirror.example/debian/ trixie-updates main",
        "deb http://mirror.example/debian-security/ trixie-security main",
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("http://a/debian/|Debian|Debian\nhttp://a/debian/|Debian|Debian\n", [machine.Archive("http://a/debian/", "Debian")]),
        ("http://third.example/|Debian|Somebody\nhttp://a/debian/|Debian|Debian\n", [machine.Archive("http://a/debian/", "Debian")]),
        ("http://a/backports/|Debian Backports|Debian Backports\nhttp://a/d/|Debian|Debian\n", [machine.Archive("http://a/d/", "Debian")]),
    ],
)
def test_only_debians_own_archives_are_used(monkeypatch, said, expected):
    monkeypatch.setattr(machine, "_run", lambda command: said)

    assert machine.debian_archives(lambda: None) == expected


def test_lists_are_fetched_when_apt_has_none_and_a_machine_without_debian_is_told(monkeypatch):
    answers = iter(["", "http://a/ubuntu/|Ubuntu|Ubuntu\n"])
    fetched = []
    monkeypatch.setattr(machine, "_run", lambda command: next(answers))

    with pytest.raises(ProviderError, match="no Debian archive"):
        machine.debian_archives(lambda: fetched.append(1))
    assert fetched == [1]


def test_authorities_beside_debians_own_are_found(tmp_path):
    packaged = tmp_path / "mozilla"
    packaged.mkdir()
    (packaged / "known.crt").write_text(AUTHORITY.format("AAAA\nBBBB"))
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("# a comment\n" + AUTHORITY.format("AAAABBBB") + AUTHORITY.format("CCCC"))

    assert machine.extra_authorities(bundle, packaged) == [AUTHORITY.format("CCCC")]
    assert machine.extra_authorities(tmp_path / "none", packaged) == []


def test_pip_settings_keep_the_machines_and_name_the_trust_bundle(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nfind-links = {wheels}\n    file://{wheels}\n    /nowhere\n[install]\nno-compile = 100%\n")

    settings = machine.pip_settings(file)

    assert "cert = /etc/ssl/certs/ca-certificates.crt" in settings.splitlines()
    assert "no-compile = 100%" in settings
    assert machine.local_folders(settings) == [str(wheels)]
    assert machine.pip_settings(tmp_path / "none") == "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n"


def test_name_servers_on_the_loopback_are_passed_over(tmp_path):
    stub, real, none = tmp_path / "stub", tmp_path / "real", tmp_path / "none"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    real.write_text("# comment\nnameserver 192.0.2.1\nnameserver ::1\nnameserver 2001:db8::1\nnameserver\n")

    assert machine.nameservers((none, stub, real)) == ["192.0.2.1", "2001:db8::1"]
    assert machine.nameservers((stub,)) == []


def test_the_limit_that_all_servers_share_is_raised_and_never_lowered(tmp_path):
    setting = tmp_path / "max_user_instances"
    said = []

    setting.write_text("128\n")
    assert machine.allow_many_servers(lambda name, text: said.append(text), setting)
    assert setting.read_text() == "1024\n"
    assert "from 128 to 1024" in said[0]

    setting.write_text("8192\n")
    assert not machine.allow_many_servers(lambda name, text: said.append(text), setting)
    assert setting.read_text() == "8192\n"
    assert not machine.allow_many_servers(lambda name, text: said.append(text), tmp_path / "none" / "there")
    assert len(said) == 1


def test_what_the_engine_refuses_is_an_error_of_ours_and_the_client_is_closed(monkeypatch):
    closed = []
    monkeypatch.setattr("docker.DockerClient", lambda **options: SimpleNamespace(close=lambda: closed.append(options["base_url"])))

    with pytest.raises(ProviderError, match=r"^the Docker engine at unix:///x refuses: no space left"), engine.connect("unix:///x"):
        raise docker.errors.APIError("500 Server Error", explanation="no space left")
    assert closed == ["unix:///x"]
