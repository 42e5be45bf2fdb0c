"""What the global options said, and the base class of all commands, which takes them before and after its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hive_nornir.site import Site

__all__ = ["HiveCommand", "Session", "global_options", "pass_session"]


@dataclass
class Session:
    """One call of the command.

    :param root: the site's folder, None where the option was not given.
    :param others: what else was given, by variable name (`context_dir` …).
    :ivar site: the site once it is open.
    """

    root: str | None = None
    stage: str | None = None
    verbose: bool | None = None
    others: dict[str, str] = field(default_factory=dict)
    site: Site | None = None

    def open(self, **flags: Any) -> Site:
        """Open the site.

        :param flags: options of the command by variable name (spec cli.md 3); templates see them as `hive_*`.
        :raises UsageError: there is no such folder or stage.
        """
        from hive_nornir.inventory.context import SiteContext
        from hive_nornir.site import Site

        given = {**self.others, "verbose": self.verbose, **flags}
        root = Path(self.root) if self.root is not None else None
        self.site = Site(SiteContext.resolve(root, self.stage, os.environ, flags=given))
        return self.site

    @property
    def talkative(self) -> bool:
        """Whether details are wanted, by `-v` or by the variable `verbose`."""
        if self.verbose is not None or self.site is None:
            return bool(self.verbose)
        return bool(self.site.context.persistents.get("verbose")[0])


pass_session: Callable[[Callable[..., Any]], Callable[..., Any]] = click.make_pass_decorator(Session)


def global_options(*, hidden: bool = False) -> list[click.Parameter]:
    """The options that stand before or after the command's name; the later one wins.

    :param hidden: leave them out of the command's own help.
    """

    def option(*names: str, **attributes: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, hidden=hidden, **attributes)

    return [
        option("root", "-r", "--root", "--root-dir", metavar="DIR", help="The site's folder.  [default: HIVE_ROOT_DIR or .]"),
        option("stage", "-s", "--stage", metavar="STAGE", shell_complete=_stages, help="private, staging or production."),
        option("verbose", "-v/ ", "--verbose/--no-verbose", default=None, help="Show each operation, and tracebacks of errors."),
        option("inventory_path", "-i", "--inventory-path", metavar="DIR", help="The folder with the definitions."),
        option("context_dir", "-c", "--context-dir", metavar="DIR", help="Where the stage's state lives."),
        option("temp_dir", "-W", "--temp-dir", metavar="DIR", help="Scratch."),
        option("playbooks_dir", "-P", "--playbooks-dir", metavar="DIR", help="hive_playbooks_dir in templates; no playbooks are run."),
    ]


class HiveCommand(click.Command):
    """A command that takes the global options too, after its name."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += global_options(hidden=True)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    session = ctx.find_object(Session)
    if session is None or value is None:
        return
    if param.name in ("root", "stage", "verbose"):
        setattr(session, param.name, value)
    else:
        session.others[str(param.name)] = value


def _stages(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    from hive_nornir.inventory.model import STAGES

    return [stage for stage in STAGES if stage.startswith(incomplete)]
