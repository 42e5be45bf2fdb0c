"""Programs that run as root at the other end of an SSH channel, and what they say."""

from __future__ import annotations

import functools
import select
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

__all__ = ["ATTENDED", "LOOP", "ONCE", "START", "one_line", "prelude", "receive", "start_as_root"]

# Their $1 marks what is ours among what a login prints. HUP and PIPE: what was begun goes on to its end when the connection is gone.
START = r"""LC_ALL=C; export LC_ALL; umask 022; trap "" HUP PIPE; unset ENV BASH_ENV
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
echo "+$1"; echo "+$1" >&2
"""

LOOP = rf"""{START}
IFS= read -r line; HIVE_PRELUDE=$(printf %b "$line"); export HIVE_PRELUDE
while read -r seconds bytes; do
  script=$(head -c "$bytes")
  case $script in *"# $1") ;; *) exit 0 ;; esac
  timeout -k 5 "$seconds" /bin/sh /dev/fd/3 3<<EOS </dev/null
$script
EOS
  code=$?
  printf "\n%s %s\n" "$1" "$code"; printf "\n%s\n" "$1" >&2
done; exit 0"""
"""Reads the prelude as one line, then for ever a header line (`<seconds> <bytes>`) and so many bytes of script, and runs each script in a
shell of its own. `read` takes a byte at a time and `head -c` no more than it is asked for, so nothing of the next script is swallowed. A
script whose last line did not arrive is never run, so a controller that is killed while it sends leaves nothing half done."""

ONCE = rf"""{START}
IFS= read -r script
exec timeout -k 5 "$2" /bin/sh /dev/fd/3 3<<EOS
$(printf %b "$script")
EOS"""
"""Reads a script as one line and runs it; what follows that line is the script's standard input. $2 is its deadline in seconds."""

ATTENDED = rf"""{START}
IFS= read -r script
exec 4<&0 </dev/null
timeout -k 5 "$2" /bin/sh /dev/fd/3 3<<EOS 4<&- &
$(printf %b "$script")
EOS
work=$!
{{ cat <&4; kill "$work"; }} >/dev/null 2>&1 &
exec 4<&-
wait "$work"; code=$?
kill "$!"
exit $code"""
"""As `ONCE`, but the script reads nothing, and is stopped when the channel is closed: `cat` waits for that, and timeout passes the signal
on to all that the script has started."""


def start_as_root(channel: paramiko.Channel, user: str, program: str, *arguments: str) -> None:
    """Start a program in a new channel.

    :param user: who is logged in; sudo makes it root when it is another one.
    :param program: one of the shell programs above.
    :param arguments: its $1 and so on, of letters and digits.
    """
    sudo = "" if user == "root" else "sudo -n "
    # Not waiting for the answer, as paramiko does, would save nothing: sshd takes no input before it has given it.
    channel.exec_command(f"exec {sudo}/bin/sh -c {shlex.quote(program)} hive-nornir {' '.join(arguments)}")


def receive(channel: paramiko.Channel, out: bytearray, err: bytearray) -> bool:
    """Wait for data on either stream and append it; False at the end of the channel. Closing the connection ends the waiting."""
    while True:
        ended = channel.closed or channel.eof_received  # asked first: what arrived together with the end is still to be read
        ready, ready_stderr = channel.recv_ready(), channel.recv_stderr_ready()
        if ready:
            out += channel.recv(1 << 18)
        if ready_stderr:
            err += channel.recv_stderr(1 << 18)
        if ready or ready_stderr:
            return True
        if ended:
            return False
        poller = select.poll()
        poller.register(channel.fileno(), select.POLLIN)
        poller.poll(1000)


def one_line(text: str) -> bytes:
    """Text as one line that `printf %b` turns back."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").encode("utf-8", "surrogateescape") + b"\n"


@functools.cache
def prelude() -> str:
    """The shell functions that every script may use."""
    lines = Path(__file__).with_name("prelude.sh").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.startswith("#"))
