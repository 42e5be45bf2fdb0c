"""Which roles `--roles` means (spec setup-hosts.md 2.3); no server is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from nornir.core import Nornir

from hive_nornir.errors import UsageError
from hive_nornir.plays.setup_hosts import PLAYS
from hive_nornir.runs.events import Event
from tests.hosts.sites import write_site

EVERY = [tuple(role.name for role in play.roles) for play in PLAYS]
TAGGED = [tuple(role.name for role in play.roles) for play in PLAYS if play.tag == "setup-hosts"]


def begun(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[tuple[str, ...]]:
    """The roles of each play that is begun."""
    events: list[Event] = []
    monkeypatch.setattr(Nornir, "run", lambda *_args, **_options: None)
    write_site(folder, 1).run("setup-hosts", roles=names or None, check=True, observers=[events.append])
    return [event.roles for event in events if event.kind == "play-started"]


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ((), EVERY),
        (("setup-hosts",), TAGGED),
        (("docker", "base"), [("base", "docker")]),
        (("signed",), [("tls-certificate",)]),
    ],
)
def test_roles_are_selected_by_name_or_tag_and_keep_their_order(tmp_path, monkeypatch, names, roles):
    assert begun(tmp_path, monkeypatch, *names) == roles


@pytest.mark.parametrize(("names", "hint"), [(("dokcer",), "docker"), (("base", "signd"), "signed")])
def test_an_unknown_role_is_an_error_that_names_the_nearest(tmp_path, monkeypatch, names, hint):
    with pytest.raises(UsageError, match=f"did you mean '{hint}'"):
        begun(tmp_path, monkeypatch, *names)


def test_a_role_that_runs_on_none_of_the_chosen_hosts_is_an_error(tmp_path):
    site = write_site(tmp_path, 2)
    with pytest.raises(UsageError, match="none of the roles swarm runs on"):
        site.run("setup-hosts", roles=["swarm"], limit=[site.inventory.repository])


@pytest.mark.parametrize(("phase", "options"), [("setup-hosts", {"roles": ["bse"]}), ("build-infra", {"roles": ["base"]})])
def test_wrong_options_leave_no_trace(tmp_path, phase, options):
    site = write_site(tmp_path, 1)
    with pytest.raises(UsageError):
        site.run(phase, **options)
    assert not (tmp_path / ".hive").exists()
