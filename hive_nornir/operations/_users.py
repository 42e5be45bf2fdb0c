"""A user as it is and as it should be; `accounts.user` offers it."""

from __future__ import annotations

from dataclasses import dataclass

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, quote

__all__ = ["UserState", "WantedUser"]


@dataclass(frozen=True)
class UserState:
    """A user as it is on a host.

    :param password: `none` (`*`), `locked` (begins with `!`), `empty` or `set`; the hash itself never leaves the host.
    :param groups: names of all its groups, the primary one first.
    :param uid_owner: who has the wanted number, "" if nobody.
    """

    exists: bool
    uid: str = ""
    gid: str = ""
    comment: str = ""
    home: str = ""
    shell: str = ""
    password: str = ""
    groups: tuple[str, ...] = ()
    home_exists: bool = False
    uid_owner: str = ""

    @classmethod
    def parse(cls, text: str) -> UserState:
        """Take apart what `WantedUser.probe` printed: entry, password state, groups, home, who has the uid."""
        entry, password, groups, home, owner = (text.split("\n") + [""] * 5)[:5]
        if not entry:
            return cls(False, uid_owner=owner)
        _, _, uid, gid, comment, path, shell = entry.split(":")
        return cls(True, uid, gid, comment, path, shell, password, tuple(groups.split()), home == "home", owner)


@dataclass(frozen=True)
class WantedUser:
    """A user as it should be; see `accounts.user`."""

    name: str
    uid: int | None
    group: str | None
    groups: tuple[str, ...]
    home: str | None
    shell: str
    system: bool
    comment: str

    @property
    def probe(self) -> str:
        """Shell: five lines, see `UserState.parse`."""
        owner = "echo" if self.uid is None else f"getent passwd {self.uid} | cut -d: -f1"
        return (
            f"hv_e=$(getent passwd {self.name}); printf '%s\\n' \"$hv_e\"; hv_h=$(getent shadow {self.name} | cut -d: -f2)\n"
            "case $hv_h in '*') echo none ;; '!'*) echo locked ;; '') echo empty ;; *) echo set ;; esac\n"
            f"id -nG {self.name} 2>/dev/null || echo; hv_h=${{hv_e%:*}}; hv_h=${{hv_h##*:}}\n"
            f'if [ -n "$hv_h" ] && [ -d "$hv_h" ]; then echo home; else echo; fi; {owner}'
        )

    def change(self, now: UserState) -> Change | None:
        """What has to be done."""
        if self.uid is not None and now.uid_owner not in ("", self.name):
            raise OperationFailed(
                f"uid {self.uid} belongs to the user {now.uid_owner}", f"give {self.name} another uid, or {now.uid_owner}"
            )
        return self._mend(now) if now.exists else self._create()

    def _create(self) -> Change:
        options = ["-p '*'", f"-s {quote(self.shell)}"]
        options += [f"-u {self.uid}"] if self.uid is not None else []
        options += [f"-d {quote(self.home)}"] if self.home else []
        options += [f"-c {quote(self.comment)}"] if self.comment else []
        options += [f"-G {','.join(self.groups)}"] if self.groups else []
        options += ["-r"] if self.system else []
        options += ["-m" if self.home or not self.system else "-M"]
        # A group of the same name may be there already, and useradd does not take it by itself.
        own_group = f"if getent group {self.name} >/dev/null; then set -- -g {self.name}; else set -- -U; fi"
        group = own_group if self.group is None else f"set -- -g {self.group}"
        words = [f"uid {self.uid}"] if self.uid is not None else []
        words += [f"group {self.group}"] if self.group else []
        apply = f'{group}\nuseradd "$@" {" ".join(options)} {self.name}'
        return Change(", ".join(["new", *words]), apply)

    def _mend(self, now: UserState) -> Change | None:
        options: list[str] = []
        diff: list[str] = []

        def mend(what: str, option: str, before: str, after: str) -> None:
            options.append(f"{option} {quote(after)}")
            diff.append(f"- {what} {before}\n+ {what} {after}")

        if self.uid is not None and now.uid != str(self.uid):
            mend("uid", "-u", now.uid, str(self.uid))
        if self.group is not None and self.group not in (now.gid, *now.groups[:1]):
            mend("group", "-g", now.groups[0] if now.groups else now.gid, self.group)
        if self.home is not None and now.home != self.home:
            mend("home", "-m -d", now.home, self.home)
        if now.shell != self.shell:
            mend("shell", "-s", now.shell, self.shell)
        if self.comment and now.comment != self.comment:
            mend("comment", "-c", now.comment, self.comment)
        if now.password != "none":  # noqa: S105 - a word for its state
            options.append("-p '*'")
            diff.append(f"- password {now.password}\n+ password none")
        if missing := [group for group in self.groups if group not in now.groups]:
            options.append(f"-aG {','.join(missing)}")
            diff.append(f"+ groups {', '.join(missing)}")
        return self._mended(now, options, diff)

    def _mended(self, now: UserState, options: list[str], diff: list[str]) -> Change | None:
        commands = [f"usermod {' '.join(options)} {self.name}"] if options else []
        home = self.home or now.home
        if not now.home_exists and (self.home or not self.system):
            commands.append(_make_home(self.name, home))
            diff.append(f"+ folder {home}")
        if not commands:
            return None
        return Change(
            ", ".join(line[2:] for text in diff for line in text.split("\n") if line[0] == "+"), "\n".join(commands), "\n".join(diff)
        )


def _make_home(name: str, home: str) -> str:
    """Shell: a home as useradd makes it. It is the user's last, so that no other hand is in it while root fills it."""
    path = quote(home)
    return (
        f'[ -d {path} ] || {{ mkdir -p -m 755 -- "$(dirname -- {path})"; mkdir -m 700 -- {path}\n'
        f"[ ! -d /etc/skel ] || cp -R /etc/skel/. {path}\n"
        f'chown -R "{name}:$(id -g {name})" {path}; [ ! -e /sys/fs/selinux/enforce ] || restorecon -R {path} || :; }}'
    )
