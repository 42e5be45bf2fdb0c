"""The same for many servers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hive_nornir.errors import HiveError, ProviderError

__all__ = ["in_parallel"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_parallel(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Call a function for every item at once. All calls end before a failure is raised, so that no server is left half done.

    :returns: the results in the order of the items.
    :raises HiveError: of the one that failed; when several did, a ProviderError with all messages. Other exceptions as they are.
    """
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(16, len(items))) as pool:
        futures = [pool.submit(function, item) for item in items]
    errors = [error for future in futures if (error := future.exception()) is not None]
    unexpected = [error for error in errors if not isinstance(error, HiveError)]
    if unexpected or len(errors) == 1:
        raise (unexpected or errors)[0]
    if errors:
        raise ProviderError("; ".join(str(error) for error in errors))
    return [future.result() for future in futures]
