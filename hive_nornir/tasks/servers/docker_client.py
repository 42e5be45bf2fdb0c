"""Role docker-client: the administrator's way to the Docker of all servers; dexec, dsh and dcp (spec setup-hosts.md 4.15)."""

from __future__ import annotations

import json

from pydantic import Field

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files, packages
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks import programs
from hive_nornir.tasks.preconditions import needed
from hive_nornir.tasks.role import Steps, Target, Variables, role
from hive_nornir.tasks.servers.api_client import api_client
from hive_nornir.tasks.servers.docker.daemon import API_PORT

__all__ = ["CONFIGURATION", "DockerClientVariables", "certificates", "docker_client"]

CONFIGURATION = "/etc/hive/onhost.json"
COMMANDS = ("dexec", "dsh", "dcp")


class DockerClientVariables(Variables):
    """What docker-client reads."""

    hive_safe_admin: str = Field("admin", description="The administrator's account, which gets the certificate.")
    hive_admin_group: str | None = Field(None, description="Its group; of the same name without it.")
    hive_home_dir: str = Field(description="Its home.")


@role()
def docker_client(host: Target, v: DockerClientVariables) -> Steps:
    """Give the administrator a certificate for the Docker API of all servers, and the commands that reach a service's tasks with it.

    The certificate is this host's and this user's own, and good for nothing else. `dexec`, `dsh` and `dcp` ask the first hive where a task
    is; DOCKER_HOST and HIVE_NAME in the environment name another hive.
    """
    user, group = v.hive_safe_admin, v.hive_admin_group or v.hive_safe_admin
    folder = certificates(v.hive_home_dir)
    client = api_client(host, user, folder, group=group)
    sdk = f"ls -d {programs.VENV}/lib/python3*/site-packages/docker-*.dist-info"
    outcomes = yield [
        needed(host, "folder for certificates", f"[ -d {host.os.tls.folder}/misc ]", "tls-certificate"),
        needed(host, f"Docker SDK in {programs.VENV}", sdk, "pip-venv"),  # DCL-2
        _home(user, v.hive_home_dir),
        packages.present(host.os.manager, host.os.packages.terminal),  # DCL-4
        files.directory(folder, mode=0o700, owner=user, group=group),
        *client.operations,  # DCL-1
        _configuration(host),
        programs.program("hive_onhost"),
        *(programs.command(name, "hive_onhost") for name in COMMANDS),  # DCL-3
    ]
    client.note(outcomes)


def certificates(home: str) -> str:
    """The folder of the administrator's certificate for Docker's API.

    :param home: the variable hive_home_dir.
    """
    return f"{home}/.docker"


def _home(user: str, home: str) -> Operation:
    """That files are put where the user's programs look for them."""

    def decide(seen: Observed) -> Change | None:
        actual = seen.text.strip()
        if actual != home:
            raise OperationFailed(
                f"the home of {user} is {actual or 'unknown'}, and hive_home_dir is {home}", "set hive_home_dir to the account's home"
            )
        return None

    return Operation(f"home of {user}", f"getent passwd {quote(user)} | cut -d: -f6", decide)


def _configuration(host: Target) -> Operation:
    """What the commands take when the environment says nothing."""
    [first] = host.site.groups["first_hive"]
    settings = {"docker_host": f"{first}:{API_PORT}", "hive_name": host.site.hive_name}
    return files.with_folder(files.content(CONFIGURATION, json.dumps(settings, indent=2) + "\n"), CONFIGURATION.rpartition("/")[0])
