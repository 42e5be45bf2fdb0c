"""A Nornir task for what an operator wants to know now: a shell script on every host that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nornir.core.task import Result

if TYPE_CHECKING:
    from nornir.core.task import Task

    from hive_nornir.connections.shell import SshTransport

__all__ = ["command"]


def command(task: Task, script: str, deadline: float = 60.0) -> Result:
    """Run a shell script as root: `site.nornir.run(task=command, script="uptime")`.

    When the caller is interrupted, the script is stopped on the host. In a dry run it is not run, since nobody knows what it would do.

    :param script: for /bin/sh; seen in no process list.
    :param deadline: seconds after which the host stops it.
    :returns: `result` is its standard output, `stderr` and `exit_code` the rest; failed when the exit code is not 0.
    """
    if task.is_dry_run():
        return Result(host=task.host, result="not run: this is a dry run", hive_status="skipped")
    transport: SshTransport = task.host.get_connection("hive", task.nornir.config)
    done = transport.run_attended(script, deadline=deadline)
    said, errors = (text.decode("utf-8", "replace").rstrip("\n") for text in (done.stdout, done.stderr))
    result = Result(host=task.host, result=said or errors if done.exit_code else said, failed=done.exit_code != 0, exit_code=done.exit_code)
    result.stderr = errors
    return result
