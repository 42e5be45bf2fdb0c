"""The role registry: what its container sees, who gets in, and what its users' file is worth."""

import hashlib
from types import SimpleNamespace

import bcrypt
import pytest
import yaml

from hive_nornir.operations.core import Observed
from hive_nornir.tasks.repository import registry as module
from hive_nornir.tasks.repository.htpasswd import htpasswd
from hive_nornir.tasks.repository.registry import RegistryVariables
from tests.tasks.servers.servers import server
from tests.tasks.servers.targets import SERVERS, due, settled

REPOSITORY = list(SERVERS)[2]
CERTIFICATE = SimpleNamespace(operations=(), installed=None, note=lambda outcomes: None)


def operations(context, monkeypatch, **values):
    monkeypatch.setattr(module, "server_certificate", lambda *given, **options: CERTIFICATE)
    monkeypatch.setattr(module.compose, "project", lambda folder, definition, **options: [(folder, definition, options)])
    host = server(context, name=REPOSITORY, distribution=("debian", "13"))
    host.site.secret = lambda name: f"secret of {name}"
    given = {"hive_registry_fqdn": REPOSITORY, "hive_private_ip": "10.1.0.6", "hive_home_dir": "/home/admin", **values}
    return next(module.registry.function(host, RegistryVariables.model_validate(given)))


def project(found):
    [it] = [operation for operation in found if isinstance(operation, tuple)]
    return it


def test_the_container_sees_certificate_key_and_users_read_only_and_nothing_else_of_the_host(tmp_path, monkeypatch):
    folder, definition, options = project(operations(tmp_path, monkeypatch))
    assert folder == "/home/admin/registry"
    mounts = definition["services"]["registry"]["volumes"]
    binds = {mount["source"]: mount["target"] for mount in mounts if mount["type"] == "bind"}
    assert binds == {
        f"/etc/ssl/hive/certs/{REPOSITORY}-registry_cert.pem": "/certs/certificate.pem",
        f"/etc/ssl/hive/private/{REPOSITORY}-registry_key.pem": "/certs/key.pem",
        "/home/admin/registry/htpasswd": "/auth/htpasswd",
    }
    assert all(mount["read_only"] and not mount["bind"]["create_host_path"] for mount in mounts if mount["type"] == "bind")
    assert options["read_at_start"] == {"registry": list(binds)}
    assert "secret of" not in yaml.safe_dump(definition)


def test_its_network_is_cut_from_the_sites_range_if_there_is_one(tmp_path, monkeypatch):
    _, definition, _ = project(operations(tmp_path, monkeypatch, hive_internal_cidr="172.31.252.0/22"))
    assert definition["networks"]["default"]["ipam"]["config"] == [{"subnet": "172.31.255.0/25"}]
    _, definition, _ = project(operations(tmp_path, monkeypatch))
    assert "networks" not in definition


def test_its_port_is_published_for_the_stages_servers_only(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(module.firewall, "published_set", lambda os, *arguments: given.append(arguments) or [])
    _, definition, options = project(operations(tmp_path, monkeypatch, hive_registry_port=5443))
    assert definition["services"]["registry"]["ports"] == ["5443:5000"]
    assert given == [("registry", "tcp", [5443], list(SERVERS.values()))]
    assert f"https://{REPOSITORY}:5443/v2/" in options["ready"]


@pytest.mark.parametrize("text", ["hive:{}\n", "hive:{}"])
def test_a_hash_of_the_password_is_left_alone_whatever_its_salt(text):
    digest = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    assert settled(htpasswd("/r/htpasswd", "hive", "secret"), seen(text.format(digest)))


@pytest.mark.parametrize("text", ["", "hive:x\n", "other:{}\n", "hive:{}\nother:{}\n"])
def test_another_password_or_user_is_replaced_by_a_hash_that_is_right(text):
    digest = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    change = due(htpasswd("/r/htpasswd", "hive", "secret"), seen(text.replace("{}", digest)))
    written = next(line for line in change.apply.splitlines() if line.startswith("hive:"))
    assert bcrypt.checkpw(b"secret", written.partition(":")[2].encode())
    assert "secret" not in change.apply
    assert not change.diff


def test_a_wrong_mode_of_the_users_is_mended_without_new_hashes():
    digest = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    change = htpasswd("/r/htpasswd", "hive", "secret").decide(Observed(seen(f"hive:{digest}\n", mode="644")))
    assert change is not None
    assert change.summary == "mode 644 -> 640"


def seen(text, mode="640"):
    return f"regular file|{mode}|root|root|0|0|{len(text)}\n{hashlib.sha256(text.encode()).hexdigest()}\n{text}"
