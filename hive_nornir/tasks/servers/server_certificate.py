"""Certificates with which programs on a server show that they are on that server: a key for each of them (spec setup-hosts.md P-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.inventory.leaf import LEAF_DAYS, Leaf, Usage
from hive_nornir.tasks.servers.certificate_files import CertificateFiles, IssuedCertificate, issued_certificate
from hive_nornir.tasks.servers.issuer import site_issuer

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["certificate_name", "server_certificate"]

SHARED_REPOSITORY = "shared-repository"


def certificate_name(host: Target, *, shared: bool) -> str:
    """What the server's certificate is called: its inventory name; a shared repository has one certificate for all of its names (TLS-6).

    :param shared: whether the stage has a shared repository.
    """
    return SHARED_REPOSITORY if shared and host.name == host.site.repository else host.name


def server_certificate(
    host: Target,
    name: str,
    address: str,
    *,
    purpose: str = "",
    usages: tuple[Usage, ...] = ("server",),
    days: int = LEAF_DAYS,
    owner: str = "root",
    group: str = "root",
) -> IssuedCertificate:
    """A certificate of the site's CA for one program on a server, in the distribution's folder of TLS, which tls-certificate makes::

        registry = server_certificate(host, certificate_name(host, shared=False), v.hive_private_ip, purpose="registry")
        host.os.tls.certificate(f"{host.name}-registry")  # where it is, with everything that a server presents

    :param name: the server's, by `certificate_name`.
    :param address: the server's in the site; the certificate is for it, for 127.0.0.1 and for the server's names.
    :param purpose: what its files are called after beside the name; "" is the server's own.
    :param usages: the server's own is a client's too; others need not be.
    :param owner: of key and certificate, and their `group`: the account of a program that does not read them as root.
    """
    files = CertificateFiles.of_server(host.os.tls, f"{name}-{purpose}" if purpose else name, owner, group)
    # TLS-3: names and addresses are the inventory's; what the request says about them is not looked at.
    dns, ips = tuple(dict.fromkeys((name, host.name))), tuple(dict.fromkeys((address, "127.0.0.1")))
    return issued_certificate(site_issuer(host), files, Leaf(name, dns=dns, ips=ips, usages=usages, days=days), host.site.hive_name)
