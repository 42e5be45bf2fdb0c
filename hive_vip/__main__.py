"""The command hive-vip: `run` is the daemon, `status` tells how it does, `plan` what it would do."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hive_vip import desired, files, planning, status
from hive_vip.errors import OutsideError
from hive_vip.host import Host
from hive_vip.ledger import Ledger
from hive_vip.packet_filter import VERSIONS
from hive_vip.settings import Settings

__all__ = ["main"]

RUN = Path("/run/hive")
STATE, STATUS, LOCK = RUN / "vip.json", RUN / "vip-status.json", RUN / "vip.lock"
MARKS = Path("/var/lib/hive/vip-marks.json")
CONFIGURATION = Path("/etc/hive/vip.json")
# Managers are never behind a proxy, and nobody else's authorities vouch for them; requests would believe the environment.
_FOREIGN = ("http_proxy", "https_proxy", "all_proxy", "requests_ca_bundle", "curl_ca_bundle")


def main(argv: Sequence[str]) -> int:
    """Run the command.

    :param argv: its name, then its arguments.
    :returns: 0; 1 when it failed, or when a virtual IP or label that has to be here is not; 2 when it was called in a wrong way.
    """
    parser = argparse.ArgumentParser("hive-vip", description="Virtual IPs and node labels that follow the swarm's services.")
    commands = {"run": _run, "status": _status, "plan": _plan}
    parser.add_argument("command", choices=commands, help="the daemon; how it does, as JSON; what it would do, a line each")
    chosen = parser.parse_args(argv[1:]).command
    for name in _FOREIGN:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    try:
        return commands[chosen](Settings.read(os.environ, files.read_json(CONFIGURATION)))
    except (ValueError, OutsideError, PermissionError) as error:
        print(f"hive-vip: {error}", file=sys.stderr)
        return 1


def _run(settings: Settings) -> int:
    from hive_vip.daemon import Daemon
    from hive_vip.swarm import Engine  # half a second, which `status` need not wait

    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        instance = status.SingleInstance(LOCK)
    except BlockingIOError:
        raise ValueError("another hive-vip runs already") from None
    ledger = Ledger.load(STATE, MARKS)
    logging.getLogger("hive_vip").info("started with %d addresses and %d labels of before", len(ledger.entries), len(ledger.marks))
    Daemon(settings, Engine(settings.engine, settings.certificates), Host(), ledger, STATUS).run()
    instance.release()
    return 0


def _status(_settings: Settings) -> int:
    state = status.read(STATUS, LOCK, Host().links())
    print(json.dumps(state, indent=1))
    return 0 if status.healthy(state) else 1


def _plan(settings: Settings) -> int:
    from hive_vip.swarm import Engine

    host = Host()
    swarm = Engine(settings.engine, settings.certificates).look()
    wanted = desired.wanted(swarm, settings.reserved)
    saved = {version: host.saved(version) for version in VERSIONS}
    for line in planning.plan(wanted, swarm, Ledger.load(STATE, MARKS), host.links(), saved, settings.reserved):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
