"""The role tls-certificate on real servers: openssl and the system's own trust store judge what it made."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from hive_nornir import Site
from tests.hosts.sites import changes, setup, shell
from tests.support.clock import days_from_now

SiteMaker = Callable[..., Site]


@pytest.mark.parametrize(("image", "folder"), [("debian-12", "/etc/ssl/hive"), ("el-9", "/etc/pki/tls")])
def test_servers_prove_who_they_are_to_each_other(make_site: SiteMaker, image: str, folder: str, monkeypatch: pytest.MonkeyPatch):
    site = make_site(2, image=image)
    days_from_now(monkeypatch, -300)
    setup(site, "tls-certificate")
    first = site.inventory.servers[0]
    certificate, key = f"{folder}/certs/{first}_cert.pem", f"{folder}/private/{first}_key.pem"

    _is_as_specified(site, x509.load_pem_x509_certificate(shell(site, f"cat {certificate}").encode()))
    assert shell(site, f"stat -c '%a %U' {certificate} {key}") == "644 root\n600 root\n"
    assert shell(site, f"stat -c %a {folder}/private") in ("750\n", "700\n")
    assert "OK" in shell(site, f"openssl verify -x509_strict -purpose sslserver {certificate}")
    _talks(site, folder)
    assert changes(setup(site, "tls-certificate")) == []

    monkeypatch.undo()
    plan = changes(setup(site, "tls-certificate", check=True, limit=[first]))
    assert [line for line in plan if "issue: the present one expires on" in line] == plan
    assert len(plan) == 1
    before = shell(site, f"sha256sum {key}; openssl x509 -in {certificate} -noout -serial")
    assert len(changes(setup(site, "tls-certificate", limit=[first]))) == 1
    after = shell(site, f"sha256sum {key}; openssl x509 -in {certificate} -noout -serial")
    assert before.splitlines()[0] == after.splitlines()[0]
    assert before.splitlines()[1] != after.splitlines()[1]

    _the_ca_is_replaced(site, folder)


def _the_ca_is_replaced(site: Site, folder: str) -> None:
    """L-17: at every moment each server trusts the other one, though only one of them is worked on at a time."""
    first, second = site.inventory.servers
    former = shell(site, f"cat {folder}/certs/{first}_cert.pem")
    shutil.rmtree(site.context.context_dir / "ca")
    site.certificate_authority(create=True)
    here = _files(site)
    assert site.context.context_dir / "ca" / "api-client" / "cakey.pem" in here
    plan = changes(setup(site, "tls-certificate", check=True, limit=[first]))
    assert not [line for line in plan if "issue:" in line]
    assert _files(site) == here

    # The first learns to trust both, and keeps its certificate since the second would not trust another one.
    found = setup(site, "tls-certificate", limit=[first])
    assert not [line for line in changes(found) if "issue:" in line]
    assert len([line for line in changes(found) if "former CAs" in line]) == 1
    assert [line for line in found.notices() if "the site's CA is being replaced" in line]
    _talks(site, folder)
    # The second can have another one at once.
    assert len([line for line in changes(setup(site, "tls-certificate", limit=[second])) if "issue: the site's CA changed" in line]) == 1
    _talks(site, folder)
    assert len([line for line in changes(setup(site, "tls-certificate", limit=[first])) if "issue: the site's CA changed" in line]) == 1
    _talks(site, folder)
    found = setup(site, "tls-certificate")
    assert sorted(line.split(": ")[0] for line in changes(found)) == sorted(
        f"{name.split('.')[0]} tls-certificate {operation}"
        for name in (first, second)
        for operation in ("former CAs of the site", "trust store")
    )
    _talks(site, folder)
    for server in (first, second):
        refused = shell(site, f"openssl verify -CApath /etc/ssl/certs <<'E' 2>&1 || :\n{former}E", server)
        assert "OK" not in refused
    found = setup(site, "tls-certificate")
    assert changes(found) == []
    assert found.notices() == []


def _files(site: Site) -> dict[Path, bytes]:
    """What the mother keeps of certificates."""
    kept = [path for name in ("ca", "trust") for path in (site.context.context_dir / name).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in kept}


def _is_as_specified(site: Site, made: x509.Certificate) -> None:
    first = site.inventory.servers[0]
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [first]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == [site.inventory.scope(first)["hive_private_ip"], "127.0.0.1"]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {purpose._name for purpose in usage} == {"clientAuth", "serverAuth"}
    public = made.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 4096
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 397


def _talks(site: Site, folder: str) -> None:
    """The second server reaches the first over TLS, each with its certificate, through the system's own trust store."""
    first, second = site.inventory.servers
    pair = "-cert {f}/certs/{h}_cert.pem -key {f}/private/{h}_key.pem"
    serve = f"openssl s_server -accept 4433 {pair.format(f=folder, h=first)} -CApath /etc/ssl/certs -Verify 2 -verify_return_error -www"
    shell(site, f"systemd-run --quiet --unit=hive-test-tls {serve}")
    address = site.inventory.scope(first)["hive_private_ip"]
    ask = f"openssl s_client -connect {address}:4433 -verify_return_error -verify_hostname {first} {pair.format(f=folder, h=second)}"
    said = shell(site, f"n=0; until {ask} </dev/null 2>&1 || [ $n = 20 ]; do n=$((n+1)); sleep 0.2; done", second)
    shell(site, "systemctl stop hive-test-tls")
    assert "Verify return code: 0 (ok)" in said


def test_a_plan_makes_nothing_and_a_long_lifetime_is_honoured_and_remarked_on(make_site: SiteMaker):
    site = make_site(1, variables="hive_valid_in: 800\n")
    remark = "issue: there is none, for 800 days as hive_valid_in says"
    assert any(remark in line for line in changes(setup(site, "tls-certificate", check=True)))
    assert shell(site, "find /etc/ssl/hive /usr/local/share/ca-certificates -name '*hive*' 2>/dev/null || :") == ""
    assert any(remark in line for line in changes(setup(site, "tls-certificate")))
    shell(site, f"openssl x509 -in /etc/ssl/hive/certs/{site.inventory.servers[0]}_cert.pem -checkend {799 * 86400}")
