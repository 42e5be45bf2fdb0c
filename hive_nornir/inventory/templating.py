"""The one Jinja2 environment: what templates in a site's variables may say, and what comes out (spec inventory.md 7).

A text that is exactly one `{{ expression }}` gives the expression's value: a list, a map, a number. So does one with statements
whose only output besides blanks is a list, map or boolean (`{% set x = [] %}…{{ x }}`). Everything else gives a text.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, Template, TemplateError, UndefinedError, nodes
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context, Undefined
from jinja2.utils import missing

from hive_nornir.errors import HiveError, nearest
from hive_nornir.inventory.filters import FILTERS, TESTS
from hive_nornir.inventory.template_values import (
    OMIT,
    HiveUndefined,
    Omit,
    RenderError,
    UndefinedVariableError,
    marking_secrets,
    plain,
)

__all__ = ["Templar", "is_template"]

_RESULT = "_hive_result"
_COLLECTIONS = ("ansible.builtin", "ansible.utils", "ansible.netcommon")


def is_template(value: object) -> bool:
    """Whether a raw value is a text that has to be rendered."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


class _LazyContext(Context):
    """Names are looked up in a Mapping when used; Jinja's own context would copy, and so render, all of them."""

    def get_all(self) -> Any:
        return ChainMap(self.vars, self.parent)

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002 - Jinja's name
        own = {name: value for name, value in (locals or {}).items() if value is not missing}
        names: Any = ChainMap(own, self.vars, self.parent)
        return type(self)(self.environment, names, self.name, {})


class _CodeGenerator(NativeCodeGenerator):
    """Leaves constant expressions to run time: Jinja would turn `{{ [1] }}` into a text while compiling."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> Any:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class _Environment(Environment):
    code_generator_class = _CodeGenerator
    context_class = _LazyContext

    @staticmethod
    def concat(pieces: Iterable[Any]) -> Any:
        """What a macro, a `{% set x %}…{% endset %}` or another block gives."""
        return _joined(list(pieces))


class Templar:
    """Renders templates against names; safe to share between threads.

    :param globals_: names that every template has besides the object's own: `lookup`, …
    :param filters: a site's own filters; they hide ours of the same name.
    """

    def __init__(self, globals_: Mapping[str, Any] | None = None, filters: Mapping[str, Callable[..., Any]] | None = None) -> None:
        # Ansible's settings: a newline after a block tag goes, one at the end of the text stays.
        self._environment = _Environment(undefined=HiveUndefined, trim_blocks=True, keep_trailing_newline=True)
        self._environment.filters.update({**FILTERS, **(filters or {})})
        self._environment.tests.update(TESTS)
        for known in (self._environment.filters, self._environment.tests):
            known.update({f"{collection}.{name}": item for collection in _COLLECTIONS for name, item in tuple(known.items())})
        self._globals: dict[str, Any] = {**self._environment.globals, "omit": OMIT, **(globals_ or {})}
        self._compiled: dict[str, tuple[Template, bool]] = {}

    def render(self, text: str, names: Mapping[str, Any]) -> Any:
        """Render one template.

        :param names: the variables, looked up when used.
        :raises UndefinedVariableError: a variable that it uses is missing.
        :raises RenderError: it is not a template, or a filter or lookup fails.
        """
        try:
            template, is_expression = self._compile(text)
            parent: Any = ChainMap(names, self._globals)  # type: ignore[arg-type]  # only read
            context = _LazyContext(self._environment, parent, None, template.blocks)
            return marking_secrets(lambda: _run(template, is_expression, context))
        except UndefinedError as error:
            raise UndefinedVariableError(*_undefined_message(error.message or "something is undefined", names)) from None
        except TemplateError as error:
            raise RenderError(f"{error.message}", _filter_hint(error.message or "", self._environment)) from None
        except HiveError:
            raise
        except RecursionError:
            raise RenderError("the template needs itself") from None
        except Exception as error:  # a filter or method that a template calls may raise anything
            raise RenderError(f"{type(error).__name__}: {error}") from error

    def _compile(self, text: str) -> tuple[Template, bool]:
        found = self._compiled.get(text)
        if found is None:
            parsed = self._environment.parse(text)
            expression = _only_expression(parsed)
            if expression is None:
                found = self._environment.from_string(text), False
            else:
                assignment = nodes.Assign(nodes.Name(_RESULT, "store", lineno=1), expression, lineno=1)
                found = self._environment.from_string(nodes.Template([assignment], lineno=1)), True
            self._compiled[text] = found
        return found


def _run(template: Template, is_expression: bool, context: Context) -> Any:
    pieces = list(template.root_render_func(context))
    return plain(context.vars[_RESULT]) if is_expression else _joined(pieces)


def _only_expression(template: nodes.Template) -> nodes.Expr | None:
    if len(template.body) == 1 and isinstance(template.body[0], nodes.Output) and len(template.body[0].nodes) == 1:
        only = template.body[0].nodes[0]
        return None if isinstance(only, nodes.TemplateData) else only
    return None


def _joined(pieces: list[Any]) -> Any:
    """The output of a template that is more than one expression."""
    visible = [piece for piece in pieces if not (isinstance(piece, str) and not piece.strip())]
    if len(visible) == 1 and isinstance(visible[0], (list, dict, tuple, bool, Omit)):
        return plain(visible[0])
    for piece in visible:
        if piece is OMIT:
            raise RenderError("omit stands inside of a longer text", "only a whole value can be left out")
        if isinstance(piece, Undefined):
            plain(piece)
    return "".join("" if piece is None else str(plain(piece)) for piece in pieces)


def _undefined_message(message: str, names: Mapping[str, Any]) -> tuple[str, str]:
    simple = re.fullmatch(r"'(\w+)' is undefined", message)
    if simple is None:
        return message, ""
    hint = nearest(simple[1], names)
    return f"variable {simple[1]!r} is undefined", hint if hint.startswith("did you mean") else ""


def _filter_hint(message: str, environment: Environment) -> str:
    unknown = re.match(r"No (filter|test) named '([\w.]+)'", message)
    if unknown is None:
        return ""
    known = environment.filters if unknown[1] == "filter" else environment.tests
    return nearest(unknown[2], [name for name in known if "." not in name])


def site_filters(folder: Path) -> dict[str, Callable[..., Any]]:
    """The filters of a site's own plugins: modules with a class `FilterModule` whose `filters()` gives them by name (spec inventory.md 1).

    :param folder: `<root>/plugins/filter`, which need not exist.
    :raises RenderError: a module cannot be imported.
    """
    import importlib.util

    filters: dict[str, Callable[..., Any]] = {}
    for file in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"hive_site_filters.{file.stem}", file)
        assert spec is not None  # noqa: S101 - a .py file always has a loader
        assert spec.loader is not None  # noqa: S101
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            filters.update(module.FilterModule().filters() if hasattr(module, "FilterModule") else {})
        except Exception as error:  # a site's module may raise anything
            raise RenderError(f"{file}: {type(error).__name__}: {error}", "a filter plugin must be importable") from error
    return filters
