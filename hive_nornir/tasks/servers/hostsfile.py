"""Role hostsfile: servers address each other by inventory name (spec setup-hosts.md 4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.inventory.yaml_source import load_yaml
from hive_nornir.operations import files, services
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.role import Target, Variables, role

__all__ = ["HostsfileVariables", "hosts_text", "hostsfile"]

SHARED_REPOSITORY = "shared-repository"
CLOUD_FOLDER = "/etc/cloud/cloud.cfg.d"
_BEGIN = re.compile(r"# BEGIN (?:hive-nornir|ANSIBLE MANAGED BLOCK) server (\S+)|# BEGIN ANSIBLE MANAGED BLOCK (?P<inherited>\S+)")


class SharedRepository(BaseModel):
    """Where the files of the shared repository are, on the mother."""

    context_dir: Path


class HostsfileVariables(Variables):
    """What hostsfile reads."""

    hive_shared_repository: SharedRepository | None = Field(
        None, description="Given when one repository, a container on the mother, serves several hives; hives then get its known address."
    )


@role()
def hostsfile(host: Target, v: HostsfileVariables) -> list[Operation]:
    """Write the addresses and names of the stage's servers to /etc/hosts.

    They stand at its top, each in a block of its own, and a server that is not in the inventory any more disappears. Neither the
    installer's `127.0.1.1 <own name>` nor cloud-init gets in the way. On the repository the syslog daemon is restarted, since it
    remembers names.
    """
    if v.hive_shared_repository is None:
        entries = {name: _line(_private_address(host, name), name) for name in host.site.servers}
    elif "hives" in host.groups:
        entries = {name: _line(_private_address(host, name), name) for name in host.site.hives}
        repository = _known_address(v.hive_shared_repository.context_dir / "hosts.yml", host)
        entries[host.site.repository] = f"{_line(repository, host.site.repository)} {SHARED_REPOSITORY}"
    else:
        return []
    hosts = files.edit("servers in /etc/hosts", "/etc/hosts", lambda text: hosts_text(text, entries, host.name), create=True)
    operations = [*_left_alone_by_cloud_init(host), hosts]
    if host.name == host.site.repository:
        operations.append(services.restarted_if_running("rsyslog.service", on=[hosts]))
    return operations


def hosts_text(text: str, entries: Mapping[str, str], own: str) -> str:
    """The hosts file with these entries and no others of ours (HOST-1, HOST-3).

    hive-builder's blocks are replaced too.

    :param entries: inventory name -> line, in the order of the inventory.
    :param own: inventory name of the server itself; no loopback address leads to it (HOST-3).
    :raises OperationFailed: a block begins and does not end.
    """
    domain = own.partition(".")[2]
    rest = _without_loopback(_without_blocks(text.splitlines(keepends=True), domain), own)
    blocks = [f"# BEGIN hive-nornir server {name}\n{line}\n# END hive-nornir server {name}\n" for name, line in entries.items()]
    return "".join([*blocks, *rest])


def _without_blocks(lines: list[str], domain: str) -> list[str]:
    """The lines outside of our blocks and of hive-builder's; a block of somebody else's Ansible is not about a server of ours."""
    kept: list[str] = []
    end = ""
    for line in lines:
        match = _BEGIN.fullmatch(line.strip())
        if end:
            end = "" if line.strip() == end else end
        elif match and (not match["inherited"] or match["inherited"].endswith(f".{domain}") or match["inherited"] == SHARED_REPOSITORY):
            end = line.strip().replace("BEGIN", "END", 1)
        else:
            kept.append(line)
    if end:
        raise OperationFailed(f"/etc/hosts has no line {end!r}", "add it where the block ends, or remove the block")
    return kept


def _without_loopback(lines: list[str], own: str) -> list[str]:
    """The lines without `127.0.1.1 <own name>`; other names on that line stay."""
    kept = []
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if address != "127.0.1.1" or own not in names:
            kept.append(line)
        elif others := [name for name in names if name not in (own, own.partition(".")[0])]:
            kept.append(f"{address} {' '.join(others)}\n")
    return kept


def _line(address: str, name: str) -> str:
    """HOST-2: a reverse look-up gives the first name, which has to be the inventory's."""
    return f"{address} {name} {name.partition('.')[0]}"


def _private_address(host: Target, name: str) -> str:
    return str(host.site.scope(name)["hive_private_ip"])


def _known_address(file: Path, host: Target) -> str:
    """The repository's address as get-public-ip has found it.

    :raises UsageError: it has not run (T-2).
    """
    missing = UsageError(f"{file} does not tell the address of {host.site.repository}", "run the role get-public-ip first")
    if not file.exists():
        raise missing
    known: Mapping[str, Any] = load_yaml(file)[0].data or {}
    address = known.get(host.site.hive_name, {}).get(host.site.repository)
    if not address:
        raise missing
    return str(address)


def _left_alone_by_cloud_init(host: Target) -> list[Operation]:
    """cloud-init would write the file anew at every start (L-16)."""
    if not host.facts.cloud_init:
        return []
    return [files.with_folder(files.content(f"{CLOUD_FOLDER}/99-hive-hosts.cfg", "manage_etc_hosts: false\n"), CLOUD_FOLDER)]
