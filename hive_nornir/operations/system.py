"""The system as a whole: kernel settings and modules, host name, time zone, language."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hive_nornir.errors import OperationFailed, UsageError
from hive_nornir.operations._diffs import unified
from hive_nornir.operations._states import absolute, feed
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.operations.distributions import Family

__all__ = ["hostname", "kernel_module", "locale", "sysctl", "timezone"]

_SETTING = re.compile(r"[a-z0-9_]+([./][A-Za-z0-9_.:@-]+)+")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_LOCALE = re.compile(r"(?P<language>[a-z]{2,3}(_[A-Z]{2})?|C|POSIX)(\.(?P<codeset>[A-Za-z0-9-]+))?(?P<modifier>@[a-z]+)?")
_MODULE = re.compile(r"[A-Za-z0-9_-]+")
_ZONES = "/usr/share/zoneinfo"


def sysctl(path: str, settings: Mapping[str, str | int]) -> Operation:
    """Kernel settings, now and after a restart. Other lines of the file stay, so that several roles can share it.

    :param path: a file of sysctl.d(5), `/etc/sysctl.d/90-hive.conf`.
    :param settings: name with dots, `net.ipv4.ip_forward`, to value. Blanks inside a value count as one.
    """
    wanted = {name: " ".join(str(value).split()) for name, value in settings.items()}
    for name, value in wanted.items():
        if not _SETTING.fullmatch(name) or ".." in name or not value.isprintable():
            raise UsageError(
                f"{name!r} = {value!r} is no kernel setting", "a name like net.ipv4.ip_forward and a printable value are wanted"
            )
    quoted = quote(absolute(path))
    live = "; ".join(f"[ ! -e {_proc(name)} ] || {{ printf =; tr '\\n\\t' '  ' <{_proc(name)}; }}; echo" for name in wanted)

    def decide(seen: Observed) -> Change | None:
        lines = seen.text.split("\n", len(wanted))
        now = {name: " ".join(line[1:].split()) for name, line in zip(wanted, lines, strict=False)}
        if missing := [name for name, line in zip(wanted, lines, strict=False) if not line.startswith("=")]:
            raise OperationFailed(f"this kernel has no {', '.join(missing)}", "is the module loaded that it belongs to?")
        old = lines[-1] if len(lines) > len(wanted) else ""
        new = _with_settings(old, wanted)
        other = [name for name in wanted if now[name] != wanted[name]]
        if new == old and not other:
            return None
        set_now = [f"printf '%s\\n' {quote(wanted[name])} >{_proc(name)}" for name in other]
        write = [feed(f"hv_write {quoted} 644 root:root", new.encode("utf-8", "surrogateescape"))] if new != old else []
        diff = [f"- {name} = {now[name]}\n+ {name} = {wanted[name]}" for name in other] + ([unified(path, old, new)] if new != old else [])
        return Change(", ".join(other) or "content", "\n".join([*set_now, *write]), "\n".join(diff))

    # The file comes last: it may have any text.
    return Operation(f"sysctl {path}", f"{live}; cat -- {quoted} 2>/dev/null", decide, rewrites=path)


def _proc(name: str) -> str:
    """The file of a setting; in a name with a slash first, dots are part of the words (sysctl(8))."""
    slash_first = "/" in name and "." not in name[: name.index("/")]
    return "/proc/sys/" + (name if slash_first else name.translate(str.maketrans("./", "/.")))


def _with_settings(text: str, wanted: Mapping[str, str]) -> str:
    """The file's text with the settings: each once, in its old place or at the end."""
    left = dict(wanted)
    lines = []
    for line in text.splitlines():
        name = re.sub(r"\s*=.*", "", line).strip().removeprefix("-")
        same = next((key for key in wanted if name and _proc(key) == _proc(name)), None)
        if same is None:
            lines.append(line)
        elif same in left:
            value = " ".join(line.partition("=")[2].split())
            lines.append(line if value == left[same] else f"{same} = {left[same]}")
            del left[same]
    return "".join(f"{line}\n" for line in [*lines, *(f"{name} = {value}" for name, value in left.items())])


def kernel_module(name: str) -> Operation:
    """A kernel module, now and after a restart (modules-load.d(5)); one that is built in counts as loaded."""
    if not _MODULE.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a kernel module")
    path = f"/etc/modules-load.d/{name}.conf"
    loaded = f"[ -e /sys/module/{name.replace('-', '_')} ]"

    def decide(seen: Observed) -> Change | None:
        is_loaded, _, text = seen.text.partition("\n")
        words, commands = [], []
        if is_loaded != "loaded":
            words.append("load")
            commands.append(f"modprobe {name}")
        if text.strip() != name:
            words.append("load at boot")
            commands.append(f"mkdir -p /etc/modules-load.d\n{feed(f'hv_write {path} 644 root:root', f'{name}{chr(10)}'.encode())}")
        return Change(", ".join(words), "\n".join(commands)) if words else None

    probe = f"if {loaded}; then echo loaded; else echo; fi; cat {path} 2>/dev/null"
    return Operation(f"kernel module {name}", probe, decide, disturbs="a kernel module is loaded")


