"""`hive-zabbix`: what the role zabbix asks of the site's Zabbix and changes in it, through its API (spec setup-hosts.md 4.22).

`look FILE` tells as JSON what is not as the file says; `apply FILE` makes it so. The file names the files of the secrets; neither is in
anybody's arguments, output or logs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from hive_onhost.options import run
from hive_onhost.zabbix.access import Access
from hive_onhost.zabbix.model import Difference, Model
from hive_onhost.zabbix.objects import PHASES

__all__ = ["apply", "look", "main"]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_hive_zabbix, arguments, "usage: hive-zabbix look FILE | hive-zabbix apply FILE")


def _hive_zabbix(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("hive-zabbix")
    parser.add_argument("what", choices=("look", "apply"))
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    model = Model(json.loads(given.file.read_text()))
    if given.what == "look":
        print(json.dumps({"differs": look(model)}))
    else:
        apply(model)
    return 0


def look(model: Model) -> list[str]:
    """What is not as it should be, in plain words; changes nothing."""
    access = Access(model)
    with access.entered() as api:
        found = [*access.differences(api), *(each for phase in PHASES for each in phase(api, model))]
    return [each.text for each in found]


def apply(model: Model) -> None:
    """Make it so; each kind of thing after those that it refers to."""
    access = Access(model)
    with access.entered() as api:
        _mend(access.differences(api))
    with access.entered() as api:  # a changed password ends sessions
        for phase in PHASES:
            _mend(phase(api, model))


def _mend(differences: Sequence[Difference]) -> None:
    for each in differences:
        each.mend()
