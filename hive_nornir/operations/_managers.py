"""The package managers: the shell that asks them and that lets them work, and what they answer, taken apart."""

from __future__ import annotations

import fnmatch
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from hive_nornir.errors import UsageError, nearest

__all__ = ["APT_POLICY", "Manager", "manager_named"]

# needrestart must neither ask nor restart anything behind our back: roles say what is restarted.
_APT = """export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
hv_apt() { apt-get -y -q -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@"; }
"""
# The lock of the index, unlike dpkg's, is not waited for by apt itself.
_APT_INDEX = """hv_index() {
  hv_n=0
  until hv_said=$(apt-get -q -o Acquire::Retries=3 update 2>&1); do
    case $hv_said in *"Could not get lock"*) ;; *) printf '%s\\n' "$hv_said" >&2; return 1 ;; esac
    [ $hv_n -lt 60 ] || { echo "the package index was locked for 120 s" >&2; return 1; }
    hv_n=$((hv_n + 1)); sleep 2
  done
}
hv_fresh() {
  ls /var/lib/apt/lists/*_* >/dev/null 2>&1 || return 1
  [ -n "$(find /var/lib/apt/lists /var/lib/apt/lists/partial -maxdepth 0 -mmin -1440 2>/dev/null)" ] || return 1
  [ -z "$(find /etc/apt/sources.list /etc/apt/sources.list.d -newer /var/lib/apt/lists/partial 2>/dev/null)" ]
}
"""
# A cache of apt's that is kept in memory: the probe writes nothing.
APT_POLICY = "apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy"


class Manager(ABC):
    """One package manager."""

    @abstractmethod
    def ask(self, names: Sequence[str], *, index: bool) -> str:
        """Shell that prints what is known of the packages.

        :param index: also whether the package index knows those that are not installed.
        """

    @abstractmethod
    def installed(self, answer: str, name: str) -> bool:
        """Whether a package is there, in the version that the name asks for if it does."""

    def unknown(self, answer: str, name: str) -> bool:  # noqa: ARG002 - only apt's index is asked
        """Whether the index was asked and does not know the package."""
        return False

    @abstractmethod
    def install(self, names: Sequence[str], *, recommends: bool, refresh: bool, despite_hold: bool) -> str:
        """Shell that installs packages; `refresh`: the index is out of date for sure; `despite_hold`: also those that are held back."""

    @abstractmethod
    def remove(self, names: Sequence[str]) -> str:
        """Shell that removes packages and leaves their dependencies and configuration files."""


class Apt(Manager):
    """Debian and Ubuntu. A name may be `name:architecture`, and with a version `name=5:29.1.*`."""

    def ask(self, names: Sequence[str], *, index: bool) -> str:
        plain = " ".join(name.partition("=")[0] for name in names)
        show = "'${db:Status-Status} ${Package}:${Architecture} ${Version}\\n'"
        query = f"hv_have=$(dpkg-query -W -f {show} {plain} 2>/dev/null)\nprintf '%s\\n' \"$hv_have\""
        if not index:
            return query
        missing = f"hv_miss=\nfor hv_n in {plain}; do\n" + (
            'case "\n$hv_have" in *"\ninstalled $hv_n"[:\\ ]*) ;; *) hv_miss="$hv_miss $hv_n" ;; esac\ndone'
        )
        return f'{query}\n{missing}\n[ -z "$hv_miss" ] || {APT_POLICY} $hv_miss | grep -e "^[^ ]" -e "^  Candidate:"'

    def installed(self, answer: str, name: str) -> bool:
        plain, _, version = name.partition("=")
        for status, package, present in re.findall(r"^(\S+) (\S+:\S+) (\S*)$", answer, re.MULTILINE):
            if plain in (package, package.partition(":")[0]) and status == "installed":
                return not version or fnmatch.fnmatchcase(present, version)
        return False

    def unknown(self, answer: str, name: str) -> bool:
        plain = re.escape(name.partition("=")[0])
        return not self.installed(answer, name) and not re.search(rf"^{plain}:\n  Candidate: (?!\(none\))", answer, re.MULTILINE)

    def install(self, names: Sequence[str], *, recommends: bool, refresh: bool, despite_hold: bool) -> str:
        options = "" if recommends else "--no-install-recommends "
        versions = any("=" in name for name in names)
        options += "--allow-downgrades " if versions else ""
        options += "--allow-change-held-packages " if versions or despite_hold else ""
        install = f"hv_apt {options}install {' '.join(map(_quoted_glob, names))}"
        index = "hv_index" if refresh else "hv_fresh || hv_index"
        # An installation that was interrupted before is ended first; a package that the mirror has no more is in the index no more either.
        return f"{_APT}{_APT_INDEX}{index}\n{install} || {{ dpkg --force-confold --configure -a || :; hv_index; {install}; }}"

    def remove(self, names: Sequence[str]) -> str:
        return f"{_APT}hv_apt --allow-change-held-packages remove {' '.join(names)}"


