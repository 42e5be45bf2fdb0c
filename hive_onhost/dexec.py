"""`dexec`: run a command in a task of a service, on whichever node it is (swarm-extension.md 4)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from hive_onhost.engines import Engines
from hive_onhost.failure import ENGINE, Failure
from hive_onhost.options import SELECTION, UsageProblem, parse, run
from hive_onhost.services import Task, running_task, tasks_of

__all__ = ["attach", "list_tasks", "main"]

USAGE = f"""\
usage: dexec [-1|-2|-3|-N NUMBER] [--node NODE] [-n|-T] SERVICE COMMAND...
       dexec --json SERVICE
Run a command in a running task of a service, wherever it is.
{SELECTION}
  -n, -T, --no-tty
               no terminal, only standard input; so it is too when input or output is none
  --json       list the service's tasks
The exit code is the command's; 125 when an engine fails, 127 when there is no such service or task."""


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_dexec, arguments, USAGE)


def _dexec(arguments: Sequence[str]) -> int:
    options = parse(arguments, "nT", ("no-tty", "json"))
    service, *command = options.arguments or ("",)
    if not service:
        raise UsageProblem("a service is wanted")
    engines = Engines.from_environment()
    if "json" in options.switches:
        return list_tasks(engines, service)
    if not command:
        raise UsageProblem("a command is wanted")
    with running_task(engines, service, options) as (task, _node):
        pass  # what follows replaces this process
    return attach(engines, task, command, terminal=not options.switches & {"n", "T", "no-tty"})


def list_tasks(engines: Engines, service: str) -> int:
    """Print a service's tasks as JSON (UTL-7)."""
    with engines.connect(engines.swarm) as swarm:
        print(json.dumps([task.as_dict() for task in tasks_of(swarm, service)], indent=2))
    return 0


def attach(engines: Engines, task: Task, command: Sequence[str], *, terminal: bool) -> int:
    """Become docker's own `exec`, which knows all about terminals, their size, and standard input that ends before the output does.

    :param terminal: give the command a terminal if we have one (UTL-8).
    :raises Failure: docker's command is not there.
    """
    both = terminal and os.isatty(0) and os.isatty(1)  # sys.stdin is None when it is closed
    options = ["--interactive", *(["--tty", "--env", f"TERM={os.environ.get('TERM', 'xterm')}"] if both else [])]
    words = [*engines.docker_command(engines.address(task.node)), "exec", *options, task.container, *command]
    try:
        os.execvp(words[0], words)  # noqa: S606 - no shell is wanted (UTL-6)
    except OSError as error:
        raise Failure(f"cannot run docker: {error}", ENGINE) from error
