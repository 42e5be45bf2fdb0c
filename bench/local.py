"""Measures that need no server: the start of the command, a large inventory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Measure, best_of

__all__ = ["large_site", "local_measures"]


_LOAD = """
import sys, time
started = time.perf_counter()
from nornir import InitNornir
inventory = {"plugin": "HiveInventory", "options": {"root": sys.argv[1], "stage": "private"}}
nornir = InitNornir(inventory=inventory, runner={"plugin": "HiveRunner"}, logging={"enabled": False})
assert len(nornir.inventory.hosts) == 200
print(time.perf_counter() - started)
"""


def local_measures() -> list[Measure]:
    """All of them."""
    return [_help(), _large_inventory()]


def _help() -> Measure:
    bare = best_of(10, lambda: subprocess.run([sys.executable, "-I", "-c", "pass"], check=True))
    ours = best_of(10, lambda: subprocess.run([sys.executable, "-m", "hive_nornir", "--help"], check=True, stdout=subprocess.DEVNULL))
    return Measure("--help, in starts of a bare interpreter", ours / bare, 8, f"{ours:.3f} s / {bare:.3f} s")


def large_site(folder: Path, count: int) -> None:
    """Write the definitions of a site with so many servers."""
    inventory = folder / "inventory"
    inventory.mkdir(parents=True)
    addresses = "".join(f"      - 10.{number // 250}.0.{number % 250 + 4}\n" for number in range(count))
    stage = f"    provider: prepared\n    cidr: 10.0.0.0/8\n    ip_address_list:\n{addresses}"
    text = f"plugin: hive_inventory\nname: large.test\nstages:\n  private:\n{stage}"
    (inventory / "hive.yml").write_text(text)
    (inventory / "services.yml").write_text("plugin: hive_services\nservices:\n  web: {image: 'nginx:stable'}\n")


def _large_inventory() -> Measure:
    with tempfile.TemporaryDirectory() as folder:
        large_site(Path(folder), 200)
        run = [sys.executable, "-c", _LOAD, folder]
        seconds = min(float(subprocess.run(run, check=True, capture_output=True, text=True).stdout) for _ in range(3))
    return Measure("an inventory of 200 hosts, loaded by InitNornir, seconds", seconds, 1.0)
