"""Role get-public-ip: the addresses by which a shared repository's other members see a server (spec setup-hosts.md 4.2)."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.shared_hosts import SharedHosts
from hive_nornir.operations.core import Change, Observed, Operation
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.hostsfile import SharedRepository

__all__ = ["GetPublicIpVariables", "get_public_ip"]

# Where the mother reaches servers by their private addresses.
_LOCAL = ("sandbox", "vagrant", "prepared", "kickstart")
_ASK = "curl -sf -m 5"
# What each cloud tells its machines about themselves, at a link-local address that nobody outside can answer for (GPI-1).
_METADATA = {
    "aws": (
        f"t=$({_ASK} -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)\n"
        f'{_ASK} -H "X-aws-ec2-metadata-token: $t" http://169.254.169.254/latest/meta-data/public-ipv4'
    ),
    "gcp": (
        f"{_ASK} -H 'Metadata-Flavor: Google' "
        "http://169.254.169.254/computeMetadata/v1/instance/network-interfaces/0/access-configs/0/external-ip"
    ),
    "azure": (
        f"{_ASK} -H 'Metadata: true' 'http://169.254.169.254/metadata/instance/network/interface/0/ipv4/ipAddress/0/publicIpAddress"
        "?api-version=2021-02-01&format=text'"
    ),
    "openstack": f"{_ASK} http://169.254.169.254/latest/meta-data/public-ipv4",
}


class GetPublicIpVariables(Variables):
    """What get-public-ip reads."""

    hive_shared_repository: SharedRepository | None = Field(
        None, description="Given when one repository, a container on the mother, serves several hives."
    )
    hive_provider: str = Field("", description="The infrastructure; clouds tell a server its public address.")
    hive_private_ip: str = Field(description="The server's address inside the site.")
    hive_published_ip: str | None = Field(None, description="The server's public address, where the inventory says it.")


def _wanted(v: GetPublicIpVariables) -> bool:
    return v.hive_shared_repository is not None


@role(when=_wanted, condition="hive_shared_repository is defined")
def get_public_ip(host: Target, v: GetPublicIpVariables) -> Steps:
    """Note the server's address, as other hives see it, in the shared repository's `hosts` and `hosts.yml`.

    Where the mother reaches servers by their private addresses that is the private one, else what the inventory says, else what the cloud
    tells the server itself. The shared repository's container reads the file anew when it changed.
    """
    assert v.hive_shared_repository is not None  # noqa: S101 - or the role would not apply

    def decide(seen: Observed) -> Change | None:
        _address(host, v, seen)
        return None

    asked = Operation("public address", _METADATA.get(v.hive_provider, ":"), decide)
    outcomes = yield [asked]
    seen = outcomes[asked].observed
    if seen is None:
        return
    shared = SharedHosts(v.hive_shared_repository.context_dir)
    diff = shared.record(host.site.hive_name, host.name, _address(host, v, seen), is_hive="hives" in host.groups, write=not host.check)
    change = Change("noted on this machine", ":", diff) if diff else None
    yield [Operation(f"address of {host.name} in {shared.folder}", ":", lambda _seen: change, verify=False)]


def _address(host: Target, v: GetPublicIpVariables, seen: Observed) -> str:
    """The address by which others see the server (GPI-1)."""
    if v.hive_provider in _LOCAL:
        return v.hive_private_ip
    found = v.hive_published_ip or seen.text.strip()
    try:
        return str(ip_address(found))
    except ValueError:
        raise OperationFailed(
            f"{v.hive_provider} does not tell {host.name} its public address (it says {found!r})", "write it as hive_published_ip"
        ) from None
