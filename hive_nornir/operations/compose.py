"""Projects of Docker Compose: containers that run as a file describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["project"]

UP_SECONDS = 1500
READY_SECONDS = 600

# hv_stale SERVICE PATH...: whether a file is newer than the start of the service's container
_STALE = r"""hv_stale() {
  hv_s=$1; shift
  for hv_id in $(docker compose -f "$hv_file" ps -q "$hv_s"); do
    hv_t=$(docker inspect -f '{{.State.StartedAt}}' "$hv_id")
    for hv_p; do [ -z "$(find "$hv_p" -newermt "$hv_t")" ] || return 0; done
  done
  return 1
}
"""
# Compose itself tells what it would make anew: each container carries the hash of what it was made of.
_LOOK = r"""docker compose -f "$hv_file" config --hash '*' | sed 's/^/wanted /'
docker ps -a --filter "label=com.docker.compose.project=$hv_project" \
  --format 'is {{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.config-hash"}} {{.State}}'
docker network inspect -f 'subnet {{range .IPAM.Config}}{{.Subnet}} {{end}}' "${hv_project}_default"
"""


def project(
    folder: str,
    definition: Mapping[str, Any],
    *,
    group: str = "root",
    read_at_start: Mapping[str, Sequence[str]] | None = None,
    on: Sequence[Operation] = (),
    ready: str = "",
) -> list[Operation]:
    """Containers as a compose file describes them, all running; what differs is made anew, the rest is left alone.

    :param folder: in which the file is, which must exist; the project is called like it.
    :param definition: the file's contents; no secrets, the file is for others to read.
    :param group: which may read the file.
    :param read_at_start: service -> files of the host that its container reads only when it starts: it is restarted when one is newer.
    :param on: operations that change such files.
    :param ready: shell that succeeds when the project serves; waited for after a change.
    :returns: the file, and the containers.
    """
    from hive_nornir.inventory.yaml_dump import dump_yaml

    path = f"{folder}/docker-compose.yml"
    name = folder.rpartition("/")[2]
    text = "# Written by hive-nornir.\n" + dump_yaml({"name": name, **definition}, sort_keys=False)
    file = files.content(path, text, mode=0o640, group=group)
    services = tuple(definition["services"])
    subnet = _subnet(definition)
    stale = _STALE + f"hv_file={quote(path)}; hv_project={quote(name)}\n"
    tests = [(service, f"hv_stale {quote(service)} {' '.join(map(quote, paths))}") for service, paths in (read_at_start or {}).items()]
    look = "".join(f"! {test} || echo stale {quote(service)}\n" for service, test in tests)
    restart = "".join(f'! {test} || docker compose --ansi never -f "$hv_file" restart {quote(service)}\n' for service, test in tests)

    def decide(seen: Observed) -> Change | None:
        reasons = _reasons(seen.text, services, subnet)
        if seen.triggered and not reasons:
            reasons = ["its files changed"]
        if not reasons:
            return None
        down = 'docker compose --ansi never -f "$hv_file" down\n' if any(reason.startswith("network") for reason in reasons) else ""
        up = 'docker compose --ansi never -f "$hv_file" up -d --quiet-pull --remove-orphans\n'
        return Change("; ".join(reasons), stale + down + up + restart + _waiting(name, ready))

    probe = f"{stale}{{ {_LOOK}{look}}} 2>/dev/null || :"
    return [file, Operation(f"containers of {name}", probe, decide, triggered_by=(file, *on), deadline=UP_SECONDS)]


def _subnet(definition: Mapping[str, Any]) -> str:
    """The range that the project's network is to have, "" when Docker chooses."""
    network = (definition.get("networks") or {}).get("default") or {}
    return str(((network.get("ipam") or {}).get("config") or [{}])[0].get("subnet", ""))


def _reasons(text: str, services: Sequence[str], subnet: str) -> list[str]:
    """What is not as the file says, in plain words."""
    rows = [line.split() for line in text.splitlines()]
    wanted = {row[1]: row[2] for row in rows if row[:1] == ["wanted"] and len(row) == 3}
    present = {row[1]: (row[2], row[3]) for row in rows if row[:1] == ["is"] and len(row) == 4}
    ranges = [row[1:] for row in rows if row[:1] == ["subnet"]]
    found = [f"network {' '.join(each)} -> {subnet}" for each in ranges if subnet and subnet not in each]
    for service in services:
        digest, state = present.get(service, ("", "absent"))
        if state == "absent":
            found.append(f"create {service}")
        elif digest != wanted.get(service):
            found.append(f"make {service} anew")
        elif state != "running":
            found.append(f"start {service} (it is {state})")
    found += [f"remove {service}" for service in sorted(present.keys() - set(services))]
    found += [f"restart {row[1]}" for row in rows if row[:1] == ["stale"]]
    return found


def _waiting(name: str, ready: str) -> str:
    if not ready:
        return ""
    return (
        f"hv_n=0\nuntil ( {ready} ) >/dev/null 2>&1; do\n"
        f"  [ $hv_n -lt {READY_SECONDS} ] || {{ echo {quote(f'{name} does not answer after {READY_SECONDS} s')} >&2\n"
        '    docker compose --ansi never -f "$hv_file" logs --no-color --tail 10 >&2; exit 1; }\n'
        "  hv_n=$((hv_n + 1)); sleep 1\ndone\n"
    )
