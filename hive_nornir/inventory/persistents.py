"""What `set` remembers: `.hive/persistents.yml` in hive-builder's format, secrets in `.hive/secrets.yml`."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hive_nornir.errors import UsageError, nearest
from hive_nornir.inventory.model import Stage
from hive_nornir.inventory.persistent_store import PersistentStore
from hive_nornir.inventory.persistent_values import cast
from hive_nornir.inventory.persistent_variables import ALIASES, BY_NAME, VARIABLES, PersistentVariable

__all__ = ["Origin", "Persistents", "Setting", "find_variable"]

_SECRETS = {variable.name for variable in VARIABLES if variable.secret}
_LONGEST_PASSWORD = 1024  # bytes

Origin = Literal["flag", "env", "stage", "global", "default"]


@dataclass(frozen=True)
class Setting:
    """A variable with its value and where the value comes from."""

    name: str
    value: Any
    origin: Origin
    secret: bool = False

    @property
    def shown(self) -> str:
        """The value for eyes and logs: secrets, and credentials inside of URLs, are masked."""
        if self.value is None:
            return ""
        if self.secret:
            return "********"
        return re.sub(r"(//)[^/@\s]+@", r"\1********@", str(self.value))


class Persistents:
    """The variables of the command for one site and one stage: flag, then environment, then stored, then default (spec cli.md 3).

    :param root: the site's folder.
    :param stage: the stage that is worked on; stored values of other stages are never seen.
    :param flags: what was given as options; None counts as not given, False does count.
    """

    def __init__(self, root: Path, stage: Stage, *, flags: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.stage = stage
        self.store = PersistentStore(root / ".hive")
        self._flags = {name: value for name, value in (flags or {}).items() if value is not None}
        self._env = env or {}

    def get(self, name: str) -> tuple[Any, Origin]:
        """A variable's value and where it comes from; (None, "default") when it has none.

        :raises UsageError: no such variable, or what is stored does not fit its type.
        """
        setting = self.setting(name)
        return setting.value, setting.origin

    def setting(self, name: str) -> Setting:
        """Like `get`, with what is needed to show it."""
        variable = find_variable(name)
        value, origin = self._resolve(variable)
        return Setting(variable.name, value, origin, variable.secret)

    def all(self) -> list[Setting]:
        """Every variable, in the order of the specification."""
        return [self.setting(variable.name) for variable in VARIABLES]

    def set(self, name: str, text: str) -> tuple[Setting, str]:
        """Store a value.

        :param text: as typed; checked against the variable's type.
        :return: what was stored, and under which key: `global` or the stage.
        :raises UsageError: no such variable, one that cannot be stored, or a value that does not fit.
        """
        variable = _storable(name)
        value = cast(variable, text, base=Path.cwd())
        key = "global" if variable.scope == "global" else self.stage
        with self.store.edit() as values:
            values.put(variable, key, value)
        return Setting(variable.name, value, "global" if key == "global" else "stage", variable.secret), key

    def unset(self, name: str) -> bool:
        """Forget the stored value that `get` would use; False when there is none.

        :raises UsageError: no such variable, or one that cannot be stored.
        """
        variable = _storable(name)
        with self.store.edit() as values:
            return values.drop(variable.name, self.stage) or values.drop(variable.name, "global")

    def exported(self) -> dict[str, Any]:
        """The `hive_*` variables that the command injects into every scope, above all others; unset ones are left out."""
        wanted = [variable for variable in VARIABLES if variable.exported]
        values = {variable.exported: self._resolve(variable)[0] for variable in wanted}
        return {name: value for name, value in values.items() if value is not None}

    def secret_values(self) -> list[str]:
        """Every secret of the site and stage, for logs to mask: credentials, and the passwords in files of the context directory."""
        settings = [self._resolve(variable)[0] for variable in VARIABLES if variable.secret]
        stored = [value for name, scopes in self.store.read().items() if name in _SECRETS for value in scopes.values()]
        return list(dict.fromkeys(str(value) for value in [*settings, *stored, *self._generated()] if value))

    def _generated(self) -> list[str]:
        # lookup('password') and our own roles write one secret a file, in one line, 0600.
        folder = Path(str(self.get("context_dir")[0]))
        files = folder.iterdir() if folder.is_dir() else ()
        texts = (file.read_text(encoding="utf-8", errors="replace") for file in files if _holds_secret(file))
        return [text.strip() for text in texts if text.strip() and "\n" not in text.strip()]

    def _resolve(self, variable: PersistentVariable) -> tuple[Any, Origin]:
        if variable.name == "root_dir":
            return str(self.root), "flag" if "root_dir" in self._flags else "env" if "HIVE_ROOT_DIR" in self._env else "default"
        if variable.name in self._flags:
            return cast(variable, self._flags[variable.name], base=Path.cwd()), "flag"
        if variable.environment and self._env.get(variable.environment):
            return cast(variable, self._env[variable.environment], base=Path.cwd()), "env"
        stored = self.store.read().get(variable.name, {}) if variable.scope != "none" else {}
        keys: tuple[tuple[str, Origin], ...] = ((self.stage, "stage"), ("global", "global"))
        for key, origin in keys:
            if stored.get(key) is not None:
                return self._stored(variable, stored[key]), origin
        return (self.stage if variable.name == "stage" else self._default(variable)), "default"

    def _stored(self, variable: PersistentVariable, value: Any) -> Any:
        try:
            return cast(variable, value, base=self.root, must_exist=False)
        except UsageError as error:
            raise UsageError(f"{self.store.file}: {error.message}", f"`unset {variable.name}` removes it") from None

    def _default(self, variable: PersistentVariable) -> Any:
        if variable.type == "dict":
            return {}
        if not isinstance(variable.default, str):
            return variable.default
        return re.sub(r"\{(\w+)\}", lambda match: self._reference(match[1]), variable.default)

    def _reference(self, name: str) -> str:
        if name == "stage":  # a stored one may be another than the one that is worked on
            return self.stage
        if name == "install_dir":
            return str(Path(__file__).resolve().parents[1])
        return sys.executable if name == "python" else str(self.get(name)[0])


def _holds_secret(file: Path) -> bool:
    return file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 and 0 < file.stat().st_size <= _LONGEST_PASSWORD


def find_variable(name: str) -> PersistentVariable:
    """A variable by its name, hyphens and correct spellings allowed.

    :raises UsageError: with the nearest name.
    """
    plain = name.replace("-", "_")
    variable = BY_NAME.get(ALIASES.get(plain, plain))
    if variable is None:
        raise UsageError(f"unknown variable {name!r}", nearest(plain, BY_NAME))
    return variable


def _storable(name: str) -> PersistentVariable:
    variable = find_variable(name)
    if variable.scope == "none":
        raise UsageError(f"variable {variable.name!r} cannot be stored", "it holds for one command only: give it as an option")
    return variable
