"""Which volumes and servers build-volumes and `volume grow` take; no server is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from hive_nornir import Site
from hive_nornir.errors import UsageError
from hive_nornir.plays.build_volumes import targets
from hive_nornir.plays.volume_growth import grow
from tests.hosts.sites import write_site

SERVICES = """\
plugin: hive_services
services:
  web:
    image: nginx:stable
    volumes:
      - {source: plain, target: /plain, type: volume, driver: local}
      - {source: data, target: /data, type: volume, drbd: {size: 100M, fstype: ext4}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = write_site(tmp_path, 3)
    (tmp_path / "inventory" / "services.yml").write_text(SERVICES)
    return made


def test_volumes_are_named_as_services_call_them(site: Site) -> None:
    assert targets(site, None) == ("volume_plain", "volume_data")
    assert targets(site, ["data"]) == ("volume_data",)
    with pytest.raises(UsageError, match=r"no volume 'date'.*did you mean 'data'"):
        targets(site, ["date"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"roles": ["docker"]}, "has no roles"),
        ({"halt": True}, "halts nothing"),
        ({"servers": ["p-hive2"]}, r"none of p-hive2\..* is a hive"),
        ({"servers": ["p-hive9"]}, "no host 'p-hive9'"),
    ],
)
def test_options_that_do_not_fit_leave_no_trace(site: Site, options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        site.run("build-volumes", **options)  # type: ignore[arg-type]
    assert not (site.context.root / ".hive").exists()


def test_only_a_replicated_volume_grows(site: Site) -> None:
    with pytest.raises(UsageError, match="plain is no replicated volume"):
        grow(site, ["plain"])
