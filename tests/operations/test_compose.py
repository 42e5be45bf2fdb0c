"""Projects of Docker Compose: only what is not as the file says is a reason to act."""

import pytest

from hive_nornir.operations import compose
from hive_nornir.operations.core import Observed

DEFINITION = {
    "services": {"web": {"image": "web:1"}, "db": {"image": "db:1"}},
    "networks": {"default": {"ipam": {"config": [{"subnet": "172.31.255.0/25"}]}}},
}
WELL = """\
wanted db d1
wanted web w1
is web w1 running
is db d1 running
subnet 172.31.255.0/25
"""


def containers(**options):
    file, found = compose.project("/srv/shop", DEFINITION, **options)
    assert file.name == "file /srv/shop/docker-compose.yml"
    assert file in found.triggered_by
    return found


def test_a_project_that_runs_as_described_is_left_alone():
    assert containers().decide(Observed(WELL)) is None


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        ("", "create web; create db"),
        (WELL.replace("is web w1 running\n", ""), "create web"),
        (WELL.replace("is web w1", "is web w0"), "make web anew"),
        (WELL.replace("d1 running", "d1 exited"), "start db (it is exited)"),
        (WELL.replace("d1 running", "d1 restarting"), "start db (it is restarting)"),
        (WELL + "is old o1 running\n", "remove old"),
        (WELL + "stale web\n", "restart web"),
        (WELL.replace("172.31.255.0/25", "172.18.0.0/16"), "network 172.18.0.0/16 -> 172.31.255.0/25"),
    ],
)
def test_what_differs_is_named(observed, reason):
    change = containers().decide(Observed(observed))
    assert change is not None
    assert change.summary == reason
    assert 'docker compose --ansi never -f "$hv_file" up -d' in change.apply
    assert (" down\n" in change.apply) is reason.startswith("network")


def test_a_changed_file_is_a_reason_by_itself():
    change = containers().decide(Observed(WELL, triggered=True))
    assert change is not None
    assert change.summary == "its files changed"


def test_files_that_are_read_at_start_are_looked_at_and_their_service_restarted():
    found = containers(read_at_start={"web": ["/etc/key with blank.pem"]})
    assert "hv_stale web '/etc/key with blank.pem' || echo stale web" in found.probe
    change = found.decide(Observed(""))
    assert change is not None
    assert '|| docker compose --ansi never -f "$hv_file" restart web\n' in change.apply


def test_it_is_waited_for_until_it_serves():
    change = containers(ready="wget -q http://localhost/").decide(Observed(""))
    assert change is not None
    assert "until ( wget -q http://localhost/ ) >/dev/null 2>&1; do" in change.apply
    assert "shop does not answer after 600 s" in change.apply
