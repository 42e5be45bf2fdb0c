"""Who may use Docker's API: the CA that its daemons ask, and the certificates of their clients (spec setup-hosts.md P-10, P-11, DCL-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hive_nornir.inventory.leaf import Leaf
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Operation
from hive_nornir.tasks.servers.certificate_files import CertificateFiles, IssuedCertificate, issued_certificate
from hive_nornir.tasks.servers.issuer import Issuer, api_client_issuer, pem_of, site_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from hive_nornir.operations.core import Outcome
    from hive_nornir.tasks.role import Target

__all__ = ["AcceptedClients", "ApiClient", "accepted_clients", "api_client"]


@dataclass(frozen=True)
class AcceptedClients:
    """What tells a server's Docker whom to let in.

    :param file: the operation on the CA's file: the reason for a restart of the engine.
    :param notices: what the operator has to know.
    """

    file: Operation
    notices: list[Operation]
    _issuer: Issuer
    _accepted: list[x509.Certificate]

    def note(self) -> None:
        """Remember on the mother that the engine runs with it (L-17)."""
        self._issuer.note_accepted(self._accepted)


def accepted_clients(host: Target) -> AcceptedClients:
    """The CA of the API's clients in its file on a server, and behind it former ones of which a client may still have a certificate.

    Made here when the site has none yet; a plan says that it would be.
    """
    path = host.os.tls.api_client_ca
    issuer = api_client_issuer(host)
    accepted = issuer.accepted
    planned = Operation(f"file {path}", ":", lambda _seen: Change("the CA of the API's clients, which is yet to be made", "false"))
    file = files.content(path, pem_of(accepted)) if accepted else planned
    return AcceptedClients(file, issuer.replacement("the CA of the Docker API's clients"), issuer, accepted)


@dataclass(frozen=True)
class ApiClient:
    """What a user of a server needs to use the Docker API of all servers::

        @role()
        def docker_client(host: Target, v: DockerClientVariables) -> Steps:
            folder = f"{v.hive_home_dir}/.docker"
            client = api_client(host, v.hive_safe_admin, folder)
            home = files.directory(folder, mode=0o700, owner=v.hive_safe_admin, group=v.hive_safe_admin)
            outcomes = yield [home, *client.operations]
            client.note(outcomes)

    :param operations: in their order; the folder has to be made before.
    :param changed: those whose change is a reason for a restart of a program that keeps what it read.
    """

    operations: tuple[Operation, ...]
    changed: tuple[Operation, ...]
    _certificate: IssuedCertificate

    def note(self, outcomes: Mapping[Operation, Outcome]) -> None:
        """Remember on the mother which certificate the user has (L-17)."""
        self._certificate.note(outcomes)


def api_client(host: Target, user: str, folder: str, *, group: str = "") -> ApiClient:
    """A certificate for one user of one host, good for nothing but the Docker API, as docker and its SDK want it (DCL-1, ZAG-4).

    `ca.pem` has the site's CA, which vouches for the servers; `key.pem` is made on the host and never leaves it; `cert.pem` is issued for
    it and renewed. All are the user's, 0600.

    :param user: the account on the host; the certificate names `user@host`.
    :param folder: exists, made by the caller. For an account that is not to become root by a race with us, let it be root's and 0750.
    :param group: of the files; the user's own, of the same name, without it.
    """
    group, name = group or user, f"{user}@{host.name}"
    own = CertificateFiles(
        key=f"{folder}/key.pem",
        request=host.os.tls.request(f"{host.name}-docker-{user}"),
        certificate=f"{folder}/cert.pem",
        owner=user,
        group=group,
        mode=0o600,
    )
    servers = files.content(f"{folder}/ca.pem", pem_of(site_issuer(host).accepted), mode=0o600, owner=user, group=group)
    leaf = Leaf(name, emails=(name,), usages=("client",))
    certificate = issued_certificate(api_client_issuer(host), own, leaf, host.site.hive_name)
    return ApiClient((servers, *certificate.operations), (servers, certificate.installed), certificate)
