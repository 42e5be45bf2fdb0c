"""Services inside of containers, and what is remembered of them. The texts are those of systemd 257."""

import json
import time

import pytest

from hive_onhost.failure import ENGINE, Failure
from hive_onhost.probes import inner
from hive_onhost.probes.cache import Cache, opened
from hive_onhost.probes.swarm import Swarm
from hive_onhost.probes.units import Lists
from tests.onhost.probes.engines import SERVERS, Container, Engines, service, task

FILES = "nginx.service  enabled enabled\ngetty@.service enabled enabled\nkdump.service  enabled enabled\nsetup.service  enabled enabled\n"
UNITS = """\
nginx.service          loaded    active   running A high performance web server
worker@a.service       loaded    active   running Worker
user@1000.service      loaded    active   running User Manager
broken.service         error     inactive dead    broken.service
auditd.service         not-found inactive dead    auditd.service
"""
SHOWN = """\
Type=notify
Id=nginx.service
UnitFileState=enabled


Type=simple
Id=kdump.service
UnitFileState=enabled

Type=oneshot
Id=setup.service
UnitFileState=enabled

Type=simple
Id=worker@a.service
UnitFileState=enabled

Type=notify
Id=user@1000.service
UnitFileState=static

"""
AGE = "200.75 800.00\nLoadState=loaded\nActiveState={state}\nActiveEnterTimestampMonotonic={entered}\n"


@pytest.fixture(autouse=True)
def _lists(monkeypatch, tmp_path):
    (tmp_path / "black").write_text("# a remark\n^kdump\\.service$\n\n")
    lists = Lists.read(tmp_path / "white", tmp_path / "black")
    monkeypatch.setattr(Lists, "read", lambda: lists)


def systemd(**more):
    answers = {"list-unit-files": (0, FILES), "--all": (0, UNITS), "nginx.service": (0, SHOWN), **more}
    return Container(answers=answers)


def swarm(**containers):
    labels = {"HIVE_STANDALONE": "True"}
    services = [service(name, 2, labels=labels) for name in containers]
    tasks = [task(name, f"{name}{number}", f"n{number}") for name, found in containers.items() for number in range(len(found))]
    known = {f"{name}{number}": each for name, found in containers.items() for number, each in enumerate(found)}
    return Swarm.of(Engines(services, tasks, known), SERVERS)


def test_what_starts_at_boot_and_goes_on_running_is_discovered():
    assert inner.discover(swarm(box=[systemd()]), Cache({})) == [
        {"SERVICE_NAME": "box", "INNER": "nginx.service"},
        {"SERVICE_NAME": "box", "INNER": "worker%a.service"},
    ]


def test_a_container_without_systemd_does_not_keep_others_from_being_discovered():
    found = swarm(box=[systemd()], odd=[Container()])
    cache = Cache({})
    assert {each["SERVICE_NAME"] for each in inner.discover(found, cache)} == {"box"}
    assert list(cache.entries) == ["box"]


def test_what_is_known_is_not_looked_for_and_what_is_gone_is_forgotten():
    cache = Cache({"box": (["old.service"], 1.0), "gone": (["x.service"], 2.0)})
    assert inner.discover(swarm(box=[Container()]), cache) == [{"SERVICE_NAME": "box", "INNER": "old.service"}]
    assert list(cache.entries) == ["box"]


def test_the_youngest_unit_tells_the_uptime():
    old, new = (Container(answers={"nginx.service": (0, AGE.format(state="active", entered=at))}) for at in (1_000_000, 150_500_000))
    found = swarm(box=[old, new])
    assert inner.uptime(found, found.service("box"), "nginx") == pytest.approx(50.25)
    assert inner.uptime(found, found.service("box"), "nginx.service") == pytest.approx(50.25)


def test_a_unit_that_does_not_run_has_no_age_and_one_that_nobody_knows_is_no_number():
    down = Container(answers={"nginx.service": (0, AGE.format(state="failed", entered=0))})
    unknown = Container(answers={"nginx.service": (0, AGE.format(state="inactive", entered=0).replace("=loaded", "=not-found"))})
    for containers, wanted in (([down], -1), ([unknown, down], -1)):
        found = swarm(box=containers)
        assert inner.uptime(found, found.service("box"), "nginx") == wanted
    found = swarm(box=[unknown])
    with pytest.raises(Failure, match=r"there is no unit nginx\.service"):
        inner.uptime(found, found.service("box"), "nginx")


def test_failed_units_are_counted_in_all_containers_but_for_those_on_the_black_list():
    listing = "kdump.service loaded failed failed Crash recovery\n● mariadb.service loaded failed failed MariaDB 11.8.9\n"
    found = swarm(box=[Container(answers={"--state=failed": (0, text)}) for text in (listing, "")])
    assert inner.count_failed(found, found.service("box")) == 1
    none = swarm(box=[Container()])
    with pytest.raises(Failure) as failure:
        inner.count_failed(none, none.service("box"))
    assert failure.value.code == ENGINE


def test_the_cache_survives_and_forgets_the_oldest_first(tmp_path):
    with opened(SERVERS, tmp_path) as cache:
        for number, name in enumerate("abc"):
            cache[name] = [f"{name}.service"]
            cache.entries[name] = (cache[name], float(number))
    [file] = tmp_path.glob("discover_innerservice_cache_*.json")
    assert len(file.stem.removeprefix("discover_innerservice_cache_")) == 16
    with opened(SERVERS[::-1], tmp_path) as cache:
        cache.dispose(2)
        assert list(cache.entries) == ["c"]
        cache["a"] = []
        assert time.time() - cache.entries["a"][1] < 5
    assert sorted(json.loads(file.read_text())) == ["a", "c"]
    with opened(SERVERS[:2], tmp_path) as cache:
        assert cache.entries == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"inner": [], "time": "x"}}'])
def test_a_damaged_cache_is_none(tmp_path, text):
    with opened(SERVERS, tmp_path):
        pass
    [file] = tmp_path.glob("discover_innerservice_cache_*.json")
    file.write_text(text)
    with opened(SERVERS, tmp_path) as cache:
        assert cache.entries == {}


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(Failure, match="cannot be used"), opened(SERVERS, tmp_path / "none"):
        pass
