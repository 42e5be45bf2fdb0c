"""Variables of a server that follow from what it runs (spec setup-hosts.md 1), as plain functions.

What follows from the definitions alone is in `server_variables`, as templates.
`v` is a server's variables, rendered when read; `distribution` is as Ansible calls it: `AlmaLinux`, `RedHat`, `Debian` …
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["python_command", "python_package_version", "python_revision"]

_SYSTEM_PYTHON = ("AlmaLinux", "RedHat")


def python_revision(v: Mapping[str, Any], distribution: str) -> str:
    """`hive_safe_python_revision`: which Python the server's tools use."""
    return str(v.get("hive_python_revision", "3" if _needs_system_python(v, distribution) else "3.9"))


def python_package_version(v: Mapping[str, Any], distribution: str) -> str:
    """`hive_safe_python_package_version`: how its packages are called, `39` for 3.9."""
    revision = python_revision(v, distribution)
    return revision if _needs_system_python(v, distribution) else revision.replace(".", "")


def python_command(v: Mapping[str, Any], distribution: str) -> str:
    """`hive_safe_python_command`: its path."""
    return f"/usr/bin/python{python_revision(v, distribution)}"


def _needs_system_python(v: Mapping[str, Any], distribution: str) -> bool:
    # libselinux's Python module is there for the system's own Python only.
    return bool(v.get("hive_need_libselinux")) or distribution in _SYSTEM_PYTHON
