"""Role tls-certificate: a private key and a certificate of the site's CA for every server (spec setup-hosts.md 4.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.certificate_files import CertificateFiles, pem_in, restart_is_due
from hive_nornir.tasks.servers.certificate_validity import reason_to_issue
from hive_nornir.tasks.servers.trust_anchor import site_ca, trust_anchor

if TYPE_CHECKING:
    from hive_nornir.operations.core import Outcome

__all__ = ["TlsCertificateVariables", "certificate_name", "tls_certificate"]

# The most that others accept (CA/Browser Forum, Baseline Requirements 6.3.2).
LEAF_DAYS = 397
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
    """
    name = certificate_name(host, shared=bool(v.hive_shared_repository))
    of_server = CertificateFiles(host.os.tls, name, host.site.hive_name)
    key = of_server.key_pair()
    request, look = of_server.request(key), of_server.look(services.restarted_if_running(host.os.docker.unit, on=[]))
    seen = yield [*trust_anchor(host), *_folders(host), key, request, look, *_links(host, name)]

    ca = site_ca(host)
    # TLS-3: names and addresses are the inventory's; what the request says about them is not looked at.
    dns, ips = list(dict.fromkeys((name, host.name))), list(dict.fromkeys((v.hive_private_ip, "127.0.0.1")))
    asked, present = _request(seen[request]), _certificate(seen[look])
    reason = reason_to_issue(present, asked, ca.certificate, dns, ips)
    if reason and not host.check:
        # Serial numbers are random (RFC 5280, 4.1.2.2), so that hosts can be signed for side by side.
        present = ca.sign_server(asked.encode(), dns=dns, ips=ips, days=v.hive_valid_in or LEAF_DAYS).decode()
    if reason or restart_is_due(seen[look].observed):
        issued = of_server.certificate("" if reason and host.check else present, reason + _warning(v))
        yield [issued, services.restarted_if_running(host.os.docker.unit, on=[issued])]


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


def _request(outcome: Outcome) -> str:
    """The signing request; "" in a plan that would make one."""
    return pem_in(outcome.observed.text, "CERTIFICATE REQUEST") if outcome.observed and outcome.status != "would-change" else ""


def _certificate(outcome: Outcome) -> str:
    return pem_in(outcome.observed.text, "CERTIFICATE") if outcome.observed else ""


def _warning(v: TlsCertificateVariables) -> str:
    """P-20: an overlong lifetime is honoured, and not in silence."""
    days = v.hive_valid_in or LEAF_DAYS
    return f", for {days} days as hive_valid_in says, where {LEAF_DAYS} are the most that others accept" if days > LEAF_DAYS else ""
