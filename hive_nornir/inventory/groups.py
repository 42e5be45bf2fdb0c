"""The groups that every site has (spec inventory.md 3)."""

from __future__ import annotations

__all__ = ["CHILDREN", "GROUPS"]

GROUPS = (
    "servers",
    "hives",
    "repository",
    "first_hive",
    "mother",
    "hosts",
    "private",
    "staging",
    "production",
    "services",
    "images",
    "volumes",
    "drbd_volumes",
    "nfs_volumes",
    "networks",
)
"""They are there even when they are empty, so that templates can name them."""

CHILDREN = {"servers": ["hives", "repository"], "hosts": ["servers", "mother"]}
"""Group -> the groups whose members are its members too."""
