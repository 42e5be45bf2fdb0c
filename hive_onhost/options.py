"""What the commands for services have in common: their options, and how they fail."""

from __future__ import annotations

import getopt
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hive_onhost.failure import USAGE, Failure

__all__ = ["SELECTION", "Options", "UsageProblem", "parse", "run"]

SELECTION = """\
  -1, -2, -3, -N NUMBER, --replica NUMBER
               the task with this number among those that run; 1 without it
  --node NODE  only tasks on this node"""
# The site's engines are never behind a proxy, and nobody else's authorities vouch for them; requests would believe the environment.
_FOREIGN = ("http_proxy", "https_proxy", "all_proxy", "requests_ca_bundle", "curl_ca_bundle")


class UsageProblem(Exception):
    """The arguments are not as they should be; or -h was given, and there is nothing to say."""


@dataclass(frozen=True)
class Options:
    """What was asked for.

    :param switches: letters of options without a value, long names for those without a letter.
    :param arguments: what follows the options, as it was given.
    """

    number: int = 1
    node: str = ""
    switches: frozenset[str] = frozenset()
    arguments: tuple[str, ...] = ()


def parse(arguments: Sequence[str], letters: str = "", words: Sequence[str] = ()) -> Options:
    """Options up to the first argument that is none; what follows belongs to somebody else's command.

    :param letters: options beside the selection's.
    :param words: long options.
    :raises UsageProblem: an option is not known, or its value is not what it has to be; or help was asked for.
    """
    try:
        pairs, rest = getopt.getopt(list(arguments), f"123N:h{letters}", ["replica=", "node=", "help", *words])
    except getopt.GetoptError as error:
        raise UsageProblem(str(error)) from error
    number, node, switches = "1", "", set()
    for option, value in pairs:
        name = option.lstrip("-")
        if name in ("h", "help"):
            raise UsageProblem
        if name in ("1", "2", "3"):
            number = name
        elif name in ("N", "replica"):
            number = value
        elif name == "node":
            node = value
        else:
            switches.add(name)
    if not number.isdecimal() or int(number) < 1:
        raise UsageProblem(f"{number} is no number of a task, 1 or more is wanted")
    return Options(int(number), node, frozenset(switches), tuple(rest))


def run(command: Callable[[Sequence[str]], int], arguments: Sequence[str], usage: str) -> int:
    """Run a command, and say what went wrong as its users expect it.

    :returns: its exit code.
    """
    for name in _FOREIGN:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    name = usage.split()[1]
    try:
        return command(arguments)
    except UsageProblem as problem:
        print(f"{name}: {problem}\n{usage}" if str(problem) else usage, file=sys.stderr)
        return USAGE
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130
