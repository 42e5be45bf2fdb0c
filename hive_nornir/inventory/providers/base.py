"""What an infrastructure has to offer: a provider is one module with a class that fits `Provider`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

__all__ = ["ConnectionData", "Provider", "ProviderSite", "Resource", "ServerSpec"]


@dataclass(frozen=True)
class ServerSpec:
    """A server as the definitions want it.

    :param name: inventory name, `p-hive0.example`.
    :param private_ip: its address inside the site.
    :param groups: its inventory groups.
    :param variables: its variables, rendered when read; a Mapping without the undefined ones.
    """

    name: str
    private_ip: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]

    @property
    def short_name(self) -> str:
        """The first label of the name: the host's own name (spec inventory.md 3)."""
        return self.name.split(".", 1)[0]


@dataclass(frozen=True)
class ProviderSite:
    """Everything that a provider is told about the site and stage that it serves.

    :param root: the site's folder.
    :param context_dir: `.hive/<stage>`, where state lives.
    :param servers: in order, the repository last.
    :param mother: the mother's variables (hive_cidr, hive_subnets, …).
    :param progress: called with (server or resource name, plain words) when something begins or ends.
    """

    hive_name: str
    stage: str
    root: Path
    context_dir: Path
    servers: Sequence[ServerSpec]
    mother: Mapping[str, Any]
    progress: Callable[[str, str], None] = field(default=lambda _name, _text: None)


@dataclass(frozen=True)
class Resource:
    """Something that a provider makes, as it is and as it should be.

    :param kind: network, server, image, volume, …
    :param state: `present`, `missing`, `stopped`, `differs` or `unknown`.
    :param detail: what differs, or what would be destroyed, in plain words.
    """

    kind: str
    name: str
    state: str
    detail: str = ""


@dataclass(frozen=True)
class ConnectionData:
    """How the mother reaches a server.

    :param hostname: address for SSH.
    :param user: the admin account (spec inventory.md 3.1).
    :param host_keys: OpenSSH public host keys (`ssh-ed25519 AAAA…`) that the provider knows from a trusted channel;
        empty when it cannot tell, and the first contact decides.
    """

    hostname: str
    user: str
    port: int = 22
    host_keys: tuple[str, ...] = ()


class Provider(Protocol):
    """An infrastructure.

    :cvar name: what a stage's `provider` says.
    :cvar extra: the pip extra with its libraries, "" if it needs none.
    :cvar description: one line for `hive-nornir providers`.
    """

    name: str
    extra: str
    description: str

    def plan(self, site: ProviderSite) -> list[Resource]:
        """Every resource with its state; reads only, writes nothing anywhere."""

    def build(self, site: ProviderSite) -> bool:
        """Create what is missing, start what is stopped. Idempotent. Returns whether anything was changed.

        :raises ProviderError: with the name of the resource.
        """

    def halt(self, site: ProviderSite) -> bool:
        """Stop the servers, keep their data. Returns whether anything was changed."""

    def destroy(self, site: ProviderSite) -> bool:
        """Delete everything that belongs to this site and stage, and nothing else. Returns whether anything was changed."""

    def connection(self, site: ProviderSite, server: ServerSpec) -> ConnectionData:
        """How to reach a server that exists."""
