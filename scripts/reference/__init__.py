"""The references in docs/reference, made from the code: roles, variables, attributes and commands."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.reference.attributes import attributes
from scripts.reference.commands import commands
from scripts.reference.roles import roles
from scripts.reference.variables import variables

__all__ = ["FOLDER", "documents"]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
_WRITTEN = "<!-- Written by `make reference` from the code: change the code, not this file. -->\n\n"


def documents() -> dict[str, str]:
    """File name -> its text."""
    made = {"roles.md": roles, "variables.md": variables, "attributes.md": attributes, "commands.md": commands}
    return {name: _WRITTEN + re.sub(r"\n{3,}", "\n\n", make()).rstrip() + "\n" for name, make in made.items()}
