"""What is on a hive of a replicated volume: one script that changes nothing, and its output taken apart. The latter is pure."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from hive_nornir.operations.core import quote
from hive_nornir.tasks.volumes.drbd.model import NEW_TAG, Known, Observation, Peer, Resource

__all__ = ["NOTHING", "UNNAMED", "observed", "probe", "signature"]

_TOOLS = ("drbdadm", "drbdsetup", "drbdmeta", "lvs", "vgs", "blkid", "findmnt")
_NO_METADATA = "No valid meta data found"
NOTHING = 2  # as blkid(8): no signature
UNNAMED = "something"
"""The signature of what no program knows by name: of a file system that was only begun, for one."""

_FIRST_MAJOR = 9


def probe(wanted: Resource) -> str:
    """Shell that prints what there is, a section each: `@@name exit-code`, and what the command said on both channels."""
    disk = quote(wanted.disk)
    columns = "--noheadings --nosuffix --units b --separator '|' -o"
    gi = f"/sys/kernel/debug/drbd/resources/{quote(wanted.name)}/volumes/0/data_gen_id"
    looks = [
        ("host", "uname -n"),
        ("container", "systemd-detect-virt --container"),
        ("module", "cat /sys/module/drbd/version || modinfo -F version drbd"),
        ("missing", f"for hv_t in {' '.join(_TOOLS)}; do command -v $hv_t >/dev/null || echo $hv_t; done"),
        ("formatter", f"command -v mkfs.{wanted.fstype}"),
        ("groups", f"vgs {columns} vg_name,vg_extent_size,vg_free"),
        ("volumes", f"lvs {columns} vg_name,lv_name,lv_size,lv_attr,lv_tags,data_percent"),
        ("status", "[ ! -e /sys/module/drbd ] || drbdsetup status --json"),
        ("generation", f"head -n 1 {gi}"),
        ("metadata", f"[ ! -b {disk} ] || drbdmeta --force {wanted.minor} v09 {disk} internal dump-md 2>&1 | head -n 40"),
        ("raid", f"[ ! -b {disk} ] || blkid -p -u raid -o value -s TYPE {disk}"),
        ("signature", f"[ ! -b {disk} ] || {{ {signature(wanted.disk)} }}"),
        ("mounted", f"findmnt -rno TARGET -S {wanted.device}"),
    ]
    quiet = "export LVM_SUPPRESS_FD_WARNINGS=1\n"  # the shell has more open than LVM likes
    return quiet + "\n".join(f'hv_o=$({{ {look}; }} 2>&1); printf "@@%s %s\\n%s\\n" {name} $? "$hv_o"' for name, look in looks)


def signature(disk: str) -> str:
    """Shell that prints what the beginning of a copy holds, and ends with 2 if that is nothing but zeros.

    It is read past the page cache: what DRBD writes to a disk is not in what was read of the same disk before.
    """
    return (
        f"hv_f=$(mktemp) && dd if={quote(disk)} of=$hv_f bs=1M count=1 iflag=direct status=none || exit 9\n"
        "hv_n=$(tr -d '\\000' <$hv_f | wc -c); hv_s=$(blkid -p -o value -s TYPE $hv_f); rm -f $hv_f\n"
        f"[ $hv_n != 0 ] || exit {NOTHING}\n"
        f'printf %s "${{hv_s:-{UNNAMED}}}"\n'
    )


def observed(wanted: Resource, host: str, text: str) -> Observation:
    """What the probe of a host printed.

    :param host: as the definitions call it.
    """
    parts = {name: (int(code), body.strip()) for name, code, body in re.findall(r"^@@(\w+) (\d+)\n(.*?)(?=^@@|\Z)", text, re.M | re.S)}
    if len(parts) != 13:
        return Observation(host, problems=(f"its state could not be read: {text.strip()[-200:] or 'no answer'}",))
    if missing := _missing(parts):
        return Observation(host, missing=missing)
    problems: list[str] = []
    if parts["host"][1] != host:
        problems.append(f"it calls itself {parts['host'][1]}, and DRBD goes by that name")
    resources = _resources(parts["status"], problems)
    mine = next((each for each in resources if each["name"] == wanted.name), None)
    taken = next((each["name"] for each in resources if each is not mine and _has_minor(each, wanted.minor)), "")
    device: dict[str, Any] = mine["devices"][0] if mine and mine["devices"] else {}
    groups, volumes = (_rows(parts[name], count, problems) for name, count in (("groups", 3), ("volumes", 6)))
    extent, free = next(((int(row[1]), int(row[2])) for row in groups if row[0] == wanted.group), (4 << 20, None))
    size, new = _disk(wanted, volumes, problems)
    seen = Observation(
        host,
        formatter=parts["formatter"][0] == 0,
        group_free=_free_in_pool(wanted, volumes) if wanted.pool else free,
        extent=extent,
        disk_size=size,
        disk_new=new,
        up=mine is not None,
        role=mine["role"] if mine else "",
        state=device.get("disk-state", ""),
        client=device.get("client") is True,
        quorum=device.get("quorum") is not False,
        peers={each["name"]: _peer(each) for each in mine["connections"]} if mine else {},
        minor_taken_by=taken,
        device_size=device["size"] * 1024 if "size" in device else None,
        mounted=tuple(parts["mounted"][1].splitlines()) if parts["mounted"][0] == 0 else (),
    )
    metadata, node_id, generation = _metadata(parts, seen, problems)
    kernel = re.fullmatch(r"0x([0-9A-Fa-f]{16})", parts["generation"][1])
    return replace(
        seen,
        metadata=metadata,
        signature=_signature(parts["signature"], size, problems),
        node_id=mine["node-id"] if mine else node_id,
        generation=int(kernel[1], 16) if kernel else generation,
        problems=tuple(problems),
    )


def _missing(parts: dict[str, tuple[int, str]]) -> str:
    """Why DRBD cannot be used."""
    code, container = parts["container"]
    if code == 0 and container not in ("", "none"):
        return "it is a container, which has neither disks nor a kernel of its own"
    version = parts["module"][1] if parts["module"][0] == 0 else ""
    major = re.match(r"\d+", version.splitlines()[-1]) if version else None
    if major is None or int(major[0]) < _FIRST_MAJOR:
        return f"its DRBD is {version.splitlines()[-1]}, and 9 is needed" if version and major else "it has no DRBD 9"
    return f"it has no {', '.join(parts['missing'][1].split())}" if parts["missing"][1] else ""


def _resources(status: tuple[int, str], problems: list[str]) -> list[dict[str, Any]]:
    code, text = status
    if code == 0 and not text:
        return []
    try:
        found: list[dict[str, Any]] = json.loads(text[text.index("[") :]) if code == 0 else []
    except ValueError:
        found, code = [], -1
    if code:
        problems.append(f"drbdsetup status says: {text[-200:]}")
    return found


def _has_minor(resource: dict[str, Any], minor: int) -> bool:
    return any(device["minor"] == minor for device in resource["devices"])


def _peer(connection: dict[str, Any]) -> Peer:
    device: dict[str, Any] = connection["peer_devices"][0] if connection["peer_devices"] else {}
    disk = "Diskless" if device.get("peer-client") is True else device.get("peer-disk-state", "DUnknown")
    in_sync = float(device.get("percent-in-sync", 100.0))
    return Peer(connection["connection-state"].strip(), disk, device.get("replication-state", "Off"), in_sync)


def _rows(found: tuple[int, str], count: int, problems: list[str]) -> list[list[str]]:
    """What LVM lists, without its warnings: what is not in a list that was complete is certainly not there."""
    code, text = found
    if code:
        problems.append(f"LVM cannot tell what is there: {text[-200:]}")
    rows = [line.strip().split("|") for line in text.splitlines()]
    return [row for row in rows if len(row) == count]


def _free_in_pool(wanted: Resource, volumes: list[list[str]]) -> int | None:
    for group, name, size, _, _, used in volumes:
        if (group, name) == (wanted.group, wanted.pool):
            return int(int(size) * (1 - float(used or 0) / 100))
    return None


def _disk(wanted: Resource, volumes: list[list[str]], problems: list[str]) -> tuple[int | None, bool]:
    for group, name, size, attributes, tags, _ in volumes:
        if (group, name) == (wanted.group, wanted.name):
            if attributes[4:5] != "a":
                problems.append(f"its logical volume is not active (lvs says {attributes}); lvchange -ay activates it")
            return int(size), NEW_TAG in tags.split(",")
    return None, False


def _metadata(parts: dict[str, tuple[int, str]], seen: Observation, problems: list[str]) -> tuple[Known, int | None, int | None]:
    """Whether DRBD's metadata are on the disk, with the node's number and the generation that they tell.

    Two witnesses must agree that there are none (pitfall 1): drbdmeta, by its own words, and blkid.
    """
    if seen.disk_size is None:
        return "no", None, None
    text, (raid_code, raid) = parts["metadata"][1], parts["raid"]
    if re.search(r'^version "v09";', text, re.M):
        node, current = re.search(r"^node-id (-?\d+);", text, re.M), re.search(r"^current-uuid 0x([0-9A-Fa-f]+);", text, re.M)
        return "yes", int(node[1]) if node and int(node[1]) >= 0 else None, int(current[1], 16) if current else None
    if seen.attached:
        return "yes", None, None
    if text.splitlines()[-1:] == [_NO_METADATA] and raid_code == NOTHING:
        return "no", None, None
    problems.append(f"whether it has DRBD's metadata is not known: drbdmeta says {text[-200:]!r}, blkid finds {raid or 'nothing'}")
    return "unknown", None, None


def _signature(found: tuple[int, str], size: int | None, problems: list[str]) -> str | None:
    code, text = found
    if size is None or code == NOTHING:
        return ""
    if code == 0 and text:
        return text
    problems.append(f"what is on its copy is not known: reading it ends with {code} {text[-100:]}".rstrip())
    return None
