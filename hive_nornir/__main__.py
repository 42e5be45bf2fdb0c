"""The command `hive-nornir`, also as `python -m hive_nornir`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process; ends the process with its exit code."""
    try:
        from hive_nornir.cli.main import cli

        cli.main(prog_name="hive-nornir")
    except KeyboardInterrupt:  # before the command itself was there to take it
        sys.exit(130)


if __name__ == "__main__":
    main()
