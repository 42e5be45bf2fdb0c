"""One virtual machine for all tests, reached as the product reaches somebody's server: provider `prepared`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.errors import ProviderError
from hive_nornir.inventory.keys import ensure_admin_key
from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.servers.drbd.resource_unit import UNIT
from hive_nornir.tasks.servers.drbd.resource_unit import resource_unit as drbd_resource_unit
from tests.hosts.sites import build, setup, transport
from tests.vm import image
from tests.vm.machine import Disk, VirtualMachine, running

HIVE = """\
plugin: hive_inventory
name: {name}
stages:
  private:
    provider: prepared
    cidr: {network}.0/24
    separate_repository: false
    ip_address_list: [{address}]
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Virtual machines are run only by whoever asks for them: `-m vm`."""
    ours = [item for item in items if "vm" in item.path.parts]
    for item in ours:
        item.add_marker(pytest.mark.vm)
    if "vm" not in config.option.markexpr:
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


@dataclass
class Server:
    """A virtual machine and the site that it is the only server of.

    :param root: the site's folder.
    """

    machine: VirtualMachine
    root: Path

    def site(self, variables: str = "") -> Site:
        """The site, with these lines in its group_vars."""
        (self.root / "inventory" / "group_vars" / "all.yml").write_text(variables)
        return Site.open(self.root, "private")

    def disk(self, serial: str) -> Disk:
        return next(disk for disk in self.machine.disks if disk.serial == serial)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The machine, with its packet filter set up. What a test leaves on its spare disks, `disks` takes away."""
    try:
        made = image.ensure()
    except ProviderError as error:
        pytest.skip(f"no virtual machines here: {error}")
    folder = tmp_path_factory.mktemp("vm")
    disks = [_disk(folder, "HIVE-EMPTY", 2048), _disk(folder, "HIVE-DATA", 64), _disk(folder, "HIVE-LARGE", 300, sector=4096)]
    subprocess.run(["mkfs.ext4", "-q", disks[1].file], stdin=subprocess.DEVNULL, timeout=60, check=True)
    number = os.getpid()
    machine = VirtualMachine("p-hive0", folder, f"10.{120 + number // 256 % 8}.{number % 256}", made, disks)
    found = Server(machine, _site(folder / "site", machine))
    site = found.site()
    key = ensure_admin_key(site.context.context_dir).with_suffix(".pub").read_text().strip()
    with running(machine, key):
        build(site)
        setup(site, "iptables")
        yield found


@pytest.fixture(scope="session")
def shell(server: Server) -> Iterator[SshTransport]:
    """A root shell on the machine; logging in takes an emulated machine seconds."""
    site = server.site()
    yield transport(site)
    site.close()


WIPE = """
umount -q /mnt; swapoff -a; udevadm settle
for group in $(vgs --noheadings -o vg_name); do vgremove -q -ff -y $group >/dev/null; done
for disk in /dev/vdb /dev/vdd; do
  for node in $(lsblk -rnpo NAME $disk | tac); do wipefs -qaf $node; dd if=/dev/zero of=$node bs=1M count=2 status=none conv=fsync; done
  i=0; until udevadm settle; blockdev --rereadpt $disk 2>/dev/null || [ $((i=i+1)) = 20 ]; do sleep 0.2; done
done
udevadm settle; lsblk -rno NAME,FSTYPE
"""


@pytest.fixture
def disks(server: Server, shell: SshTransport) -> Iterator[Server]:
    """The server; its spare disks are empty before and after. The one with somebody's data, and the system's, are as they were."""
    look = "head -c 1024 /dev/vda | sha256sum; blkid -p -o export /dev/vda /dev/vdc"
    before = (_said(shell, look), server.disk("HIVE-DATA").last_written)
    yield server
    after = (_said(shell, look), server.disk("HIVE-DATA").last_written)
    assert _said(shell, WIPE).split() == ["vda", "ext4", "vdb", "vdc", "ext4", "vdd"]
    assert after == before


@pytest.fixture
def resource_unit(shell: SshTransport) -> Iterator[None]:
    """The template unit of replicated volumes is there, as the role drbd makes it."""
    assert {outcome.status for outcome in Engine(shell, "p-hive0").run(drbd_resource_unit())} == {"changed"}
    yield
    _said(shell, f"rm {UNIT} /usr/bin/waitdevice; systemctl daemon-reload")


def _said(shell: SshTransport, script: str) -> str:
    done = shell.run(script, deadline=60)
    assert done.exit_code == 0, (script, done.stderr.decode())
    return done.stdout.decode()


def _disk(folder: Path, serial: str, mebibytes: int, *, sector: int = 512) -> Disk:
    file = folder / f"{serial}.raw"
    with file.open("wb") as content:
        content.truncate(mebibytes << 20)
    return Disk(serial, file, sector)


def _site(root: Path, machine: VirtualMachine) -> Path:
    inventory = root / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    name = f"vm{os.getpid()}.test"
    (inventory / "hive.yml").write_text(HIVE.format(name=name, network=machine.network, address=machine.address))
    (inventory / "services.yml").write_text("plugin: hive_services\nservices:\n  web:\n    image: nginx:stable\n    ports: ['8080:80']\n")
    return root
