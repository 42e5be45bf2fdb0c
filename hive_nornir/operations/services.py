"""Units of systemd: started, stopped, restarted because of a change, and their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Guard, Observed, Operation, quote

__all__ = ["daemon_reload", "restarted_if_running", "running", "stopped", "unit_file"]

_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,CanReload,Type"
_RUNS = ("active", "reloading")
# Units that are started by something else than a link in a .wants folder: there is nothing to enable or disable.
_NEEDS_NO_ENABLING = ("enabled", "static", "alias", "indirect", "generated", "transient")
START_SECONDS = 90

# A unit that systemd calls active may still die of its configuration at once, unless it tells itself when it is ready: $2 is how many more
# looks it must survive. `is-active` is understood by every systemd; a look is taken every 0.2 s.
_WATCH = rf"""hv_unit_failed() {{
  {{ systemctl status --no-pager -n 0 -- "$1" || :; journalctl -q --no-pager -n 20 -u "$1" || :; }} >&2
  exit 1
}}
hv_unit_watch() {{
  hv_n=0; hv_more=$2
  while [ $hv_n -lt {START_SECONDS * 5} ]; do
    case $(systemctl is-active -- "$1") in
    active | reloading) [ $hv_more -gt 0 ] || return 0; hv_more=$((hv_more - 1)) ;;
    activating | deactivating) hv_more=$2 ;;
    *) hv_unit_failed "$1" ;;
    esac
    hv_n=$((hv_n + 1)); sleep 0.2
  done
  echo "$1 is still not active after {START_SECONDS} s" >&2; hv_unit_failed "$1"
}}
"""


def running(
    unit: str,
    *,
    enabled: bool = True,
    restart_on: Sequence[Operation] = (),
    reload_on: Sequence[Operation] = (),
    guard: Guard | None = None,
) -> Operation:
    """A unit that runs, and with `enabled` is started at boot.

    :param unit: with its suffix where it is not `.service`.
    :param enabled: False leaves alone what happens at boot.
    :param restart_on: operations after whose change it is restarted.
    :param reload_on: operations after whose change it is reloaded, or restarted if it cannot reload; with `restart_on` beside it, it is
        restarted for both, since one restart serves all.
    """
    name = quote(unit)

    def decide(seen: Observed) -> Change | None:
        state = _properties(seen.text)
        words, commands = [], []
        if state["NeedDaemonReload"] == "yes":
            words.append("daemon-reload")
            commands.append("systemctl daemon-reload")
        if state["LoadState"] == "masked":
            words.append("unmask")
            commands.append(f"systemctl unmask -- {name}")
        if enabled and not _enabled(state):
            words.append("enable")
            commands.append(f"systemctl enable -- {name}")
        verb = _verb(state, seen.triggered, bool(restart_on))
        if verb:
            words.append(verb)
            looks = 3 if state["Type"] in ("", "simple", "exec", "idle") else 0
            commands += [f"systemctl {verb} -- {name} || hv_unit_failed {name}", f"hv_unit_watch {name} {looks}"]
            commands.insert(0, _WATCH.rstrip())
        if not words:
            return None
        diff = "" if state["ActiveState"] in _RUNS else f"- {state['ActiveState']}\n+ active"
        return Change(", ".join(words), "\n".join(commands), diff)

    triggers = (*restart_on, *reload_on)
    return Operation(f"service {unit}", _probe(unit), decide, triggered_by=triggers, guard=guard)


def restarted_if_running(unit: str, *, on: Sequence[Operation]) -> Operation:
    """A unit that is restarted when one of the operations changed; nothing when it is absent or stopped."""
    name = quote(unit)
    apply = f"{_WATCH}systemctl restart -- {name} || hv_unit_failed {name}\nhv_unit_watch {name} 0"

    def decide(seen: Observed) -> Change | None:
        state = _properties(seen.text)
        return Change("restart", apply) if seen.triggered and state["ActiveState"] in (*_RUNS, "activating") else None

    return Operation(f"restart of {unit} if it runs", _probe(unit), decide, triggered_by=tuple(on))


def stopped(unit: str, *, disabled: bool = True, masked: bool = False) -> Operation:
    """A unit that does not run; one that does not exist is well.

    :param disabled: nor is started at boot.
    :param masked: nor can be started by anybody.
    """
    name = quote(unit)

    def decide(seen: Observed) -> Change | None:
        state = _properties(seen.text)
        if state["LoadState"] == "not-found":
            return None
        words = []
        if state["ActiveState"] not in ("inactive", "failed"):
            words.append("stop")
        if disabled and state["UnitFileState"] in ("enabled", "enabled-runtime"):
            words.append("disable")
        if masked and state["LoadState"] != "masked":
            words.append("mask")
        return Change(", ".join(words), "\n".join(f"systemctl {word} -- {name}" for word in words)) if words else None

    return Operation(f"no service {unit}", _probe(unit), decide)


def unit_file(path: str, text: str) -> list[Operation]:
    """A unit or a drop-in (`/etc/systemd/system/docker.service.d/hive.conf`), and systemd told of it.

    Give both operations to `running(restart_on=…)`.
    """
    folder, _, name = path.rpartition("/")
    unit = folder.rpartition("/")[2].removesuffix(".d") if folder.endswith(".d") else name
    file = files.with_folder(files.content(path, text), folder)
    return [file, _daemon_reload(f"daemon-reload after {path}", f"systemctl show -p NeedDaemonReload -- {quote(unit)}", [file])]


def daemon_reload(*, on: Sequence[Operation]) -> Operation:
    """Systemd reads its files again when one of the operations changed."""
    return _daemon_reload(f"daemon-reload after {', '.join(operation.name for operation in on)}", ":", on)


def _daemon_reload(name: str, probe: str, on: Sequence[Operation]) -> Operation:
    def decide(seen: Observed) -> Change | None:
        due = seen.triggered or "NeedDaemonReload=yes" in seen.text
        return Change("daemon-reload", "systemctl daemon-reload") if due else None

    return Operation(name, probe, decide, triggered_by=tuple(on))


def _enabled(state: Mapping[str, str]) -> bool:
    """Whether the unit is started at boot, by itself or by what it belongs to; an init script of EL7 has no state, so it is left alone."""
    return state["UnitFileState"] in _NEEDS_NO_ENABLING or (state["UnitFileState"] == "" and state["LoadState"] == "loaded")


def _verb(state: Mapping[str, str], triggered: bool, restart: bool) -> str:
    """What has to be done so that the unit runs with its present configuration; "" for nothing."""
    if state["ActiveState"] not in _RUNS:
        return "restart" if triggered and state["ActiveState"] == "activating" else "start"
    if not triggered:
        return ""
    return "restart" if restart or state["CanReload"] == "no" else "reload"


def _probe(unit: str) -> str:
    return f"systemctl show -p {_PROPERTIES} -- {quote(unit)}"


def _properties(text: str) -> dict[str, str]:
    """What `systemctl show` printed; a property that this systemd does not know is ""."""
    known = dict.fromkeys(_PROPERTIES.split(","), "")
    return {**known, **{key: value for key, separator, value in (line.partition("=") for line in text.splitlines()) if separator}}
