"""What a site adds to the roles of this tool: a Python module or shell hooks in its own folder (spec setup-hosts.md 4.8 and 4.27).

`roles/NAME.py` holds a function NAME: either a role (`@role()`), or a plain function `NAME(host, v)`; both return or yield operations.
`v` is what its annotation says, or without one all variables of the host. A dry run calls only a role: its contract is to change nothing
but through operations.

`roles/NAME/tasks/main.yml` is a role of Ansible; ansible-core runs it before them, if it is installed.

`roles/NAME.d/*.sh` run as root, in the order of their names, each once for its content and what it is given: a hook that is edited runs
again, and so does one of which a variable has another value. They see HIVE_HOST, HIVE_GROUPS, HIVE_FAMILY, HIVE_DISTRIBUTION, HIVE_CHECK,
and every variable `hive_…` of the inventory that they name (lists and maps as JSON). A line appended to the file $HIVE_REBOOT asks for a
restart of the server. A dry run calls a hook that says `# check: yes` on a line of its own, with HIVE_CHECK=1, and shows what it prints; it
must change nothing then.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator
from pathlib import Path

from hive_nornir.ansible.roles import AnsibleRole, ansible_folder, ansible_version, ways_out
from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Change, Observed, Operation, Outcome, quote
from hive_nornir.operations.reboot import restart_and_wait
from hive_nornir.tasks.role import Target
from hive_nornir.tasks.servers.base.limits import skipped
from hive_nornir.tasks.servers.plugin import load_plugin

__all__ = ["HOOK_WISHES", "extension", "hooks"]

HOOK_SECONDS = 900
_DONE = "/var/lib/hive-nornir/hooks"
# Shell pattern of the files that hold what hooks asked for: gone after the restart.
HOOK_WISHES = "/run/hive-nornir.*-reboot"
_DECLARES_CHECK = re.compile(r"(?m)^#\s*check:\s*yes\s*$")


def extension(host: Target, name: str) -> Generator[list[Operation], dict[Operation, Outcome], None]:
    """The steps that the site has put in an extension point; none without any.

    :param name: addon or addon2.
    :raises DefinitionErrors: the site's module is wrong, with its file and line.
    """
    folder = host.site.context.root / "roles"
    notes: list[Operation] = []
    ansible = ansible_folder(host.site.context.root, name)
    if ansible is not None and not ansible_version():
        notes.append(skipped(f"Ansible role roles/{name}", f"ansible-core is not installed: {ways_out(name)}", notice=True))
    module = folder / f"{name}.py"
    plugin = load_plugin(module, name) if module.is_file() else None
    if plugin:
        notes.append(_shown(host, f"module roles/{name}.py, sha256 {_checksum(module.read_bytes())[:16]}", plugin.is_role))
    if notes:
        yield notes
    if ansible is not None and ansible_version():
        AnsibleRole(ansible).apply(host)
    if plugin and (plugin.is_role or not host.check):
        yield from plugin.steps(host)
    if (folder / f"{name}.d").is_dir():
        yield from hooks(host, folder / f"{name}.d", name)


def hooks(host: Target, folder: Path, name: str) -> Generator[list[Operation], dict[Operation, Outcome], None]:
    """The shell hooks of a folder, and the restart that they may ask for."""
    reboot = f"/run/hive-nornir.{name}-reboot"
    pending = Operation("restart asked for by hooks", f"cat {reboot} 2>/dev/null || :", lambda _seen: None)
    files = sorted(folder.glob("*.sh"))
    listed = ", ".join(f"{file.name} (sha256 {_checksum(file.read_bytes())[:16]})" for file in files)
    shown = Operation(f"hooks roles/{name}.d: {listed or 'none, they are called *.sh'}", ":", lambda _seen: None, notice=True)
    outcomes = yield [shown, *(_hook(host, file, name, reboot) for file in files), pending]
    seen = outcomes[pending].observed
    yield from restart_and_wait(host, [line for line in seen.text.splitlines() if line] if seen else [])


def _shown(host: Target, name: str, is_role: bool) -> Operation:
    """The module with its checksum; a plain function may do anything, so a dry run does not call it (spec 4.8, dry-run)."""
    unknown = Change("run", ":", unknown="a dry run does not call it, since it is no @role()") if host.check and not is_role else None
    return Operation(name, ":", lambda _seen: unknown, notice=True)


def _hook(host: Target, file: Path, name: str, reboot: str) -> Operation:
    """One hook: run if its content, with what it is given, never ran here to a good end."""
    text = file.read_text("utf-8", "surrogateescape")
    given = json.dumps(_given(host, text), sort_keys=True)
    checksum = _checksum(f"{text}\0{given}".encode("utf-8", "surrogateescape"))
    mark = quote(f"{_DONE}/{name}/{file.name}")
    summary = f"run, sha256 {_checksum(file.read_bytes())[:16]}"
    checks = bool(_DECLARES_CHECK.search(text))
    done = f"mkdir -p -m 700 {_DONE} {_DONE}/{name}\nprintf '%s\\n' {checksum} | hv_write {mark} 600 0:0"
    run = f"{_run(host, text, reboot, check=False)}\n{done}"

    def decide(seen: Observed) -> Change | None:
        ran, _, told = seen.text.partition("\n@@\n")
        if ran == checksum:
            return None
        if not host.check:
            return Change(summary, run)
        if not checks:
            return Change(summary, run, unknown="a dry run does not call it, since it does not say `# check: yes`")
        said, _, code = told.rpartition("\n")
        if code != "0":
            raise OperationFailed(f"{file}: its dry run ended with exit code {code}", stderr=said)
        return Change(summary, run, said)

    probe = f"hv_h=$(cat {mark} 2>/dev/null); printf '%s\\n@@\\n' \"$hv_h\""
    if host.check and checks:
        dry = _run(host, text, reboot, check=True)
        probe += f'\n[ "$hv_h" = {checksum} ] || {{ hv_s=$( ( {dry}\n) 2>&1 ); printf "%s\\n%s" "$hv_s" $?; }}'
    return Operation(f"hook roles/{name}.d/{file.name}", probe, decide, deadline=HOOK_SECONDS, disturbs="a hook of the site has run")


def _run(host: Target, text: str, reboot: str, *, check: bool) -> str:
    """Shell that runs the hook in a process of its own; its text is in no process's arguments, since it may hold secrets."""
    values = {**_given(host, text), "HIVE_CHECK": str(int(check)), "HIVE_REBOOT": "/dev/null" if check else reboot}
    exports = "\n".join(f"export {name}={quote(value)}" for name, value in values.items())
    return (
        f'hv_d=$(mktemp -d); trap \'rm -rf "$hv_d"\' EXIT\nprintf %s {quote(text)} >"$hv_d/hook"; chmod 700 "$hv_d/hook"\n'
        f'{exports}\ncd /\n{_interpreter(text)} "$hv_d/hook"'
    )


def _interpreter(text: str) -> str:
    """What the first line of the hook asks for; named, since /tmp may be mounted noexec."""
    match = re.match(r"#!\s*(/\S+(?: +\S+)?)\s*\n", text)
    return match[1] if match else "/bin/sh"


def _given(host: Target, text: str) -> dict[str, str]:
    """What a hook gets to know: where it runs, and the inventory's variables that it names."""
    names = sorted(name for name in set(re.findall(r"\bhive_[a-z0-9_]+", text)) if name in host.variables)
    found = {name: host.variables[name] for name in names}
    return {
        "HIVE_HOST": host.name,
        "HIVE_GROUPS": " ".join(host.groups),
        "HIVE_FAMILY": host.os.family,
        "HIVE_DISTRIBUTION": host.facts.distribution,
        **{name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in found.items()},
    }


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
