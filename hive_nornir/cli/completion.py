"""`completion`, and the values that completion offers: read from the definitions, silent on every error, never written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from hive_nornir.cli.session import HiveCommand, Session

if TYPE_CHECKING:
    from hive_nornir.site import Site

__all__ = ["Completer", "completer", "completion"]

_SHELLS = ("bash", "zsh", "fish")
Completer = Callable[[click.Context, click.Parameter, str], list[str]]


@click.command("completion", cls=HiveCommand)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    bash, in ~/.bashrc: eval "$(hive-nornir completion bash)"

    zsh, in ~/.zshrc behind compinit: eval "$(hive-nornir completion zsh)"

    fish: hive-nornir completion fish > ~/.config/fish/completions/hive-nornir.fish
    """
    shell_complete = get_completion_class(shell)
    if shell_complete is None:
        raise click.UsageError(f"this version of click knows no {shell}")
    click.echo(shell_complete(ctx.find_root().command, {}, "hive-nornir", "_HIVE_NORNIR_COMPLETE").source())


def completer(values: Callable[[Site], Iterable[str]], *, many: bool = False) -> Completer:
    """What click calls to complete a value.

    :param values: the valid ones; called with the site that `--root` and `--stage` name.
    :param many: values are separated by commas, and the last one is completed.
    """

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
        before, comma, last = incomplete.rpartition(",") if many else ("", "", incomplete)
        given = before.split(",")
        try:
            known = list(values((ctx.find_object(Session) or Session()).open()))
        except Exception:  # noqa: BLE001 - whatever is wrong with the site, a prompt is no place to say it
            return []
        return [f"{before}{comma}{value}" for value in known if value.startswith(last) and value not in given]

    return complete
