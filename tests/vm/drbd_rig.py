"""Three virtual machines with a real DRBD 9, and a site of which they are the hives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hive_nornir import Site
from hive_nornir.connections.shell import SshTransport
from hive_nornir.inventory.keys import ensure_admin_key
from hive_nornir.operations.engine import Engine
from hive_nornir.plays.objects import NamedStep, ObjectPlay, run_plays
from hive_nornir.plays.phase import PhaseOptions
from hive_nornir.runs.events import RunProcessor
from hive_nornir.runs.report import HostReport, RunReport
from hive_nornir.tasks.servers.drbd.resource_unit import resource_unit
from hive_nornir.tasks.site_object import ObjectStep, SiteObject
from hive_nornir.tasks.volumes.drbd.build import replicated_volume
from hive_nornir.tasks.volumes.drbd.definition import resource_of
from hive_nornir.tasks.volumes.drbd.destroy import refuse_mounted, removed_replicas
from tests.hosts.sites import build, errors, transport
from tests.vm import image
from tests.vm.machine import Disk, VirtualMachine

__all__ = ["Rig", "destroyed", "replicated", "rig"]

MODULES = "HIVE_TEST_DRBD_MODULES"
HIVE = """\
plugin: hive_inventory
name: drbd{number}.test
stages:
  private:
    provider: prepared
    cidr: {network}.0/24
    separate_repository: false
    ip_address_list: [{addresses}]
"""
SERVICES = """\
plugin: hive_services
services:
  web:
    image: nginx:stable
    volumes: [{{source: data, target: /d, type: volume, drbd: {drbd}}}]
