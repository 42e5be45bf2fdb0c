"""Variables that follow from others (spec inventory.md 3.1, setup-hosts.md 1), as plain functions.

`v` is always an object's variables, rendered when read. A site sets `hive_X`, the product reads `hive_safe_X`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hive_nornir.inventory.model import Kind

__all__ = ["DERIVED", "Surroundings", "derived_names", "published_ports", "python_revision"]

_ADMINS = {"vagrant": "vagrant", "aws": "ec2-user", "azure": "hiveadmin"}
_LIBSELINUX_FAMILY = ("AlmaLinux", "RedHat")
_FIRST_INTERNAL_PORT = 10000

Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What a derived variable can see besides its own object's variables; all of the current stage.

    :param repository: the name of the repository server, "" when the stage has none.
    :param repository_variables: reads the repository server's variables.
    :param services: reads the variables of every service.
    """

    name: str
    kind: Kind
    repository: str
    repository_variables: Callable[[], Variables]
    services: Callable[[], Iterable[Variables]]


def admin(v: Variables, around: Surroundings) -> str:
    """`hive_safe_admin`: the account that the product logs in to."""
    if v.get("hive_admin"):
        return str(v["hive_admin"])
    if v.get("hive_shared_repository") and around.name == around.repository:
        return "admin"
    return _ADMINS.get(str(v.get("hive_provider", "")), "admin")


def home_dir(v: Variables, around: Surroundings) -> str:
    """`hive_home_dir`: the administrator's home, the context directory on the mother."""
    return str(v["hive_context_dir"]) if around.kind == "mother" else f"/home/{admin(v, around)}"


def registry_fqdn(v: Variables, around: Surroundings) -> str:
    """`hive_registry_fqdn`: the host name of the image registry."""
    shared = (v if around.kind in ("server", "mother") else around.repository_variables()).get("hive_shared_repository")
    return "shared-repository" if shared else around.repository


def registry(v: Variables, around: Surroundings) -> str:
    """`hive_registry`: host and port of the image registry.

    Services see it too, unlike in hive-builder: `image: "{{ hive_registry }}/x"` is what its own comments advertise.
    """
    here = v if around.kind in ("server", "mother") else around.repository_variables()
    return f"{registry_fqdn(v, around)}:{here.get('hive_registry_port', 5000)}"


def private_key_path(v: Variables, _: Surroundings) -> str:
    """`hive_safe_private_key_path`: the administrator's private key, on the mother."""
    return str(v.get("hive_private_key_path", f"{v['hive_context_dir']}/id_rsa"))


def public_key_path(v: Variables, around: Surroundings) -> str:
    """`hive_safe_public_key_path`."""
    return str(v.get("hive_public_key_path", f"{private_key_path(v, around)}.pub"))


def published_ports(services: Iterable[Variables], protocol: str) -> list[str]:
    """The ports below 10000 that services publish with a protocol, as texts; higher ones are for the inside (spec inventory.md 5.4)."""
    ports = [port for service in services for port in service.get("hive_ports") or []]
    numbers = {int(port["published_port"]) for port in ports if port.get("published_port") and port.get("protocol", "tcp") == protocol}
    return [str(number) for number in sorted(numbers) if number < _FIRST_INTERNAL_PORT]


def python_revision(v: Variables, distribution: str) -> str:
    """`hive_safe_python_revision`: which Python's packages a server gets; needs the server's facts, so it is not in `DERIVED`.

    :param distribution: as Ansible calls it: `AlmaLinux`, `RedHat`, `Debian` …
    """
    default = "3" if v.get("hive_need_libselinux") or distribution in _LIBSELINUX_FAMILY else "3.9"
    return str(v.get("hive_python_revision", default))


def _default(name: str, value: Any) -> Callable[[Variables, Surroundings], Any]:
    return lambda v, _: v.get(name, value)


_EVERYWHERE: dict[str, Callable[[Variables, Surroundings], Any]] = {
    "hive_registry": registry,
    "hive_registry_fqdn": registry_fqdn,
}

DERIVED: dict[str, Callable[[Variables, Surroundings], Any]] = {
    **_EVERYWHERE,
    "hive_home_dir": home_dir,
    "hive_published_ports_tcp": lambda _, around: published_ports(around.services(), "tcp"),
    "hive_published_ports_udp": lambda _, around: published_ports(around.services(), "udp"),
    "hive_safe_admin": admin,
    "hive_safe_docker_login_user": _default("hive_docker_login_user", "hive"),
    "hive_safe_email": _default("hive_email", "hive@example.com"),
    "hive_safe_need_libselinux": _default("hive_need_libselinux", False),
    "hive_safe_private_key_path": private_key_path,
    "hive_safe_public_key_path": public_key_path,
    "hive_safe_selinux": _default("hive_selinux", "permissive"),
    "hive_safe_shared_repository_ports": lambda v, _: [2376, 2377, 10050] if v.get("hive_shared_repository") else [],
    "hive_safe_sshd_port": _default("hive_sshd_port", 22),
    "hive_safe_syslog_port": _default("hive_syslog_port", 10514),
}
"""Name -> function of an object's variables and surroundings."""


def derived_names(kind: Kind) -> Iterable[str]:
    """The derived variables that objects of a kind have: all on servers and the mother, the registry's address everywhere."""
    return DERIVED if kind in ("server", "mother") else _EVERYWHERE
