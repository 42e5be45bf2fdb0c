"""What deploy-services refuses before anything is touched, and what it would do to whom; no server is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir

from hive_nornir import Site
from hive_nornir.errors import DefinitionErrors, HiveError, UsageError
from hive_nornir.runs.events import Event
from tests.hosts.sites import write_site

SERVICES = """\
plugin: hive_services
services:
  web:
    image: nginx:stable
    {web}
  db:
    image: mariadb:11.8
    {db}
"""


def site(folder: Path, web: str = "mode: global", db: str = "replicas: 1", variables: str = "") -> Site:
    made = write_site(folder, 2, variables=variables)
    (folder / "inventory" / "services.yml").write_text(SERVICES.format(web=web, db=db))
    return made


def begun(made: Site, monkeypatch: pytest.MonkeyPatch, **options: Any) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Play -> its hosts and steps, of the plays that are begun."""
    events: list[Event] = []
    monkeypatch.setattr(Nornir, "run", lambda *_args, **_options: None)
    made.run("deploy-services", check=True, observers=[events.append], **options)
    return {event.play: (event.hosts, event.roles) for event in events if event.kind == "play-started"}


def test_the_repositorys_files_come_before_the_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = site(tmp_path)
    plays = begun(made, monkeypatch)
    assert list(plays) == ["backups and log monitors", "deploy services", "services that are not defined"]
    assert plays["backups and log monitors"] == ((made.inventory.repository,), ("backup-scripts", "log-monitors"))
    assert plays["deploy services"][0] == ("web", "db")


def test_what_is_limited_or_destroyed_looks_for_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = site(tmp_path)
    assert [*begun(made, monkeypatch, limit=["db"])] == ["backups and log monitors", "deploy services"]
    plays = begun(made, monkeypatch, limit=["db"], destroy=True)
    assert plays["remove services"][0] == ("db",)


def test_an_unknown_service_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'web'"):
        site(tmp_path).run("deploy-services", limit=["wev"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"web": "endpoint_mode: dnsrr\n    ports: ['80:80']"}, "service web: ports: 80:80 cannot be published"),
        ({"web": "mode: global\n    replicas: 2"}, "service web: replicas: a global service"),
        ({"db": "environment: {A: '{{ nowhere }}'}"}, "nowhere"),
        ({"db": "backup_scripts: [{name: hive-registry, directory: /x}]"}, "hive-registry"),
        ({"variables": "hive_ext_repositories: [{login_user: me}]\n"}, "password: Field required"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_touched(tmp_path: Path, given: dict[str, str], message: str) -> None:
    made = site(tmp_path, **given)
    with pytest.raises(HiveError, match=message) as caught:
        made.run("deploy-services")
    assert caught.value.exit_code == 2
    assert not (tmp_path / ".hive").exists()


def test_all_services_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DefinitionErrors) as caught:
        site(tmp_path, web="mem_limit: 1M", db="cpu_limit: 0.0001").run("deploy-services")
    assert len(caught.value.problems) == 2


def test_a_limit_leaves_other_services_mistakes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert begun(site(tmp_path, web="mem_limit: 1M"), monkeypatch, limit=["db"])


@pytest.mark.parametrize("option", [{"halt": True}, {"roles": ["base"]}, {"no_cache": True}])
def test_options_of_other_phases_are_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="deploy-services has neither"):
        site(tmp_path).run("deploy-services", **option)
