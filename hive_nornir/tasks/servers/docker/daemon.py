"""The engine's configuration and unit (spec setup-hosts.md DOC-2, DOC-3)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import Docker

__all__ = ["API_PORT", "configuration", "configuration_file", "override", "override_text"]

API_PORT = 2376
# Engines before 23.0 cannot check a configuration.
_VALIDATE = 'case $(dockerd --help 2>&1) in *--validate*) dockerd --validate --config-file "$hv_v" ;; esac'


def configuration(
    *, address: str, ca: str, certificate: str, key: str, mirror: str | None, vfs: bool, ipv6: bool = False
) -> dict[str, Any]:
    """The contents of daemon.json: ours alone.

    :param address: on which the API listens.
    :param ca: file with the CA whose clients are let in.
    :param mirror: URL of a registry mirror.
    :param vfs: the storage driver that works on any file system, slow and large.
    :param ipv6: whether Docker keeps the packet filter's rules for IPv6 as it does those for IPv4 (SWM-5).
    """
    found: dict[str, Any] = {
        "hosts": ["unix:///var/run/docker.sock", f"tcp://{address}:{API_PORT}"],
        "tlsverify": True,
        "tlscacert": ca,
        "tlscert": certificate,
        "tlskey": key,
        # Swarm works with no other backend (spec F-6).
        "iptables": True,
    }
    # Engines before 27.0 call it experimental; later ones do it anyway.
    more = {"experimental": True, "ip6tables": True} if ipv6 else {}
    return found | more | ({"registry-mirrors": [mirror]} if mirror else {}) | ({"storage-driver": "vfs"} if vfs else {})


def configuration_file(settings: dict[str, Any]) -> Operation:
    """`/etc/docker/daemon.json`, checked by the engine itself where it can."""
    return files.content("/etc/docker/daemon.json", json.dumps(settings, indent=2) + "\n", mode=0o600, validate=_VALIDATE)


def override(docker: Docker, bip: str) -> Operation:
    """Our drop-in of the unit: the distribution's own start command, without listeners and with docker0's address."""
    path, unit = quote(docker.override), quote(docker.unit)
    folder = quote(docker.override.rpartition("/")[0])
    probe = (
        f"hv_fragment=$(systemctl show -p FragmentPath -- {unit}); hv_fragment=${{hv_fragment#FragmentPath=}}\n"
        f'[ -z "$hv_fragment" ] || cat -- "$hv_fragment"\nprintf "\\n%s\\n" ==\ncat {path} 2>/dev/null || :'
    )

    def decide(seen: Observed) -> Change | None:
        unit_text, _, present = seen.text.partition("\n==\n")
        if not unit_text.strip():
            # In a plan its package is still to come; when that was installed, something is wrong.
            return Change("made from the unit of the package", f"echo 'the packages did not bring {docker.unit}' >&2; exit 1")
        wanted = override_text(unit_text, bip)
        if present.strip() == wanted.strip():
            return None
        diff = "\n".join([*(f"- {line}" for line in present.splitlines()), *(f"+ {line}" for line in wanted.splitlines())])
        write = f"mkdir -p -- {folder}\nhv_write {path} 644 root:root <<'E'\n{wanted}E"
        return Change("content" if present.strip() else "new", write, diff)

    return Operation(f"unit file {docker.override}", probe, decide)


def override_text(unit: str, bip: str) -> str:
    """The drop-in for a unit.

    :param unit: the distribution's unit file.
    :param bip: docker0's address with prefix length.
    :raises OperationFailed: the unit starts nothing.
    """
    found = re.findall(r"^ExecStart=(.+)$", unit.replace("\\\n", " "), re.MULTILINE)
    if not found:
        raise OperationFailed("the unit of Docker has no ExecStart")
    lines = [
        "# Written by hive-nornir.",
        "[Unit]",
        "Wants=network-online.target",
        "After=network-online.target",
        # The address to listen on may come late: try for ever, and let ourselves restart it as often as there is a reason.
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "RestartSec=15",
        # The proxy variables, if there are any.
        "EnvironmentFile=-/etc/environment",
        # Listeners are in daemon.json, and the engine refuses to have them in both places.
        "ExecStart=",
        f"ExecStart={_without_listeners(found[-1])} --bip={bip}",
    ]
    return "\n".join(lines) + "\n"


def _without_listeners(command: str) -> str:
    kept, words = [], iter(command.split())
    for word in words:
        if word in ("-H", "--host", "--bip"):
            next(words, None)
        elif not re.match(r"-H|--host=|--bip=", word):
            kept.append(word)
    return " ".join(kept)
