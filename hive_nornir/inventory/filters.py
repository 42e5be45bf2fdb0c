"""The filters and tests of Ansible that sites use; Jinja's own come with Jinja (spec inventory.md 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Environment, UndefinedError, pass_environment
from jinja2.runtime import Undefined

from hive_nornir.inventory.filters_ip import IP_FILTERS
from hive_nornir.inventory.filters_text import TEXT_FILTERS, to_bool

__all__ = ["FILTERS", "TESTS"]


def unique(values: Iterable[Any]) -> list[Any]:
    """The values without repetitions, in order; unlike Jinja's, of any type and with case."""
    seen: list[Any] = []
    for value in values:
        if value not in seen:
            seen.append(value)
    return seen


def intersect(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    """What both have, in the order of the first."""
    other = list(b)
    return [value for value in unique(a) if value in other]


def union(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    """What either has."""
    return unique([*a, *b])


def difference(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    """What only the first has."""
    other = list(b)
    return [value for value in unique(a) if value not in other]


def symmetric_difference(a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
    """What exactly one has."""
    first, second = list(a), list(b)
    return difference(union(first, second), intersect(first, second))


def flatten(values: Iterable[Any], levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """Lists inside of the list opened up, `levels` deep or all of them; None goes."""
    flat: list[Any] = []
    for value in values:
        if value in (None, "None", "null") and skip_nulls:
            continue
        if isinstance(value, (list, tuple)) and levels != 0:
            flat.extend(flatten(value, None if levels is None else levels - 1, skip_nulls))
        else:
            flat.append(value)
    return flat


def combine(*maps: Any, recursive: bool = False) -> dict[Any, Any]:
    """One map of several, the later winning; with `recursive`, maps inside of them too. Lists of maps are taken apart."""
    merged: dict[Any, Any] = {}
    for one in flatten(maps):
        if not isinstance(one, Mapping):
            raise TypeError(f"combine takes maps, not {one!r}")
        for key, value in one.items():
            both = recursive and isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = combine(merged[key], value, recursive=True) if both else value
    return merged


def dict2items(value: Mapping[Any, Any], key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    """`{a: 1}` -> `[{key: a, value: 1}]`."""
    return [{key_name: key, value_name: item} for key, item in value.items()]


def items2dict(value: Iterable[Mapping[str, Any]], key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """`[{key: a, value: 1}]` -> `{a: 1}`."""
    return {item[key_name]: item[value_name] for item in value}


@pass_environment
def extract(environment: Environment, item: Any, container: Any, morekeys: Any = None) -> Any:
    """`container[item]`, and on through `morekeys`: `hosts | map('extract', hostvars, 'hive_private_ip')`."""
    keys = [] if morekeys is None else morekeys if isinstance(morekeys, list) else [morekeys]
    value = environment.getitem(container, item)
    for key in keys:
        value = environment.getitem(value, key)
    return value


def mandatory(value: Any, msg: str | None = None) -> Any:
    """The value; an error when it is undefined."""
    if isinstance(value, Undefined):
        raise UndefinedError(msg or value._undefined_message)
    return value


def ternary(value: Any, true_value: Any, false_value: Any, none_value: Any = None) -> Any:
    """`true_value` or `false_value`; `none_value`, when given, for None."""
    if value is None and none_value is not None:
        return none_value
    return true_value if bool(value) else false_value


def _matcher(function: Callable[..., Any]) -> Callable[..., bool]:
    def matches(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
        flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
        return bool(function(pattern, str(value), flags))

    return matches


FILTERS: dict[str, Callable[..., Any]] = {
    **TEXT_FILTERS,
    **IP_FILTERS,
    "combine": combine,
    "dict2items": dict2items,
    "difference": difference,
    "extract": extract,
    "flatten": flatten,
    "intersect": intersect,
    "items2dict": items2dict,
    "mandatory": mandatory,
    "symmetric_difference": symmetric_difference,
    "ternary": ternary,
    "union": union,
    "unique": unique,
    "zip": lambda *lists: [list(row) for row in zip(*lists, strict=False)],
}

TESTS: dict[str, Callable[..., bool]] = {
    "contains": lambda container, item: item in container,
    "falsy": lambda value, convert_bool=False: not (to_bool(value) if convert_bool else value),
    "match": _matcher(re.match),
    "regex": _matcher(re.search),
    "search": _matcher(re.search),
    "subset": lambda a, b: all(item in b for item in a),
    "superset": lambda a, b: all(item in a for item in b),
    "truthy": lambda value, convert_bool=False: bool(to_bool(value) if convert_bool else value),
}
