"""The Docker engine of the sandbox: the one that is there, else one that we install and start ourselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hive_nornir.errors import ProviderError

if TYPE_CHECKING:
    import docker

__all__ = ["DATA", "RUN", "apt_install", "connect", "find", "is_ours", "start", "stop"]

DATA = Path("/var/lib/hive-nornir/sandbox")
RUN = Path("/run/hive-nornir/sandbox")
SOCKET = RUN / "docker.sock"
MACHINE_SOCKET = Path("/var/run/docker.sock")
PID_FILE = RUN / "docker.pid"
LOG = DATA / "dockerd.log"

Progress = Callable[[str, str], None]


def quiet(_name: str, _text: str) -> None:
    """A progress that says nothing."""


def find() -> str | None:
    """The address of an engine that answers: `DOCKER_HOST`, else the machine's own, else ours.

    :returns: a URL for the client, or None.
    :raises ProviderError: `DOCKER_HOST` is set and does not answer: somebody meant that one, and no other.
    """
    wanted = os.environ.get("DOCKER_HOST")
    if wanted:
        if not _answers(wanted):
            raise ProviderError(f"no Docker engine answers at DOCKER_HOST={wanted}", "start it, or unset DOCKER_HOST")
        return wanted
    return next((url for url in (f"unix://{MACHINE_SOCKET}", f"unix://{SOCKET}") if _answers(url)), None)


def is_ours(url: str) -> bool:
    """Whether the engine at this address is the one that `start` starts."""
    return url == f"unix://{SOCKET}"


@contextmanager
def connect(url: str) -> Iterator[docker.DockerClient]:
    """A client of an engine, closed at the end.

    :param url: as `find` or `start` return it.
    :raises ProviderError: it does not do what it is asked for.
    """
    import docker
    import requests

    try:
        client = docker.DockerClient(base_url=url, version="auto", timeout=120)
        try:
            yield client
        finally:
            client.close()
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        said = getattr(error, "explanation", None) or error
        raise ProviderError(f"the Docker engine at {url} refuses: {said}") from error


def start(progress: Progress = quiet, deadline: float = 300.0) -> str:
    """The address of a running engine; installs and starts one where there is none.

    :param deadline: seconds that installing may take.
    :raises ProviderError: there is no engine and none can be had here.
    """
    url = find()
    if url is None:
        from filelock import FileLock

        _need_root("start a Docker engine")
        DATA.mkdir(mode=0o711, parents=True, exist_ok=True)
        RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
        with FileLock(DATA / "engine.lock", timeout=deadline):
            url = find() or _install_and_start(progress, deadline)
    return url


def stop(remove: bool = False, deadline: float = 120.0) -> bool:
    """Stop our own engine, and with it every server that it runs. An engine of somebody else's is left alone.

    :param remove: delete its images, servers and their data as well.
    :returns: whether one was running or something was deleted.
    """
    pid = _our_pid()
    if pid is None and remove and _mounts():
        # Only an engine knows how to end what one that was killed has left: mounts in use, and servers that may still run.
        start(deadline=deadline)
        pid = _our_pid()
    if pid:
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + deadline
        while _our_pid():
            if time.monotonic() > end:
                raise ProviderError(f"the sandbox's Docker engine (process {pid}) does not stop", f"its log is {LOG}")
            time.sleep(0.1)
    changed = pid is not None
    if remove and DATA.exists():
        for mount in reversed(_mounts()):  # the engine's own, which it makes once and leaves to its successor when it is killed
            subprocess.run(["umount", mount], check=True)  # noqa: S603, S607 - a list, no shell
        shutil.rmtree(DATA)
        changed = True
    return changed


def apt_install(packages: list[str], progress: Progress, deadline: float) -> None:
    """Install Debian packages on the mother.

    :param packages: names.
    :param deadline: seconds.
    :raises ProviderError: there is no apt, we are not root, or apt failed; with its last words.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise ProviderError(f"the sandbox needs {names}, and this machine has no apt-get", "install them by hand")
    _need_root(f"install {names}")
    progress("mother", f"installing {names}")
    end = time.monotonic() + deadline
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "install", "--no-install-recommends", *packages]
    for step in (["apt-get", "-q", "update"], command):
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell
                step,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=max(1.0, end - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ProviderError(f"installing {names} took longer than {deadline:.0f} s") from error
        if done.returncode:
            raise ProviderError(f"cannot install {names}: {_last_words(done.stderr or done.stdout)}", "see what `apt-get update` says")


def _install_and_start(progress: Progress, deadline: float) -> str:
    missing = [package for program, package in (("dockerd", "docker.io"), ("iptables", "iptables")) if shutil.which(program) is None]
    if missing:
        apt_install(missing, progress, deadline)
        # Where the machine runs systemd, the package has just started an engine of its own.
        url = find()
        if url:
            return url
    progress("mother", "starting a Docker engine for the sandbox")
    # Where /run outlives a reboot, the file may name any process, and the engine would take that for itself.
    if _our_pid() is None:
        PID_FILE.unlink(missing_ok=True)
    with LOG.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - a list, no shell
            _command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    end = time.monotonic() + 60
    url = f"unix://{SOCKET}"
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > end:
            with suppress(ProcessLookupError):
                process.terminate()
            raise ProviderError(f"the Docker engine does not start: {_last_words(LOG.read_text(errors='replace'))}", f"its log is {LOG}")
        time.sleep(0.05)
    # It is meant to outlive us: without this the interpreter warns about a child that nobody waited for.
    process.returncode = 0
    return url


def _command() -> list[str]:
    return [
        "dockerd",
        f"--data-root={DATA / 'docker'}",
        f"--exec-root={RUN / 'exec'}",
        f"--pidfile={PID_FILE}",
        f"--host=unix://{SOCKET}",
        "--bridge=none",
        "--userland-proxy=false",
    ]


def _answers(url: str) -> bool:
    import docker
    import requests

    if url.startswith("unix://") and not Path(url.removeprefix("unix://")).exists():
        return False
    try:
        client = docker.APIClient(base_url=url, timeout=10)
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        return False
    finally:
        client.close()


def _our_pid() -> int | None:
    try:
        pid = int(PID_FILE.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(PID_FILE).encode() in command else None


def _mounts() -> list[str]:
    # The fifth field of each line is the mount point (proc_pid_mountinfo(5)).
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(DATA)]


def _need_root(purpose: str) -> None:
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        raise ProviderError(f"the sandbox must be root on Linux to {purpose}", "run it as root, or point DOCKER_HOST at an engine")


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "it said nothing"
