"""Values of the command's variables: from text, and from what hive-builder stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hive_nornir.errors import UsageError, nearest
from hive_nornir.inventory.persistent_variables import PersistentVariable
from hive_nornir.inventory.proxy import proxy_address

__all__ = ["cast"]

_TRUE = ("true", "yes", "1")
_FALSE = ("false", "no", "0")


def cast(variable: PersistentVariable, value: Any, *, base: Path, must_exist: bool = True) -> Any:
    """A value in its variable's type (spec cli.md 3).

    :param value: text as typed, or what YAML made of it; hive-builder stores ints as text.
    :param base: what relative folders are relative to.
    :param must_exist: whether a folder has to exist; one that was stored may be made later.
    :raises UsageError: it does not fit.
    """
    fit = {"bool": _bool, "int": _int, "enum": _enum, "dict": _dict, "proxy": _proxy}.get(variable.type)
    if fit is not None:
        return fit(variable, value)
    if not isinstance(value, (str, int, float, Path)) or isinstance(value, bool):
        raise UsageError(f"{variable.name} must be a text, not {value!r}")
    return _directory(variable, str(value), base, must_exist) if variable.type == "directory" else str(value)


def _bool(variable: PersistentVariable, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _TRUE + _FALSE:
        raise UsageError(f"{variable.name} must be one of {', '.join(_TRUE + _FALSE)}, not {value!r}")
    return text in _TRUE


def _int(variable: PersistentVariable, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(value.strip(), 10)
    except (AttributeError, ValueError):
        raise UsageError(f"{variable.name} must be a whole number, not {value!r}") from None


def _enum(variable: PersistentVariable, value: Any) -> str:
    if value not in variable.choices:
        raise UsageError(f"{variable.name} cannot be {value!r}", nearest(str(value), variable.choices))
    return str(value)


def _proxy(variable: PersistentVariable, value: Any) -> str:  # noqa: ARG001 - as the others
    proxy_address(str(value))
    return str(value)


def _dict(variable: PersistentVariable, value: Any) -> dict[str, Any]:
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise UsageError(f"{variable.name} must be a map in JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise UsageError(f"{variable.name} must be a map in JSON, not {value!r}")
    return parsed


def _directory(variable: PersistentVariable, text: str, base: Path, must_exist: bool) -> str:
    folder = base / Path(text).expanduser()
    if must_exist and not folder.is_dir():
        raise UsageError(f"{variable.name}: there is no folder {folder}")
    # Only what exists can be resolved: the answer must not change when the folder is made.
    return str(folder.resolve() if folder.is_dir() else folder)
