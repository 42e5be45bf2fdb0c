"""The two files under `.hive` that hold the command's variables, and the only code that writes them."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hive_nornir.errors import HiveError, UsageError
from hive_nornir.inventory.atomic import atomic_write
from hive_nornir.inventory.persistent_variables import BY_NAME, PersistentVariable

__all__ = ["PersistentStore", "StoredValues"]

_Values = dict[str, dict[str, Any]]
_HEADER = "# Written by hive-nornir, schema 1: variable -> {global or stage: value}, as hive-builder does.\n"
_PATIENCE = 10.0  # seconds; a writer holds the lock for milliseconds


class StoredValues:
    """What is stored, while it is being changed; see `PersistentStore.edit`.

    :ivar plain: variable -> {`global` or stage: value}, without secrets.
    :ivar secrets: the same for secrets.
    """

    def __init__(self, plain: _Values, secrets: _Values) -> None:
        self.plain = plain
        self.secrets = secrets

    def put(self, variable: PersistentVariable, key: str, value: Any) -> None:
        """Store a value under `global` or a stage; a secret leaves the old, readable place."""
        if variable.secret:
            _drop(self.plain, variable.name, key)
        (self.secrets if variable.secret else self.plain).setdefault(variable.name, {})[key] = value

    def drop(self, name: str, key: str) -> bool:
        """Forget a value wherever it is; whether there was one."""
        found = [_drop(values, name, key) for values in (self.plain, self.secrets)]
        return any(found)


class PersistentStore:
    """`persistents.yml` and `secrets.yml` of one site. Reading never writes, not even a lock.

    :param folder: the site's `.hive`, which need not exist for reading.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "persistents.yml"
        self.secrets_file = folder / "secrets.yml"
        self._seen: tuple[tuple[int, ...], _Values] | None = None

    def read(self) -> _Values:
        """Everything that is stored: variable -> {`global` or stage: value}; secrets.yml before old secrets in persistents.yml.

        :raises UsageError: a file is not what it should be.
        """
        state = (*_state(self.file), *_state(self.secrets_file))
        if self._seen is None or self._seen[0] != state:
            merged = _load(self.file)
            for name, scopes in _load(self.secrets_file).items():
                merged.setdefault(name, {}).update(scopes)
            self._seen = state, merged
        return self._seen[1]

    @contextlib.contextmanager
    def edit(self) -> Iterator[StoredValues]:
        """Change what is stored, as the only writer; nothing is written when the block fails or changes nothing.

        :raises HiveError: another command holds the lock for longer than ten seconds.
        """
        from filelock import FileLock, Timeout

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        lock = FileLock(self.folder / "persistents.lock", mode=0o600)
        try:
            with lock.acquire(timeout=_PATIENCE):
                yield from self._edit()
        except Timeout:
            raise HiveError(f"another command is writing {self.file}", "try again when it has ended") from None

    def _edit(self) -> Iterator[StoredValues]:
        before = StoredValues(_load(self.file), _load(self.secrets_file))
        values = copy.deepcopy(before)
        yield values
        # Secrets first: a kill in between leaves a secret in both files rather than in none.
        if values.secrets != before.secrets:
            atomic_write(self.secrets_file, _dump(values.secrets), 0o600)
        if values.plain != before.plain:
            atomic_write(self.file, _dump(values.plain), 0o600)


def _drop(values: _Values, name: str, key: str) -> bool:
    scopes = values.get(name, {})
    if key not in scopes:
        return False
    del scopes[key]
    if not scopes:
        del values[name]
    return True


def _state(file: Path) -> tuple[int, ...]:
    try:
        status = file.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _load(file: Path) -> _Values:
    import yaml

    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise UsageError(
            f"{file}{f':{mark.line + 1}' if mark else ''} is not valid YAML", "mend it, or delete it and `set` again"
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(scopes, dict) for scopes in values.values()):
        raise UsageError(f"{file} is not a map of variable -> {{global or stage: value}}", "mend it, or delete it and `set` again")
    return {str(name): scopes for name, scopes in values.items()}


def _dump(values: _Values) -> bytes:
    from hive_nornir.inventory.yaml_dump import dump_yaml

    # Names that nobody knows any more stay: a newer version, or hive-builder, may have written them.
    ordered = sorted(values, key=lambda name: (name not in BY_NAME, name))
    return (_HEADER + dump_yaml({name: values[name] for name in ordered}, sort_keys=False)).encode()
