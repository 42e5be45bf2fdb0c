"""Role tls-certificate: a private key and a certificate of the site's CA for every server (spec setup-hosts.md 4.12)."""

from __future__ import annotations

from pydantic import Field

from hive_nornir.inventory.leaf import LEAF_DAYS, Leaf
from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.certificate_files import CertificateFiles, issued_certificate
from hive_nornir.tasks.servers.issuer import site_issuer
from hive_nornir.tasks.servers.trust_anchor import trust_anchor

__all__ = ["TlsCertificateVariables", "certificate_name", "tls_certificate"]

SHARED_REPOSITORY = "shared-repository"


class TlsCertificateVariables(Variables):
    """What tls-certificate reads."""

    hive_private_ip: str = Field(description="The server's address inside the site; stands in its certificate.")
    hive_valid_in: int | None = Field(None, gt=0, description="Days that a certificate is valid; without it 397 for servers.")
    hive_shared_repository: object = Field(None, description="Given when one repository, a container on the mother, serves several hives.")


@role()
def tls_certificate(host: Target, v: TlsCertificateVariables) -> Steps:
    """Give the server a key and a certificate of the site's CA, for the Docker API, the registry and TLS logging.

    The key is made on the server and never leaves it; the certificate is signed here. It is issued anew when the key, the names or
    the CA changed, when it is missing, and when less than a third of its lifetime is left. A running Docker is restarted then.

    After a change of the CA, servers first trust both; a certificate of the new one is issued when all servers trust it, and the former
    CA goes when no server has a certificate of it: run the phase until it changes nothing.
    """
    name = certificate_name(host, shared=bool(v.hive_shared_repository))
    tls = host.os.tls
    # TLS-3: names and addresses are the inventory's; what the request says about them is not looked at.
    leaf = Leaf(
        name,
        dns=tuple(dict.fromkeys((name, host.name))),
        ips=tuple(dict.fromkeys((v.hive_private_ip, "127.0.0.1"))),
        days=v.hive_valid_in or LEAF_DAYS,
    )
    trust = trust_anchor(host)
    certificate = issued_certificate(site_issuer(host), CertificateFiles.of_server(tls, name), leaf, host.site.hive_name)
    restart = services.restarted_if_running(host.os.docker.unit, on=[trust.changed, certificate.installed])
    outcomes = yield [*trust.operations, *_folders(host), *certificate.operations, *_links(host, name), restart]
    trust.note()
    certificate.note(outcomes)


def certificate_name(host: Target, *, shared: bool) -> str:
    """What the server's certificate is called: its inventory name; a shared repository has one certificate for all of its names (TLS-6).

    :param shared: whether the stage has a shared repository.
    """
    return SHARED_REPOSITORY if shared and host.name == host.site.repository else host.name


def _folders(host: Target) -> list[Operation]:
    """TLS-1: keys are for root, and for the group of the programs that read keys where the distribution has one."""
    tls = host.os.tls
    return [
        *([packages.present(host.os.manager, tls.packages)] if tls.packages else []),
        files.directory(tls.folder),
        files.directory(f"{tls.folder}/misc"),
        files.directory(f"{tls.folder}/certs"),
        files.directory(f"{tls.folder}/private", mode=tls.private_mode, group=tls.private_group),
    ]


def _links(host: Target, name: str) -> list[Operation]:
    """TLS-6: whoever asks for the shared repository's files by its inventory name finds them."""
    if name == host.name:
        return []
    tls = host.os.tls
    return [files.link(path(host.name), path(name).rpartition("/")[2]) for path in (tls.key, tls.request, tls.certificate)]
