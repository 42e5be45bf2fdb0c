"""Role tls-certificate: a private key and a certificate of the site's CA for every server (spec setup-hosts.md 4.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Steps, Variables, role
from hive_nornir.tasks.servers.certificate_files import CertificateFiles
from hive_nornir.tasks.servers.certificate_validity import reason_to_issue
from hive_nornir.tasks.servers.trust_anchor import site_ca, trust_anchor

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["TlsCertificateVariables", "tls_certificate"]

# What browsers and operating systems accept at most (CA/Browser Forum Baseline Requirements 6.3.2).
LEAF_DAYS = 397


class TlsCertificateVariables(Variables):
    """What tls-certificate reads."""

    hive_private_ip: str = Field(description="The server's address inside the site; stands in its certificate.")
    hive_valid_in: int | None = Field(None, gt=0, description="Days that certificates are valid; 397 for servers when not given.")
    hive_shared_repository: object = Field(None, description="Set when the repository is a container on the mother that several hives share.")


@role()
def tls_certificate(host: Target, v: TlsCertificateVariables) -> Steps:
    """Give the server a key and a certificate of the site's CA, for the Docker API, the registry and TLS logging.

    The key is made on the server and never leaves it; the certificate is signed here. It is issued anew when the key, the names or
    the CA changed, when it is missing, and when less than a third of its lifetime is left. A running Docker is restarted then.
    """
    name = certificate_name(host, v)
    paths = CertificateFiles(host.os.tls, name, host.site.hive_name)
    key = paths.key_pair()
    request, look = paths.request(key), paths.look()
    restart = services.restarted_if_running(host.os.docker.unit, on=[paths.certificate("", "")])
    outcomes = yield [*trust_anchor(host), *_folders(host), key, request, look, *_links(host, paths)]

    # TLS-3: names and addresses are ours; what the request says about them is not looked at.
    dns, ips = list(dict.fromkeys((name, host.name))), list(dict.fromkeys((v.hive_private_ip, "127.0.0.1")))
    csr = paths.read_request(outcomes[request], key_changes=outcomes[key].status == "would-change")
    reason = reason_to_issue(paths.read_certificate(outcomes[look]), csr, site_ca(host).certificate, dns, ips)
    if not reason and not paths.restart_is_due(outcomes[look]):
        return
    days = v.hive_valid_in or LEAF_DAYS
    pem = "" if host.check or not reason else site_ca(host).sign_server(csr, dns=dns, ips=ips, days=days).decode()
    issued = paths.certificate(pem, reason + _warning(days))
    yield [issued, services.restarted_if_running(host.os.docker.unit, on=[issued])]
