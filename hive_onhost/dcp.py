"""`dcp`: copy between here and a task of a service, or between two services (swarm-extension.md 4)."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hive_onhost.archives import copy_between
from hive_onhost.engines import Engines
from hive_onhost.failure import ENGINE, Failure
from hive_onhost.options import SELECTION, Options, UsageProblem, parse, run
from hive_onhost.services import running_task

__all__ = ["Place", "main"]

USAGE = f"""\
usage: dcp [-1|-2|-3|-N NUMBER] [--node NODE] [-a] [-L] SOURCE DEST
Copy files between here and a running task of a service, or from one service to another. One of SOURCE and DEST at least is SERVICE:PATH;
a file here whose name has a colon is ./NAME. The one that is - is a tar stream on standard output or input.
{SELECTION}
  -a           keep owner and group; between services they are always kept
  -L           follow a link that SOURCE is"""
# A slow engine may need so long for a part of a large copy.
COPY_PATIENCE = 300
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Place:
    """One side of a copy.

    :param service: "" for a path here.
    """

    service: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Place:
        """As docker's own `cp` tells a container's path from one here: what is before the first colon could be a service's name.

        :raises UsageProblem: there is nothing after the colon.
        """
        name, colon, path = text.partition(":")
        if not colon or not _SERVICE.fullmatch(name):
            return cls("", text)
        if not path:
            raise UsageProblem(f"a path is wanted after {text}")
        return cls(name, path)

    @property
    def local(self) -> str:
        """The path as docker's `cp` takes it: with a colon it would be a container's."""
        return self.path if self.path == "-" or self.path.startswith("/") else f"./{self.path}"


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_dcp, arguments, USAGE)


def _dcp(arguments: Sequence[str]) -> int:
    options = parse(arguments, "aL")
    if len(options.arguments) != 2:
        raise UsageProblem("a source and a destination are wanted")
    source, target = (Place.parse(text) for text in options.arguments)
    engines = Engines.from_environment()
    if source.service and target.service:
        return _between(engines, source, target, options)
    if not source.service and not target.service:
        raise UsageProblem("neither is a path in a service, SERVICE:PATH")
    return _here(engines, source, target, options)


def _between(engines: Engines, source: Place, target: Place, options: Options) -> int:
    find = functools.partial(running_task, engines, options=options, patience=COPY_PATIENCE)
    with find(source.service) as (giver, from_node), find(target.service) as (taker, to_node):
        given, taken = from_node.containers.get(giver.container), to_node.containers.get(taker.container)
        copy_between(given, source.path, taken, target.path, follow="L" in options.switches)
    return 0


def _here(engines: Engines, source: Place, target: Place, options: Options) -> int:
    """Docker's own `cp`, which has the rules for what DEST means."""
    with running_task(engines, source.service or target.service, options) as (task, _node):
        sides = [f"{task.container}:{place.path}" if place.service else place.local for place in (source, target)]
        switches = [f"-{letter}" for letter in sorted(options.switches)]
        words = [*engines.docker_command(engines.address(task.node)), "cp", *switches, "--", *sides]
    sys.stdout.flush()
    try:
        return subprocess.run(words, check=False).returncode  # noqa: S603 - no shell (UTL-6)
    except OSError as error:
        raise Failure(f"cannot run docker: {error}", ENGINE) from error
