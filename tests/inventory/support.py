"""Small sites for tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir.errors import DefinitionErrors, Problem
from hive_nornir.inventory.definitions import Definitions, load_definitions

SITES = Path(__file__).parent / "sites"
HIVE = "plugin: hive_inventory\nname: test\nstages:\n  private: {provider: vagrant, cidr: 192.168.56.0/24}\n"


def write_site(root: Path, services: str = "", hive: str = HIVE, **others: str) -> Path:
    """A site with a hive definition, one services file (what stands below `services:`) and other files by their stem."""
    folder = root / "inventory"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hive.yml").write_text(hive)
    if services:
        (folder / "services.yml").write_text(f"plugin: hive_services\nservices:\n{services}")
    for stem, text in others.items():
        (folder / f"{stem}.yml").write_text(text)
    return root


def load(root: Path, services: str = "", hive: str = HIVE, **others: str) -> Definitions:
    return load_definitions(write_site(root, services, hive, **others))


def problems(root: Path, services: str = "", hive: str = HIVE, **others: str) -> list[Problem]:
    """What is wrong with a site; at least one thing is."""
    with pytest.raises(DefinitionErrors) as caught:
        load(root, services, hive, **others)
    return caught.value.problems


def only(root: Path, services: str = "", hive: str = HIVE, **others: str) -> Problem:
    """The one thing that is wrong with a site."""
    found = problems(root, services, hive, **others)
    assert len(found) == 1, found
    return found[0]
