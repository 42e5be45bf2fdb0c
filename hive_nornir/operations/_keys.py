"""A user's authorized_keys file; `accounts.authorized_keys` offers it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations._diffs import unified
from hive_nornir.operations._states import feed
from hive_nornir.operations.core import Change, Observed, quote

__all__ = ["KeyFile", "key_identity", "key_probe"]

# sshd(8), AUTHORIZED_KEYS FILE FORMAT: options, type, key, comment. Options may hold blanks inside quotes only.
_LINE = re.compile(
    r"""(?:(?P<options>(?:"(?:\\.|[^"\\])*"|[^\s"])+)[ \t]+)?"""
    r"""(?P<type>(?:sk-)?(?:ssh|ecdsa)-[\w.@-]+)[ \t]+(?P<key>[A-Za-z0-9+/]+=*)(?:[ \t].*)?"""
)


# No key and no comment looks like this.
_UNREADABLE = "!unreadable"


def key_identity(line: str) -> tuple[str, str, str] | None:
    """Options, type and key of a line, that is, all but its comment; None if it is no key."""
    match = _LINE.fullmatch(line.strip())
    return (match["options"] or "", match["type"], match["key"]) if match else None


def key_probe(user: str) -> str:
    """Shell: home, who the user is, mode and owner of the folder and of the file (or `absent`), then the text.

    The text is read as the user: a link in its home must not show us, and then the user, what only root may read.
    """
    return (
        f"hv_h=$(getent passwd {user} | cut -d: -f6); printf '%s\\n' \"$hv_h\"\n"
        f'if [ -n "$hv_h" ]; then echo "$(id -u {user}):$(id -g {user})"\n'
        'for hv_f in "$hv_h/.ssh" "$hv_h/.ssh/authorized_keys"; do '
        "stat -c '%a %u:%g' -- \"$hv_f\" 2>/dev/null || echo absent; done\n"
        f'[ ! -e "$hv_f" ] || runuser -u {user} -- cat -- "$hv_f" 2>/dev/null || echo {_UNREADABLE}; fi'
    )


@dataclass(frozen=True)
class KeyFile:
    """The file as it should be; see `accounts.authorized_keys`."""

    user: str
    keys: tuple[str, ...]
    exclusive: bool

    def __post_init__(self) -> None:
        for key in self.keys:
            if "\n" in key.strip() or key_identity(key) is None:
                raise UsageError(f"this is no public key: {key.strip()[:60]!r}", "a line as in id_ed25519.pub is wanted")

    def decide(self, seen: Observed) -> Change | None:
        """What has to be done, from what `key_probe` printed."""
        home, _, rest = seen.text.partition("\n")
        owner, folder, file, text = (rest.split("\n", 3) + [""] * 4)[:4] if home else ("", "absent", "absent", "")
        if text.strip() == _UNREADABLE:
            raise OperationFailed(f"{self.user} cannot read its own {home}/.ssh/authorized_keys", f"chown -R {self.user} {home}/.ssh")
        new = self.text(text)
        words, diff = [], ""
        if new != text or file == "absent":
            words.append("keys")
            diff = unified(f"{home or '~' + self.user}/.ssh/authorized_keys", text, new)
        for what, now, mode in (("folder", folder, "700"), ("file", file, "600")):
            if now not in ("absent", f"{mode} {owner}"):
                words.append(f"mode and owner of the {what} {now} -> {mode} {owner}")
        return Change(", ".join(words), self._apply(new), diff) if words else None

    def text(self, old: str) -> str:
        """The text that has the wanted keys, made from the old one."""
        wanted = {(identity[1], identity[2]): key.strip() for key in self.keys if (identity := key_identity(key))}
        lines = []
        for line in old.splitlines():
            identity = key_identity(line)
            ours = wanted.pop(identity[1:], None) if identity else None
            if ours is not None:
                lines.append(line if key_identity(ours) == identity else ours)
            elif not self.exclusive and not (identity and self._is_ours(identity)):
                lines.append(line)
        return "".join(f"{line}\n" for line in [*lines, *wanted.values()])

    def _is_ours(self, identity: tuple[str, str, str]) -> bool:
        """One of the wanted keys, given once more: with other options it would be a second way in."""
        return any((own := key_identity(key)) and own[1:] == identity[1:] for key in self.keys)

    def _apply(self, text: str) -> str:
        script = (
            'eval "$HIVE_PRELUDE"; umask 077; mkdir -p -- "$1/.ssh"; chmod 700 -- "$1/.ssh"; hv_write "$1/.ssh/authorized_keys" 600 "$2"'
        )
        write = f'runuser -u {self.user} -- /bin/sh -ec {quote(script)} hive-nornir "$hv_h" "$hv_o"'
        return (
            f'hv_h=$(getent passwd {self.user} | cut -d: -f6); hv_o="{self.user}:$(id -g {self.user})"\n'
            f'[ -n "$hv_h" ] || {{ echo "there is no user {self.user}" >&2; exit 1; }}\n'
            # Only root can give back a folder that is not the user's own. -h: the user may put a link in its place at any moment.
            '[ ! -d "$hv_h/.ssh" ] || [ -L "$hv_h/.ssh" ] || chown -h -- "$hv_o" "$hv_h/.ssh"\n'
            f"{feed(write, text.encode('utf-8', 'surrogateescape'))}\n"
            '[ ! -e /sys/fs/selinux/enforce ] || restorecon -R -- "$hv_h/.ssh" || :'
        )
