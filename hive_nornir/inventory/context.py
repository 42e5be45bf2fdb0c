"""Which site and stage a command works on: decided once, used everywhere (spec inventory.md 8.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_nornir.errors import UsageError, nearest
from hive_nornir.inventory.model import STAGES, Stage
from hive_nornir.inventory.persistent_store import PersistentStore
from hive_nornir.inventory.persistents import Persistents

__all__ = ["SiteContext"]


@dataclass(frozen=True)
class SiteContext:
    """A site and one of its stages.

    :param root: the site's folder, absolute.
    :param inventory_path: the folder with the definitions, `<root>/inventory` unless the variable of this name says otherwise.
    :param context_dir: where the stage's state lives, `<root>/.hive/<stage>`.
    :param temp_dir: scratch of the stage, not shared with other users; made when used.
    :param persistents: the variables of the command, for this stage.
    """

    root: Path
    stage: Stage
    inventory_path: Path
    context_dir: Path
    temp_dir: Path
    persistents: Persistents = field(repr=False, compare=False)
    env: Mapping[str, str] = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def resolve(
        cls, root: Path | None, stage: str | None, env: Mapping[str, str], *, flags: Mapping[str, Any] | None = None
    ) -> SiteContext:
        """Decide what to work on: option, then HIVE_ROOT_DIR and HIVE_STAGE, then what is stored, then the current folder and `private`.

        Reads only; nothing is created.

        :param root: what `--root` said.
        :param stage: what `--stage` said.
        :param env: the environment, normally os.environ; templates' `lookup('env', …)` reads it too.
        :param flags: other options by variable name, such as `context_dir`.
        :raises UsageError: there is no such folder or stage.
        """
        folder = Path(root or env.get("HIVE_ROOT_DIR") or ".").expanduser().absolute().resolve()
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}", "`hive-nornir init DIR` makes a site to start from")
        chosen = _stage(folder, stage, env)
        given = {**(flags or {}), "stage": stage, "root_dir": str(root) if root else None}
        persistents = Persistents(folder, chosen, flags=given, env=env)
        paths = {name: Path(persistents.get(name)[0]) for name in ("inventory_path", "context_dir", "temp_dir")}
        return cls(root=folder, stage=chosen, persistents=persistents, env=env, **paths)

    @property
    def ssh_config(self) -> Path:
        """How the operator's own ssh reaches the servers; `build-infra` writes it."""
        return self.context_dir / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The pinned host keys."""
        return self.context_dir / "known_hosts"

    def prepare(self) -> None:
        """Make `.hive` and the stage's folder, for their owner only. For commands that change something.

        A `.hive` that is there and open to others, as hive-builder makes it, is closed.
        """
        state = self.root / ".hive"
        for folder in (state, self.context_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if state.stat().st_mode & 0o077:
            state.chmod(0o700)


def _stage(root: Path, flag: str | None, env: Mapping[str, str]) -> Stage:
    if flag:
        name, origin = flag, ""
    elif env.get("HIVE_STAGE"):
        name, origin = env["HIVE_STAGE"], "HIVE_STAGE: "
    else:
        store = PersistentStore(root / ".hive")
        name, origin = str(store.read().get("stage", {}).get("global") or "private"), f"{store.file}: "
    for stage in STAGES:
        if stage == name:
            return stage
    raise UsageError(f"{origin}there is no stage {name!r}", nearest(name, STAGES))
