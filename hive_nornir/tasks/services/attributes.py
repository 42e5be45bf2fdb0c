"""A service's attributes as they come out of templates, in the types and units of Docker's API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from docker.errors import DockerException
from docker.utils import parse_bytes, split_command

from hive_nornir.errors import DefinitionErrors, HiveError, Problem

__all__ = [
    "Attributes",
    "WrongValueError",
    "flag",
    "label",
    "mapping",
    "nanocpus",
    "nanoseconds",
    "number",
    "octets",
    "text",
    "texts",
    "words",
]

T = TypeVar("T")
_UNITS = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")
_LEAST_MEMORY = 4 * 1024 * 1024


class WrongValueError(HiveError):
    """A value that Docker would not take."""


class Attributes:
    """The attributes of one service. What is wrong with them is collected, so that the operator sees all of it at once.

    :param service: its name.
    :param variables: `hive_…`, rendered when read.
    """

    def __init__(self, service: str, variables: Mapping[str, Any]) -> None:
        self.service = service
        self._variables = variables
        self._problems: list[Problem] = []

    def get(self, name: str, convert: Callable[[Any], T]) -> T | None:
        """An attribute; None when it is not given, null or wrong."""
        value = None
        try:
            value = self._variables.get(f"hive_{name}")
            return None if value is None else convert(value)
        except HiveError as error:
            self.wrong(name, error.message, error.hint)
        except (AttributeError, KeyError, TypeError):  # a template made a value of another shape
            self.wrong(name, f"{value!r} is not what is expected here")
        return None

    def wrong(self, name: str, message: str, hint: str = "") -> None:
        """Note that an attribute is wrong."""
        self._problems.append(Problem(None, 0, f"service {self.service}: {name}: {message}", hint))

    def finish(self) -> None:
        """End with everything that was wrong.

        :raises DefinitionErrors: something was.
        """
        if self._problems:
            raise DefinitionErrors(self._problems)


def text(value: Any) -> str:
    """One value as text; true and false as YAML writes them."""
    if isinstance(value, Mapping | list | tuple):
        raise WrongValueError(f"expected a single value, found a {'map' if isinstance(value, Mapping) else 'list'}")
    return str(value).lower() if isinstance(value, bool) else str(value)


def texts(value: Any) -> list[str]:
    """A list of texts; a single one is a list of one."""
    return [text(each) for each in value] if isinstance(value, list | tuple) else [text(value)]


def words(value: Any) -> list[str]:
    """A command: a list as it is, a text cut into words as a shell does."""
    if isinstance(value, list | tuple):
        return [text(each) for each in value]
    try:
        return [str(word) for word in split_command(text(value))]
    except ValueError as error:
        raise WrongValueError(f"{value!r}: {error}", "write it as a list") from None


def mapping(value: Any) -> dict[str, Any]:
    """A map; a list of maps becomes one."""
    if isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value):
        return {str(key): each for part in value for key, each in part.items()}
    if not isinstance(value, Mapping):
        raise WrongValueError(f"expected a map, found {value!r}")
    return {str(key): each for key, each in value.items()}


def number(value: Any) -> int:
    """A whole number, which a template may have made a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*", value):
        return int(value)
    raise WrongValueError(f"expected a whole number, found {value!r}")


def flag(value: Any) -> bool:
    """True or false, likewise."""
    known = {"true": True, "yes": True, "false": False, "no": False}
    if str(value).strip().lower() not in known:
        raise WrongValueError(f"expected true or false, found {value!r}")
    return known[str(value).strip().lower()]


def nanoseconds(value: Any) -> int:
    """A duration such as `1m30s`."""
    parts = _DURATION.findall(str(value))
    if not parts or "".join(amount + unit for amount, unit in parts) != str(value):
        raise WrongValueError(f"expected a duration such as 30s or 1m30s, found {value!r}")
    return sum(round(float(amount) * _UNITS[unit]) for amount, unit in parts)


def octets(value: Any) -> int:
    """A size such as `512M`, of memory."""
    try:
        found = int(parse_bytes(str(value)))
    except DockerException:
        raise WrongValueError(f"expected a size such as 512M, found {value!r}") from None
    if found < _LEAST_MEMORY:
        raise WrongValueError(f"{value} is less than the 4M that Docker takes at least")
    return found


def nanocpus(value: Any) -> int:
    """A number of processors such as 0.5."""
    try:
        found = round(float(value) * 1_000_000_000)
    except (TypeError, ValueError):
        raise WrongValueError(f"expected a number of processors such as 0.5, found {value!r}") from None
    if found < 1_000_000:
        raise WrongValueError(f"{value} is less than the 0.001 processors that Docker takes at least")
    return found


def label(value: Any) -> str:
    """A label's value: what is no text becomes JSON (spec inventory.md 5.1)."""
    return value if isinstance(value, str) else json.dumps(value)
