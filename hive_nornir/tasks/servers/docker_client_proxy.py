"""Role docker-client-proxy: containers get the proxy of the administrator's login (spec setup-hosts.md 4.16)."""

from __future__ import annotations

from pydantic import Field

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks import programs
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.role import Target, Variables, role
from hive_nornir.tasks.servers.docker_client import certificates

__all__ = ["DockerClientProxyVariables", "docker_client_proxy"]


class DockerClientProxyVariables(Variables):
    """What docker-client-proxy reads."""

    hive_safe_admin: str = Field("admin", description="The administrator's account.")
    hive_admin_group: str | None = Field(None, description="Its group; of the same name without it.")
    hive_home_dir: str = Field(description="Its home.")


@role()
def docker_client_proxy(host: Target, v: DockerClientProxyVariables) -> list[Operation]:
    """Let containers that the administrator starts inherit HTTP_PROXY, HTTPS_PROXY and NO_PROXY of its login.

    They stand in docker's own `~/.docker/config.json`, whose other keys, such as logins to registries, stay. When the login has no
    HTTP_PROXY any more, they go. The engine's own proxy is the role docker's business.
    """
    path = f"{certificates(v.hive_home_dir)}/config.json"
    program = programs.path("hive_onhost")
    owner, group = v.hive_safe_admin, v.hive_admin_group or v.hive_safe_admin
    return [
        needed(host, f"program {program}", f"[ -x {program} ]", "docker-client"),
        _configuration(path, f"{owner}:{group}", wanted="HTTP_PROXY" in host.facts.admin_environment),
        files.rights(path, mode=0o600, owner=owner, group=group),
    ]


def _configuration(path: str, owners: str, *, wanted: bool) -> Operation:
    """DCP-1. The file is compared and made on the host: logins and a proxy's password are neither fetched nor shown."""
    quoted, program = quote(path), programs.path("hive_onhost")
    render = f"{program} hive-docker-proxy {quoted}"
    summary = "the proxy of the login" if wanted else "no proxy any more"
    # The point keeps a newline at the end from getting lost.
    write = Change(summary, f'hv_new=$({render} && echo .)\nprintf %s "${{hv_new%.}}" | hv_write {quoted} 600 {quote(owners)}')

    def decide(seen: Observed) -> Change | None:
        verdict, _, said = seen.text.partition(" ")
        if verdict == "refused":
            raise OperationFailed(f"{path} cannot be used: {said.strip()}", "mend it, or remove it")
        # In the plan of a fresh server the program that would tell is still to come.
        return write if verdict == "differs" or (verdict == "unknown" and wanted) else None

    probe = (
        f"if [ ! -x {program} ]; then printf unknown\n"
        f"elif ! hv_new=$({render} 2>&1 && echo .); then printf 'refused %s' \"$hv_new\"\n"
        f'elif [ "$hv_new" = . ] || [ "$hv_new" = "$(cat {quoted} 2>/dev/null && echo .)" ]; then printf same\n'
        "else printf differs; fi"
    )
    return Operation(f"proxy in {path}", probe, decide)
