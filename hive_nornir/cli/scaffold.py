"""`init` and `new`: files to start from."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hive_nornir.cli.session import HiveCommand, Session, global_options, pass_session
from hive_nornir.errors import UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["init", "new"]

# Below data/scaffold/site -> in the site.
_SITE = {
    "inventory/hive.yml": "inventory/hive.yml",
    "inventory/services.yml": "inventory/services.yml",
    "inventory/group_vars/all.yml": "inventory/group_vars/all.yml",
    "inventory/group_vars/private.yml": "inventory/group_vars/private.yml",
    "gitignore": ".gitignore",
}


def _scaffold() -> Traversable:
    return files("hive_nornir") / "data" / "scaffold"


def _write(contents: dict[Path, str]) -> None:
    """Write new files.

    :raises UsageError: one is there already; nothing was written.
    """
    present = [str(file) for file in contents if file.exists() or file.is_symlink()]
    if present:
        raise UsageError(f"{', '.join(present)} is already there, nothing was written", "choose another place or name")
    for file, text in contents.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
        click.echo(f"wrote {file}")


@click.command("init", cls=HiveCommand)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@pass_session
def init(session: Session, directory: Path | None) -> None:
    """Write a commented site to start from.

    It goes to DIRECTORY, to --root or to the current folder, and never over existing files.
    """
    folder = directory or Path(session.root or ".")
    name = _site_name(folder)
    source = _scaffold() / "site"
    texts = {folder / target: source.joinpath(path).read_text(encoding="utf-8") for path, target in _SITE.items()}
    _write({file: text.replace("@NAME@", name) for file, text in texts.items()})
    root = "" if folder == Path() else f" --root {folder}"
    click.echo(f"next: hive-nornir{root} check, then hive-nornir{root} run all")


def _site_name(folder: Path) -> str:
    """A name made of the folder's, so that two sites on one machine are two sites."""
    label = re.sub(r"[^a-z0-9]+", "-", folder.absolute().resolve().name.lower()).strip("-")[:40].strip("-")
    return f"{label or 'site'}.example"


@click.group("new", invoke_without_command=True)
@click.pass_context
def new(ctx: click.Context) -> None:
    """Write the file of a new part of the site."""
    if ctx.invoked_subcommand is None:
        ctx.fail("Missing command: role")


new.params += global_options(hidden=True)


@new.command("role", cls=HiveCommand)
@click.argument("name")
@pass_session
def role(session: Session, name: str) -> None:
    """Write the module of a new role to the site's folder `roles`.

    NAME is lower-case letters, digits and hyphens.
    """
    from hive_nornir.plays.catalogue import role_catalogue

    function = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(function):
        raise UsageError(f"{name!r} cannot be the name of a role", "lower-case letters, digits and hyphens, a letter first")
    root = session.open().context.root
    if name in [info.name for info in role_catalogue(root)]:
        raise UsageError(f"there is a role {name!r} already", f"`hive-nornir roles {name}` shows it")
    folder = root / "roles"
    text = _scaffold().joinpath("role.py.in").read_text(encoding="utf-8")
    text = text.replace("@ROLE@", name).replace("@FUNCTION@", function).replace("@CLASS@", "".join(map(str.capitalize, name.split("-"))))
    _write({folder / f"{function}.py": text})
