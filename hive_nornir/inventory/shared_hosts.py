"""The files by which hives that share a repository know each other's servers, on the mother (spec setup-hosts.md 4.2)."""

from __future__ import annotations

import difflib
import re
import subprocess
from pathlib import Path

from filelock import FileLock

from hive_nornir.errors import HiveError
from hive_nornir.inventory.atomic import atomic_write

__all__ = ["SharedHosts"]

RESTART_SECONDS = 180


class SharedHosts:
    """`hosts`, which the repository's container resolves names with, and `hosts.yml`: hive name -> server -> address.

    :param folder: the shared repository's `context_dir`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, hive: str, server: str, address: str, *, is_hive: bool, write: bool) -> str:
        """Note a server's address; several hives and servers may do so at once.

        :param is_hive: other servers are known to the container as itself (GPI-2).
        :param write: otherwise only find out.
        :returns: the diff, "" if all was noted already.
        :raises HiveError: hosts.yml is damaged, or the container does not restart.
        """
        if not write:
            return self._record(hive, server, address, is_hive, write=False)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.folder / "hosts.lock", mode=0o600):
            return self._record(hive, server, address, is_hive, write=True)

    def known(self) -> dict[str, str]:
        """Server -> address, of all hives that have noted theirs; none before the first has.

        :raises HiveError: hosts.yml is damaged.
        """
        file = self.folder / "hosts.yml"
        return {server: str(address) for servers in _mapping(_text(file), file).values() for server, address in servers.items()}

    def _record(self, hive: str, server: str, address: str, is_hive: bool, *, write: bool) -> str:
        hosts, mapping = self.folder / "hosts", self.folder / "hosts.yml"
        line = f"{address if is_hive else '127.0.0.1'} {server}"
        texts = {hosts: _with_block(_text(hosts), server, line), mapping: _with_entry(_text(mapping), mapping, hive, server, address)}
        changed = {file: text for file, text in texts.items() if text != _text(file)}
        diff = "".join(_diff(file, _text(file), text) for file, text in changed.items())
        if write:
            for file, text in changed.items():
                atomic_write(file, text.encode(), 0o644)
            if hosts in changed:
                self._restart()
        return diff

    def _restart(self) -> None:
        """The container reads its hosts file when it starts."""
        compose = self.folder / "docker-compose.yml"
        if not compose.exists():
            return
        command = ["docker", "compose", "-f", str(compose), "restart"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RESTART_SECONDS, check=False)  # noqa: S603 - a list, no shell
        if done.returncode:
            raise HiveError(f"the shared repository does not restart: {done.stderr.strip()}", f"run: {' '.join(command)}")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _with_block(text: str, server: str, line: str) -> str:
    """The hosts file with the server's block, where it stood or at the end; hive-builder's own form of a block is understood."""
    block = f"# BEGIN ANSIBLE MANAGED BLOCK {server}\n{line}\n# END ANSIBLE MANAGED BLOCK {server}\n"
    name = re.escape(server)
    pattern = re.compile(rf"^# BEGIN ANSIBLE MANAGED BLOCK {name}\n(?:.*\n)*?# END ANSIBLE MANAGED BLOCK {name}\n", re.MULTILINE)
    if pattern.search(text):
        return pattern.sub(lambda _: block, text)
    return text + ("\n" if text and not text.endswith("\n") else "") + block


def _with_entry(text: str, file: Path, hive: str, server: str, address: str) -> str:
    """The mapping with the server's address (GPI-3)."""
    import yaml

    mapping = _mapping(text, file)
    if mapping.get(hive, {}).get(server) == address:
        return text
    mapping.setdefault(hive, {})[server] = address
    found: str = yaml.safe_dump(mapping, sort_keys=True)
    return found


def _mapping(text: str, file: Path) -> dict[str, dict[str, str]]:
    import yaml

    try:
        mapping = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise HiveError(f"{file} is no YAML: {error}", "mend it, or remove it and run setup-hosts on every hive") from error
    if not isinstance(mapping, dict) or not all(isinstance(servers, dict) for servers in mapping.values()):
        raise HiveError(f"{file} is no mapping of hives to their servers", "mend it, or remove it and run setup-hosts on every hive")
    return mapping


def _diff(file: Path, before: str, after: str) -> str:
    return "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), str(file), str(file), n=1))
