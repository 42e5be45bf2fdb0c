"""The facts of several servers, gathered side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from hive_nornir.errors import HiveError
from hive_nornir.operations.facts import Facts
from hive_nornir.tasks.role import gather_facts

if TYPE_CHECKING:
    from nornir.core import Nornir
    from nornir.core.task import Result, Task

__all__ = ["HostFacts", "host_facts"]


class HostFacts(dict[str, Facts]):
    """Server -> what it is, of those that told.

    A server that could not be asked is not in it, but in `errors`. Asking for it by name raises why it could not, so a script that needs it
    fails with the reason, and one that takes what there is goes on.

    :ivar errors: server -> why it could not be asked.
    """

    def __init__(self, facts: Mapping[str, Facts], errors: Mapping[str, HiveError]) -> None:
        super().__init__(facts)
        self.errors = dict(errors)

    def __missing__(self, name: str) -> Facts:
        raise self.errors.get(name) or KeyError(name)

    def _repr_html_(self) -> str:
        from hive_nornir.runs import html

        return html.facts(self)


def host_facts(nornir: Nornir, names: Collection[str]) -> HostFacts:
    """Ask servers what they are.

    :param nornir: with the stage's servers.
    :param names: of those to ask.
    """
    from nornir.core.state import GlobalState

    chosen = nornir.filter(filter_func=lambda host: host.name in names)
    chosen.data = GlobalState()  # one that fails here is not left out of what the caller runs next
    results = chosen.run(task=_look, name="facts")
    errors: dict[str, HiveError] = {}
    for name, result in results.items():
        if isinstance(result.exception, HiveError):
            errors[name] = result.exception
        elif result.exception is not None:
            raise result.exception
    return HostFacts({name: result[0].result for name, result in results.items() if name not in errors}, errors)


def _look(task: Task) -> Result:
    from nornir.core.task import Result

    facts = gather_facts(task.host.get_connection("hive", task.nornir.config), task.host.name)
    return Result(host=task.host, result=facts)
