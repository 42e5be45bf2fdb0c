"""What makes a function a role: the decorator, the variables that it reads, and the host that it is given.

A role is a module with one public function::

    class NtpVariables(Variables):
        hive_ntp_servers: list[str] = []

    @role(when=lambda v: bool(v.hive_ntp_servers), condition="hive_ntp_servers is set")
    def ntp_client(host: Target, v: NtpVariables) -> list[Operation]:
        \"\"\"Take the time from the site's servers.\"\"\"

A role that must look twice is a generator: it yields lists of operations and is sent their outcomes.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from hive_nornir.errors import DefinitionErrors, HiveError, Problem
from hive_nornir.operations.core import Operation, Outcome
from hive_nornir.operations.engine import Engine
from hive_nornir.operations.facts import Facts, facts_operation
from hive_nornir.operations.guard import GuardGate

if TYPE_CHECKING:
    from nornir.core.task import Result, Task

    from hive_nornir.connections.shell import SshTransport
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.tasks.os import OsData

__all__ = ["Outcomes", "Role", "RunOptions", "Steps", "Target", "Variables", "gather_facts", "role", "sub_result"]

Outcomes = dict[Operation, Outcome]
Steps = Generator[list[Operation], Outcomes, None]


class Variables(BaseModel):
    """Base of the variables that a role reads: each field is an inventory variable with its default (spec setup-hosts.md, per role)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


T = TypeVar("T")
V = TypeVar("V", bound=Variables)
RoleFunction = Callable[["Target", Any], "list[Operation] | Steps"]


@dataclass
class RunOptions:
    """What all hosts of a run share; in Nornir it is `inventory.defaults.data["hive_run"]`.

    :param gate: for guarded changes.
    :param allow_reboot: whether a role may restart a server.
    :param barrier: the role reboot is part of the run; the others leave restarting to it.
    :ivar rolling: for what members of a cluster do one after the other.
    :ivar stop: set when the run was interrupted: no host begins another role.
    """

    gate: GuardGate
    allow_reboot: bool = False
    barrier: bool = False
    rolling: GuardGate = field(default_factory=lambda: GuardGate("a restart"))
    stop: threading.Event = field(default_factory=threading.Event)
    _shared: dict[str, Any] = field(default_factory=dict)

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """What a role's hosts have in common in this run, made by the first that asks.

        :param name: the role's.
        """
        return cast("T", self._shared.setdefault(name, make()))


@dataclass
class Target:
    """The host that a role works on.

    :param check: nothing may be changed, on the host or on the mother.
    """

    task: Task
    site: SiteInventory
    check: bool
    options: RunOptions
    _facts: list[Facts] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Inventory name, `p-hive0.example`."""
        return str(self.task.host.name)

    @property
    def short_name(self) -> str:
        """First label of the name: the host's own name."""
        return self.name.split(".", 1)[0]

    @property
    def groups(self) -> tuple[str, ...]:
        """Inventory groups that the host is a member of."""
        return self.site.object(self.name).groups

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """Every inventory variable of the host, rendered when read."""
        return self.site.scope(self.name)

    @property
    def transport(self) -> SshTransport:
        """The root shell on the host."""
        return cast("SshTransport", self.task.host.get_connection("hive", self.task.nornir.config))

    @property
    def facts(self) -> Facts:
        """What the host is (spec setup-hosts.md 2.2); gathered once a run, in one round trip."""
        known = self.task.host.data.get("hive_facts")
        if known is None:
            known = gather_facts(self.transport, self.name)
            self.task.host.data["hive_facts"] = known
        return cast("Facts", known)

    def forget_facts(self) -> None:
        """Have the facts gathered anew when they are next asked for."""
        self.task.host.data.pop("hive_facts", None)

    @property
    def os(self) -> OsData:
        """What differs between distributions: names of packages, paths, units (spec os-matrix.md)."""
        # Not a cached_property: until Python 3.12 that has one lock for all hosts, and the facts wait for the network.
        from hive_nornir.tasks.os import os_data

        return os_data(self.facts)


def gather_facts(transport: SshTransport, name: str) -> Facts:
    """Look at a host, in one round trip."""
    [outcome] = Engine(transport, name, check=True).run([facts_operation()])
    if outcome.observed is None:
        raise HiveError(f"{name} did not tell its facts")
    return Facts.parse(outcome.observed.text)


