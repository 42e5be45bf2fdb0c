import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_nornir.inventory.definitions.ports import parse_port
from hive_nornir.inventory.definitions.types import WrongError
from tests.inventory.support import load, only, problems


@pytest.mark.parametrize(
    ("written", "parsed"),
    [
        ("53:54/udp", {"published_port": 53, "target_port": 54, "protocol": "udp"}),
        ("80:8080", {"published_port": 80, "target_port": 8080, "protocol": "tcp"}),
        ("8081", {"target_port": 8081, "protocol": "tcp"}),
        ("8081/sctp", {"target_port": 8081, "protocol": "sctp"}),
        (8081, {"target_port": 8081, "protocol": "tcp"}),
    ],
)
def test_short_forms(written, parsed):
    assert parse_port(written) == parsed


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("80-90:80-90", "ranges"),
        ("127.0.0.1:80:80", "one address"),
        ("{{ p }}", "templates"),
        ("80:80/icmp", "unknown protocol 'icmp'"),
        ("web", "expected a port"),
        ("0:80", "no port number"),
        (70000, "no port number"),
        (1.5, "expected a port"),
        (True, "expected a port"),
        (None, "expected a port"),
    ],
)
def test_says_why_something_is_no_port(written, words):
    with pytest.raises(WrongError, match=words):
        parse_port(written)


@given(st.text() | st.integers() | st.none() | st.floats())
def test_anything_is_a_port_or_a_plain_error(written):
    try:
        parsed = parse_port(written)
    except WrongError:
        return
    assert 1 <= parsed["target_port"] <= 65535


def test_a_map_has_tcp_by_default(tmp_path):
    site = load(tmp_path, "  web: {image: x, ports: [{target_port: 80, mode: host}]}\n")
    assert site.services["web"].definition.ports[0].variables() == {"target_port": 80, "protocol": "tcp", "mode": "host"}


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ("[{target_port: 80, protocol: tpc}]", "expected tcp or udp or sctp"),
        ("[{published_port: 80}]", "target_port is missing"),
        ("[{target_port: '80'}]", "expected a whole number"),
        ("[53:53]", "YAML reads 53:53 without quotes as the number 3233"),
        ("['80:1', '80:2']", "published port 80/tcp is given twice"),
        ("[80, '80']", "target port 80/tcp is given twice"),
        ("80", "expected a list"),
        ("", "expected a list, found nothing"),
    ],
)
def test_wrong_ports_of_a_service(tmp_path, ports, words):
    found = only(tmp_path, f"  web:\n    image: x\n    ports: {ports}\n")
    assert words in found.message
    assert found.line == 5


def test_every_wrong_port_is_told_at_once(tmp_path):
    found = problems(tmp_path, "  web: {image: x, ports: [53:53, 80-90, '80']}\n")
    assert [problem.message.split(":")[0] for problem in found] == ["services.web.ports[0]", "services.web.ports[1]"]


def test_a_port_may_be_published_twice_under_two_numbers(tmp_path):
    load(tmp_path, "  web: {image: x, ports: ['80:1', '81:1', '80:1/udp', '1', '1/udp']}\n")
