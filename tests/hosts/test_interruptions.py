"""What is left on a server, and what is said of it, when a run ends in the middle: killed, cut off, restarted under it, interrupted."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Operation, quote
from hive_nornir.operations.engine import Engine
from tests.hosts.pair import frozen, inside, output, pair, shell, until

FOLDER = "/srv/interrupted"
SIZE = 200_000
MODES = {"one": 0o644, "two": 0o600, "three": 0o640, "four": 0o644}
KILLS = 12


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pair(tmp_path_factory.mktemp("pair")) as built:
        yield built


# --- the controller is killed


def content(name, version):
    return random.Random(f"{name} {version}").randbytes(SIZE // 2).hex()


def role(version):
    """What a role may want: folders, files of 200 kB that differ from version to version, a step that follows from them."""
    folder = files.directory(FOLDER, mode=0o755)
    written = [files.content(f"{FOLDER}/{name}", content(name, version), mode=mode, secret=mode == 0o600) for name, mode in MODES.items()]
    told = f"echo {version} >{FOLDER}/told"
    after = Operation(
        "told", f"cat {FOLDER}/told 2>/dev/null", lambda seen: Change("tell", told) if seen.triggered else None, triggered_by=(written[-1],)
    )
    return [folder, *written, after]


CONTROLLER = """\
import sys, tests.hosts.test_interruptions as test
from pathlib import Path
from hive_nornir import Site
from tests.hosts.pair import output, shell
site = Site.open(Path(sys.argv[1]), "private")
with shell(site) as transport:
    operations = test.role(int(sys.argv[2]))
    output(transport, ":")
    print("ready", flush=True)
    print(*(outcome.status for outcome in test.Engine(transport, "host").run(operations)), flush=True)
"""


def controller(site, version):
    """A controller of its own, about to begin."""
    command = [sys.executable, "-c", CONTROLLER, site.context.root, str(version)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


@contextmanager
def watched(site):
    """Whatever files come to be seen in the folder: (name, mode, size)."""
    seen = set()
    look = f"find {FOLDER} -type f -printf '%f %m %s\\n' 2>/dev/null; sleep 0.004"
    inside(site, f"mkdir -p {FOLDER}; touch /run/watch")
    watch = f"(while [ -e /run/watch ]; do {look}; done | awk '!seen[$0]++' >/run/seen; mv /run/seen /run/seen-all) >/dev/null 2>&1 &"
    inside(site, watch)
    yield seen
    inside(site, "rm /run/watch")
    until(lambda: "seen-all" in inside(site, "ls /run"))
    seen.update(tuple(line.split()) for line in inside(site, "cat /run/seen-all").splitlines())


def test_a_controller_killed_at_any_moment_leaves_whole_files_never_wider_than_they_are_to_be(site):
    chance = random.Random(20261123)
    first = controller(site, 0)
    began = time.monotonic()
    assert "failed" not in first.communicate(timeout=60)[0]
    whole = time.monotonic() - began
    known = {name: {hashlib.sha256(content(name, version).encode()).hexdigest() for version in range(KILLS + 2)} for name in MODES}
    ended = []
    with watched(site) as seen:
        for version in range(1, KILLS + 1):
            process = controller(site, version)
            began = time.monotonic()
            try:
                process.wait(chance.uniform(0, whole))
                whole = min(whole, time.monotonic() - began)  # the first one may have met a busy machine
            except subprocess.TimeoutExpired:
                process.kill()
            ended.append(process.communicate(timeout=10)[0])
            found = dict(line.split()[::-1] for line in inside(site, f"cd {FOLDER}; sha256sum one two three four").splitlines())
            assert all(found[name] in known[name] for name in MODES)
        final, _ = controller(site, KILLS + 1).communicate(timeout=60)
    assert ended.count("") >= KILLS // 2, "hardly one was killed in the middle"
    assert set(final.split()) <= {"changed", "unchanged"}
    again, _ = controller(site, KILLS + 1).communicate(timeout=60)
    assert set(again.split()) == {"unchanged"}
    assert inside(site, f"ls -A {FOLDER}").split() == sorted([*MODES, "told"])
    assert inside(site, f"cat {FOLDER}/told") == str(KILLS + 1)
    widths = {(name, int(mode, 8)) for name, mode, _ in seen}
    for name, mode in MODES.items():
        assert (name, mode) in widths, "the watch saw nothing"
        assert all(width & ~mode == 0 for found, width in widths if found.strip(".").removesuffix(".hive-nornir") == name), widths
    assert {int(size) for name, _, size in seen if name in MODES} == {SIZE}
    assert any(name.startswith(".") for name, _, _ in seen), "the watch was too slow to see a temporary file"


# --- the connection is cut


def step(name, apply, verify=True):
    """A step that leaves a line each time that it is run."""
    log = f"{FOLDER}/{name}"
    script = f"echo x >>{quote(log)}\n{apply}"
    return Operation(
        name, f"cat {quote(log)} 2>/dev/null", lambda seen: None if "x" in seen.text else Change("run", script), verify=verify, deadline=30
    )


def lines(site, *names):
    return [int(inside(site, f"cat {FOLDER}/{name} 2>/dev/null | wc -l")) for name in names]


def cut_when(site, path):
    """Ends the server's ssh sessions once a file is there."""

    def cut():
        until(lambda: inside(site, f"ls {path} 2>/dev/null; true") != "")
        inside(site, "pkill -f '^sshd: admin'")

    thread = threading.Thread(target=cut)
    thread.start()
    return thread


