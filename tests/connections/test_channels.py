"""The programs at the other end of a channel, run here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_nornir.connections.channels import ATTENDED, LOOP, ONCE, one_line, prelude

MARK = "0123abcd"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


def run(program, sent, *arguments):
    return subprocess.run(["sh", "-c", program, "hive-nornir", MARK, *arguments], input=sent, capture_output=True, timeout=20, check=False)


def framed(script):
    body = f"{script}\n# {MARK}".encode()
    return b"5 %d\n%b" % (len(body), body)


def test_scripts_run_one_after_the_other_each_in_a_shell_of_its_own():
    done = run(LOOP, one_line(prelude()) + framed("x=1; echo one; echo err >&2; exit 3") + framed("echo two$x"))
    assert done.stdout == f"+{MARK}\none\n\n{MARK} 3\ntwo\n\n{MARK} 0\n".encode()
    assert done.stderr == f"+{MARK}\nerr\n\n{MARK}\n\n{MARK}\n".encode()
    assert done.returncode == 0


@pytest.mark.parametrize("missing", [1, 10, 30])
def test_a_script_that_did_not_arrive_whole_is_not_run(tmp_path, missing):
    script = framed(f"touch {tmp_path}/begun\n: {'x' * 40}")
    done = run(LOOP, one_line("") + script[:-missing])
    assert not (tmp_path / "begun").exists()
    assert done.stdout == f"+{MARK}\n".encode()


def test_the_prelude_is_there_for_every_script():
    done = run(LOOP, one_line(prelude()) + framed('eval "$HIVE_PRELUDE"; command -v hv_write'))
    assert b"hv_write" in done.stdout


def test_a_script_reads_nothing_of_the_next_one():
    done = run(LOOP, one_line("") + framed("cat; read x; echo $?") + framed("echo next"))
    assert f"1\n\n{MARK} 0\nnext\n".encode() in done.stdout


def test_one_script_with_its_own_input():
    done = run(ONCE, one_line("cat; echo 'a\\nb'; exit 4") + b"in\0put\n", "5")
    assert done.stdout.startswith(f"+{MARK}\nin\0put\n".encode())
    assert done.returncode == 4


@settings(max_examples=40, deadline=None)
@given(TEXT)
def test_any_text_arrives_as_it_is(text):
    quoted = text.replace("'", "'\\''")
    body = f"printf %s '{quoted}'"
    done = run(LOOP, one_line(text) + framed(body) + framed('printf %s "$HIVE_PRELUDE"'))
    first, second = done.stdout.split(f"\n{MARK} 0\n".encode())[:2]
    assert first.removeprefix(f"+{MARK}\n".encode()).decode() == text
    assert second.decode() == text.rstrip("\n")


@pytest.fixture(params=[["dash"], ["bash", "--posix"]], ids=lambda shell: shell[0])
def attended(request, tmp_path):
    """Starts a script that is stopped when nobody waits for it any more."""
    begun = contextlib.ExitStack()

    def start(script, deadline="20"):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [*request.param, "-c", ATTENDED, "hive-nornir", MARK, deadline]
        process = begun.enter_context(subprocess.Popen(command, **pipes, cwd=tmp_path))
        begun.callback(process.kill)
        process.stdin.write(one_line(script))
        process.stdin.flush()
        return process

    with begun:
        yield start


def ended(process):
    """What it said, before its input is closed."""
    process.wait(10)
    said = process.stdout.read(), process.stderr.read()
    process.stdin.close()
    return said


def test_an_attended_script_ends_by_itself_and_reads_nothing(attended):
    process = attended("cat; printf '%s\\n' 'a\\nb'; echo err >&2; exit 4")
    assert ended(process) == (f"+{MARK}\na\\nb\n".encode(), f"+{MARK}\nerr\n".encode())
    assert process.returncode == 4


def test_an_attended_script_is_stopped_with_all_that_it_started_when_nobody_waits_any_more(attended, tmp_path):
    process = attended("(sleep 30; touch late) & echo $$ >shell; sleep 30; touch late")
    give_up = time.monotonic() + 5
    while not (tmp_path / "shell").exists() or not (tmp_path / "shell").read_text():
        assert time.monotonic() < give_up
        time.sleep(0.01)
    group = os.getpgid(int((tmp_path / "shell").read_text()))
    process.stdin.close()
    process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < give_up:
            os.killpg(group, signal.SIG_DFL)
            time.sleep(0.01)
        pytest.fail("something goes on")


def test_an_attended_script_has_a_deadline(attended):
    process = attended("sleep 30", "1")
    ended(process)
    assert process.returncode == 124
