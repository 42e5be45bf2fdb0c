"""Role ntp-client: the site's own time servers (spec setup-hosts.md 4.5)."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from hive_nornir.operations import files, packages, services
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.os_model import Chrony
from hive_nornir.tasks.role import Target, Variables, role

__all__ = ["NtpVariables", "chrony_text", "ntp_client"]

BEGIN, END = "# BEGIN hive-nornir time servers", "# END hive-nornir time servers"
_BLOCK = re.compile(rf"(?ms)^{BEGIN}\n.*?^{END}(?:\n|\Z)")
# Where chronyd learns of servers: from chrony.conf itself, and from folders that DHCP clients and clouds write (chrony.conf(5)).
_SOURCE = r"^[ \t]*(?:server|pool|peer)[ \t]+(\S+)"
_FOLDER = r"^[ \t]*sourcedir[ \t]+(\S+)"


class NtpVariables(Variables):
    """What ntp-client reads."""

    hive_ntp_servers: list[str] = Field(default_factory=list, description="Names or addresses of the site's time servers.")
    hive_ntp_keep_provided: bool = Field(
        False, description="Keep the time service that the cloud provides at a link-local address (Amazon Linux) beside them."
    )

    @field_validator("hive_ntp_servers", mode="before")
    @classmethod
    def _a_list(cls, servers: object) -> object:
        # hive-builder's own sites write one server as a text.
        return [servers] if isinstance(servers, str) else servers

    @field_validator("hive_ntp_servers")
    @classmethod
    def _one_word_each(cls, servers: list[str]) -> list[str]:
        for server in servers:
            if not re.fullmatch(r"[A-Za-z0-9.:_-]+", server):
                raise ValueError(f"{server!r} is neither a name nor an address")
        return servers


def _servers_are_given(v: NtpVariables) -> bool:
    return bool(v.hive_ntp_servers)


@role(when=_servers_are_given, condition="hive_ntp_servers is set")
def ntp_client(host: Target, v: NtpVariables) -> list[Operation]:
    """Take the time from the site's servers, and from no others.

    The distribution's default servers and pools are commented out, and so are folders of servers that DHCP or a cloud would add.
    chronyd runs, also after a restart of the system, and is restarted when its servers change.
    """
    data = host.os.chrony
    servers = [f"server {server} iburst" for server in v.hive_ntp_servers]
    keep = data.provided_sources if v.hive_ntp_keep_provided else ()
    config = files.edit(f"time servers in {data.config}", data.config, lambda text: chrony_text(text, servers, data, keep), create=True)
    sources = [config]
    if data.sources_file:
        folder = data.sources_file.rpartition("/")[0]
        own = files.content(data.sources_file, "".join(f"{line}\n" for line in servers))
        sources += [files.with_folder(own, folder), _other_sources(data.sources_file, folder)]
    return [packages.present(host.os.manager, [data.package]), *sources, services.running(data.unit, restart_on=sources)]


def chrony_text(text: str, servers: list[str], data: Chrony, keep: tuple[str, ...]) -> str:
    """chrony.conf without other time servers than the site's (NTP-1, P-47).

    :param servers: lines; they stand in the file unless the distribution has a folder for them.
    :param keep: servers of the cloud that stay, and with them the folders in which it may name them.
    """

    def without(match: re.Match[str]) -> str:
        return match[0] if match[1] in (*keep, folder) else f"#{match[0]}"

    folder = data.sources_file.rpartition("/")[0]
    rest = re.sub(_SOURCE, without, _BLOCK.sub("", text), flags=re.MULTILINE)
    if not keep:
        rest = re.sub(_FOLDER, without, rest, flags=re.MULTILINE)
    own = [f"sourcedir {folder}"] if folder and not re.search(rf"(?m)^[ \t]*sourcedir[ \t]+{re.escape(folder)}[ \t]*$", rest) else []
    lines = own if folder else servers
    if not lines:
        return rest
    separator = "" if not rest or rest.endswith("\n") else "\n"
    return rest + separator + "\n".join([BEGIN, *lines, END, ""])


def _other_sources(own: str, folder: str) -> Operation:
    """The folder's other files name no servers; which ones there are differs from release to release."""
    mine, other = quote(own), f"{quote(folder)}/*.sources"
    pattern = "'^[[:space:]]*\\(server\\|pool\\|peer\\)[[:space:]]'"
    probe = f'for hv_s in {other}; do [ "$hv_s" = {mine} ] || grep -sH {pattern} -- "$hv_s"; done'
    apply = (
        f"for hv_s in {other}; do\n"
        f'if [ "$hv_s" = {mine} ] || ! grep -q {pattern} -- "$hv_s"; then continue; fi\n'
        'sed \'s/^[[:space:]]*\\(server\\|pool\\|peer\\)[[:space:]]/#&/\' -- "$hv_s" | hv_write "$hv_s" 644 0:0\ndone'
    )

    def decide(seen: Observed) -> Change | None:
        found = seen.text.splitlines()
        return Change(f"comment out {len(found)} servers", apply, "\n".join(f"- {line}" for line in found)) if found else None

    return Operation(f"no other time servers in {folder}", probe, decide)