@pytest.fixture
def transport(site):
    with shell(site) as open_shell:
        output(open_shell, f"rm -rf {FOLDER}; mkdir -p {FOLDER}")
        yield open_shell


def test_after_a_cut_every_step_is_known_and_none_ran_twice(site, transport):
    thread = cut_when(site, f"{FOLDER}/begun")
    steps = [step("first", ""), step("second", f"touch {FOLDER}/begun; sleep 1.5"), step("third", ""), step("fourth", "", verify=False)]
    outcomes = Engine(transport, "host").run(steps)
    thread.join(30)
    assert [outcome.status for outcome in outcomes] == ["changed"] * 4, [outcome.error for outcome in outcomes]
    assert lines(site, "first", "second", "third", "fourth") == [1, 1, 1, 1]


def test_after_a_cut_a_failed_step_is_told_from_those_before_and_after_it(site, transport):
    thread = cut_when(site, f"{FOLDER}/begun")
    steps = [step("first", f"touch {FOLDER}/begun; sleep 1.5"), step("second", "echo why >&2; false"), step("third", "")]
    outcomes = Engine(transport, "host").run(steps)
    thread.join(30)
    assert [outcome.status for outcome in outcomes] == ["changed", "failed", "not-run"]
    assert outcomes[1].stderr == "why"
    assert lines(site, "first", "second", "third") == [1, 1, 0]


def test_a_host_that_restarts_in_the_middle_of_a_step_is_told_as_it_is(site, transport):
    interrupted = Operation(
        "second", ":", lambda _seen: Change("run", f"sync; touch {FOLDER}/second; systemctl reboot; sleep 30"), verify=False
    )
    outcomes = Engine(transport, "host").run([step("first", ""), interrupted, step("third", "")])
    assert [outcome.status for outcome in outcomes] == ["changed", "failed", "failed"]
    assert "the host restarted" in outcomes[1].stderr
    assert lines(site, "first", "third") == [1, 0]
    assert output(transport, "echo back") == "back"


# --- Ctrl-C


def test_ctrl_c_ends_a_run_at_once_and_says_how_far_each_host_came(site):
    command = [Path(sys.executable).with_name("hive-nornir"), "--root", site.context.root, "run", "setup-hosts", "--roles", "hostsfile"]
    stuck, done = site.inventory.servers
    with frozen(site, 0):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: any(finished(events, done) for events in (site.context.context_dir / "runs").glob("*/events.jsonl")), 60)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=30)
        seconds = time.monotonic() - began
    assert process.returncode == 130, (said, errors)
    assert seconds < 2
    assert f"{stuck}: stopped in hostsfile" in said
    assert f"{done}: done" in said
    assert site.run("setup-hosts", roles=["hostsfile"]).ok  # nobody holds the lock


def finished(events, host):
    entries = [json.loads(line) for line in events.read_text().splitlines() if line.endswith("}")]
    return any((entry.get("host"), entry.get("role"), entry.get("kind")) == (host, "hostsfile", "role-finished") for entry in entries)
