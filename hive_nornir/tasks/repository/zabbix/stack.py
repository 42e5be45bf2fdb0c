"""The containers of Zabbix: server, web console and database (spec setup-hosts.md ZBX-1, ZBX-3)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from hive_nornir.inventory.addressing import internal_networks
from hive_nornir.operations import compose, files
from hive_nornir.operations.core import Operation
from hive_nornir.tasks.repository.images import image
from hive_nornir.tasks.repository.zabbix.variables import ZabbixVariables

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["CONSOLE_PORT", "TRAPPER_PORT", "URL", "Network", "network", "secret_files", "stack"]

TRAPPER_PORT, CONSOLE_PORT = 10051, 10052
# The console is reached through the loopback only (P-9).
URL = f"http://127.0.0.1:{CONSOLE_PORT}/api_jsonrpc.php"
# The account inside of Zabbix' images, which has to read the password of the database.
_UID = 1997
# The range where the site reserves none: hive-builder's choice, which the agents' settings rely on.
_DEFAULT_RANGE = "172.21.0.0/16"


@dataclass(frozen=True)
class Network:
    """The containers' range and addresses; `bridge` is the host's own in it."""

    subnet: str
    bridge: str
    server: str
    web: str
    db: str


def network(internal_cidr: str | None) -> Network:
    """The addresses of the containers (spec setup-hosts.md 1.1, slot 7/8)."""
    if internal_cidr:
        cut = internal_networks(internal_cidr)
        return Network(cut.zabbix, cut.zabbix_bridge, cut.zabbix_server, cut.zabbix_web, cut.zabbix_db)
    first, second, third, fourth = (str(IPv4Network(_DEFAULT_RANGE)[offset]) for offset in (1, 2, 3, 4))
    return Network(_DEFAULT_RANGE, first, second, third, fourth)


def secret_files(host: Target, v: ZabbixVariables) -> list[Operation]:
    """The passwords, each for one purpose and in a file for whoever needs it (P-14).

    They are those of the database's root, of Zabbix in the database, and of the console's Admin.
    """
    folder = f"{v.folder}/secrets"

    def file(name: str, secret: str, owner: str = "root") -> Operation:
        return files.content(f"{folder}/{name}", host.site.secret(secret) + "\n", mode=0o600, owner=owner, secret=True)

    return [
        files.directory(v.folder, owner=v.hive_safe_admin, group=v.group),
        files.directory(folder, mode=0o700),
        file("db_root_password", "zabbix_db_root_password"),
        file("db_password", "zabbix_db_password", owner=str(_UID)),
        file("admin_password", "zabbix_admin_password"),
    ]


def stack(v: ZabbixVariables, secrets: list[Operation]) -> list[Operation]:
    """The compose file, and the containers as it says."""
    readers = {service: [f"{v.folder}/secrets/db_password"] for service in ("server", "web")}
    return compose.project(v.folder, _definition(v), group=v.group, read_at_start=readers, on=secrets, ready=_READY)


# The server listens when the database is filled.
_READY = (
    f"docker exec zabbix-server bash -c ': </dev/tcp/127.0.0.1/{TRAPPER_PORT}' && "
    "wget -q -t 1 -T 20 --no-proxy -O - --header 'Content-Type: application/json-rpc' "
    f'--post-data \'{{"jsonrpc":"2.0","method":"apiinfo.version","params":{{}},"id":1}}\' {URL} | grep -q \'"result"\''
)


def _definition(v: ZabbixVariables) -> dict[str, Any]:
    """The compose file. Secrets are in files of their own, and the console listens on loopback."""
    addresses = network(v.hive_internal_cidr)
    database = {
        "DB_SERVER_HOST": "zabbix-db",
        "MYSQL_DATABASE": "zabbix",
        "MYSQL_USER": "zabbix",
        "MYSQL_PASSWORD_FILE": "/run/secrets/db_password",
    }

    def service(name: str, tag: str, address: str, **more: Any) -> dict[str, Any]:
        return {
            "image": tag,
            "container_name": f"zabbix-{name}",
            "restart": "unless-stopped",
            "networks": {"default": {"ipv4_address": address}},
            **more,
        }

    services = {
        "db": service(
            "db",
            image("mariadb"),
            addresses.db,
            command=["--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"],
            environment={
                "MARIADB_DATABASE": "zabbix",
                "MARIADB_USER": "zabbix",
                "MARIADB_PASSWORD_FILE": "/run/secrets/db_password",
                "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/db_root_password",
                "TZ": v.hive_timezone,
            },
            secrets=["db_password", "db_root_password"],
            volumes=["db:/var/lib/mysql"],
        ),
        "server": service(
            "server",
            image("zabbix_server", v.hive_zabbix_server_tag),
            addresses.server,
            environment={**database, "ZBX_VALUECACHESIZE": "64M", "TZ": v.hive_timezone},
            ports=[f"{TRAPPER_PORT}:{TRAPPER_PORT}"],
            secrets=["db_password"],
            volumes=["alertscripts:/usr/lib/zabbix/alertscripts", "externalscripts:/usr/lib/zabbix/externalscripts"],
            depends_on=["db"],
        ),
        "web": service(
            "web",
            image("zabbix_web", v.hive_zabbix_web_tag),
            addresses.web,
            environment={**database, "ZBX_SERVER_HOST": "zabbix-server", "PHP_TZ": v.hive_timezone, "TZ": v.hive_timezone},
            ports=[f"127.0.0.1:{CONSOLE_PORT}:8080"],
            secrets=["db_password"],
            depends_on=["db", "server"],
        ),
    }
    return {
        "services": services,
        "secrets": {name: {"file": f"{v.folder}/secrets/{name}"} for name in ("db_password", "db_root_password")},
        "volumes": {"db": {}, "alertscripts": {}, "externalscripts": {}},
        "networks": {"default": {"ipam": {"config": [{"subnet": addresses.subnet, "gateway": addresses.bridge}]}}},
    }
