"""The role drbd on a server with a kernel and disks of its own.

DRBD 9's sources are in no package registry, so a stand-in is built: a module of that name and version that does nothing. What the role
does with it, and LVM, disks, units and the utilities, are real.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hive_nornir.connections.shell import SshTransport
from hive_nornir.runs.report import RunReport
from tests.hosts.sites import changes, setup
from tests.vm.conftest import Server
from tests.vm.test_volume_groups import say, thin_pool

STAND_IN = {
    "drbd.c": '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_VERSION("9.9.9");\nMODULE_DESCRIPTION("stand-in for a test");\n',
    # The targets and the folder of DRBD's own Makefile.
    "Makefile": "obj-m := drbd.o\nall:\n\t$(MAKE) -C $(KDIR) M=$(CURDIR) modules\n"
    "install:\n\t$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates modules_install\n",
}
RESOURCE = """resource r0 {
  options { quorum majority; on-no-quorum io-error; }
  on p-hive0 { address ADDRESS:7001; node-id 0; volume 0 { device minor 1; disk /dev/drbdvg/r0; meta-disk internal; } }
  on p-hive1 { address 10.0.0.5:7001; node-id 1; volume 0 { device minor 1; disk /dev/drbdvg/r0; meta-disk internal; } }
  connection-mesh { hosts p-hive0 p-hive1; }
}
"""
TRACES = (
    "ls -ld --time-style=full-iso /etc/drbd.d/* /usr/bin/waitdevice /etc/systemd/system/drbd* /etc/sysctl.d/* 2>&1 || :; modinfo -n drbd"
)
FORGET = """
rm -f /usr/bin/waitdevice /etc/systemd/system/drbd-resource@.service /etc/drbd.d/r0.res /etc/sysctl.d/90-hive.conf
[ ! -e /lib/modules/*/updates ] || { rm -r /lib/modules/*/updates; depmod; modprobe -r drbd; modprobe drbd; }
systemctl daemon-reload; cat /sys/module/drbd/version
"""


@pytest.fixture(scope="module")
def source(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where the machine finds the stand-in's sources, and their checksum."""
    folder = tmp_path_factory.mktemp("http")
    with tarfile.open(folder / "drbd-9.9.9.tar.gz", "w:gz") as archive:
        for name, text in STAND_IN.items():
            entry = tarfile.TarInfo(f"drbd-9.9.9/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    web = ThreadingHTTPServer((server.machine.gateway, 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    checksum = hashlib.sha256((folder / "drbd-9.9.9.tar.gz").read_bytes()).hexdigest()
    yield f"http://{server.machine.gateway}:{web.server_port}/drbd-9.9.9.tar.gz", checksum
    web.shutdown()
    web.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def kernels_own(disks: Server, shell: SshTransport) -> Iterator[Server]:
    """The server, whose kernel's own module is loaded, as the utilities' package has it at every start; so it is again afterwards."""
    assert say(shell, "modprobe drbd; cat /sys/module/drbd/version").strip() == "8.4.11"
    yield disks
    assert say(shell, FORGET).strip() == "8.4.11"


def wrong(report: RunReport) -> str:
    """The error of the role, with what to do about it and what the server said."""
    [host] = report.hosts.values()
    role = host.roles["drbd"]
    assert role.status == "failed"
    return f"{role.error} {role.stderr}"


def test_the_kernels_own_module_is_refused_with_what_to_do(kernels_own: Server, shell: SshTransport) -> None:
    before, written = say(shell, TRACES), kernels_own.disk("HIVE-EMPTY").last_written
    for check in (True, False):
        said = wrong(kernels_own.site().run("setup-hosts", roles=["drbd"], check=check))
        assert "the kernel's own drbd 8.4.11 is too old; DRBD would be taken from https://" in said
        assert "checksum is not known" in said
        assert "set hive_drbd_download_sha256" in said
    assert say(shell, TRACES) == before
    assert kernels_own.disk("HIVE-EMPTY").last_written == written


def test_sources_with_another_checksum_are_not_built(kernels_own: Server, shell: SshTransport, source: tuple[str, str]) -> None:
    before = say(shell, TRACES)
    site = kernels_own.site(f"hive_drbd_source: dkms\nhive_drbd_download_url: {source[0]}\nhive_drbd_download_sha256: {'a' * 64}\n")
    assert "the checksum is another one" in wrong(site.run("setup-hosts", roles=["drbd"]))
    assert say(shell, TRACES) == before


VARIABLES = """\
hive_drbd_source: dkms
hive_drbd_download_url: {}
hive_drbd_download_sha256: {}
hive_mirrored_disk_devices:
  - {{poolname: drbdpool}}
  - {{vgname: second, device_order: [/dev/vdb, /dev/vdd]}}
"""


def test_everything(kernels_own: Server, shell: SshTransport, source: tuple[str, str]) -> None:
    site, empty = kernels_own.site(VARIABLES.format(*source)), kernels_own.disk("HIVE-EMPTY")
    before, written = say(shell, TRACES), empty.last_written
    planned = changes(setup(site, "drbd", check=True))
    assert any("install drbd 9 for" in change and "the kernel's own drbd 8.4.11 is too old" in change for change in planned)
    assert any("volume group drbdvg: would-change make it on /dev/vdb (2.1 GB HIVE-EMPTY)" in change for change in planned)
    assert (say(shell, TRACES), empty.last_written) == (before, written), "a plan changed something"

    setup(site, "drbd")
    assert changes(setup(site, "drbd")) == []
    assert changes(setup(site, "drbd", check=True)) == []

    # DRBD-1
    assert say(shell, "modinfo -F version drbd; cat /sys/module/drbd/version").split() == ["9.9.9", "9.9.9"]
    # DRBD-2, as the utilities of version 9 read it
    say(shell, f"cat >/etc/drbd.d/r0.res <<'E'\n{RESOURCE.replace('ADDRESS', kernels_own.machine.address)}E")
    dump = say(shell, "drbdadm dump")
    assert "minor-count 128;" in dump
    assert "usage-count no;" in dump
    assert "on-no-quorum     io-error;" in dump
    assert "drbdsetup new-resource r0 0" in say(shell, "drbdadm -d adjust r0")
    # DRBD-4, DRBD-5: each on a disk of its own, in spite of one order
    assert say(shell, "pvs --noheadings -o pv_name,vg_name").split() == ["/dev/vdb1", "drbdvg", "/dev/vdd1", "second"]
    assert thin_pool(shell) == ("thin-pool", "1.00", "2032.00", "")
    assert say(shell, "lvs --noheadings second") == ""
    # DRBD-6
    assert say(shell, "sysctl -n net.ipv4.tcp_rmem net.ipv4.tcp_wmem").splitlines() == ["131072\t1048576\t16777216"] * 2
    assert say(shell, "grep -c '131072 1048576 16777216' /etc/sysctl.d/90-hive.conf").strip() == "2"
    # DRBD-7
    [rule] = [line for line in say(shell, "iptables -S HIVE-SERVICE").splitlines() if "allow drbd" in line]
    assert "--dports 7000:7999" in rule or "--dport 7000:7999" in rule
    assert kernels_own.machine.address in rule or "-s " not in rule
    # DRBD-9
    assert say(shell, "systemd-analyze verify drbd-resource@volume.service 2>&1") == ""
    assert say(shell, "stat -c '%a %U' /usr/bin/waitdevice").strip() == "755 root"


TRIES = """
d=$(mktemp -d); trap 'rm -rf $d' EXIT
printf '#!/bin/sh\\necho "drbdadm $*" >>%s/calls; [ $(wc -l <%s/calls) -gt {fails} ]\\n' $d $d >$d/drbdadm
printf '#!/bin/sh\\necho "$1" >>%s/sleeps\\n' $d >$d/sleep
chmod 755 $d/*; code=0; PATH=$d:$PATH waitdevice volume || code=$?
echo $code $(wc -l <$d/calls) $(sort -u $d/calls); sort -u $d/sleeps
"""


@pytest.mark.parametrize(("fails", "code", "calls"), [(2, 0, 3), (50, 1, 50)])
@pytest.mark.usefixtures("resource_unit")
def test_a_resource_is_waited_for_and_given_up(shell: SshTransport, fails: int, code: int, calls: int) -> None:
    """DRBD-10, with a drbdadm that fails so many times."""
    assert say(shell, TRIES.format(fails=fails)).splitlines() == [f"{code} {calls} drbdadm adjust volume", "0.2"]
