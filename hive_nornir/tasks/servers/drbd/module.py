"""DRBD-1: the module and the utilities of version 9, for the kernel that runs after the barrier (O-6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import packages
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks.servers.base.limits import is_container, skipped
from hive_nornir.tasks.servers.drbd.source import DrbdKind, DrbdSource, resolve

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target

__all__ = ["module"]

BUILD_SECONDS = 1800
FIRST_MAJOR = 9
ENROL = "enrol a key for it (mokutil --import), or turn Secure Boot off"
# The utilities' package has the kernel's own module loaded when the server starts; one in use stays.
LOAD = """modprobe -r drbd || { echo "take its resources down first: drbdadm down all, or restart the server" >&2; exit 1; }
modprobe drbd"""


def module(host: Target, wanted: DrbdKind, kernel_version: str, url: str, sha256: str) -> list[Operation]:
    """Utilities, and a module of major version 9 that the target kernel can load.

    :param kernel_version: that the server is to run, "" for the running one.
    """
    utilities = [packages.present(host.os.manager, host.os.packages.drbd_utilities)] if host.os.packages.drbd_utilities else []
    if is_container(host.facts):
        return [*utilities, skipped("module drbd", "a container shares its machine's kernel")]
    kernel = kernel_version or host.facts.kernel
    return [*utilities, _module(host, kernel, wanted, url, sha256)]


def _module(host: Target, kernel: str, wanted: DrbdKind, url: str, sha256: str) -> Operation:
    name, running = quote(kernel), kernel == host.facts.kernel

    def decide(seen: Observed) -> Change | None:
        version, signer, loaded = seen.text.split("\n")[:3]
        if _major(version) < FIRST_MAJOR:
            return _install(host, kernel, version, lambda: resolve(host.os.drbd, wanted, kernel, url, sha256))
        if host.facts.secure_boot and not signer:
            raise OperationFailed(f"{host.name} starts signed modules only, and drbd {version} is not signed", ENROL)
        if running and _major(loaded) < FIRST_MAJOR:
            instead = f" instead of {loaded}" if loaded else ""
            return Change(f"load drbd {version}{instead}", LOAD, f"- {loaded or 'none'}\n+ {version}")
        return None

    looks = [f"modinfo -k {name} -F {field} drbd" for field in ("version", "signer")] + ["cat /sys/module/drbd/version"]
    probe = "\n".join(f'echo "$({look} 2>/dev/null)"' for look in looks)
    return Operation(f"module drbd for {kernel}", probe, decide, deadline=BUILD_SECONDS, disturbs="DRBD is installed")


def _major(version: str) -> int:
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0


def _install(host: Target, kernel: str, found: str, resolved: Callable[[], DrbdSource]) -> Change:
    """The module and, in the kernel that runs, also load it.

    :param found: the version that is there, "" for none.
    :raises OperationFailed: it cannot be had, or would not be let in.
    """
    why = f"the kernel's own drbd {found} is too old" if found else f"there is no drbd for {kernel}"
    try:
        source = resolved()
    except OperationFailed as error:
        raise OperationFailed(f"{host.name}: {why}; {error.message}", error.hint) from error
    if host.facts.secure_boot and source.kind != "elrepo":
        raise OperationFailed(f"{host.name} starts signed modules only, and what {source.kind} brings is not signed", ENROL)
    steps = [_brought(host, source, kernel), f"depmod {quote(kernel)}", *([LOAD] if kernel == host.facts.kernel else [])]
    return Change(f"install drbd 9 for {kernel} from {source.url or source.kind}; {why}", "\n".join(steps), f"- {found or 'none'}\n+ 9")


def _brought(host: Target, source: DrbdSource, kernel: str) -> str:
    """Shell that brings the module."""
    data = host.os.drbd
    names = [name.format(kernel=kernel) for name in data.packages.get(source.kind, ())]
    setup = [line.format(major=host.facts.major) for line in data.setup.get(source.kind, ())]
    install = " ".join(map(quote, names))
    tool = {"apt": "DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends"}.get(
        host.os.manager, f"{host.os.manager} -q -y --setopt=exclude= install"
    )
    steps = [*setup, *([f"{tool} {install}"] if names else [])]
    if source.kind == "archive":
        steps.append(f'{_downloaded(source)}\ntar -xzf "$hv_d/file" -C "$hv_d"\n{tool} $(find "$hv_d" -name \'*.rpm\' -o -name \'*.deb\')')
    elif source.kind == "dkms":
        make = f'make -C "$hv_s" KDIR=/lib/modules/{quote(kernel)}/build'
        build = f'{make} -j "$(nproc)"\n{make} install'
        steps.append(f'{_downloaded(source)}\ntar -xzf "$hv_d/file" -C "$hv_d"\nhv_s=$(ls -d "$hv_d"/drbd-*/)\n{build}')
    return "\n".join(steps)


def _downloaded(source: DrbdSource) -> str:
    """Shell: the file, whose checksum is right, in a new folder (P-15, P-16)."""
    return (
        "hv_d=$(mktemp -d); trap 'rm -rf \"$hv_d\"' EXIT\n"
        f'{{ curl -fsSL -o "$hv_d/file" {quote(source.url)} || wget -qO "$hv_d/file" {quote(source.url)}; }}\n'
        f'[ "$(sha256sum <"$hv_d/file")" = {quote(f"{source.sha256}  -")} ] || {{ echo \'the checksum is another one\' >&2; exit 1; }}'
    )
