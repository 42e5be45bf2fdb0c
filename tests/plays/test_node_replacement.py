"""When a lost hive may be replaced (spec operations.md 7); the replacing itself is shown in tests/hosts/test_swarm.py by its parts."""

from __future__ import annotations

import pytest

from hive_nornir import Site
from hive_nornir.errors import HiveError, UsageError
from hive_nornir.inventory.providers.base import Resource
from hive_nornir.plays import node_replacement
from hive_nornir.plays.node_replacement import check_loss

LOST = "p-hive1.shop.example"
DEFINITION = "plugin: hive_inventory\nname: shop.example\nstages:\n  private:\n    provider: sandbox\n    cidr: 10.9.0.0/24\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A stage of which one hive is missing and the others manage the swarm."""
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hive.yml").write_text(DEFINITION)
    site = Site.open(tmp_path, "private")
    there(site, monkeypatch)
    return site


def there(site, monkeypatch, *, state="missing", answers=False, reachable=(True, False, True)):
    monkeypatch.setattr(site, "resources", lambda: [Resource("server", LOST, state, "")])
    monkeypatch.setattr(node_replacement, "_answers", lambda _site, _host: answers)
    managers = {f"p-hive{number}": reached for number, reached in enumerate(reachable)}
    monkeypatch.setattr(node_replacement, "_managers", lambda _site, _lost: managers)


def test_a_hive_that_is_gone_may_be_replaced_while_the_others_are_a_majority(site):
    assert check_loss(site, LOST) == f"{LOST} is missing; 2 of 3 managers are there"


@pytest.mark.parametrize(
    ("found", "error", "words"),
    [
        ({"state": "present", "answers": True}, UsageError, "is there and answers"),
        ({"state": "stopped"}, HiveError, "its infrastructure says that it is stopped .*run build-infra` starts one"),
        ({"state": "unknown"}, HiveError, "says that it is unknown"),
        ({"reachable": (True, False, False)}, HiveError, "of 3 managers of the swarm 1 are left, and 2 are needed"),
        ({"reachable": (False, True, True, False, False)}, HiveError, "of 5 managers of the swarm 1 are left, and 3 are needed"),
    ],
    ids=["answers", "stopped", "unknown", "one of three", "one of five"],
)
def test_it_is_refused(site, monkeypatch, found, error, words):
    there(site, monkeypatch, **found)
    with pytest.raises(error, match=words):
        check_loss(site, LOST)


def test_the_repository_has_another_way(site):
    with pytest.raises(UsageError, match=r"is no hive of stage private .*restore hive-registry and hive-zabbix"):
        check_loss(site, site.inventory.repository)
