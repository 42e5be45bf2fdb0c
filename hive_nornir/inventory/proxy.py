"""The HTTP proxy that the mother sees and the servers do not (spec cli.md 3, operations.md 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hive_nornir.errors import UsageError

__all__ = ["ProxyForward", "proxy_address"]

_ADDRESS = re.compile(r"(?:\[([\w:.%]+)\]|(\w[\w.-]*)):(\d{1,5})", re.ASCII)


def proxy_address(text: str) -> tuple[str, int]:
    """Read the variable `http_proxy`.

    :param text: `host:port`; an IPv6 address stands in brackets.
    :raises UsageError: it is something else.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise UsageError(f"http_proxy must be host:port, not {text!r}", "for example proxy.example:8080, without http://")
    return found[1] or found[2], int(found[3])


@dataclass(frozen=True)
class ProxyForward:
    """A port of a server that leads through its SSH connection to the proxy.

    :param port: where the server listens.
    :param proxy: `host:port` as the mother sees it.
    :param address: the server's own, at which its programs and containers look for the port (BASE-3).
    """

    port: int
    proxy: str
    address: str

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> ProxyForward | None:
        """What a server's variables ask for; None without a proxy.

        :raises UsageError: the proxy or the port is none.
        """
        proxy = str(variables.get("hive_http_proxy") or "")
        if not proxy:
            return None
        proxy_address(proxy)
        port = str(variables.get("hive_http_proxy_port") or 3128)
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise UsageError(f"http_proxy_port must be a port, not {port!r}", "it is 3128 unless it is set")
        return cls(int(port), proxy, str(variables["hive_private_ip"]))

    @property
    def destination(self) -> tuple[str, int]:
        """The proxy's host and port."""
        return proxy_address(self.proxy)
