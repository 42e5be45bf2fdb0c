"""Role pip-venv: Python for roles and utilities (spec setup-hosts.md 3.4 and 4.7)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files, packages
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks import vip_daemon
from hive_nornir.tasks.programs import FRONT, VENV
from hive_nornir.tasks.role import Target, Variables, role

__all__ = ["VENV", "PipVenvVariables", "installed_versions", "lock_for", "locked_versions", "pip_venv"]

# The interpreter that it was made by and whether it sees the system's packages; written last, so that half an environment has none.
MADE_BY = f"{VENV}/.made-by"
PROFILE = "/etc/profile.d/hive.sh"
PATH = f"{FRONT}:{VENV}/bin"
_LOCKS = Path(__file__).parents[2] / "data" / "pip"
# What builds the others must be there before them, since it is locked too.
_BUILDERS = ("pip", "setuptools", "wheel")
# What logins have in their environment: proxy and index (BASE-3, BASE-4).
_ENVIRONMENT = r"""while IFS= read -r hv_l; do
case $hv_l in PIP_*=* | http_proxy=* | https_proxy=* | no_proxy=*) export "$(printf %s "$hv_l" | tr -d '"')" ;; esac
done <ENVIRONMENT || :"""


class PipVenvVariables(Variables):
    """What pip-venv reads."""

    hive_python_revision: Annotated[str, BeforeValidator(str)] = Field(
        "", description="Revision of Python, 3 or 3.9; if unset, 3 (the system's own) on AlmaLinux, RHEL and with libselinux, else 3.9."
    )
    hive_need_libselinux: bool = Field(False, description="The environment sees the system's packages, among them libselinux.")


@role()
def pip_venv(host: Target, v: PipVenvVariables) -> list[Operation]:
    """Install Python, and the environment of the site's daemons and utilities in /opt/hive/venv.

    It belongs to root, and holds exactly the versions of a list that comes with this tool, each checked by its hash. Interactive shells
    have it on their PATH. It is made anew when the distribution's Python is another one than before; the daemon that runs in it is then
    restarted.
    """
    python = host.os.python_for(_revision(host, v))
    environment = _environment(python.interpreter, v.hive_need_libselinux)
    locked = _locked_packages(host.os.environment_file, host.facts.python_version)
    return [
        packages.present(host.os.manager, python.packages),  # PIP-1
        environment,
        locked,
        files.content(PROFILE, f'case ":$PATH:" in *:{PATH}:*) ;; *) PATH={PATH}:$PATH; export PATH ;; esac\n'),  # PIP-4
        vip_daemon.restarted_if_running(on=[environment, locked]),
    ]


def lock_for(version: str) -> str:
    """The list of packages for a Python, `3.11`: that of the newest version which is not newer.

    :raises OperationFailed: it is older than all lists.
    """
    known = {_number(file.stem.removeprefix("python-")): file for file in _LOCKS.glob("python-*.txt")}
    fitting = [number for number in known if number <= _number(version)]
    if not fitting:
        raise OperationFailed(f"Python {version} is too old", f"{'.'.join(map(str, min(known)))} is needed; set hive_python_revision")
    return known[max(fitting)].read_text("utf-8")


def locked_versions(lock: str) -> dict[str, str]:
    """Package -> version of a list."""
    return {name.lower(): version for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock, re.MULTILINE)}


def installed_versions(listing: str) -> dict[str, str]:
    """Package -> version, from the names of its `.dist-info` folders (PyPA, "Recording installed projects")."""
    found = re.findall(r"([^/\s]+)-([^-/\s]+)\.dist-info/?$", listing, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def _revision(host: Target, v: PipVenvVariables) -> str:
    own = v.hive_need_libselinux or host.facts.distribution in ("almalinux", "rhel")
    return v.hive_python_revision or ("3" if own else "3.9")


def _environment(interpreter: str, system_packages: bool) -> Operation:
    """PIP-2: the environment, made by the interpreter that the distribution has now."""
    wanted = f'$(readlink -f -- "$(command -v {quote(interpreter)})") {str(system_packages).lower()}'
    option = "--system-site-packages " if system_packages else ""
    apply = (
        f"mkdir -p -m 755 {VENV.rpartition('/')[0]}\nrm -rf {VENV}\n{quote(interpreter)} -m venv {option}{VENV}\n"
        f'printf "%s\\n" "{wanted}" | hv_write {MADE_BY} 644 0:0'
    )

    def decide(seen: Observed) -> Change | None:
        made_by, _, now = seen.text.partition("\n@@\n")
        if made_by == now.strip():
            return None
        return Change(f"by {now.split(' ')[0] or interpreter}", apply, (f"- {made_by}\n" if made_by else "") + f"+ {now.strip()}")

    probe = f'hv_m=$(cat {MADE_BY} 2>/dev/null); printf "%s\\n@@\\n%s\\n" "$hv_m" "{wanted}"'
    return Operation(f"environment {VENV}", probe, decide, disturbs="the environment is made", deadline=180)


def _locked_packages(environment_file: str, expected: str) -> Operation:
    """PIP-2, PIP-3: the packages of the list, in its versions.

    :param expected: version of the server's Python, for a plan: the environment may not be there yet.
    """

    def decide(seen: Observed) -> Change | None:
        found = re.search(rf"^{VENV}/lib/python([\d.]+)/", seen.text, re.MULTILINE)
        lock = lock_for(found[1] if found else expected or "3.99")
        present, wanted = installed_versions(seen.text), locked_versions(lock)
        due = {name: version for name, version in wanted.items() if present.get(name) != version}
        if not due:
            return None
        diff = "\n".join(
            line
            for name, version in due.items()
            for line in ([f"- {name} {present[name]}"] if name in present else []) + [f"+ {name} {version}"]
        )
        return Change(f"install {', '.join(due)}", _install(lock, environment_file), diff)

    return Operation(f"packages in {VENV}", f"ls -d {VENV}/lib/python3*/site-packages/*.dist-info 2>/dev/null || :", decide, deadline=600)


def _install(lock: str, environment_file: str) -> str:
    entries = re.split(r"(?m)^(?=[A-Za-z])", lock)
    first = "".join(entry for entry in entries if entry.partition("==")[0] in _BUILDERS)
    rest = "".join(entry for entry in entries[1:] if entry.partition("==")[0] not in _BUILDERS)
    pip = f"{VENV}/bin/python -m pip --no-input --disable-pip-version-check"
    # --no-build-isolation: else pip would fetch whatever setuptools is the newest, unchecked, for a package that has to be built.
    install = f'{pip} install -q --no-deps --require-hashes --no-build-isolation -r "$hv_d/lock"'
    return "\n".join(
        (
            _ENVIRONMENT.replace("ENVIRONMENT", quote(environment_file)),
            "hv_d=$(mktemp -d); trap 'rm -rf \"$hv_d\"' EXIT",
            *(f"cat >\"$hv_d/lock\" <<'E'\n{entries}E\n{install}" for entries in (first, rest)),
            f"{pip} check",
        )
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))
