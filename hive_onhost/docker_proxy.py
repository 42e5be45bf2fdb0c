"""`hive-docker-proxy FILE`: docker's own configuration with the proxy of the login, for the containers of its user (spec DCP-1).

Prints what FILE has to hold. The proxy's address may hold a password, and the file logins to registries, so the role that calls this
compares and writes on the host, and sees neither.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hive_onhost.failure import USAGE, Failure
from hive_onhost.options import run

__all__ = ["configuration", "login_environment", "main"]

_KEYS = {"httpProxy": "HTTP_PROXY", "httpsProxy": "HTTPS_PROXY", "noProxy": "NO_PROXY"}


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    return run(_docker_proxy, arguments, "usage: hive-docker-proxy FILE")


def _docker_proxy(arguments: Sequence[str]) -> int:
    [path] = map(Path, arguments)
    sys.stdout.write(configuration(path.read_text("utf-8") if path.exists() else "", login_environment()))
    return 0


def configuration(text: str, environment: Mapping[str, str]) -> str:
    """The file's text with the environment's proxy; every other key is kept, and a text that needs no change is returned as it is.

    :param text: "" for a file that is not there.
    :raises Failure: it is no JSON object.
    """
    try:
        present: dict[str, Any] = json.loads(text or "{}")
        default = dict(present.get("proxies", {}).get("default", {}))
    except (ValueError, AttributeError, TypeError) as error:
        raise Failure(f"docker's configuration is no JSON object: {error}", USAGE) from error
    wanted = {key: environment[name] for key, name in _KEYS.items() if environment.get(name)} if environment.get("HTTP_PROXY") else {}
    new = {**{key: value for key, value in default.items() if key not in _KEYS}, **wanted}
    if new == default:
        return text
    proxies = {**present.get("proxies", {}), "default": new}
    found = {**present, "proxies": {name: value for name, value in proxies.items() if value}}
    return json.dumps({key: value for key, value in found.items() if key != "proxies" or value}, indent="\t") + "\n"


def login_environment(process: str = "self", proc: Path = Path("/proc")) -> dict[str, str]:
    """The environment of the login that this process belongs to: of its ancestor whose parent is sshd; sudo hides it from us.

    :param process: where to begin.
    :param proc: the process file system.
    :returns: nothing when no login leads here.
    """
    while True:
        parent = _parent(proc / process)
        if parent == "0":
            return {}
        if (proc / parent / "comm").read_text().startswith("sshd"):
            entries = (proc / process / "environ").read_bytes().decode("utf-8", "surrogateescape").split("\0")
            return dict(entry.split("=", 1) for entry in entries if "=" in entry)
        process = parent


def _parent(process: Path) -> str:
    lines = (process / "status").read_text(errors="replace").splitlines()
    return next((line.split()[1] for line in lines if line.startswith("PPid:")), "0")
