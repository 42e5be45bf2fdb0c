"""BASE-2: on Azure, RHEL's volume group is smaller than the disk that was asked for; /var gets the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation

if TYPE_CHECKING:
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["decide_growth", "grow_var", "growth_pending"]

# Is gone after a restart.
GROWN = "/run/hive-nornir.disk-has-grown"
GROUP, VOLUME = "rootvg", "varlv"
# A partition ends at a whole MiB, and a GPT keeps its second copy behind it: less than this is no room to grow. In sectors of 512 bytes.
SLACK = 8192
_PROBE = rf"""hv_pv=$(pvs --noheadings -o pv_name -S vg_name={GROUP} | tr -d ' ')
hv_part=${{hv_pv##*/}}; hv_disk=$(lsblk -no PKNAME -- "$hv_pv" | head -n 1)
echo "pv $hv_pv"
echo "disk $hv_disk $(cat /sys/class/block/$hv_disk/size)"
for hv_p in /sys/class/block/$hv_disk/*/partition; do
  hv_d=${{hv_p%/partition}}
  echo "partition ${{hv_d##*/}} $(cat $hv_p $hv_d/start $hv_d/size | tr '\n' ' ')"
done
echo "free $(vgs --noheadings -o vg_free_count {GROUP} | tr -d ' ')"
"""


def grow_var(host: Target, v: BaseVariables) -> list[Operation]:
    """The partition of the physical volume, the volume and the file system of /var fill the disk."""
    if not (host.facts.distribution == "rhel" and v.hive_provider == "azure" and v.hive_disk_size):
        return []
    return [Operation(f"size of {GROUP}/{VOLUME}", _PROBE, decide_growth, deadline=300, disturbs="/var has grown")]


def decide_growth(seen: Observed) -> Change | None:
    """From the disk's partitions to the commands that use what is free.

    :raises OperationFailed: the disk is not laid out as on Azure's images; nothing is tried.
    """
    pv = re.search(r"^pv (/dev/\S+)$", seen.text, re.MULTILINE)
    disk = re.search(r"^disk (\S+) (\d+)$", seen.text, re.MULTILINE)
    free = re.search(r"^free (\d+)$", seen.text, re.MULTILINE)
    if not pv or not disk or not free:
        raise OperationFailed(f"the disk of volume group {GROUP} cannot be found, so /var cannot be grown", "it has to be on one partition")
    name = pv[1].rpartition("/")[2]
    partitions = {part: tuple(map(int, numbers)) for part, *numbers in re.findall(r"^partition (\S+) (\d+) (\d+) (\d+)", seen.text, re.M)}
    if name not in partitions:
        raise OperationFailed(f"{pv[1]} is not a partition of {disk[1]}, so /var cannot be grown")
    number, start, size = partitions[name]
    last = all(other_start <= start for _, other_start, _ in partitions.values())
    room = int(disk[2]) - start - size
    words, commands = [], []
    if last and room > SLACK:
        words.append(f"{pv[1]} + {room * 512 // 1024**2} MiB")
        commands.append(f"echo ', +' | sfdisk --no-reread --force -N {number} /dev/{disk[1]}")
        commands.append(f"partx -u --nr {number} /dev/{disk[1]}")
        commands.append(f"pvresize {pv[1]}")
    if words or int(free[1]):
        words.append(f"{VOLUME} takes all of {GROUP}")
        commands.append(f"lvextend -r -l +100%FREE /dev/{GROUP}/{VOLUME}")
        commands.append(f": >{GROWN}")
        return Change(", ".join(words), "\n".join(commands))
    return None


def growth_pending() -> str:
    """Shell that prints that the server has to restart because its disk has grown."""
    return f'[ ! -e {GROWN} ] || echo "the system disk has grown"'
