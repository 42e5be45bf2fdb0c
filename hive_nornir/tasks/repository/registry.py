"""Role registry: the site's own registry of images on the repository server (spec setup-hosts.md 4.23)."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from hive_nornir.inventory.addressing import internal_networks
from hive_nornir.operations import compose, files, firewall
from hive_nornir.operations.core import Operation
from hive_nornir.tasks import programs
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.repository.htpasswd import htpasswd
from hive_nornir.tasks.repository.images import image
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.server_certificate import certificate_name, server_certificate

__all__ = ["RegistryVariables", "registry"]

# In the container; on the host it is hive_registry_port.
_PORT = 5000
_CERTIFICATE, _KEY, _USERS = "/certs/certificate.pem", "/certs/key.pem", "/auth/htpasswd"


class RegistryVariables(Variables):
    """What registry reads."""

    hive_registry_port: int = Field(5000, description="On which the registry listens.")
    hive_registry_fqdn: str = Field(description="The name by which the site's servers call it.")
    hive_safe_docker_login_user: str = Field("hive", description="Who may push and pull; the password is in the file registry_password.")
    hive_internal_cidr: str | None = Field(None, description="Range from which Docker's networks are cut.")
    hive_private_ip: str = Field(description="The server's address inside the site; stands in the certificate.")
    hive_safe_admin: str = Field("admin", description="The administrator's account, in whose home the registry's files are.")
    hive_admin_group: str | None = Field(None, description="Its group; of the same name without it.")
    hive_home_dir: str = Field(description="Its home.")
    hive_shared_repository: object = Field(None, description="Given when one repository, a container on the mother, serves several hives.")


@role()
def registry(host: Target, v: RegistryVariables) -> Steps:
    """Run a registry of images, over TLS, for whoever knows its password.

    Only the stage's servers reach its port. It has a certificate of its own and starts anew when that is renewed. `dxf` is the
    administrator's command to look into it.
    """
    folder, group = f"{v.hive_home_dir}/registry", v.hive_admin_group or v.hive_safe_admin
    password = host.site.secret("registry_password")
    name = certificate_name(host, shared=bool(v.hive_shared_repository))
    certificate = server_certificate(host, name, v.hive_private_ip, purpose="registry")
    mounted = {
        host.os.tls.certificate(f"{name}-registry"): _CERTIFICATE,
        host.os.tls.key(f"{name}-registry"): _KEY,
        f"{folder}/htpasswd": _USERS,
    }
    users = htpasswd(f"{folder}/htpasswd", v.hive_safe_docker_login_user, password, group=group)  # REG-2
    outcomes = yield [
        needed(host, "folder for certificates", f"[ -d {host.os.tls.folder}/misc ]", "tls-certificate"),
        needed(host, "Docker Compose", "docker compose version", "docker-compose"),
        needed(host, f"python-dxf in {programs.VENV}", f"[ -x {programs.VENV}/bin/dxf ]", "pip-venv"),
        # F-5, P-9. The clients of a shared repository come from outside of the stage, so it is not closed.
        *firewall.published_set(host.os, "registry", "tcp", [] if v.hive_shared_repository else [v.hive_registry_port], _servers(host)),
        *certificate.operations,
        files.directory(folder, owner=v.hive_safe_admin, group=group),
        users,
        *compose.project(  # REG-1
            folder,
            _definition(v, mounted),
            group=group,
            read_at_start={"registry": list(mounted)},
            on=[certificate.installed, users],
            ready=_refuses_strangers(v),
        ),
        *_client(host, v, folder, group, password),
    ]
    certificate.note(outcomes)


def _servers(host: Target) -> list[str]:
    return [str(host.site.scope(name)["hive_private_ip"]) for name in host.site.servers]


def _definition(v: RegistryVariables, mounted: dict[str, str]) -> dict[str, Any]:
    """REG-1: the compose file; of the host it sees its own certificate, key and users, and nothing else."""
    binds = [
        {"type": "bind", "source": source, "target": target, "read_only": True, "bind": {"create_host_path": False}}
        for source, target in mounted.items()
    ]
    service = {
        "image": image("registry"),
        "container_name": "registry",
        "restart": "always",
        "ports": [f"{v.hive_registry_port}:{_PORT}"],
        "environment": {
            "REGISTRY_HTTP_TLS_CERTIFICATE": _CERTIFICATE,
            "REGISTRY_HTTP_TLS_KEY": _KEY,
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_PATH": _USERS,
            "REGISTRY_AUTH_HTPASSWD_REALM": "Registry Realm",
            "REGISTRY_STORAGE_DELETE_ENABLED": "true",
        },
        "volumes": [{"type": "volume", "source": "regdata", "target": "/var/lib/registry"}, *binds],
    }
    found: dict[str, Any] = {"services": {"registry": service}, "volumes": {"regdata": {}}}
    if v.hive_internal_cidr:
        found["networks"] = {"default": {"ipam": {"config": [{"subnet": internal_networks(v.hive_internal_cidr).registry}]}}}
    return found


def _refuses_strangers(v: RegistryVariables) -> str:
    """REG-3: it answers over TLS that the host trusts, and wants a password (wget's exit code 6)."""
    url = f"https://{v.hive_registry_fqdn}:{v.hive_registry_port}/v2/"
    return f"wget -q -t 1 -T 5 --no-proxy -O /dev/null {url}; [ $? = 6 ]"


def _client(host: Target, v: RegistryVariables, folder: str, group: str, password: str) -> list[Operation]:
    """REG-4: the administrator's command that knows the registry's address and password."""
    settings = {
        "host": f"{v.hive_registry_fqdn}:{v.hive_registry_port}",
        "user": v.hive_safe_docker_login_user,
        "password": password,
        "ca": host.os.ca.bundle,
    }
    text, owner = json.dumps(settings, indent=2) + "\n", v.hive_safe_admin
    return [
        files.content(f"{folder}/credentials.json", text, mode=0o600, owner=owner, group=group, secret=True),
        programs.program("hive_onhost"),
        programs.command("dxf", "hive_onhost"),
        # The environment has a dxf of its own, which knows nothing of these settings.
        files.with_folder(files.link(f"{programs.FRONT}/dxf", programs.path("hive_onhost")), programs.FRONT),
    ]
