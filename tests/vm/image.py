"""The disk of a virtual machine, made of Debian packages once and kept: installing anything inside an emulated machine takes minutes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from hive_nornir.errors import ProviderError
from hive_nornir.inventory.providers.sandbox import engine, machine

__all__ = ["Image", "ensure"]

CACHE = Path("/var/lib/hive-nornir/vm")
SUITE = "bookworm"
SIZE = "3G"
PACKAGES = ",".join(
    (
        # the machine
        "systemd-sysv,dbus,libnss-myhostname,udev,kmod,procps,iproute2,openssh-server,sudo,linux-image-cloud-amd64,initramfs-tools",
        # what the roles under test install
        "iptables,iptables-persistent,netfilter-persistent,drbd-utils,lvm2,thin-provisioning-tools,parted",
        "gcc,make,patch,linux-headers-cloud-amd64,curl",
        # what the tests look with
        "fdisk,e2fsprogs",
    )
)
# Name, address and key come by the kernel's command line, so that one disk does for all machines.
HOOKS = (
    "echo '/dev/vda / ext4 defaults 0 1' >\"$1/etc/fstab\"",
    # What was taken over from the machine that the image is built on: its name servers, and its packet filter by iptables-persistent.
    'rm -f "$1/etc/resolv.conf" "$1"/etc/iptables/rules.*',
    'rm -f "$1/etc/machine-id" "$1/etc/hostname"',
    'chroot "$1" systemctl -q enable systemd-networkd systemd-network-generator',
    'chroot "$1" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service',
)


@dataclass(frozen=True)
class Image:
    """What QEMU boots. All machines read it and write elsewhere.

    :param folder: with the files.
    """

    folder: Path

    @property
    def disk(self) -> Path:
        """The root file system, without partitions."""
        return self.folder / "root.raw"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"


def ensure(deadline: float = 600.0) -> Image:
    """The image; built when it is not there exactly as it is described here.

    :raises ProviderError: QEMU or what builds the image cannot be had on this machine.
    :raises CalledProcessError: building failed.
    """
    _programs(deadline)
    sources = machine.sources_list(machine.debian_archives(lambda: engine.apt_install([], engine.quiet, deadline)), SUITE)
    description = "\n".join([SUITE, SIZE, PACKAGES, *HOOKS, *sources, machine.apt_settings()])
    image = Image(CACHE / hashlib.sha256(description.encode()).hexdigest()[:12])
    CACHE.mkdir(mode=0o711, parents=True, exist_ok=True)
    with FileLock(CACHE / "lock", timeout=deadline):
        if not image.folder.exists():
            for older in CACHE.glob("*/"):
                shutil.rmtree(older)
            _build(image, sources, deadline)
    return image


def _programs(deadline: float) -> None:
    """Install what is missing.

    :raises ProviderError: it cannot be had.
    """
    packages = {"qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap", "mkfs.ext4": "e2fsprogs", "ip": "iproute2"}
    missing = [package for program, package in packages.items() if shutil.which(program) is None]
    if missing:
        engine.apt_install(missing, engine.quiet, deadline)
    if not Path("/dev/net/tun").exists():
        raise ProviderError("this machine has no /dev/net/tun, by which virtual machines are reached", "modprobe tun")


def _build(image: Image, sources: list[str], deadline: float) -> None:
    """Make the image beside its place, so that half of one is never taken for a whole."""
    with tempfile.TemporaryDirectory(prefix="new-", dir=CACHE) as folder:
        root, made = Path(folder) / "root", Image(Path(folder) / "made")
        made.folder.mkdir()
        options = [f"--aptopt={line}" for line in machine.apt_settings().splitlines()]
        options += [f"--customize-hook={hook}" for hook in HOOKS]
        _run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", *options, SUITE, str(root), *sources], deadline)
        for name, target in (("vmlinuz-*", made.kernel), ("initrd.img-*", made.initrd)):
            shutil.copy(next((root / "boot").glob(name)), target)
        _run(["mkfs.ext4", "-q", "-d", str(root), str(made.disk), SIZE], deadline)
        made.folder.rename(image.folder)


def _run(command: list[str], deadline: float) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, timeout=deadline, check=True)