class Rpm(Manager):
    """The EL family and Amazon Linux. A name may be what a package provides, and `name-version`.

    :param command: dnf or yum.
    """

    def __init__(self, command: str) -> None:
        self.command = command

    def ask(self, names: Sequence[str], *, index: bool) -> str:
        quoted = " ".join(map(_quoted_glob, names))
        provided = ' || rpm -q --quiet --whatprovides "$hv_n"' if index else ""
        return (
            f"if rpm -q --quiet {quoted}; then hv_all=1; else hv_all=; fi; for hv_n in {quoted}; do\n"
            f'if [ $hv_all ] || rpm -q --quiet "$hv_n"{provided}; then echo "installed $hv_n"; fi; done'
        )

    def installed(self, answer: str, name: str) -> bool:
        return f"installed {name}" in answer.splitlines()

    def install(self, names: Sequence[str], *, recommends: bool, refresh: bool, despite_hold: bool) -> str:  # noqa: ARG002 - metadata have an age of their own
        options = "" if recommends or self.command == "yum" else "--setopt=install_weak_deps=False "
        if despite_hold or any(name.startswith("kernel") for name in names):
            options += "--disableexcludes=main "  # they are excluded from routine upgrades only (spec BASE-6, BASE-7)
        install = f"{self.command} -y -q {options}install {' '.join(map(_quoted_glob, names))}"
        return f"{install} || {{ {self.command} -q clean expire-cache; {install}; }}"

    def remove(self, names: Sequence[str]) -> str:
        return f"{self.command} -y -q --disableexcludes=main --setopt=clean_requirements_on_remove=False remove {' '.join(names)}"


class Apk(Manager):
    """Alpine. The index is asked for each time and kept nowhere, so that images do not carry it."""

    def ask(self, names: Sequence[str], *, index: bool) -> str:  # noqa: ARG002 - without a kept index there is nothing to ask
        return f"apk info -e {' '.join(map(_quoted_glob, names))} 2>/dev/null || :"

    def installed(self, answer: str, name: str) -> bool:
        return name.partition("=")[0] in answer.split()  # of another version than the wanted one, apk says nothing

    def install(self, names: Sequence[str], *, recommends: bool, refresh: bool, despite_hold: bool) -> str:  # noqa: ARG002 - apk has none of them
        return f"apk add --no-cache --no-progress {' '.join(map(_quoted_glob, names))}"

    def remove(self, names: Sequence[str]) -> str:
        return f"apk del --no-progress {' '.join(names)}"


def manager_named(name: str) -> Manager:
    """The package manager of that name.

    :raises UsageError: there is none.
    """
    if name == "apt":
        return Apt()
    if name in ("dnf", "yum"):
        return Rpm(name)
    if name == "apk":
        return Apk()
    raise UsageError(f"unknown package manager {name!r}", nearest(name, ("apt", "dnf", "yum", "apk")))


def _quoted_glob(name: str) -> str:
    """A name for the shell; names are checked before, so only a version's star has a meaning there."""
    return f"'{name}'" if re.search(r"[*~()]", name) else name
