"""Programs that read and write backups: what they say when they fail, and that none of them is waited for without end."""

import io
import time

import pytest

from hive_onhost.backup.processes import Clock, run
from hive_onhost.failure import Failure


def sh(script, seconds=20, **options):
    run(["sh", "-c", script], Clock(seconds), **options)


def test_what_is_fed_comes_out_of_a_filter():
    sh("cat >/dev/null", feed=lambda sink: sink.write(b"x" * (1 << 22)))
    taken = io.BytesIO()
    sh("seq 200000", drain=lambda stream: taken.write(stream.read()))
    assert taken.getvalue().endswith(b"\n200000\n")


def test_a_failure_tells_the_exit_code_and_what_was_said():
    with pytest.raises(Failure, match=r"exit code 3: no such table"):
        sh("echo no such table >&2; exit 3")
    with pytest.raises(Failure, match="cannot run /does/not/exist"):
        run(["/does/not/exist"], Clock(5))


def test_a_program_that_stops_reading_is_told_of_by_its_exit_code():
    with pytest.raises(Failure, match="exit code 4: enough"):
        sh("echo enough >&2; exit 4", feed=lambda sink: sink.write(b"x" * (1 << 24)))


def test_output_that_nobody_takes_is_read_all_the_same():
    sh("seq 200000", drain=lambda stream: stream.read(10))


def test_it_ends_when_its_time_is_over():
    began = time.monotonic()
    with pytest.raises(Failure, match="not done after 0 s"):
        run(["sleep", "60"], Clock(0.2), drain=lambda stream: stream.read())
    assert time.monotonic() - began < 10


def test_when_the_data_cannot_be_written_the_program_ends_too():
    def full(stream):
        raise OSError(28, "No space left on device")

    began = time.monotonic()
    with pytest.raises(OSError, match="No space"):
        sh("while :; do echo more; done", drain=full)
    assert time.monotonic() - began < 10
