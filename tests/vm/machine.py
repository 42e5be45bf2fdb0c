"""A virtual machine: a server with a kernel and disks of its own, emulated by QEMU, on a network of this machine and it alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.vm.image import Image

__all__ = ["Disk", "VirtualMachine", "running"]

BOOT_SECONDS = 240
MEMORY = 1024


@dataclass(frozen=True)
class Disk:
    """A disk beside the system's.

    :param file: its content.
    :param sector: bytes of its sectors.
    """

    serial: str
    file: Path
    sector: int = 512

    @property
    def last_written(self) -> int:
        """When anything was last written on it, whatever the machine may say."""
        return self.file.stat().st_mtime_ns


@dataclass
class VirtualMachine:
    """One that runs.

    :param name: the server's own.
    :param folder: for its console and its monitor.
    :param network: its first three numbers, `10.120.7`; we are 1 in it, and the machine is `number`.
    :param disks: in the order in which it sees them: /dev/vdb, /dev/vdc …
    :param bridge: interface of ours that connects it with other machines and has our address; "" when it is alone.
    """

    name: str
    folder: Path
    network: str
    image: Image
    disks: Sequence[Disk]
    number: int = 4
    bridge: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"{self.network}.{self.number}"

    @property
    def gateway(self) -> str:
        """Where this machine answers it."""
        return f"{self.network}.1"

    @property
    def console(self) -> str:
        """What it has said since it was started."""
        return (self.folder / "console").read_text(errors="replace")

    def start(self, root_key: str) -> None:
        """Start it and wait until its sshd answers.

        :param root_key: public key that root takes.
        """
        # QEMU makes the tap device, which so is gone when QEMU is, and QEMU is gone when we are, even if we are killed.
        interface = f"hvm{os.getpid()}-{self.number}"
        command = ["setpriv", "--pdeathsig", "KILL", "--", "qemu-system-x86_64", *self._options(interface, root_key)]
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._until(Path("/sys/class/net", interface).exists, 30)
        own = ("address", "add", f"{self.gateway}/24", "dev", interface)
        ours = ("link", "set", interface, "master", self.bridge) if self.bridge else own
        for words in (ours, ("link", "set", interface, "up")):
            subprocess.run(["ip", *words], stdin=subprocess.DEVNULL, timeout=30, check=True)
        self._until(self._answers, BOOT_SECONDS)

    def _until(self, true: Callable[[], bool], seconds: float) -> None:
        give_up = time.monotonic() + seconds
        while not true():
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "qemu.log").read_text()
            assert time.monotonic() < give_up, f"the machine does not come up:\n{self.console[-3000:]}"
            time.sleep(0.2)

    def cut_power(self) -> None:
        """What it has not written to its disks is lost; it starts anew. Whoever waits for it must look which boot answers."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            lines = monitor.makefile("rw")
            lines.readline()
            for command in ("qmp_capabilities", "system_reset"):
                lines.write(json.dumps({"execute": command}) + "\n")
                lines.flush()
                while "return" not in (answer := json.loads(lines.readline())):
                    assert "event" in answer, answer

    def stop(self) -> None:
        """Its processor stops, like a server's whose plug was pulled."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection((self.address, 22), timeout=3) as connection:
            return connection.recv(4) == b"SSH-"
        return False

    def _options(self, interface: str, root_key: str) -> list[str]:
        words = (
            "root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=5",
            f"ip={self.address}::{self.gateway}:255.255.255.0::eth0:none systemd.hostname={self.name}",
            f'"systemd.set_credential=ssh.authorized_keys.root:{root_key}"',
        )
        options = [
            *("-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35", "-smp", "2", "-m", str(MEMORY)),
            *("-display", "none", "-monitor", "none", "-serial", f"file:{self.folder / 'console'}"),
            *("-qmp", f"unix:{self.folder / 'monitor'},server=on,wait=off"),
            *("-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd), "-append", " ".join(words)),
            *("-netdev", f"tap,id=net,ifname={interface},script=no,downscript=no"),
            *("-device", f"virtio-net-pci,netdev=net,mac=52:54:00:12:34:{self.number:02x}"),
        ]
        # The image is shared; what a machine writes on it goes to a file of its own that has no name.
        drives = [(f"file={self.image.disk},snapshot=on", "serial=HIVE-SYSTEM")]
        drives += [(f"file={disk.file}", f"serial={disk.serial},logical_block_size={disk.sector}") for disk in self.disks]
        for number, (drive, device) in enumerate(drives):
            options += ["-drive", f"{drive},format=raw,if=none,cache=unsafe,id=d{number}"]
            options += ["-device", f"virtio-blk-pci,drive=d{number},{device},physical_block_size=4096"]
        return options


@contextmanager
def running(machine: VirtualMachine, root_key: str) -> Iterator[VirtualMachine]:
    """The machine, started; at the end it, its network and its disks are gone."""
    try:
        machine.start(root_key)
        yield machine
    finally:
        machine.stop()
        for disk in machine.disks:
            disk.file.unlink()
