"""What the operator sees of an error: one readable line, the way out, an exit code (spec cli.md 9)."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hive_nornir.cli.render.text import clean, say
from hive_nornir.errors import DefinitionErrors, HiveError

if TYPE_CHECKING:
    from hive_nornir.cli.session import Session

__all__ = ["guarded"]

_USAGE, _CRASH, _INTERRUPTED = 2, 70, 130


def guarded(run: Callable[[], Any], session: Session) -> int:
    """Run a command and say what goes wrong on standard error.

    :param run: what click runs; its result is the exit code, None is 0.
    :returns: the exit code.
    """
    try:
        code = run()
    except HiveError as error:
        _show(error, session)
        return error.exit_code
    except click.ClickException as error:
        _error(error.format_message().rstrip("."), _help_of(error))
        return _USAGE
    except (click.Abort, KeyboardInterrupt):
        _error("interrupted")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last net: whatever it is must end in a message, not in a traceback
        _error(f"something unexpected happened: {_brief(error)}", f"the traceback is in {_log(error, session)}; please report it")
        return _CRASH
    return code if isinstance(code, int) else 0


def _show(error: HiveError, session: Session) -> None:
    if session.verbose:
        say("".join(traceback.format_exception(error)).rstrip(), "quiet", err=True)
    if isinstance(error, DefinitionErrors) and len(error.problems) > 1:
        _error(f"the definitions have {len(error.problems)} problems, nothing was touched")
        for problem in error.problems:
            say(f"  {clean(str(problem))}", err=True)
        return
    _error(error.message, error.hint)


def _error(message: str, hint: str = "") -> None:
    say("error: ", "bad", err=True, newline=False)
    say(clean(message), err=True)
    if hint:
        say(f"hint: {clean(hint)}", err=True)


def _help_of(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return f"`{ctx.command_path} --help` shows what it takes" if ctx is not None else ""


def _brief(error: Exception) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _log(error: Exception, session: Session) -> Path:
    """Write the traceback among the stage's runs, or to a temporary file where there is no stage yet."""
    import os
    import tempfile
    import time

    runs = session.site.context.context_dir / "runs" if session.site is not None else None
    folder: Path | None = None
    if runs is not None and os.access(runs.parent, os.W_OK):
        runs.mkdir(mode=0o700, exist_ok=True)
        folder = runs
    # mkstemp: for the owner only, wherever it is.
    handle, name = tempfile.mkstemp(prefix=time.strftime("error-%Y%m%dT%H%M%S-"), suffix=".log", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(name)
