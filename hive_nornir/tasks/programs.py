"""Python programs on servers: a package of ours becomes one file that runs in /opt/hive/venv, and commands are links to it.

The packages (`hive_onhost`, `hive_vip`) stand beside hive_nornir and have a `__main__` with `main(argv)`.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

from hive_nornir.operations import files
from hive_nornir.operations.core import Operation

__all__ = ["FRONT", "VENV", "command", "digest", "path", "program"]

VENV = "/opt/hive/venv"
FOLDER = "/opt/hive/lib"
# Before the environment's own commands on the PATH of logins.
FRONT = "/opt/hive/bin"
# -I: neither the caller's environment nor the folder it is in decides what is imported.
_SHEBANG = f"#!{VENV}/bin/python -I\n"


def path(package: str) -> str:
    """Where a program lies on a server."""
    return f"{FOLDER}/{package}.pyz"


def program(package: str) -> Operation:
    """The program on the server; each role that needs it brings it, and the later ones find it there.

    :param package: name of the Python package.
    """
    return files.with_folder(files.content(path(package), _archive(package), mode=0o755), FOLDER)


def command(name: str, package: str) -> Operation:
    """A command in /usr/bin, which is the program under another name."""
    return files.link(f"/usr/bin/{name}", path(package))


def digest(package: str) -> str:
    """Changes with the program: written into a daemon's unit, it makes a new program restart the daemon."""
    return hashlib.sha256(_archive(package)).hexdigest()[:16]


@functools.cache
def _archive(package: str) -> bytes:
    """A zip file that Python runs (PEP 441), the same bytes for the same sources."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"there is no package {package}")
    root = Path(spec.submodule_search_locations[0])
    sources = {f"{package}/{file.relative_to(root).as_posix()}": file.read_bytes() for file in root.rglob("*") if _belongs(file)}
    sources["__main__.py"] = f"import sys\nfrom {package}.__main__ import main\nsys.exit(main(sys.argv))\n".encode()
    packed = io.BytesIO()
    packed.write(_SHEBANG.encode())
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(sources.items()):
            entry = zipfile.ZipInfo(name)  # whose date is 1980, so that only the contents count
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def _belongs(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
