"""The command `hive-nornir`, also as `python -m hive_nornir`."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process; ends the process with its exit code."""
    from hive_nornir.cli.main import cli

    cli.main(prog_name="hive-nornir")


if __name__ == "__main__":
    main()
