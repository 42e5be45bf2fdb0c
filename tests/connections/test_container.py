"""Scripts in a container, whose engine is this machine's shell."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from hive_nornir.connections.container import ContainerTransport
from hive_nornir.connections.transport import Completed, Traffic
from hive_nornir.errors import ConnectionFailed

NAME = "image_web on p-hive3.example"


class Server:
    """A server's root shell; `docker exec` runs what it is given right here, or says what `refusal` is."""

    def __init__(self, refusal: str = "", state: str = "exited") -> None:
        self.traffic = Traffic()
        self.refusal = refusal
        self.state = state
        self.scripts: list[str] = []
        self.reopened = 0

    def run(self, script: str, *, deadline: float, stdin: bytes | None = None) -> Completed:
        self.scripts.append(script)
        words = shlex.split(script)
        if words[:2] == ["docker", "inspect"]:
            return Completed(0, f"{self.state}\n".encode(), b"")
        if self.refusal:
            return Completed(1, b"", self.refusal.encode())
        inside = words[words.index("/bin/sh") :]
        done = subprocess.run(inside, input=stdin, capture_output=True, timeout=deadline, start_new_session=True, check=False)
        return Completed(done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stdout, done.stderr)

    def proof_of_entry(self, port: int | None = None) -> None:
        """Nobody is ever locked out here."""

    def reopen(self, deadline: float) -> None:
        self.reopened += 1

    def close(self) -> None:
        """There is nothing to close."""


def test_a_script_runs_and_tells_its_output_and_exit_code() -> None:
    done = ContainerTransport(Server(), "0123", NAME).run("echo out; echo err >&2; umask; exit 7", deadline=5)
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"out\n0022\n", b"err\n")


def test_a_script_has_input_functions_and_the_given_variables_and_is_in_no_arguments() -> None:
    server = Server()
    inside = ContainerTransport(server, "0123", NAME, {"http_proxy": "http://me:it's@proxy:3128"})
    done = inside.run('cat; echo "$http_proxy"; command -v hv_write # secret\\n\'', deadline=5, stdin=b"\0bytes\n")
    assert done.stdout == b"\0bytes\nhttp://me:it's@proxy:3128\nhv_write\n"
    assert not any("secret" in script or "it's" in script or "hv_write" in script for script in server.scripts)


def test_without_input_a_script_reads_nothing() -> None:
    assert ContainerTransport(Server(), "0123", NAME).run("cat; echo end", deadline=5).stdout == b"end\n"


def test_a_script_ends_at_its_deadline() -> None:
    assert ContainerTransport(Server(), "0123", NAME).run("sleep 20", deadline=1).exit_code == 124


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Error response from daemon: container 0123 is not running", f"{NAME} cannot be entered: container 0123 is not running"),
        ('OCI runtime exec failed: exec: "/bin/sh": stat /bin/sh: no such file or directory', f"{NAME} has no /bin/sh"),
    ],
)
def test_why_a_container_cannot_be_entered_is_told(said: str, message: str) -> None:
    with pytest.raises(ConnectionFailed) as error:
        ContainerTransport(Server(said), "0123", NAME).run(":", deadline=5)
    assert error.value.message.startswith(message)


def test_a_container_that_ended_is_not_waited_for() -> None:
    server = Server("Error response from daemon: container 0123 is not running")
    with pytest.raises(ConnectionFailed):
        ContainerTransport(server, "0123", NAME).reopen(deadline=30)
    assert server.reopened == 1
