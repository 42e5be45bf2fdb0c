"""Scripts in a running container: `docker exec` through the root shell of the server that it runs on.

The container needs nothing but /bin/sh, busybox's for example. A script travels over standard input, so it is in no process list, neither
on the server nor in the container.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Mapping

from hive_nornir.connections.channels import START, one_line, prelude
from hive_nornir.connections.transport import Completed, Traffic, Transport
from hive_nornir.errors import ConnectionFailed

__all__ = ["ContainerTransport"]

# By how much the server outlasts the container's own timeout, which not every image has.
_MORE_SECONDS = 5
_LOOK_SECONDS = 15.0
_PAUSE_SECONDS = 1.0
# What sh says when busybox's timeout ended it: 128 + SIGTERM; coreutils' ends with 124.
_TERMINATED, _TIMED_OUT = 143, 124

PROGRAM = rf"""{START}
IFS= read -r script
if timeout -k 5 9 true; then set -- timeout -k 5 "$2"; elif timeout 9 true; then set -- timeout "$2"; else set --; fi 2>/dev/null
exec "$@" /bin/sh /dev/fd/3 3<<EOS
$(printf %b "$script")
EOS"""
"""As `channels.ONCE`, for shells and programs that are not known before."""


class ContainerTransport:
    """`Transport` into a container, as root.

    :param shell: of the server, for nobody else meanwhile.
    :param container: its id: a container of the same name that takes its place is not entered.
    :param name: what messages call it: `image_web on p-hive3.example`.
    :param environment: variables that scripts have, such as those of a proxy; nobody else in the container has them.
    """

    def __init__(self, shell: Transport, container: str, name: str, environment: Mapping[str, str] | None = None) -> None:
        self.shell = shell
        self.container = container
        self.name = name
        self.traffic: Traffic = shell.traffic  # all of it goes to the container
        self.environment = dict(environment or {})
        self._exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in (environment or {}).items())

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        """Run a script (see `Transport.run`).

        A container without timeout(1) goes on with a script that the server has given up.

        :raises ConnectionFailed: the container does not run, or has no /bin/sh.
        """
        mark, seconds = secrets.token_hex(12), max(1, round(deadline))
        enter = ["docker", "exec", "-i", "-u", "0", "-w", "/", self.container]
        command = [*enter, "/bin/sh", "-c", PROGRAM, "hive-nornir", mark, str(seconds)]
        body = f'{self._exports}HIVE_PRELUDE={shlex.quote(prelude())}\neval "$HIVE_PRELUDE"\n{script}'
        done = self.shell.run(f"exec {shlex.join(command)}", deadline=seconds + _MORE_SECONDS, stdin=one_line(body) + (stdin or b""))
        greeting = f"+{mark}\n".encode()
        if greeting not in done.stdout:
            if done.exit_code == _TIMED_OUT:
                return done
            raise self._closed(done)
        code = _TIMED_OUT if done.exit_code == _TERMINATED else done.exit_code
        return Completed(code, done.stdout.partition(greeting)[2], done.stderr.partition(greeting)[2])

    def proof_of_entry(self, port: int | None = None) -> None:  # noqa: ARG002 - a container has no port of ours
        """Enter the container; nothing that is done in it can close the way in, which is the engine's (see `Transport.proof_of_entry`)."""
        self.run(":", deadline=_LOOK_SECONDS)

    def reopen(self, deadline: float) -> None:
        """Enter the container again, through a new connection to its server: it is still the same one (see `Transport.reopen`).

        :raises ConnectionFailed: the server does not answer, or the container does not run any more.
        """
        give_up = time.monotonic() + deadline
        self.shell.reopen(deadline)
        while True:
            try:
                self.run(":", deadline=_LOOK_SECONDS)
            except ConnectionFailed:
                if not self._may_return() or time.monotonic() > give_up:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def close(self) -> None:
        """Drop the connection to the server (see `Transport.close`)."""
        self.shell.close()

    def _may_return(self) -> bool:
        """Whether it is there and about to run: it is being started or restarted."""
        look = f"docker inspect -f '{{{{.State.Status}}}}' {shlex.quote(self.container)}"
        return self.shell.run(look, deadline=_LOOK_SECONDS).stdout.strip() in (b"created", b"restarting", b"running")

    def _closed(self, done: Completed) -> ConnectionFailed:
        said = (done.stderr.decode("utf-8", "replace").strip() or done.stdout.decode("utf-8", "replace").strip()).splitlines()
        why = said[-1] if said else f"exit code {done.exit_code}"
        if "/bin/sh" in why:
            return ConnectionFailed(f"{self.name} has no /bin/sh, so no role can work in it", "use a base image with a shell")
        return ConnectionFailed(f"{self.name} cannot be entered: {why.removeprefix('Error response from daemon: ')}")
