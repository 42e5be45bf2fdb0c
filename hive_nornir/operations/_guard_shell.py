"""The shell of a guarded change: what a host needs to undo it without us (spec setup-hosts.md 6.1).

The host keeps a folder with what the change replaces, the program that puts it back, and the mark `armed`. A timer runs the program; so
does a unit as the host starts, before the file systems are given free to whoever reads the files, since timers do not outlive a restart.
A change that nobody confirmed before the host went down is not waited for: the old state is back before the network is.
"""

from __future__ import annotations

from dataclasses import dataclass

from hive_nornir.operations.core import Guard, quote

__all__ = ["GuardShell"]

_GUARDS = "/var/lib/hive-nornir/guards"
_UNITS = "/etc/systemd/system"
_WANTS = f"{_UNITS}/sysinit.target.wants"
# Of a system that is not up yet, no job may be waited for: it would wait for us.
_AT_BOOT = """hv_boot=
if [ "$1" = boot ]; then
  hv_boot=1; mv $G/undoing $G/armed 2>/dev/null
  systemctl() { command systemctl --no-block "$@"; }
fi"""


@dataclass(frozen=True)
class GuardShell:
    """The scripts of one guarded change.

    :param name: of the change, and of the timer and its service.
    """

    name: str

    @property
    def folder(self) -> str:
        """What the host keeps; `.undone` is added to its name when the old state is back."""
        return f"{_GUARDS}/{self.name}"

    def arm(self, guard: Guard) -> str:
        """Saves the present state and starts the timer that puts it back. If it fails, nothing is to be put back."""
        return (
            # Of a controller that died: whoever ran it may have wondered for a day.
            f"mkdir -p -m 700 {_GUARDS}; find {_GUARDS} -mindepth 1 -maxdepth 1 -name '*.undone' -mmin +1440 -exec rm -rf {{}} +\n"
            f"G={self.folder}; mkdir -m 700 $G\n"
            'printf "%s\\n" "$HIVE_PRELUDE" >$G/prelude\n'
            f"printf %s {quote(self._restore(guard))} >$G/restore\n"
            f"{guard.save}\n"
            f"mkdir -p {_WANTS}; printf %s {quote(self._unit())} >{self._unit_file}; ln -s {self._unit_file} {_WANTS}/\n"
            ": >$G/armed\n"
            # A host that loses its power must not keep the change and lose this.
            f"sync -- $(find $G) {self._unit_file} {_UNITS} {_WANTS} 2>/dev/null || sync\n"
            f"systemd-run --quiet --unit={self.name} --on-active={guard.seconds} --timer-property=AccuracySec=1s /bin/sh $G/restore"
            f" || {{ rm $G/armed; {self._forget}; exit 1; }}"
        )

    def disarm(self) -> str:
        """Claims the change as kept; exit code 1 if the host was quicker."""
        return (
            f"G={self.folder}; [ -d $G ] || {{ [ ! -d $G.undone ]; exit; }}\n"
            "[ -e $G/kept ] || mv $G/armed $G/kept 2>/dev/null || exit 1\n"
            f"{self._forget}; systemctl stop {self.name}.timer; rm -rf $G"
        )

    def undo(self, seconds: int) -> str:
        """Puts the old state back now; exit code 0 if that is done within so many seconds.

        The timer's own service does it, since a process of ours might be killed with our connection in the middle of its work. After a
        restart there is no such service any more.
        """
        return (
            f"G={self.folder}; [ -e $G/armed ] || [ -e $G/undoing ] || [ -d $G.undone ] || {{ {self._forget}; rm -rf $G; exit 0; }}\n"
            f"[ ! -e $G/armed ] || systemctl start {self.name}.service || systemd-run --quiet --unit={self.name} /bin/sh $G/restore\n"
            f"i=0; while [ ! -d $G.undone ] && [ $i -lt {seconds * 5} ]; do sleep 0.2; i=$((i+1)); done\n"
            f"systemctl stop {self.name}.timer; [ -d $G.undone ]"
        )

    def clear(self) -> str:
        """Removes what is left of a change that was undone."""
        return f"{self._forget}; rm -rf {self.folder} {self.folder}.undone"

    def _restore(self, guard: Guard) -> str:
        return (
            f"G={self.folder}; {_AT_BOOT}\nmv $G/armed $G/undoing 2>/dev/null || exit 0\n"
            f'LC_ALL=C; export LC_ALL; eval "$(cat $G/prelude)"\n{guard.restore}\n{self._forget}\nmv $G $G.undone\n'
        )

    def _unit(self) -> str:
        conditions = [f"ConditionPathExists=|{self.folder}/{mark}" for mark in ("armed", "undoing")]
        return "\n".join(
            (
                "[Unit]",
                "Description=Undo a change by hive-nornir that nobody confirmed before the restart",
                "DefaultDependencies=no",
                f"RequiresMountsFor={_GUARDS}",
                "After=systemd-remount-fs.service",
                "Before=local-fs.target sysinit.target network-pre.target",
                *conditions,
                "[Service]",
                "Type=oneshot",
                f"ExecStart=/bin/sh {self.folder}/restore boot",
                "TimeoutStartSec=120",
                "",
            )
        )

    @property
    def _boot(self) -> str:
        return f"{self.name}-boot.service"

    @property
    def _unit_file(self) -> str:
        return f"{_UNITS}/{self._boot}"

    @property
    def _forget(self) -> str:
        """Removes the unit; systemd is told only if it knows of it, and not while the host starts."""
        told = f"case $(systemctl show -p LoadState {self._boot}) in *=loaded) systemctl daemon-reload ;; esac"
        return f'rm -f {_WANTS}/{self._boot} {self._unit_file}; rmdir {_WANTS} 2>/dev/null || :; [ -n "${{hv_boot-}}" ] || {told}'