"""
PREPARE = """
mkdir -p /lib/modules/$(uname -r)/updates; mv /run/modules/*.ko /lib/modules/$(uname -r)/updates/; depmod
modprobe -r drbd 2>/dev/null || :; modprobe drbd; modprobe drbd_transport_tcp; cat /sys/module/drbd/version
printf 'global { usage-count no; minor-count 128; }\\ncommon {}\\n' >/etc/drbd.d/global_common.conf
for group in drbdvg plain; do
  disk=/dev/vdb; [ $group = drbdvg ] || disk=/dev/vdc
  pvcreate -q $disk; vgcreate -q $group $disk
done
lvcreate -q -y --type thin-pool -L 800m -c 1024k -Z n -n drbdpool drbdvg
"""


@dataclass
class Rig:
    """The machines and the site, which has one volume, `data`."""

    root: Path
    machines: Sequence[VirtualMachine]

    def site(self, drbd: str = "{size: 64M, fstype: ext4}", more: str = "") -> Site:
        """The site, with the volume defined so."""
        inventory = self.root / "inventory"
        (inventory / "services.yml").write_text(SERVICES.format(drbd=drbd))
        variables = "hive_mirrored_disk_devices: [{poolname: drbdpool}, {vgname: plain}]\n"
        (inventory / "group_vars" / "all.yml").write_text(f"{variables}{more}")
        return Site.open(self.root, "private")

    def shell(self, number: int) -> SshTransport:
        """A root shell on a machine."""
        return transport(self.opened, f"p-hive{number}")

    def say(self, number: int, script: str) -> str:
        """What a script prints, which must succeed."""
        done = self.shell(number).run(f"export LVM_SUPPRESS_FD_WARNINGS=1\n{script}", deadline=120)
        assert done.exit_code == 0, (script, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def everywhere(self, script: str) -> list[str]:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda number: self.say(number, script), range(len(self.machines))))

    def __post_init__(self) -> None:
        self.opened = self.site()

    def play(self, step: ObjectStep, site: Site, *, check: bool = False, servers: Sequence[int] | None = None) -> RunReport:
        """Run one step for the volume, as build-volumes does."""
        chosen = None if servers is None else tuple(site.inventory.hives[number] for number in servers)
        options = PhaseOptions("build-volumes", None, ("volume_data",), check, halt=False, destroy=False, servers=chosen)
        report = RunReport("build-volumes", "private", check)
        report.hosts = {name: HostReport(name) for name in options.hosts}
        run_plays(site, options, RunProcessor(report, []), [ObjectPlay("volumes", options.hosts, [NamedStep("volume", step)])])
        report.notes += report.notices()
        return report

    def made(self, step: ObjectStep, site: Site, *, check: bool = False, servers: Sequence[int] | None = None) -> RunReport:
        """The same; it must succeed."""
        report = self.play(step, site, check=check, servers=servers)
        assert report.ok, errors(report)
        return report

    def why(self, step: ObjectStep, site: Site, *, check: bool = False, servers: Sequence[int] | None = None) -> str:
        """The same; it must fail. Why it did."""
        report = self.play(step, site, check=check, servers=servers)
        assert not report.ok
        return " ".join(errors(report))


def replicated(thing: SiteObject) -> None:
    """The replicated part of a volume; the machines have no Docker."""
    replicated_volume(thing, resource_of(thing))


def destroyed(thing: SiteObject) -> None:
    """That part's end."""
    wanted = resource_of(thing)
    refuse_mounted(thing, wanted)
    removed_replicas(thing, wanted)


@contextmanager
def rig(folder: Path, modules: Path, count: int = 3) -> Iterator[Rig]:
    """Start everything; at the end it is all gone.

    :param modules: folder of DRBD 9's modules for the kernel of `image`: drbd.ko, drbd_transport_tcp.ko and what they need.
    """
    made = image.ensure()
    number = os.getpid()
    network, bridge = f"10.{128 + number // 256 % 8}.{number % 256}", f"hvb{number}"
    machines = [_machine(folder, made, index, network, bridge) for index in range(count)]
    root = folder / "site"
    (root / "inventory" / "group_vars").mkdir(parents=True)
    addresses = ", ".join(machine.address for machine in machines)
    (root / "inventory" / "hive.yml").write_text(HIVE.format(number=number, network=network, addresses=addresses))
    with _bridge(bridge, f"{network}.1/24"), ThreadPoolExecutor(count) as pool:  # a machine dies with the thread that started it
        try:
            found = Rig(root, machines)
            key = ensure_admin_key(found.opened.context.context_dir).with_suffix(".pub").read_text().strip()
            list(pool.map(lambda machine: machine.start(key), machines))
            build(found.opened)
            _prepare(found, modules)
            yield found
        finally:
            found.opened.close()
            for machine in machines:
                machine.stop()


def _machine(folder: Path, made: image.Image, index: int, network: str, bridge: str) -> VirtualMachine:
    own = folder / str(index)
    own.mkdir()
    disks = []
    for serial, mebibytes in (("HIVE-THIN", 900), ("HIVE-PLAIN", 300)):
        file = own / f"{serial}.raw"
        with file.open("wb") as content:
            content.truncate(mebibytes << 20)
        disks.append(Disk(serial, file))
    return VirtualMachine(f"p-hive{index}", own, network, made, disks, number=10 + index, bridge=bridge)


@contextmanager
def _bridge(name: str, address: str) -> Iterator[None]:
    """A bridge of ours, whose machines may talk to each other whatever Docker's packet filter says of it."""
    rule = ("FORWARD", "-i", name, "-o", name, "-j", "ACCEPT")
    _run("ip", "link", "add", name, "type", "bridge")
    try:
        _run("ip", "address", "add", address, "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("iptables", "-w", "-I", *rule)
        yield
    finally:
        subprocess.run(["iptables", "-w", "-D", *rule], stdin=subprocess.DEVNULL, timeout=30, check=False)
        _run("ip", "link", "delete", name)


def _prepare(found: Rig, modules: Path) -> None:
    archive = subprocess.run(["tar", "-C", modules, "-c", "."], capture_output=True, timeout=60, check=True).stdout
    for number in range(len(found.machines)):
        done = found.shell(number).run("mkdir -p /run/modules; tar -C /run/modules -x", deadline=60, stdin=archive)
        assert done.exit_code == 0, done.stderr.decode()
    versions = found.everywhere(PREPARE)
    assert all(said.splitlines()[0].startswith("9.") for said in versions), versions
    for number in range(len(found.machines)):
        assert {outcome.status for outcome in Engine(found.shell(number), f"p-hive{number}").run(resource_unit())} == {"changed"}


def _run(*command: str) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, timeout=30, check=True)
