"""Texts made from Jinja templates, for files that are more than a few lines (nornir-jinja2 on an environment of our own)."""

from __future__ import annotations

import functools
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_nornir.errors import HiveError

if TYPE_CHECKING:
    from jinja2 import Environment

    from hive_nornir.tasks.role import Target

__all__ = ["rendered"]


def rendered(host: Target, source: Path, **values: Any) -> str:
    """The text of a template, for `files.content`.

    In the template `host` is the server with its variables, each rendered when it is used: `{{ host.name }}`, `{{ host.hive_private_ip }}`.
    The filters are those of a site's variables. What is undefined is an error, never an empty text.

    :param source: file on the mother; those that it includes are in the same folder.
    :param values: further names.
    :raises HiveError: it cannot be rendered; names file and line.
    """
    from jinja2 import TemplateError, TemplateSyntaxError
    from nornir_jinja2.plugins.tasks import template_file

    try:
        result = template_file(host.task, template=source.name, jinja_env=_environment(source.parent), **values)
    except HiveError:
        raise
    except TemplateSyntaxError as error:
        raise HiveError(f"{error.filename or source}:{error.lineno}: {error.message}") from error
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == source.parent]
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(source)
        raise HiveError(f"{where}: {error}", "every name that the template uses must have a value") from error
    return str(result.result)


@functools.cache
def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from hive_nornir.inventory.filters import FILTERS, TESTS

    made = Environment(  # noqa: S701 - configuration files, no HTML
        loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    made.filters.update(FILTERS)
    made.tests.update(TESTS)
    return made
