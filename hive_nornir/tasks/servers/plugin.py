"""Python modules of a site: loaded from their file, with errors that tell file and line."""

from __future__ import annotations

import hashlib
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import DefinitionErrors, HiveError, Problem
from hive_nornir.tasks.role import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer

    from hive_nornir.operations.core import Operation, Outcome
    from hive_nornir.tasks.role import Target

__all__ = ["Plugin", "load_plugin"]

_lock = threading.Lock()
_loaded: dict[tuple[Path, int], Plugin] = {}


@dataclass(frozen=True)
class Plugin:
    """A function of a site's module.

    :param is_role: it is decorated with `@role()`.
    """

    file: Path
    role: Role
    is_role: bool

    def steps(self, host: Target) -> Generator[list[Operation], dict[Operation, Outcome], None]:
        """What it does on a host, if it applies there.

        :raises HiveError: it failed, with its file and line, or does not return what a role returns.
        """
        values = self._values(host)
        with _located(self.file):
            if self.role._when is not None and not self.role._when(values):
                return
            made = self.role.function(host, values)
        if isinstance(made, list):
            yield made
        elif inspect.isgenerator(made):
            yield from self._generated(made)
        elif made is not None:
            raise HiveError(
                f"{self.file}: {self.role.name} returned {type(made).__name__}", "it returns a list of operations, or yields lists"
            )

    def _values(self, host: Target) -> Any:
        second = list(inspect.signature(self.role.function).parameters.values())[1]
        if second.annotation is inspect.Parameter.empty and not self.is_role:
            return host.variables
        with _located(self.file):
            return self.role.values(host.variables, host.name)

    def _generated(self, made: Any) -> Generator[list[Operation], dict[Operation, Outcome], None]:
        outcomes: Any = None
        try:
            while True:
                with _located(self.file):
                    operations = made.send(outcomes)
                outcomes = yield operations
        except StopIteration:
            return
        finally:
            made.close()


def load_plugin(file: Path, name: str) -> Plugin:
    """The function `name` of a site's module, which is executed once for all hosts.

    :raises DefinitionErrors: the module cannot be loaded, with the line at fault, or has no such function.
    """
    with _lock:
        key = (file, file.stat().st_mtime_ns)
        if key not in _loaded:
            _loaded[key] = _plugin(file, name, _executed(file))
        return _loaded[key]


class _Loader(SourceFileLoader):
    """Keeps no compiled copy beside the site's file: a dry run writes nothing on the mother either."""

    def set_data(self, path: str, data: ReadableBuffer, *, _mode: int = 0o666) -> None:
        """Write nothing."""


def _executed(file: Path) -> ModuleType:
    name = f"hive_nornir_site_{hashlib.sha256(bytes(file)).hexdigest()[:12]}_{file.stem}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module  # dataclasses and pydantic look for their module there
    try:
        _Loader(name, str(file)).exec_module(module)
    except SyntaxError as error:
        raise DefinitionErrors([Problem(file, error.lineno or 0, f"{type(error).__name__}: {error.msg}")]) from error
    except Exception as error:
        raise DefinitionErrors([Problem(file, _line(error, file), f"{type(error).__name__}: {error}")]) from error
    return module


def _plugin(file: Path, name: str, module: ModuleType) -> Plugin:
    found = getattr(module, name, None)
    if isinstance(found, Role):
        return Plugin(file, found, is_role=True)
    if not callable(found):
        raise DefinitionErrors([Problem(file, 0, f"it has no function {name}", f"define {name}(host, v)")])
    function: Callable[..., Any] = found
    code = getattr(function, "__code__", None)
    if len(inspect.signature(function).parameters) != 2:
        raise DefinitionErrors(
            [Problem(file, code.co_firstlineno if code else 0, f"{name} takes two arguments: the host and its variables")]
        )
    return Plugin(file, Role(function, None, "always"), is_role=False)


@contextmanager
def _located(file: Path) -> Iterator[None]:
    """Errors of the site's own code tell where they come from; ours tell enough already."""
    try:
        yield
    except (HiveError, StopIteration):
        raise
    except Exception as error:
        raise HiveError(f"{file}:{_line(error, file)}: {type(error).__name__}: {error}") from error


def _line(error: BaseException, file: Path) -> int:
    """The last line of the file that the error went through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return lines[-1] or 0 if lines else 0
