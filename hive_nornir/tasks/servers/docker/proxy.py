"""The proxy of the running engine, which it takes over only when it starts (spec setup-hosts.md DOC-3, DCP-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_nornir.operations.core import Change, Observed, Operation, quote

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import OsData

__all__ = ["proxy_in_use"]

_NAMES = "(http|https|no)_proxy|(HTTP|HTTPS|NO)_PROXY"


def proxy_in_use(os: OsData, address: str) -> Operation:
    """A reason to restart the engine: it runs without a proxy variable of logins, or with a proxy of ours that is gone.

    What else somebody gave it stays. An address of somebody else's proxy may hold a password, so it never leaves the server.

    :param address: the server's own, where our proxy is (BASE-3).
    """
    unit, file, quotes = quote(os.docker.unit), quote(os.environment_file), quote("'\"")
    probe = (
        f"hv_pid=$(systemctl show -p MainPID -- {unit}); hv_pid=${{hv_pid#MainPID=}}\n"
        'if [ "${hv_pid:-0}" -gt 0 ]; then\n'
        f"  hv_wanted=$(grep -E '^({_NAMES})=' {file} 2>/dev/null | tr -d {quotes})\n"
        f"  hv_now=$(tr '\\0' '\\n' <\"/proc/$hv_pid/environ\" | grep -E '^({_NAMES})=')\n"
        f'  {{ printf \'%s\\n\' "$hv_wanted" | grep -vxFe "$hv_now"\n'
        f"    printf '%s\\n' \"$hv_now\" | grep -F '=http://{address}:' | grep -vxFe \"$hv_wanted\"; }} | grep -q . && echo other\n"
        "fi; :"
    )

    def decide(seen: Observed) -> Change | None:
        return Change("other proxy variables than logins have", ":") if seen.text.strip() else None

    # Only the restart that follows makes it so.
    return Operation(f"proxy of {os.docker.unit}", probe, decide, verify=False)
