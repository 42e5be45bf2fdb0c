"""`dxf`: python-dxf's command for the site's registry, with the address and password that setup-hosts has put into a file (REG-4)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Do what python-dxf's own command does; variables DXF_… that are set count more than the file.

    :param arguments: of that command: `list-repos`, `list-aliases REPOSITORY` …
    :returns: its exit code.
    """
    try:
        settings = json.loads(credentials().read_text())
    except OSError as error:
        print(f"dxf: cannot read the registry's password: {error}; run it as the administrator on the repository server", file=sys.stderr)
        return 1
    given = {
        "DXF_HOST": settings["host"],
        "DXF_USERNAME": settings["user"],
        "DXF_PASSWORD": settings["password"],
        "DXF_TLSVERIFY": settings["ca"],
    }
    code: int = import_module("dxf.main").doit(list(arguments), {**given, **os.environ})
    return code


def credentials() -> Path:
    """The file, which only its owner can read."""
    return Path.home() / "registry" / "credentials.json"
