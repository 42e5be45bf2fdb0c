"""BASE-13, L-4: how people log in, changed so that nobody is locked out.

The settings stand in a drop-in that sshd reads before everything else, since the first value of an option counts, or, where sshd_config
includes no drop-ins, in a block at its start. The full candidate is checked with `sshd -t`, and with `sshd -T` for its effect, before it is
installed; then sshd is reloaded, never stopped, and a fresh login must succeed, or the host puts the old state back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hive_nornir.errors import OperationFailed
from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote
from hive_nornir.tasks.servers.base.openssh import NO_GRACE, mended_openssh, vulnerable
from hive_nornir.tasks.servers.sshd import sshd_guard

if TYPE_CHECKING:
    from hive_nornir.tasks.os_model import Sshd
    from hive_nornir.tasks.role import Target
    from hive_nornir.tasks.servers.base.variables import BaseVariables

__all__ = ["login", "settings_in_effect", "way_to_the_proxy", "wrong_settings"]

HEADER = "# Written by hive-nornir; read before everything else, and the first value of an option counts."
_MARK = "@@hive-nornir"
# A Match block makes older versions ask who is connecting.
_EFFECTIVE = 'hv_sshd() { sshd -T "$@" 2>/dev/null || sshd -T -C user=root,host=localhost,addr=127.0.0.1 "$@"; }'


def login(host: Target, v: BaseVariables) -> list[Operation]:
    """Keys only, no reverse look-ups of clients."""
    data = host.os.sshd
    guard = _guard(data)
    # P-19: hive-builder wrote it for vulnerable builds and never took it back.
    no_grace = files.without_lines(data.config, r"^\s*LoginGraceTime\s+0\s*$", validate=_validation(data, {}, 'cat "$hv_v"'), guard=guard)
    settings = settings_in_effect(data, _settings(data, v), vulnerable(host), guard=guard, after=(no_grace,))
    return [mended_openssh(host), no_grace, settings]


def way_to_the_proxy(host: Target, v: BaseVariables) -> list[Operation]:
    """BASE-3: behind a proxy the server's port that leads there is open to all of the server and to containers.

    It is our own connection that has the port, so a new one is made (L-18), and all of this before anything is fetched.
    """
    if not v.proxy_url:
        return []
    data = host.os.sshd
    settings = settings_in_effect(data, _settings(data, v), vulnerable(host), guard=_guard(data))
    return [replace(settings, name="sshd forwards for containers too", relogin=True)]


def _settings(data: Sshd, v: BaseVariables) -> dict[str, str]:
    settings = {"PasswordAuthentication": "no", data.keyboard_interactive: "no", "UseDNS": "no"}
    return settings | ({"GatewayPorts": "yes"} if v.proxy_url else {})


def _guard(data: Sshd) -> Guard:
    return sshd_guard(data, "settings of sshd", list(filter(None, (data.config, data.dropin))))


def settings_in_effect(
    data: Sshd,
    settings: Mapping[str, str],
    is_vulnerable: str,
    *,
    guard: Guard | None,
    after: tuple[Operation, ...] = (),
    marker: str = "sshd",
) -> Operation:
    """Settings that are in effect, whatever else the configuration says.

    :param data: its drop-in is the file for these settings.
    :param settings: options of sshd_config(5) that have one value.
    :param is_vulnerable: shell that succeeds if the build needs `NO_GRACE` too.
    :param after: operations on the same configuration; their change is taken over too.
    :param marker: of the block where there are no drop-ins.
    :raises ValueError: a value is more than one line, and could hold other settings.
    """
    if wrong := [name for name, value in settings.items() if "\n" in f"{name}{value}"]:
        raise ValueError(f"{', '.join(wrong)}: a setting of sshd is one line")

    def decide(seen: Observed) -> Change | None:
        of_dropin, of_config, rest = seen.text.split(f"\n{_MARK}\n")
        build, includes, effective = (*rest.split("\n", 2), "", "")[:3]
        wanted = {**settings, **(NO_GRACE if build == "vulnerable" else {})}
        drops_in = bool(data.dropin) and includes == "includes"
        change = _file(data, wanted, drops_in, marker).decide(Observed(of_dropin if drops_in else of_config))
        wrong = wrong_settings(effective, wanted)
        if change is None and wrong and effective:
            raise OperationFailed(f"sshd has {', '.join(wrong)}, although our settings come first", "see what `sshd -T` says")
        if change is None and not seen.triggered:
            return None
        change = change or Change("reload", ":")
        unit = quote(data.unit)
        then = f"{_check(data, wanted, '')}\nif systemctl is-active --quiet {unit}; then systemctl reload {unit}; fi"
        return replace(change, apply=f"{change.apply}\n{then}")

    return Operation(
        "settings of sshd", _probe(data, is_vulnerable), decide, rewrites=data.dropin or data.config, triggered_by=after, guard=guard
    )


def wrong_settings(effective: str, settings: Mapping[str, str]) -> list[str]:
    """The settings that are not in effect, as `name value`.

    :param effective: what `sshd -T` printed; its names are in lower case.
    """
    found = dict(re.findall(r"^(\S+) (.*)$", effective, re.MULTILINE))
    shown = [(name.lower(), found.get(name.lower(), "(unknown)"), value) for name, value in settings.items()]
    return [f"{name} {now}" for name, now, value in shown if now.lower() != value.lower()]


def _file(data: Sshd, settings: Mapping[str, str], drops_in: bool, marker: str) -> Operation:
    lines = [f"{name} {value}" for name, value in settings.items()]
    if not drops_in:
        return files.block(data.config, lines, marker=marker, at="start", validate=_validation(data, settings, 'cat "$hv_v"'))
    tree = f"{{ printf 'Include %s\\n' \"$hv_v\"; cat {data.config}; }}"
    return files.content(data.dropin, "\n".join([HEADER, *lines, ""]), mode=0o600, validate=_validation(data, settings, tree))


def _probe(data: Sshd, is_vulnerable: str) -> str:
    """Both files, whether the build is vulnerable, whether drop-ins are included, and what is in effect."""
    includes = "false"
    if data.dropin:
        folder = re.escape(data.dropin.rpartition("/")[0])
        includes = f"grep -qiE '^[[:space:]]*Include[[:space:]].*({folder}|[[:space:]]{folder.rpartition('/')[2]})/' {data.config}"
    return "\n".join(
        (
            f"hv_file {data.dropin or '/nonexistent/file'} - 65536",
            f"echo; echo {_MARK}",
            f"hv_file {data.config} - 1048576 -L",
            f"echo; echo {_MARK}",
            f"if {is_vulnerable}; then echo vulnerable; else echo sound; fi",
            f"if {includes}; then echo includes; else echo alone; fi",
            f"{_EFFECTIVE}; hv_sshd",
        )
    )


def _validation(data: Sshd, settings: Mapping[str, str], tree: str) -> str:
    """Shell: the configuration as it would be is sound and has the wanted effect.

    :param tree: shell that prints it; the candidate is in `$hv_v`.
    """
    return f'hv_d=$(mktemp -d) && trap \'rm -rf "$hv_d"\' EXIT && {tree} >"$hv_d/tree" || exit 1\n' + _check(
        data, settings, '-f "$hv_d/tree"'
    )


def _check(data: Sshd, settings: Mapping[str, str], options: str) -> str:
    """Shell: sshd's configuration is sound and has the wanted effect."""
    lines = [f"mkdir -p -m 755 {data.run_dir}"] if data.run_dir else []
    lines += [f"sshd -t {options} || exit 1", _EFFECTIVE, f"hv_e=$(hv_sshd {options} | tr '[:upper:]' '[:lower:]')"]
    for name, value in settings.items():
        wanted, problem = quote(f"{name} {value}".lower()), f"sshd would not have {name} {value}"
        lines.append(f"printf '%s\\n' \"$hv_e\" | grep -qx {wanted} || {{ echo {quote(problem)}; exit 1; }}")
    return "\n".join(lines)
