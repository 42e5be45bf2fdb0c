"""A replicated volume and what is seen of it, for tests."""

from __future__ import annotations

from dataclasses import replace

from hive_nornir.tasks.volumes.drbd.model import JUST_CREATED, Observation, Peer, Resource

HOSTS = ("p-hive0", "p-hive1", "p-hive2")
MIB = 1 << 20
DATA = Resource("data", 100 * MIB, "ext4", 1, {host: f"10.0.0.{n}" for n, host in enumerate(HOSTS, 4)}, HOSTS)
NEVER = Observation("", group_free=900 * MIB)
BLANK = replace(NEVER, disk_size=100 * MIB, disk_new=True)
CREATED = replace(BLANK, metadata="yes", node_id=0, generation=JUST_CREATED)
FRESH = replace(CREATED, up=True, role="Secondary", state="Inconsistent")
SEEDED = replace(FRESH, state="UpToDate", generation=0xABC0)
FORMATTED = replace(SEEDED, signature="ext4")
GOOD = replace(FORMATTED, disk_new=False)
DOWN = replace(GOOD, up=False, role="", state="")


def seen(*each: Observation, connection: str = "Connected") -> dict[str, Observation]:
    """One for each host in order; those that are up are in touch with each other."""
    named = [replace(one, host=host) for host, one in zip(HOSTS, each, strict=False)]
    up = [one for one in named if one.up]
    return {
        one.host: replace(one, peers={other.host: Peer(connection, other.state) for other in up if other is not one}) if one.up else one
        for one in named
    }
