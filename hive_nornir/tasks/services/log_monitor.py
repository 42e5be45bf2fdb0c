"""Lines of services' logs that the monitoring has to hear of (spec images-networks-volumes-services.md 6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from hive_nornir.operations import files
from hive_nornir.operations.core import Change, Observed, Operation, quote
from hive_nornir.tasks import rsyslog
from hive_nornir.tasks.repository.service_logs import ERRORS, INCLUDES
from hive_nornir.tasks.services.attributes import texts

if TYPE_CHECKING:
    from hive_nornir.inventory.site_inventory import SiteInventory
    from hive_nornir.tasks.site_object import SiteObject

__all__ = ["fragment", "log_monitors", "monitors"]

# What the daemon is told around a fragment, so that it can call that alone right or wrong before it is in its place.
_FRAME = 'template(name="hive-error-line" type="string" string="%%msg%%")\\nruleset(name="hive-check") {\\nset $.log = "";\\n%s\\n}\\n'


def monitors(site: SiteInventory, services: Collection[str]) -> dict[str, str]:
    """Service -> the daemon's rules for it, of those that are watched."""
    found = {}
    for service in services:
        own = site.scope(service)
        errors, ignored = texts(own.get("hive_monitor_error") or []), texts(own.get("hive_ignore_error") or [])
        if errors:
            found[service] = fragment(site.hive_name, service, errors, ignored, standalone=bool(own.get("hive_standalone")))
    return found


def fragment(hive: str, service: str, errors: Sequence[str], ignored: Sequence[str], *, standalone: bool) -> str:
    """A line goes to the monitoring's log if one expression of `errors` is in it and none of `ignored` (POSIX ERE).

    :param standalone: it has an init and a syslog of its own, so it is known by its host name.
    """
    name = _string(service)
    sender = f"$hostname == {name}" if standalone else f'$syslogfacility-text == "local0" and $programname == {name}'
    found = " or ".join(f"re_match($msg, {_string(each)})" for each in errors)
    unless = "".join(f" and not re_match($msg, {_string(each)})" for each in ignored)
    return (
        f"{_header(hive)}if {sender} and ({found}){unless} then {{\n"
        f'  action(type="omfile" file="{ERRORS}" template="hive-error-line" fileCreateMode="0640")\n}}\n'
    )


def _header(hive: str) -> str:
    return f"# Written by hive-nornir: deploy-services of {hive}.\n"


def _string(text: str) -> str:
    """A text as the daemon's configuration writes it: between single quotes a dollar means nothing."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def log_monitors(thing: SiteObject, services: Collection[str], *, whole: bool, remove: bool) -> str | None:
    """The repository's log daemon watches these services.

    :param thing: the repository.
    :param whole: they are all of the stage: rules of others, which are no more, go.
    :param remove: rules of these services go.
    :returns: why this does not apply.
    """
    if thing.shell(thing.name).run(f"[ -d {INCLUDES} ]", deadline=20).exit_code:
        return "the role rsyslogd has not been run here"
    wanted = {} if remove else monitors(thing.site, services)
    own = [_file(f"{INCLUDES}/{service}.conf", text) for service, text in wanted.items()]
    unwatched = [service for service in services if service not in wanted]
    gone = _no_rules(thing.site.hive_name, list(wanted) if whole else None, unwatched)
    thing.through_shell(thing.name, [*own, gone, rsyslog.restarted([*own, gone])])
    return None


def _file(path: str, text: str) -> Operation:
    """A fragment, which the daemon has called right inside of a configuration that is as good as its own."""
    check = (
        f"""trap 'rm -f -- "$hv_v.check"' EXIT; printf {quote(_FRAME)} "$(cat "$hv_v")" >"$hv_v.check" && """
        'rsyslogd -N1 -f "$hv_v.check" >&2'
    )
    return files.content(path, text, validate=check)


def _no_rules(hive: str, services: Collection[str] | None, unwatched: Collection[str]) -> Operation:
    """No rules of services that are not watched: of those that are named, and of what we wrote for others.

    :param services: those that are watched, None if there may be others.
    """
    probe = (
        f"cd {INCLUDES} 2>/dev/null || exit 0\n"
        f'for hv_f in *.conf; do [ -f "$hv_f" ] || continue; '
        f'head -n 1 -- "$hv_f" | grep -qxF {quote(_header(hive).strip())} && echo "ours $hv_f" || echo "theirs $hv_f"; done'
    )

    def decide(seen: Observed) -> Change | None:
        found = []
        for line in seen.text.splitlines():
            owner, _, file = line.partition(" ")
            service = file.removesuffix(".conf")
            if service in unwatched or (owner == "ours" and services is not None and service not in services):
                found.append(file)
        if not found:
            return None
        remove = f"cd {INCLUDES}; rm -f -- {' '.join(map(quote, found))}"
        return Change(f"remove {', '.join(found)}", remove, "\n".join(f"- {INCLUDES}/{file}" for file in found))

    return Operation(f"no other rules in {INCLUDES}", probe, decide)
