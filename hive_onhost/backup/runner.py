"""The runs: one backup or restore after the other; what fails is told, and the others go on (BKP-1)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hive_onhost.backup import verifying
from hive_onhost.backup.jobs import Job, Source, Target
from hive_onhost.backup.processes import Clock, run
from hive_onhost.backup.results import Result
from hive_onhost.backup.store import Store
from hive_onhost.failure import Failure

__all__ = ["FAILED", "MISSING", "Runner"]

FAILED, MISSING = 1, 2


@dataclass(frozen=True)
class Runner:
    """Does what was asked for.

    :param hook: program that is given each finished file, "" for none (BKP-11).
    :param seconds: that an entry may take.
    """

    store: Store
    hook: str
    seconds: float

    def backup(self, targets: Sequence[Target]) -> list[Result]:
        """Back up every entry."""
        self.store.tidy()
        results = []
        for target in targets:
            _say("ENTER", target.name)
            if target.problem:
                results.append(Result(target.name, "", "failed", time.time(), 0.0, message=target.problem))
                _say("FAIL", f"{target.name}: {target.problem}")
            results += [self._backup(target, job) for job in target.jobs]
            _say("LEAVE", target.name)
        return results

    def restore(self, targets: Sequence[Target]) -> int:
        """Restore every entry from its latest backup.

        :returns: the exit code: 1 when one failed, else 2 when one has no backup.
        """
        codes = []
        for target in targets:
            _say("ENTER", target.name)
            if target.problem:
                _say("FAIL", f"{target.name}: {target.problem}")
                codes.append(FAILED)
            codes += [self._restore(job, job.source) for job in target.jobs if job.source]
            _say("LEAVE", target.name)
        return FAILED if FAILED in codes else max(codes, default=0)

    def _backup(self, target: Target, job: Job) -> Result:
        _say("START", job.name)
        began, clock = time.time(), Clock(self.seconds)
        file, problems = "", []
        try:
            problems = job.before(clock)
            for problem in problems:
                _say("SKIP", f"{job.name}: {problem}")
            made = self._make(job, job.source, clock) if job.source else None
        except (Failure, OSError) as error:
            _say("FAIL", f"{job.name}: {error}")
            return Result(target.name, job.name, "failed", began, clock.seconds - clock.left, file, message=str(error))
        seconds = clock.seconds - clock.left
        size, digest = (made.stat().st_size, verifying.checksum(made)) if made else (0, "")
        _say("END", f"{job.name}: {size} bytes, {seconds:.1f} s" if made else job.name)
        return Result(target.name, job.name, "ok", began, seconds, made.name if made else "", size, digest, "; ".join(problems))

    def _make(self, job: Job, source: Source, clock: Clock) -> Path:
        """A backup that was read back; then the link to it, the hook, and only then those that are too old."""
        now = datetime.now()
        self.store.room(job)
        file = self.store.new(job, now)
        with self.store.writing(file) as (sink, partial):
            source.backup(sink, clock)
            sink.flush()
            job.check(partial)
        _say("LINK", f"{self.store.link(job, file).name} -> {file.name}")
        if self.hook:
            run([self.hook, str(file)], clock)
        for old in self.store.old(job, now):
            old.unlink()
        return file

    def _restore(self, job: Job, source: Source) -> int:
        latest = self.store.latest(job)
        if latest is None:
            _say("SKIP", f"{job.name}: there is no backup")
            return MISSING
        _say("START", f"{job.name} from {latest.name}")
        clock = Clock(self.seconds)
        try:
            job.check(latest)
            source.restore(latest, clock)
        except (Failure, OSError) as error:
            _say("FAIL", f"{job.name}: {error}")
            return FAILED
        _say("END", f"{job.name}: {clock.seconds - clock.left:.1f} s")
        return 0


def _say(word: str, text: str) -> None:
    print(f"{word} {text}", flush=True)
