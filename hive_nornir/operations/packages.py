"""Packages, what holds them at their version, and the repositories that they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hive_nornir.operations import _edits, files
from hive_nornir.operations._managers import manager_named
from hive_nornir.operations.core import Change, Observed, Operation, quote

__all__ = ["absent", "held", "present", "repository"]

INSTALL_SECONDS = 900
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:~=*/()-]*")


def present(manager: str, names: Sequence[str], *, recommends: bool = False, despite_hold: bool = False) -> Operation:
    """Packages that are installed, in one command.

    The index is refreshed when it is older than a day or than a source, when it does not know a package, and when installing fails, which
    is then tried once more. Configuration files that somebody changed are kept, nobody is asked anything, dpkg's lock is waited for 120 s.

    :param manager: `apt`, `dnf`, `yum`, or in containers `apk`.
    :param names: with apt also `name=version`, with dnf and yum `name-version` or what a package provides.
    :param recommends: whether recommended packages come along.
    :param despite_hold: whether those that `held` keeps back are taken all the same; with dnf and yum it would hide them.
    :raises ValueError: something is no name of a package.
    :raises UsageError: an unknown manager.
    """
    tool = manager_named(manager)
    wanted = _checked(names)

    def decide(seen: Observed) -> Change | None:
        missing = [name for name in wanted if not tool.installed(seen.text, name)]
        if not missing:
            return None
        unknown = [name for name in missing if tool.unknown(seen.text, name)]
        note = f" (not in the package index as it is now: {', '.join(unknown)}; it is refreshed first)" if unknown else ""
        apply = tool.install(missing, recommends=recommends, refresh=bool(unknown), despite_hold=despite_hold)
        return Change(f"install {', '.join(missing)}{note}", apply, "\n".join(f"+ {name}" for name in missing))

    name = f"packages {', '.join(wanted)}"
    return Operation(name, tool.ask(wanted, index=True), decide, disturbs="packages are installed", deadline=INSTALL_SECONDS)


def absent(manager: str, names: Sequence[str]) -> Operation:
    """Packages that are not installed. Their configuration files and what was installed with them stay.

    :param manager: `apt`, `dnf` or `yum`.
    """
    tool = manager_named(manager)
    unwanted = _checked(names)

    def decide(seen: Observed) -> Change | None:
        there = [name for name in unwanted if tool.installed(seen.text, name)]
        if not there:
            return None
        return Change(f"remove {', '.join(there)}", tool.remove(there), "\n".join(f"- {name}" for name in there))

    name = f"no packages {', '.join(unwanted)}"
    return Operation(name, tool.ask(unwanted, index=False), decide, disturbs="packages are removed", deadline=INSTALL_SECONDS)


def held(manager: str, patterns: Sequence[str]) -> Operation:
    """Installed packages that routine upgrades leave alone (spec BASE-6).

    :param patterns: with stars: `linux-image-*`; on dnf and yum they are added to `exclude` in the section `main` of their configuration.
    """
    checked = _checked(patterns)
    name = f"held packages {', '.join(checked)}"
    if manager != "apt":
        manager_named(manager)
        path = "/etc/dnf/dnf.conf" if manager == "dnf" else "/etc/yum.conf"
        return files.edit(name, path, lambda text: _edits.with_excludes(text, checked), create=True)

    def decide(seen: Observed) -> Change | None:
        states = (line.split(" ") for line in seen.text.splitlines())
        loose = [package for want, status, package in states if status == "installed" and want != "hold"]
        if not loose:
            return None
        return Change(f"hold {', '.join(loose)}", f"apt-mark hold {' '.join(loose)}", "\n".join(f"+ hold {package}" for package in loose))

    show = "'${db:Status-Want} ${db:Status-Status} ${binary:Package}\\n'"
    return Operation(name, f"dpkg-query -W -f {show} {' '.join(map(quote, checked))} 2>/dev/null || :", decide)


def repository(manager: str, name: str, *, text: str, key: bytes | None = None, key_path: str = "") -> list[Operation]:
    """A source of packages, and the key that it is trusted by.

    :param name: of the file, without its suffix.
    :param text: apt: deb822 with `Signed-By:` the key's path; dnf and yum: the `.repo` file with `gpgkey=file://` the key's path.
    :param key: the key itself, so nobody but the giver of this argument decides who is trusted.
    :raises ValueError: only one of `key` and `key_path`.
    """
    manager_named(manager)
    if bool(key) != bool(key_path):
        raise ValueError(f"repository {name!r}: key and key_path go together")
    path = f"/etc/apt/sources.list.d/{name}.sources" if manager == "apt" else f"/etc/yum.repos.d/{name}.repo"
    source = replace(files.content(path, text), disturbs=f"the package source {name} is there")
    if not key:
        return [source]
    return [files.with_folder(files.content(key_path, key), key_path.rpartition("/")[0]), source]


def _checked(names: Sequence[str]) -> list[str]:
    """The names without repetitions.

    :raises ValueError: something is no name of a package, or there is none.
    """
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong or not names:
        raise ValueError(f"not names of packages: {', '.join(map(repr, wrong)) or 'none given'}")
    return list(dict.fromkeys(names))
