"""Ansible's connection into a container of a server: OpenSSH to the server, `docker exec` there.

What is run travels over standard input, so it is in no process list. Read by ansible-core; nothing of ours imports it.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

from hive_nornir.connections.channels import one_line

DOCUMENTATION = """
name: hive_container
short_description: Containers of a site's servers
description: Runs modules in a container of a server that is reached through SSH.
options:
  server:
    description: The server, as ssh_config names it.
    required: true
    vars: [{name: hive_container_server}]
  container:
    description: The container's id.
    required: true
    vars: [{name: hive_container_id}]
  ssh_arguments:
    description: What OpenSSH is given, a list.
    type: list
    elements: str
    required: true
    vars: [{name: hive_container_ssh}]
  sudo:
    description: Whether the server's user needs sudo for Docker.
    type: bool
    required: true
    vars: [{name: hive_container_sudo}]
"""
# `read` takes a byte at a time, so what follows the line is the standard input of what is run.
_PROGRAM = 'IFS= read -r line; eval "$(printf %b "$line")"'
# ssh's own, where it does not come to the command.
_NO_CONNECTION = 255


class Connection(ConnectionBase):  # type: ignore[misc] # ansible-core has no types
    """Ansible's name for the class of a connection plugin."""

    transport = "hive_container"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | str | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command of a shell in the container."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        given = in_data.encode("utf-8", "surrogateescape") if isinstance(in_data, str) else in_data or b""
        done = subprocess.run(self._argv(), input=one_line(cmd) + given, capture_output=True, check=False)  # noqa: S603 - no shell
        if done.returncode == _NO_CONNECTION:
            raise AnsibleConnectionFailure(done.stderr.decode("utf-8", "replace").strip() or "the server cannot be reached")
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the container."""
        super().put_file(in_path, out_path)
        self._checked(self.exec_command(f"cat >{shlex.quote(out_path)}", Path(in_path).read_bytes()), out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the container."""
        super().fetch_file(in_path, out_path)
        Path(out_path).write_bytes(self._checked(self.exec_command(f"cat {shlex.quote(in_path)}"), in_path))

    def close(self) -> None:
        """End; OpenSSH's shared connection ends by itself."""
        self._connected = False

    def _argv(self) -> list[str]:
        enter = ["docker", "exec", "-i", "-u", "0", "-w", "/", self._option("container"), "/bin/sh", "-c", _PROGRAM]
        enter = ["sudo", "-n", *enter] if self._option("sudo") else enter
        return ["ssh", *self._option("ssh_arguments"), self._option("server"), shlex.join(enter)]

    def _option(self, name: str) -> Any:
        return self.get_option(name)

    def _checked(self, done: tuple[int, bytes, bytes], what: str) -> bytes:
        code, out, err = done
        if code:
            raise AnsibleConnectionFailure(f"{what}: {err.decode('utf-8', 'replace').strip() or f'exit code {code}'}")
        return out
