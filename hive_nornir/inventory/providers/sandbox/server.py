"""One server: a container that runs systemd and sshd."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.base import ProviderSite, ServerSpec
from hive_nornir.inventory.providers.sandbox import machine, names
from hive_nornir.inventory.providers.sandbox.image import DEFAULT

if TYPE_CHECKING:
    import docker

__all__ = ["Started", "admin", "create", "find", "image_name", "look", "wait"]

STOP_SECONDS = 60

# systemd answers only some time after the start; `--wait` then lasts until the boot has ended.
_WAIT = """
end=$(($(date +%s) + SECONDS_LEFT))
while :; do
    left=$((end - $(date +%s)))
    if [ $left -le 0 ]; then
        echo "systemd says: $(systemctl is-system-running 2>&1)"
        systemctl list-jobs --no-legend --plain --no-pager 2>&1 | head -n 3
        exit 1
    fi
    state=$(timeout "$left" systemctl is-system-running --wait 2>/dev/null)
    case $state in running|degraded) break ;; esac
    sleep 0.1
done
"""
# The engine's exec is the trusted channel: who may run it owns the server anyway.
_LOOK = """
echo "failed $(systemctl list-units --failed --plain --no-legend --no-pager | cut -d' ' -f1 | tr '\\n' ' ')"
echo "port $(sshd -T 2>/dev/null | sed -n 's/^port //p' | head -n 1)"
sed 's/^/key /' /etc/ssh/ssh_host_*_key.pub | cut -d' ' -f1-3
"""
_AUTHORIZE = """
home=$(getent passwd "$ADMIN" | cut -d: -f6)
file=$home/.ssh/authorized_keys
grep -qxF -e "$AUTHORIZED_KEY" "$file" 2>/dev/null || {
    install -d -m 700 -o "$ADMIN" -g "$ADMIN_GROUP" "$home/.ssh"
    printf '%s\\n' "$AUTHORIZED_KEY" >>"$file"
    chown "$ADMIN:$ADMIN_GROUP" "$file"
    chmod 600 "$file"
}
"""


@dataclass(frozen=True)
class Started:
    """What a running server says of itself through the engine.

    :param port: where its sshd listens.
    :param host_keys: its public host keys, `ssh-ed25519 AAAA…`.
    :param failed: names of failed units.
    """

    port: int
    host_keys: tuple[str, ...]
    failed: tuple[str, ...]


def image_name(server: ServerSpec) -> str:
    """The image that the definitions want."""
    return str(server.variables.get("hive_vm_image_name", DEFAULT))


def admin(server: ServerSpec) -> str:
    """The admin account (spec inventory.md 3.1)."""
    return str(server.variables.get("hive_admin", "admin"))


def find(client: docker.DockerClient, site: ProviderSite, server: ServerSpec) -> Any | None:
    """The container of a server, if there is one."""
    import docker

    try:
        found = client.containers.get(names.container(site, server))
    except docker.errors.NotFound:
        return None
    if not names.is_mine(site, found.labels):
        raise ProviderError(
            f"{server.name}: container {found.name} belongs to {found.labels.get(names.CONTEXT, 'somebody else')}", "destroy it from there"
        )
    return found


def create(client: docker.DockerClient, site: ProviderSite, server: ServerSpec, tag: str, public_key: str) -> Any:
    """Create a server's volume, the one that all servers share, and its container, not yet started.

    :param tag: image, as `image.ensure` returns it.
    :param public_key: one OpenSSH line, which the admin account will accept.
    :returns: the container.
    """
    client.volumes.create(names.volume(site, server), labels=names.labels(site, server))
    client.volumes.create(names.files(site), labels=names.labels(site))
    endpoint = client.api.create_endpoint_config(ipv4_address=server.private_ip)
    made = client.api.create_container(
        tag,
        name=names.container(site, server),
        hostname=server.short_name,
        environment=_environment(server, public_key),
        labels=names.labels(site, server, image_name(server)),
        host_config=_host_config(client, site, server),
        networking_config=client.api.create_networking_config({names.network(site): endpoint}),  # type: ignore[arg-type]  # the stub is wrong
        stop_signal="SIGRTMIN+3",
        stop_timeout=STOP_SECONDS,
    )
    return client.containers.get(made["Id"])


def _environment(server: ServerSpec, public_key: str) -> dict[str, str]:
    return {
        "ADMIN": admin(server),
        "ADMIN_GROUP": str(server.variables.get("hive_admin_group", admin(server))),
        "ADMIN_UID": str(server.variables.get("hive_admin_uid", "")),
        "ADMIN_GID": str(server.variables.get("hive_admin_gid", "")),
        "AUTHORIZED_KEY": public_key,
        "NAMESERVERS": " ".join(machine.nameservers()),
    }


def _host_config(client: docker.DockerClient, site: ProviderSite, server: ServerSpec) -> dict[str, Any]:
    from docker.types import LogConfig

    shared = ["/lib/modules", *machine.local_folders(machine.pip_settings())]
    memory = server.variables.get("hive_memory_size")
    volumes = [f"{names.volume(site, server)}:/var/lib/docker", f"{names.files(site)}:{names.FILES}"]
    config: dict[str, Any] = client.api.create_host_config(
        cap_add=["ALL"],
        # SYS_RESOURCE is missing from some machines' bounding set; with SYS_TIME a server's time zone moves the whole machine's clock.
        cap_drop=["SYS_RESOURCE", "SYS_TIME"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        cgroupns="private",
        tmpfs={"/run": "", "/run/lock": ""},
        binds=[*volumes, *(f"{path}:{path}:ro" for path in shared if machine.has_files(path))],
        network_mode=names.network(site),
        # So that a reboot from inside comes back, and a halted server stays halted when the engine restarts.
        restart_policy={"Name": "unless-stopped"},
        mem_limit=f"{int(memory)}m" if memory else None,
        log_config=LogConfig(type="json-file", config={"max-size": "1m"}),
    )
    # What the docker command calls --security-opt systempaths=unconfined.
    return {**config, "MaskedPaths": [], "ReadonlyPaths": []}


def wait(container: Any, server: ServerSpec, public_key: str, deadline: float) -> Started:
    """Wait until a server has booted and its sshd answers, and make sure that the admin account takes our key.

    :param public_key: our key as it is now; the servers may have been created by a checkout whose keys are lost.
    :param deadline: `time.monotonic()` by which it must be so.
    :raises ProviderError: it is not; with what systemd says of itself.
    """
    seconds = max(1, int(deadline - time.monotonic()))
    environment = {**_environment(server, public_key), "SECONDS_LEFT": str(seconds)}
    code, output = _run(container, _WAIT + _AUTHORIZE + _LOOK, seconds + 10, environment)
    if code:
        console = container.logs(tail=5).decode(errors="replace")
        said = " / ".join((output.strip() or console.strip()).splitlines()) or "it said nothing"
        raise ProviderError(
            f"{server.name} did not boot within {seconds} s: {said}", f"look into it with `docker exec -it {container.name} sh`"
        )
    started = _read(server, output)
    _wait_for_ssh(server, started.port, deadline)
    return started


def look(container: Any, server: ServerSpec) -> Started:
    """What a running server says of itself."""
    code, output = _run(container, _LOOK, 30)
    if code:
        raise ProviderError(f"{server.name}: cannot be looked into: {output.strip()}", "is it running? build the stage first")
    return _read(server, output)


def _read(server: ServerSpec, output: str) -> Started:
    rows = [line.split(" ", 1) for line in output.splitlines() if " " in line]
    keys = tuple(value for word, value in rows if word == "key")
    values = dict(rows)
    if not keys:
        raise ProviderError(f"{server.name} has no SSH host key", "destroy the server, then build it anew")
    return Started(int(values.get("port") or 22), keys, tuple(values.get("failed", "").split()))


def _run(container: Any, script: str, seconds: int, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a script in a server, as root, through the engine."""
    result = container.exec_run(["timeout", "-k", "5", str(seconds), "sh", "-c", script], environment=environment)
    return int(result.exit_code), result.output.decode(errors="replace")


def _wait_for_ssh(server: ServerSpec, port: int, deadline: float) -> None:
    problem: Exception | str = ""
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((server.private_ip, port), timeout=2) as connection:
                if connection.recv(4) == b"SSH-":
                    return
                problem = "something else answers"
        except OSError as error:
            problem = error
        time.sleep(0.05)
    raise ProviderError(
        f"{server.name}: no sshd answers at {server.private_ip} port {port}: {problem}", "a firewall, or a sshd that did not start"
    )
