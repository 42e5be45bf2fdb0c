"""A member as the swarm sees it: its role, and a label for every group of the inventory (spec setup-hosts.md SWM-4, SWM-6)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.servers.docker.daemon import API_PORT

if TYPE_CHECKING:
    from hive_nornir.tasks.cluster.hives import Hives

__all__ = ["MARK", "node"]

# Which labels are ours, so that one whose group is gone can be told from the operator's own.
MARK = "hive-nornir.groups"
_SHOW = "{{.Spec.Role}} {{.Status.State}} {{json .Spec.Labels}}"
# A worker knows nothing of nodes: a manager is asked over its API.
_ASK = """hv_swarm() {{
  hv_said=$(docker "$@" 2>&1) && {{ printf '%s\\n' "$hv_said"; return 0; }}
  case $hv_said in *'not a swarm manager'*) ;; *) printf '%s\\n' "$hv_said" >&2; return 1 ;; esac
  for hv_m in {managers}; do
    DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH={certificates} timeout 10 docker -H "tcp://$hv_m:{port}" "$@" && return 0
  done
  return 1
}}
hv_id=$(docker info -f '{{{{.Swarm.NodeID}}}}' 2>/dev/null) || hv_id="""

# While the managers elect another leader, and shortly after, nodes are unknown.
_PATIENTLY = """[ -n "$hv_id" ] || exit 0
hv_n=0
while :; do
  hv_state=$(hv_swarm node inspect -f {show} "$hv_id" 2>&1); hv_n=$((hv_n + 1))
  case $hv_state in *' ready '*) break ;; esac
  [ $hv_n -lt 20 ] || break
  sleep 1
done
printf '%s\\n' "$hv_state"
"""


def node(hives: Hives, groups: Collection[str], known: Collection[str], certificates: str) -> Operation:
    """The host's role and labels in the swarm, and that it is ready.

    :param groups: of the host.
    :param known: every group of the inventory: labels of hive-builder are called so too.
    :param certificates: folder with those of Docker's API.
    """
    mode = hives.modes[hives.own]
    ask = _ASK.format(managers=" ".join(map(quote, hives.managers)), certificates=quote(certificates), port=API_PORT)

    def decide(seen: Observed) -> Change | None:
        if not seen.text.strip():
            return None  # no member; that is told before
        role, _, rest = seen.text.partition(" ")
        state, _, rest = rest.partition(" ")
        if role not in ("manager", "worker"):
            raise OperationFailed("the swarm does not tell about this host", "see `docker node ls` on a manager", seen.text)
        if state != "ready":
            raise OperationFailed(f"the swarm calls this host {state}", "see `docker node ls` on a manager, and the engine's journal here")
        options, words, diff = _labels(json.loads(rest) or {}, groups, known)
        if role != mode:
            options, words, diff = [*options, f"--role {mode}"], [*words, f"role {mode}"], [*diff, f"- role {role}", f"+ role {mode}"]
        if not options:
            return None
        return Change(", ".join(words), f'{ask}\nhv_swarm node update {" ".join(options)} "$hv_id" >/dev/null', "\n".join(diff))

    probe = f"{ask}\n{_PATIENTLY.format(show=quote(_SHOW))}"
    return Operation("node of the swarm", probe, decide)


def _labels(present: Mapping[str, str], groups: Collection[str], known: Collection[str]) -> tuple[list[str], list[str], list[str]]:
    """What has to be done to labels: options of `docker node update`, the same in words, and a diff."""
    recorded = present.get(MARK, "").split(",")
    ours = {name for name, value in present.items() if value == "true" and (name in recorded or name in known)}
    add = {name: "true" for name in groups if present.get(name) != "true"}
    if sorted(recorded) != sorted(groups):
        add[MARK] = ",".join(sorted(groups))
    gone = sorted(ours - set(groups))
    options = [*(f"--label-add {quote(f'{name}={value}')}" for name, value in add.items()), *(f"--label-rm {quote(name)}" for name in gone)]
    words = [f"labels {', '.join(name for name in add if name != MARK) or MARK}"] if add else []
    words += [f"no labels {', '.join(gone)}"] if gone else []
    return options, words, [*(f"- {name}=true" for name in gone), *(f"+ {name}={value}" for name, value in add.items())]
