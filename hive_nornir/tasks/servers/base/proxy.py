"""BASE-3, BASE-4, BASE-15: the way out through the operator's proxy, and what pip uses.

The proxy arrives through the remote forward of the operator's SSH connection, so every server finds it at its own address.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hive_nornir.operations import files, services
from hive_nornir.operations.core import Change, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["environment", "environment_text", "environment_values", "metadata_refresh", "pip_configuration"]

BEGIN, END = "# BEGIN hive-nornir environment", "# END hive-nornir environment"
_BLOCK = re.compile(rf"(?ms)^{re.escape(BEGIN)}\n.*?^{re.escape(END)}(?:\n|\Z)")


def environment(host: Target, v: BaseVariables) -> Operation:
    """BASE-3, BASE-4: the variables of every login, in one block; none when nothing is set any more (M-3).

    What fetches packages after this must find them, so a new login is made when they change.
    """
    path = host.os.environment_file
    values = environment_values(host, v)
    block = files.edit(f"variables in {path}", path, lambda text: environment_text(text, values), create=bool(values))
    return replace(block, relogin=True)


def environment_values(host: Target, v: BaseVariables) -> dict[str, str]:
    """What a login on the server must have in its environment."""
    values: dict[str, str] = {}
    if v.proxy_url:
        without = ",".join(("localhost", "127.0.0.1", *host.site.servers, *host.site.services))
        for name, value in (("http_proxy", v.proxy_url), ("https_proxy", v.proxy_url), ("no_proxy", without)):
            values |= {name: value, name.upper(): value}
        values["PIP_CERT"] = host.os.ca.anchor_of(host.site.hive_name)
    if v.hive_pip_index_url:
        values["PIP_INDEX_URL"] = v.hive_pip_index_url
    if v.hive_pip_trusted_host:
        values["PIP_TRUSTED_HOST"] = v.hive_pip_trusted_host
    return values


def environment_text(text: str, values: dict[str, str]) -> str:
    """/etc/environment with our block; lines of the same names outside of it go, such as hive-builder's."""
    rest = _BLOCK.sub("", text)
    if not values:
        return rest
    names = "|".join(map(re.escape, values))
    rest = re.sub(rf"(?m)^(?:export\s+)?(?:{names})=.*(?:\n|\Z)", "", rest)
    block = "".join(f"{name}={value}\n" for name, value in values.items())
    return f"{rest}{'' if not rest or rest.endswith(chr(10)) else chr(10)}{BEGIN}\n{block}{END}\n"


def pip_configuration(v: BaseVariables) -> list[Operation]:
    """BASE-4, P-17: behind a proxy pip trusts the site's CA; hosts that were trusted without a check are trusted no more."""
    if not (v.proxy_url or v.hive_vagrant_proxy):
        return []
    return [files.without_lines("/etc/pip.conf", r"^\s*trusted-host\s*=")]


def metadata_refresh(host: Target, v: BaseVariables) -> list[Operation]:
    """BASE-15: what refreshes the package index by itself goes through the proxy too."""
    repositories = host.os.repositories
    operations: list[Operation] = []
    if repositories.proxy_file:
        operations.append(_proxy_file(repositories.proxy_file, host.os.environment_file, v))
    if repositories.makecache_unit:
        # Without a proxy in that file it changes nothing, so it need not go.
        path = f"/etc/systemd/system/{repositories.makecache_unit}.d/hive-proxy.conf"
        operations += services.unit_file(path, f"[Service]\nEnvironmentFile=-{host.os.environment_file}\n")
    return operations


def _proxy_file(path: str, environment_file: str, v: BaseVariables) -> Operation:
    """The package manager's own configuration, since it is also started where no login's environment is."""
    if v.proxy_url:
        return files.content(path, _acquire(v.proxy_url) + "\n")
    # A proxy that somebody else has set up, outside of our block: its address may hold a password, so it never leaves the server.
    block, quoted = f"/^{BEGIN}$/,/^{END}$/d", quote(path)
    wanted = (
        f"hv_proxy=$(sed {quote(block)} {quote(environment_file)} 2>/dev/null | sed -n 's/^HTTP_PROXY=//p' | tail -n 1 | tr -d '\"')\n"
        f'hv_wanted="{_acquire("$hv_proxy", escape=chr(92))}"\n'
    )
    probe = (
        f'{wanted}if [ -z "$hv_proxy" ]; then [ ! -e {quoted} ] || echo needless\n'
        f'elif [ "$hv_wanted" != "$(cat {quoted} 2>/dev/null)" ]; then echo due; fi'
    )
    changes = {
        "needless": Change("no proxy any more: remove it", f"rm -f -- {quoted}"),
        "due": Change(f"the proxy of {environment_file}", f"{wanted}printf '%s\\n' \"$hv_wanted\" | hv_write {quoted} 644 0:0"),
    }
    return Operation(f"file {path}", probe, lambda seen: changes.get(seen.text.strip()))


def _acquire(url: str, escape: str = "") -> str:
    return "\n".join(f'Acquire::{scheme}::Proxy {escape}"{url}{escape}";' for scheme in ("http", "https"))
