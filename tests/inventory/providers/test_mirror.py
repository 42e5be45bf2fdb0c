import re

import pytest

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec
from hive_nornir.inventory.providers.sandbox import Sandbox, engine, mirror, mirror_images


def site_with(tmp_path, url, address="10.9.0.4"):
    servers = [ServerSpec("p-hive0.shop.example", address, ("hives",), {"hive_registry_mirror": url} if url else {})]
    return ProviderSite("shop.example", "private", tmp_path, tmp_path / ".hive" / "private", servers, {"hive_cidr": "10.9.0.0/24"})


@pytest.mark.parametrize(
    ("url", "wanted"),
    [("http://10.9.0.3:5000", True), ("http://10.9.0.3:5000/", True), ("", False), (None, False), ("https://mirror.example", False)],
)
def test_a_site_uses_the_mirror_when_its_variable_names_the_third_address(tmp_path, url, wanted):
    assert mirror.wanted(site_with(tmp_path, url)) is wanted


@pytest.mark.parametrize("url", ["http://10.9.0.3", "https://10.9.0.3:5000", "http://10.9.0.3:5001"])
def test_another_port_or_protocol_at_that_address_is_refused_with_what_is_meant(tmp_path, url):
    with pytest.raises(ProviderError, match=re.escape("the sandbox's mirror is http://10.9.0.3:5000 (make it http://10.9.0.3:5000)")):
        mirror.wanted(site_with(tmp_path, url))


def test_a_server_at_the_mirrors_address_is_refused(tmp_path):
    with pytest.raises(ProviderError, match=r"p-hive0.shop.example has the address 10.9.0.3 of the mirror"):
        mirror.wanted(site_with(tmp_path, "http://10.9.0.3:5000", address="10.9.0.3"))


def test_without_an_engine_the_mirror_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "MACHINE_SOCKET", tmp_path / "none.sock")
    monkeypatch.setattr(engine, "SOCKET", tmp_path / "none-of-ours.sock")

    planned = [(entry.kind, entry.state) for entry in Sandbox().plan(site_with(tmp_path, "http://10.9.0.3:5000"))]

    assert planned == [("engine", "missing"), ("network", "missing"), ("mirror", "missing"), ("server", "missing")]


def test_every_stand_in_is_made_of_the_shared_root_and_has_a_name_and_a_tag():
    images = mirror_images.hub_images()

    assert {each.name for each in images} >= {"plain", "registry", "mariadb", "nginx", "zabbix-server", "zabbix-web"}
    for each in images:
        assert (each.folder / "Dockerfile").read_text().startswith("ARG ROOT\nFROM ${ROOT}\n")
        assert each.names
        assert all(re.fullmatch(r"[a-z]+/[a-z0-9-]+:[a-z0-9.-]+", name) for name in each.names)
    names = [name for each in images for name in each.names]
    assert len(set(names)) == len(names)


def test_the_same_files_make_the_same_context_whatever_their_modes(tmp_path):
    def folder(name, mode):
        made = tmp_path / name
        made.mkdir()
        for file, text in {"Dockerfile": "FROM x\n", "entrypoint": "#!/bin/sh\n"}.items():
            (made / file).write_text(text)
            (made / file).chmod(mode)
        return made

    assert mirror_images._context(folder("one", 0o600)) == mirror_images._context(folder("two", 0o755))