def hostname(name: str) -> Operation:
    """The host's own name, static and transient (BASE-11)."""
    if not _HOSTNAME.fullmatch(name) or len(name) > 64:
        raise UsageError(f"{name!r} cannot be a host name", "letters, digits and hyphens, at most 64 (hostname(7))")

    def decide(seen: Observed) -> Change | None:
        transient, _, static = seen.text.partition("\n")
        static = next((line.strip() for line in static.splitlines() if line.strip() and not line.startswith("#")), "")
        if (transient, static) == (name, name):
            return None
        # hostnamectl needs a system bus, which a small host may not have; it tells its own programs, which the file does not.
        by_hand = (
            f"{feed('hv_write /etc/hostname 644 root:root', f'{name}{chr(10)}'.encode())}\nprintf %s {name} >/proc/sys/kernel/hostname"
        )
        apply = f"if ! hostnamectl set-hostname {name} 2>/dev/null; then\n{by_hand}\nfi"
        diff = [f"- {now}\n+ {name}" for now in dict.fromkeys([static or "(none)", transient]) if now != name]
        return Change(name, apply, "\n".join(diff))

    return Operation("host name", "cat /proc/sys/kernel/hostname; cat /etc/hostname 2>/dev/null", decide)


def timezone(zone: str) -> Operation:
    """The host's time zone (BASE-12): what /etc/localtime leads to, and Debian's /etc/timezone where it exists.

    :param zone: as in the zone data base, `Asia/Tokyo`.
    """
    if not _ZONE.fullmatch(zone):
        raise UsageError(f"{zone!r} cannot be a time zone", "a name like Asia/Tokyo is wanted")
    file = f"{_ZONES}/{zone}"

    def decide(seen: Observed) -> Change | None:
        known, link, text = (seen.text.split("\n") + [""] * 3)[:3]
        if known != "known":
            raise OperationFailed(f"the host knows no time zone {zone}", "is its name right, and the package tzdata installed?")
        now = link.rpartition("/zoneinfo/")[2]
        if now == zone and text in ("", zone):
            return None
        commands = [f"ln -sfn ..{file} /etc/.localtime.hive-nornir; mv -fT /etc/.localtime.hive-nornir /etc/localtime"]
        if text:
            commands.append(feed("hv_write /etc/timezone 644 root:root", f"{zone}\n".encode()))
        return Change(zone, "\n".join(commands), f"- {now or text or 'UTC'}\n+ {zone}")

    probe = f"if [ -f {file} ]; then echo known; else echo; fi; readlink /etc/localtime || echo; cat /etc/timezone 2>/dev/null"
    return Operation("time zone", probe, decide)


def locale(name: str, *, family: Family) -> Operation:
    """The host's language (BASE-12): generated where the family generates, and the default.

    :param name: `ja_JP.UTF-8`, `C.UTF-8`.
    :param family: Debian's generates locales from a list and keeps LANG in a file of its own.
    """
    match = _LOCALE.fullmatch(name)
    if not match:
        raise UsageError(f"{name!r} cannot be a locale", "a name like ja_JP.UTF-8 is wanted")
    debian = family == "debian"
    path = "/etc/default/locale" if debian else "/etc/locale.conf"
    # `locale -a` writes the code set its own way: ja_JP.utf8.
    codeset = (match["codeset"] or "").lower().replace("-", "")
    listed = match["language"] + (f".{codeset}" if codeset else "") + (match["modifier"] or "")
    generate = _generate(name, match["codeset"] or "ISO-8859-1") if debian else ""

    def decide(seen: Observed) -> Change | None:
        known, _, old = seen.text.partition("\n")
        words, commands = [], []
        if known != "known" and not debian:
            raise OperationFailed(f"the host has no data for the locale {name}", "is the language's package installed?")
        if known != "known":
            words.append("generate")
            commands.append(generate)
        new = _with_lang(old, name)
        if new != old:
            words.append("default")
            # The file may be a link to the one of systemd (Debian 13).
            commands.append(feed(f'hv_write "$(readlink -f {path})" 644 root:root', new.encode("utf-8", "surrogateescape")))
        return Change(f"{name}: {', '.join(words)}", "\n".join(commands), unified(path, old, new)) if words else None

    probe = (
        f"if locale -a 2>/dev/null | grep -qixF -e {quote(listed)} -e {quote(name)}; then echo known; else echo; fi; cat {path} 2>/dev/null"
    )
    return Operation("locale", probe, decide, deadline=300)


def _generate(name: str, codeset: str) -> str:
    """Shell: puts the locale on the list of those that are generated, and generates them (locale-gen(8))."""
    entry = f"{name} {codeset}"
    listed = "^[# ]*" + entry.replace(".", "[.]").replace(" ", " *") + " *$"
    return (
        'command -v locale-gen >/dev/null || { echo "locale-gen is missing: the package locales is not installed" >&2; exit 1; }\n'
        f"{{ grep -v -e {quote(listed)} /etc/locale.gen || :; printf '%s\\n' {quote(entry)}; }} | hv_write /etc/locale.gen 644 root:root\n"
        "locale-gen"
    )


def _with_lang(text: str, name: str) -> str:
    """The settings with LANG as wanted; the others stay."""
    kept = [line for line in text.splitlines() if not re.match(r"\s*LANG\s*=", line)]
    now = [line.partition("=")[2].strip().strip("\"'") for line in text.splitlines() if re.match(r"\s*LANG\s*=", line)]
    return text if now == [name] else "".join(f"{line}\n" for line in [*kept, f"LANG={name}"])
