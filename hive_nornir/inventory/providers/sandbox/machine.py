"""What a server takes over from the machine that it runs on: package sources, proxy, certificate authorities, name servers."""

from __future__ import annotations

import configparser
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hive_nornir.errors import ProviderError

__all__ = [
    "Archive",
    "allow_many_servers",
    "apt_settings",
    "debian_archives",
    "extra_authorities",
    "has_files",
    "local_folders",
    "mtu",
    "nameservers",
    "pip_settings",
    "sources_list",
]

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP = Path("/etc/pip.conf")
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INSTANCES = 1024


@dataclass(frozen=True)
class Archive:
    """One of Debian's own package archives, as this machine reaches it.

    :param label: `Debian` or `Debian-Security`, as its Release file says.
    """

    uri: str
    label: str


def debian_archives(refresh: Callable[[], None]) -> list[Archive]:
    """Debian's own archives among the machine's apt sources; third parties' are left out by the Origin of their Release file.

    :param refresh: called when apt has no lists yet; must fetch them (`apt-get update`).
    :raises ProviderError: there is none.
    """
    found = _index_targets()
    if not found:
        refresh()
        found = _index_targets()
    if not any(archive.label == "Debian" for archive in found):
        raise ProviderError(
            "this machine's apt sources name no Debian archive, of which the sandbox's servers are made", "see /etc/apt/sources.list*"
        )
    return found


def sources_list(archives: list[Archive], suite: str) -> list[str]:
    """The lines of a sources.list for a Debian release.

    :param suite: code name, `bookworm`; the machine itself may run another release.
    """
    lines = []
    for archive in archives:
        suites = [suite, f"{suite}-updates"] if archive.label == "Debian" else [f"{suite}-security"]
        lines += [f"deb {archive.uri} {name} main" for name in suites]
    return lines


def apt_settings() -> str:
    """The machine's apt settings that decide whether its archives can be reached: proxies and date checks, as lines for apt.conf."""
    names = [
        "Acquire::http",
        "Acquire::https",
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
        "Acquire::Languages",
        "Acquire::GzipIndexes",
    ]
    output = _run(["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', *names])
    return "".join(
        f"{line}\n" for line in output.splitlines() if not line.startswith(("Acquire::http::User-Agent", "Acquire::https::User-Agent"))
    )


def extra_authorities(bundle: Path = _BUNDLE, packaged: Path = Path("/usr/share/ca-certificates")) -> list[str]:
    """The certificate authorities that this machine trusts and Debian does not, such as an intercepting proxy's.

    :param bundle: the machine's trust bundle.
    :param packaged: the folder of the certificates that come with the distribution.
    :returns: PEM texts, in the bundle's order.
    """
    if not bundle.exists() or not packaged.is_dir():
        return []
    known = {_squeeze(pem) for file in packaged.rglob("*.crt") for pem in _CERTIFICATE.findall(file.read_text(errors="replace"))}
    return [pem + "\n" for pem in _CERTIFICATE.findall(bundle.read_text(errors="replace")) if _squeeze(pem) not in known]


def pip_settings(file: Path = _PIP) -> str:
    """The machine-wide pip settings, with the system's trust bundle named: pip brings its own, which knows no extra authority.

    :param file: the machine's pip.conf; need not exist.
    """
    settings = configparser.RawConfigParser()
    if file.exists():
        settings.read_string(file.read_text())
    if not settings.has_section("global"):
        settings.add_section("global")
    settings.set("global", "cert", str(_BUNDLE))
    lines = []
    for section in settings.sections():
        lines += [f"[{section}]", *(f"{key} = {value}".replace("\n", "\n    ") for key, value in settings.items(section)), ""]
    return "\n".join(lines)


def local_folders(settings: str) -> list[str]:
    """The local folders in which pip is told to look for packages: a server needs them mounted.

    :param settings: text of a pip.conf.
    """
    words = [word.removeprefix("file://") for line in settings.splitlines() for word in line.partition("=")[2].split()]
    return sorted({word for word in words if word.startswith("/") and Path(word).is_dir()})


def nameservers(files: tuple[Path, ...] = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))) -> list[str]:
    """The machine's name servers that a server can reach too: not those on the loopback, such as systemd-resolved's stub.

    :param files: the first that has any decides.
    """
    for file in files:
        if file.exists():
            words = [line.split() for line in file.read_text().splitlines()]
            found = [w[1] for w in words if len(w) > 1 and w[0] == "nameserver" and not w[1].startswith(("127.", "::1"))]
            if found:
                return found
    return []


def mtu(default: int = 1500) -> int:
    """The MTU of the interface that the default route uses: larger packets of a server would be lost on the way out."""
    routes = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    interface = next((fields[0] for fields in routes if fields[1] == "00000000"), None)
    return default if interface is None else int(Path(f"/sys/class/net/{interface}/mtu").read_text())


def _index_targets() -> list[Archive]:
    output = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(LABEL)|$(ORIGIN)", "Created-By: Packages"])
    rows = [line.split("|") for line in output.splitlines()]
    return list(
        dict.fromkeys(Archive(uri, label) for uri, label, origin in rows if origin == "Debian" and label in ("Debian", "Debian-Security"))
    )


def _run(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S603 - a list, no shell
    except FileNotFoundError as error:
        raise ProviderError(
            f"the sandbox makes its servers with apt, and this machine has no {command[0]}", "use a Debian machine"
        ) from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise ProviderError(f"{' '.join(command[:2])} failed: {error}") from error


def _squeeze(pem: str) -> str:
    return "".join(pem.split())


def allow_many_servers(progress: Callable[[str, str], None], setting: Path = _INOTIFY) -> bool:
    """Raise the machine's limit of inotify instances, which all containers' root shares: a server takes about eight.

    With the kernel's default of 128, systemd in the seventeenth server hangs without a word.

    :param setting: the kernel's file.
    :returns: whether the limit was too low and could be raised; one that is high enough is left alone.
    """
    try:
        current = int(setting.read_text())
        if current >= _INSTANCES:
            return False
        setting.write_text(f"{_INSTANCES}\n")
    except OSError:
        # Not root, or not Linux: then the engine's machine is somebody else's to set up.
        return False
    progress("mother", f"raised fs.inotify.max_user_instances from {current} to {_INSTANCES}: servers share it")
    return True


def has_files(path: str) -> bool:
    """Whether a folder exists and holds anything."""
    folder = Path(path)
    return folder.is_dir() and any(folder.iterdir())
