"""`hive-backup.sh`: the command of the timer and of the administrator (swarm-extension.md 6)."""

from __future__ import annotations

import fcntl
import getopt
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hive_onhost.backup import builtin
from hive_onhost.backup.jobs import Target
from hive_onhost.backup.results import record
from hive_onhost.backup.runner import FAILED, Runner
from hive_onhost.backup.services import services
from hive_onhost.backup.settings import Settings
from hive_onhost.backup.store import Store
from hive_onhost.failure import USAGE as USAGE_CODE
from hive_onhost.failure import Failure
from hive_onhost.options import UsageProblem, run

__all__ = ["main"]

USAGE = """\
usage: hive-backup.sh [-r [--yes]] [-l NAME[,NAME...]] [--dry-run]
       hive-backup.sh --list
Back up Zabbix (hive-zabbix), the registry (hive-registry) and the services that say how, or restore them from the latest backups.
  -l NAMES    only these
  -r          restore; what is there now is replaced
  --yes       do not ask before
  --dry-run   tell what would be done
  --list      tell what backups there are
The exit code is 1 when something failed, 2 when there was nothing to restore from."""


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_hive_backup, arguments, USAGE)


def _hive_backup(arguments: Sequence[str]) -> int:
    try:
        pairs, rest = getopt.getopt(list(arguments), "rl:h", ["list", "dry-run", "yes", "help"])
    except getopt.GetoptError as error:
        raise UsageProblem(str(error)) from error
    options = dict(pairs)
    if rest or options.keys() & {"-h", "--help"}:
        raise UsageProblem(f"{rest[0]} is too much" if rest else "")
    settings = Settings.load()
    store = Store(settings.folder)
    store.own()
    everything = [
        builtin.zabbix(settings.zabbix_days),
        builtin.registry(settings.registry_days),
        *services(settings.descriptions),
    ]
    chosen = _chosen(everything, options["-l"]) if "-l" in options else everything
    restoring = "-r" in options
    if "--list" in options:
        return _list(store, chosen)
    if "--dry-run" in options:
        return _plan(store, chosen, restoring=restoring)
    os.umask(0o077)
    with _alone(settings.state):
        runner = Runner(store, settings.hook, settings.seconds)
        if restoring:
            if "--yes" not in options:
                _confirm(chosen)
            return runner.restore(chosen)
        results = runner.backup(chosen)
        known = {(target.name, job.name) for target in everything for job in target.jobs}
        record(settings.state, results, known, time.time())
        return FAILED if any(result.status == "failed" for result in results) else 0


def _chosen(everything: Sequence[Target], names: str) -> list[Target]:
    """The targets that are named, in their own order.

    :raises Failure: one is not known; nothing was done.
    """
    wanted = names.split(",")
    known = [target.name for target in everything]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Failure(f"there is no {unknown[0] or 'name'}: one of {', '.join(known)} is wanted", USAGE_CODE)
    return [target for target in everything if target.name in wanted]


def _list(store: Store, targets: Sequence[Target]) -> int:
    for target in targets:
        if target.problem:
            print(f"{target.name}: {target.problem}")
        for job in target.jobs:
            latest, files = store.latest(job), store.files(job)
            shown = f"{latest.name}, {latest.stat().st_size} bytes, {len(files)} in all" if latest else "none"
            print(f"{target.name} {job.name}: {shown if job.source else 'keeps no file'}")
    return FAILED if any(target.problem for target in targets) else 0


def _plan(store: Store, targets: Sequence[Target], *, restoring: bool) -> int:
    now = datetime.now()
    for target in targets:
        if target.problem:
            print(f"{target.name}: {target.problem}")
        for job in [each for each in target.jobs if each.source]:
            if restoring:
                latest = store.latest(job)
                print(f"restore {job.name} from {latest.name}" if latest else f"skip {job.name}: there is no backup")
                continue
            print(f"back up {job.name} to {store.new(job, now).name}")
            for old in store.old(job, now):
                print(f"remove {old.name}")
    return FAILED if any(target.problem for target in targets) else 0


def _confirm(targets: Sequence[Target]) -> None:
    """Have somebody at the terminal say yes (BKP-8).

    :raises Failure: nobody does.
    """
    names = ", ".join(target.name for target in targets)
    if not sys.stdin or not sys.stdin.isatty():
        raise Failure(f"{names} would be replaced by the latest backups: say --yes", USAGE_CODE)
    if input(f"{names}: what is there now is replaced by the latest backups. Type yes to go on: ").strip() != "yes":
        raise Failure("nothing was restored", USAGE_CODE)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """While no other run is under way (BKP-7); the lock goes with the process.

    :raises Failure: one is.
    """
    try:
        lock = os.open(state / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise Failure(f"{error.strerror}: {state}/lock; the role backup-tools makes the folder", USAGE_CODE) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Failure("another run is under way", USAGE_CODE) from error
    try:
        yield
    finally:
        os.close(lock)
