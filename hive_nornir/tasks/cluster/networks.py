"""The swarm's own networks, cut from internal_cidr (spec setup-hosts.md SWM-1, SWM-3, SWM-5)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from hive_nornir.errors import OperationFailed
from hive_nornir.inventory.addressing import internal_networks, internal_networks_v6
from hive_nornir.operations.core import Change, Observed, Operation

__all__ = ["gateway_bridge", "ingress", "ipv6_rules"]

BRIDGE = "docker_gwbridge"
INGRESS = "apiarist-ingress"
# operations.md 9.
_REBUILD = (
    "put the former internal_cidr back; or rebuild: on every hive `docker swarm leave --force` and `docker network rm docker_gwbridge`, on "
    "the repository stop the compose projects, then run setup-hosts, restart Docker everywhere, build the networks and deploy the services"
)


def gateway_bridge(cidr: str | None, cidr_v6: str | None, *, check: bool) -> list[Operation]:
    """The bridge by which containers of overlay networks reach the world; Docker makes one of its own choice where none is wanted.

    It is made before the host joins a swarm, and cannot be changed afterwards.

    :param cidr: internal_cidr, and `cidr_v6` internal_cidr_v6.
    """
    if not cidr and not cidr_v6:
        return []
    wanted = [*([internal_networks(cidr).gwbridge] if cidr else []), *([internal_networks_v6(cidr_v6)] if cidr_v6 else [])]
    options = {"bridge.name": BRIDGE, "bridge.enable_icc": "false", "bridge.enable_ip_masquerade": "true"}
    words = [*(f"-o com.docker.network.{name}={value}" for name, value in options.items()), *(f"--subnet {net}" for net in wanted)]
    create = f"docker network create --driver bridge {'--ipv6 ' if cidr_v6 else ''}{' '.join(words)} {BRIDGE} >/dev/null"

    def decide(seen: Observed) -> Change | None:
        state, _, found = seen.text.partition("\n")
        present = found.split()
        if _as_wanted(present, wanted) or not (state or check):
            return None  # where no engine answers, the next operation tells
        if not present:
            return Change(f"new, {' '.join(wanted)}", create, "\n".join(f"+ {net}" for net in wanted))
        if state != "inactive":
            raise OperationFailed(
                f"{BRIDGE} has {' '.join(present)} instead of {' '.join(wanted)}: internal_cidr was changed after the swarm was built",
                _REBUILD,
            )
        diff = "\n".join([*(f"- {net}" for net in present), *(f"+ {net}" for net in wanted)])
        return Change(f"{' '.join(present)} -> {' '.join(wanted)}", f"docker network rm {BRIDGE} >/dev/null\n{create}", diff)

    probe = (
        "docker info -f '{{.Swarm.LocalNodeState}}' 2>/dev/null\n"
        f"docker network inspect -f '{{{{range .IPAM.Config}}}}{{{{.Subnet}}}} {{{{end}}}}' {BRIDGE} 2>/dev/null"
    )
    return [Operation(f"network {BRIDGE}", probe, decide, disturbs=f"{BRIDGE} is there")]


def ingress(cidr: str) -> Operation:
    """The network by which published ports are reached: Docker's own is replaced just after the swarm was founded.

    :param cidr: internal_cidr.
    """
    networks = internal_networks(cidr)
    wanted = f"{networks.ingress} {networks.ingress_gateway}"
    create = f"docker network create --driver overlay --ingress --subnet {networks.ingress} --gateway {networks.ingress_gateway} {INGRESS}"
    # The former one goes when its node has let it go; until then two are seen, or the new one is refused.
    apply = (
        f"hv_n=0\nuntil ! docker network inspect ingress >/dev/null 2>&1 && hv_said=$({create} 2>&1); do\n"
        "  hv_n=$((hv_n + 1)); [ $hv_n -lt 60 ] || { printf '%s\\n' \"${hv_said-ingress does not go}\" >&2; exit 1; }; sleep 0.5\ndone"
    )

    def decide(seen: Observed) -> Change | None:
        state, _, rest = seen.text.partition("\n")
        found = dict(line.split(" ", 1) for line in rest.splitlines() if " " in line)
        if state != "active" or wanted in found.values():
            return None
        for name, present in found.items():
            if name != "ingress":
                raise OperationFailed(f"the ingress network {name} has {present} instead of {wanted}: internal_cidr was changed", _REBUILD)
        if not found:
            return Change(f"new, {wanted}", apply, f"+ {wanted}")
        remove = "printf 'y\\n' | docker network rm ingress >/dev/null"
        return Change(f"{INGRESS} instead of ingress", f"{remove}\n{apply}", f"- {found['ingress']}\n+ {wanted}")

    show = "{{if .Ingress}}{{.Name}}{{range .IPAM.Config}} {{.Subnet}} {{.Gateway}}{{end}}{{end}}"
    probe = (
        "docker info -f '{{.Swarm.LocalNodeState}}' 2>/dev/null\n"
        f"docker network ls -q --no-trunc --filter driver=overlay 2>/dev/null | xargs -r docker network inspect -f '{show}' | grep ."
    )
    return Operation("ingress network", probe, decide)


def ipv6_rules(cidr_v6: str, v6_units: tuple[str, ...]) -> Operation:
    """That Docker itself keeps the packet filter's rules for docker_gwbridge's IPv6 range, as the role docker tells it to.

    :param cidr_v6: internal_cidr_v6.
    """
    subnet = internal_networks_v6(cidr_v6)
    wanted = {
        "chain DOCKER in filter": "ip6tables -w -t filter -S DOCKER",
        "chain DOCKER in nat": "ip6tables -w -t nat -S DOCKER",
        "masquerading": f"ip6tables -w -t nat -C POSTROUTING -s {subnet} ! -o {BRIDGE} -j MASQUERADE",
        "forwarding": f"ip6tables -w -t filter -S | grep -q -e '-i {BRIDGE} '",
        **{f"service {unit}": f"systemctl is-enabled -q {unit}" for unit in v6_units},
    }

    def decide(seen: Observed) -> Change | None:
        missing = [what for what in wanted if what not in seen.text.splitlines()]
        if missing:
            raise OperationFailed(f"IPv6 of {BRIDGE} is not filtered: no {', '.join(missing)}", "run the roles iptables and docker first")
        return None

    probe = "\n".join(f"if {{ {test}; }} >/dev/null 2>&1; then echo '{what}'; fi" for what, test in wanted.items())
    return replace(Operation(f"IPv6 rules of {BRIDGE}", probe, decide), verify=False)


def _as_wanted(present: list[str], wanted: list[str]) -> bool:
    """Whether the ranges that matter are as wanted; the IPv4 range is Docker's choice where only IPv6 is given."""
    nets, ours = {ip_network(net) for net in present}, {ip_network(net) for net in wanted}
    versions = {net.version for net in ours} | {6}
    return bool(nets) and {net for net in nets if net.version in versions} == ours
