"""`dsh`: a shell in a task of a service (swarm-extension.md 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hive_onhost.dexec import attach, list_tasks
from hive_onhost.engines import Engines
from hive_onhost.failure import NOT_FOUND, Failure
from hive_onhost.options import SELECTION, UsageProblem, parse, run
from hive_onhost.services import Task, running_task

if TYPE_CHECKING:
    import docker

__all__ = ["main"]

USAGE = f"""\
usage: dsh [-1|-2|-3|-N NUMBER] [--node NODE] [-n|-T] SERVICE
       dsh --json SERVICE
A shell in a running task of a service, wherever it is: ash, bash or sh, the first that is there.
{SELECTION}
  -n, -T, --no-tty
               no terminal: commands come from standard input
  --json       list the service's tasks"""
SHELLS = ("/bin/ash", "/bin/bash", "/bin/sh")


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_dsh, arguments, USAGE)


def _dsh(arguments: Sequence[str]) -> int:
    options = parse(arguments, "nT", ("no-tty", "json"))
    if len(options.arguments) != 1:
        raise UsageProblem("one service is wanted")
    [service] = options.arguments
    engines = Engines.from_environment()
    if "json" in options.switches:
        return list_tasks(engines, service)
    with running_task(engines, service, options) as (task, node):
        shell = _shell_in(node, task)
    return attach(engines, task, [shell], terminal=not options.switches & {"n", "T", "no-tty"})


def _shell_in(node: docker.DockerClient, task: Task) -> str:
    """The first shell that runs in a task.

    :raises Failure: there is none.
    """
    import docker

    container = node.containers.get(task.container)
    for shell in SHELLS:
        try:
            if container.exec_run([shell, "-c", ":"]).exit_code == 0:
                return shell
        except docker.errors.APIError as error:
            # Older engines refuse to start what is not there, newer ones tell by the exit code.
            if error.response is None or error.response.status_code != 400:
                raise
    raise Failure(f"{task.name} has none of {', '.join(SHELLS)}", NOT_FOUND)