class Role:
    """A Nornir task with its documentation: `nornir.run(task=base)` applies it to every host of the inventory.

    :param name: as in `--roles`: the function's name with hyphens.
    :param variables: the model of the variables that it reads.
    :param condition: when it applies, in words; "always".
    """

    def __init__(self, function: RoleFunction, when: Callable[[Any], bool] | None, condition: str) -> None:
        self.function = function
        self.__name__ = function.__name__.replace("_", "-")
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.name = self.__name__
        self.condition = condition
        self._when = when

    @cached_property
    def variables(self) -> type[Variables]:
        """The model of the variables that it reads, from the annotation of its second parameter."""
        annotation = list(inspect.signature(self.function).parameters.values())[1].annotation
        if isinstance(annotation, str):
            # Only this one: the others may name what is imported for type checkers alone.
            annotation = eval(annotation, self.function.__globals__)  # noqa: S307 - the module's own words
        return cast("type[Variables]", annotation)

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return inspect.cleandoc(self.__doc__ or "").splitlines()[0]

    def __call__(self, task: Task) -> Result:
        """Apply the role to the task's host; in a dry run only find out what would change."""
        from nornir.core.task import Result

        target = _target(task)
        if target.options.stop.is_set():
            raise HiveError("the run was interrupted before this role began")
        outcomes = self.apply(target)
        if outcomes is None:
            return Result(host=task.host, result=f"does not apply: {self.condition}", hive_status="skipped")
        changed = any(outcome.status in ("changed", "would-change", "unknown") for outcome in outcomes)
        return Result(host=task.host, changed=changed, result=f"{sum(o.status == 'changed' for o in outcomes)} changed of {len(outcomes)}")

    def apply(self, target: Target) -> list[Outcome] | None:
        """Apply the role to a target and show each operation as a sub-result of its task.

        :returns: None when the role does not apply there.
        :raises Exception: the error of the first operation that failed.
        """
        values = self.values(target.variables, target.name)
        if self._when is not None and not self._when(values):
            return None
        outcomes = self._run(target, values)
        for outcome in outcomes:
            if outcome.status == "failed":
                raise outcome.error or HiveError(outcome.summary)
        return outcomes

    def values(self, variables: Mapping[str, Any], host: str) -> Variables:
        """The role's variables of one host, checked.

        :raises DefinitionErrors: a value is not of the declared type.
        """
        try:
            return self.variables.model_validate(self._given(variables))
        except ValidationError as error:
            raise DefinitionErrors(problem for _variable, problem in _found(error, self.name, host)) from error

    def problems(self, variables: Mapping[str, Any], host: str) -> list[tuple[str, Problem]]:
        """What is wrong with the role's variables on a host, each with the name of the variable."""
        try:
            self.variables.model_validate(self._given(variables))
        except ValidationError as error:
            return list(_found(error, self.name, host))
        except HiveError as error:
            return [("", Problem(None, 0, error.message, error.hint))]
        return []

    def _given(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        return {name: variables[name] for name in self.variables.model_fields if name in variables}

    def _run(self, target: Target, values: Variables) -> list[Outcome]:
        engine = Engine(target.transport, target.name, check=target.check, gate=target.options.gate)
        steps = self.function(target, values)
        if isinstance(steps, list):
            return _record(target.task, engine, steps)
        everything: list[Outcome] = []
        with contextlib.closing(steps):  # what a role holds while it yields, such as its turn, it gives back whatever happens
            try:
                operations = next(steps)
                while True:
                    outcomes = _record(target.task, engine, operations)
                    everything += outcomes
                    if any(outcome.status == "failed" for outcome in outcomes):
                        return everything
                    operations = steps.send({outcome.operation: outcome for outcome in outcomes})
            except StopIteration:
                return everything


def _found(error: ValidationError, role_name: str, host: str) -> Iterator[tuple[str, Problem]]:
    for each in error.errors():
        place = ".".join(map(str, each["loc"]))
        yield (
            str((*each["loc"], "")[0]),
            Problem(None, 0, f"{place or 'variables'}: {each['msg']}", f"read by the role {role_name} on {host}"),
        )


def role(*, when: Callable[[V], bool] | None = None, condition: str = "always") -> Callable[[RoleFunction], Role]:
    """Make a function a role.

    :param when: whether it applies to a host, from its variables; `condition` says the same in words.
    """
    return lambda function: Role(function, when, condition)


def _target(task: Task) -> Target:
    defaults = task.nornir.inventory.defaults.data
    options = defaults.get("hive_run")
    if options is None:
        options = defaults.setdefault("hive_run", RunOptions(GuardGate()))
        if not task.is_dry_run():
            defaults["hive_site"].allocate()
    return Target(task=task, site=defaults["hive_site"], check=task.is_dry_run(), options=options)


def _record(task: Task, engine: Engine, operations: list[Operation]) -> list[Outcome]:
    """Run operations and show each as a Nornir sub-result."""
    started = time.monotonic()
    outcomes = engine.run(operations)
    for outcome in outcomes:
        task.results.append(sub_result(task, outcome))
        if outcome.operation.relogin and outcome.status == "changed":
            task.host.data.pop("hive_facts", None)  # the login's environment is among them
    task.host.data.setdefault("hive_seconds", {})[task.name] = time.monotonic() - started
    return outcomes


def sub_result(task: Task, outcome: Outcome) -> Result:
    """An operation's outcome as the Nornir result that it is shown as."""
    from nornir.core.task import Result

    result = Result(
        host=task.host,
        result=outcome.summary,
        changed=outcome.status in ("changed", "would-change", "unknown"),
        diff=outcome.diff,
        failed=outcome.status == "failed",
        exception=outcome.error,
        hive_outcome=outcome,
    )
    result.name = cast("None", outcome.operation.name)
    result.stderr = outcome.stderr
    return result
