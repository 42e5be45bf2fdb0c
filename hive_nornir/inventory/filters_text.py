"""Filters on texts, paths and data formats, with Ansible's names and results."""

from __future__ import annotations

import base64
import hashlib
import json
import os.path
import re
import shlex
from collections.abc import Callable
from typing import Any

import yaml

from hive_nornir.inventory.password_hash import password_hash
from hive_nornir.inventory.yaml_dump import dump_yaml

__all__ = ["TEXT_FILTERS", "to_bool"]


def to_bool(value: Any) -> Any:
    """yes, on, 1 and true, in any case, are true, everything else is false; None stays."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).lower() in ("yes", "on", "1", "true")


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(
    value: Any = "", pattern: str = "", replacement: str = "", ignorecase: bool = False, multiline: bool = False, count: int = 0
) -> str:
    r"""Every match of a Python regular expression replaced; `\1` is the first group."""
    return re.sub(pattern, replacement, str(value), count=count, flags=_flags(ignorecase, multiline))


def regex_search(value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    r"""The first match, or a list of its `groups` (`\1`, `\g<name>`); None when nothing matches."""
    match = re.search(pattern, str(value), _flags(ignorecase, multiline))
    if match is None or not groups:
        return match.group() if match else None
    wanted = [re.fullmatch(r"\\(?:(\d+)|g<(\w+)>)", group) for group in groups]
    if not all(wanted):
        raise ValueError(f"regex_search takes groups like \\1 or \\g<name>, not {groups!r}")
    return [match.group(int(group[1]) if group[1] else group[2]) for group in wanted if group]


def regex_findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    """All matches."""
    return re.findall(pattern, str(value), _flags(ignorecase, multiline))


def to_json(value: Any, **options: Any) -> str:
    """JSON in one line; not ASCII only when `ensure_ascii=False`."""
    return json.dumps(value, **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **options)


def to_yaml(value: Any, **options: Any) -> str:
    """YAML, short maps and lists in one line."""
    return dump_yaml(value, **{"default_flow_style": None, **options})


def to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    """YAML for people."""
    return dump_yaml(value, indent=indent, **{"default_flow_style": False, **options})


def b64encode(value: str, encoding: str = "utf-8") -> str:
    """Base64 of a text."""
    return base64.b64encode(str(value).encode(encoding)).decode()


def b64decode(value: str, encoding: str = "utf-8") -> str:
    """The text in Base64."""
    return base64.b64decode(value).decode(encoding)


def checksum(value: Any, hashtype: str = "sha1") -> str:
    """A hash in hex digits; md5, sha1, sha256, sha512 and more."""
    return hashlib.new(hashtype, str(value).encode()).hexdigest()


def split(value: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    """The parts of a text, at a separator or at white space."""
    return str(value).split(sep, maxsplit)


TEXT_FILTERS: dict[str, Callable[..., Any]] = {
    "b64decode": b64decode,
    "b64encode": b64encode,
    "basename": lambda value: os.path.basename(str(value)),  # noqa: PTH119 - pathlib drops a trailing slash
    "bool": to_bool,
    "dirname": lambda value: os.path.dirname(str(value)),  # noqa: PTH120 - as above
    "expanduser": lambda value: os.path.expanduser(str(value)),  # noqa: PTH111 - pathlib normalises
    "from_json": lambda value: json.loads(str(value)),
    "from_yaml": lambda value: yaml.safe_load(str(value)),
    "from_yaml_all": lambda value: list(yaml.safe_load_all(str(value))),
    "hash": checksum,
    "password_hash": password_hash,
    "quote": lambda value: shlex.quote(str(value)),
    "regex_escape": lambda value: re.escape(str(value)),
    "regex_findall": regex_findall,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "sha1": checksum,
    "split": split,
    "splitext": lambda value: list(os.path.splitext(str(value))),  # noqa: PTH122 - the pair is what is asked for
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_nice_yaml": to_nice_yaml,
    "to_yaml": to_yaml,
}
