"""Role tls-certificate: a private key and a certificate of the site's CA for every server (spec setup-hosts.md 4.12)."""

from __future__ import annotations

from pydantic import Field

from hive_nornir.inventory.leaf import LEAF_DAYS
from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.server_certificate import certificate_name, server_certificate
from hive_nornir.tasks.servers.trust_anchor import trust_anchor

__all__ = ["TlsCertificateVariables", "tls_certificate"]


class TlsCertificateVariables(Variables):
    """What tls-certificate reads."""

    hive_private_ip: str = Field(description="The server's address inside the site; stands in its certificate.")
    hive_valid_in: int | None = Field(None, gt=0, description="Days that a certificate is valid; without it 397 for servers.")
    hive_shared_repository: object = Field(None, description="Given when one repository, a container on the mother, serves several hives.")


@role()
def tls_certificate(host: Target, v: TlsCertificateVariables) -> Steps:
    """Give the server a key and a certificate of the site's CA, which Docker presents, and let it trust that CA.

    The key is made on the server and never leaves it; the certificate is signed here. It is issued anew when the key, the names or
    the CA changed, when it is missing, and when less than a third of its lifetime is left. A running Docker is restarted then.

    After a change of the CA, servers first trust both; a certificate of the new one is issued when all servers trust it, and the former
    CA goes when no server has a certificate of it: run the phase until it changes nothing.
    """
    name = certificate_name(host, shared=bool(v.hive_shared_repository))
    days = v.hive_valid_in or LEAF_DAYS
    trust = trust_anchor(host)
    certificate = server_certificate(host, name, v.hive_private_ip, usages=("server", "client"), days=days)
    restart = services.restarted_if_running(host.os.docker.unit, on=[trust.changed, certificate.installed])
    outcomes = yield [*trust.operations, *_folders(host), *certificate.operations, *_links(host, name), restart, *trust.notices]
    trust.note()
    certificate.note(outcomes)


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
