"""The Docker API over a real socket, with what a real engine said."""

from __future__ import annotations

import gc
import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address

import pytest

from hive_vip import swarm as module
from hive_vip.desired import wanted
from hive_vip.errors import EngineSilentError, SwarmSilentError
from hive_vip.marks import Step
from hive_vip.swarm import Engine
from tests.vip.fakes import api

# The Docker SDK leaves the socket of an answer that was cut off to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

NODE = "ymb4zby69fm97yyytxkddats9"


@pytest.fixture(autouse=True)
def _collected():
    """So that it is in these tests that they are collected."""
    yield
    gc.collect()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0].removeprefix("/v1.45")
        answer = self.server.answers.get(path, (404, {"message": f"no {path}"}))
        if answer == "hang":
            self.server.ended.wait(10)
        elif answer[0] == "stream":
            self.stream(answer[1])
        else:
            self.answer(*answer)

    def stream(self, data):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in [*(json.dumps(each).encode() + b"\n" for each in data), b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def do_POST(self):
        self.server.posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.answer(*self.server.answers.get("POST", (200, {})))

    def answer(self, code, data):
        body = json.dumps(data).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def server(tmp_path):
    """An engine of a manager, whose `answers` can be changed; what was sent to it is in `posted`."""
    data = api()
    with Server(str(tmp_path / "docker.sock"), Handler) as found:
        found.answers = {
            "/version": (200, {"ApiVersion": "1.45", "MinAPIVersion": "1.24"}),
            "/info": (200, data["info"]),
            "/services": (200, data["services"]),
            "/tasks": (200, data["tasks"]),
            f"/nodes/{NODE}": (200, data["node"]),
            "/networks/docker_gwbridge": (200, data["network"]),
            "/events": ("stream", [{"Type": "container", "Action": "start"}, {"Type": "service", "Action": "update"}]),
        }
        found.posted, found.ended = [], threading.Event()
        found.handle_error = lambda *_: None
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.ended.set()
        found.shutdown()
        thread.join()


@pytest.fixture
def engine(server, tmp_path):
    return Engine(f"unix://{tmp_path}/docker.sock", tmp_path / "certificates")


def with_info(server, **swarm):
    server.answers["/info"] = (200, {"Swarm": {**api()["info"]["Swarm"], **swarm}})


def test_what_a_real_manager_told(engine):
    seen = engine.look()
    assert (seen.role, seen.node_id) == ("manager", NODE)
    assert seen.node_labels["runs-web"] == seen.node_labels["hives"] == "true"
    found = wanted(seen)
    assert {str(address): str(claim.container) for address, claim in found.here.items()} == {
        "10.105.65.200": "172.31.254.3",
        "fd77:1::200": "fd77:0:0:c::3",
    }
    assert found.marks == {"runs-web": ["web"]}
    assert seen.gateways["apiarist-ingress-sbox"] == (ip_address("172.31.254.2"), ip_address("fd77:0:0:c::2"))


def test_without_a_swarm_it_is_inactive_and_without_docker_gwbridge_there_are_no_gateways(engine, server):
    del server.answers["/networks/docker_gwbridge"]
    assert engine.look().gateways == {}
    with_info(server, LocalNodeState="inactive", NodeID="")
    assert engine.look().role == "inactive"


def test_an_engine_that_is_not_there_is_silent(tmp_path):
    with pytest.raises(EngineSilentError):
        Engine(f"unix://{tmp_path}/none.sock", tmp_path).look()


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/services", (503, {"message": "The swarm does not have a leader."}), "The swarm does not have a leader."),
        ("/services", "hang", "timed out"),
        ("/info", "hang", "timed out"),
        (f"/nodes/{NODE}", (500, {"message": "rpc error"}), "rpc error"),
    ],
)
def test_a_swarm_without_leader_is_silent_though_its_engine_is_not(engine, server, monkeypatch, path, answer, said):
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    server.answers[path] = answer
    with pytest.raises(SwarmSilentError, match=said):
        engine.look()


def test_whether_anybody_speaks_is_asked_without_looking_at_services(engine, server):
    server.answers["/services"] = (503, {"message": "no"})
    engine.speaks()
    server.answers[f"/nodes/{NODE}"] = (503, {"message": "no leader"})
    with pytest.raises(SwarmSilentError, match="no leader"):
        engine.speaks()


@pytest.mark.parametrize(("state", "said"), [("pending", "not ready yet"), ("locked", "locked"), ("error", "error")])
def test_a_node_that_is_not_yet_or_no_longer_active_cannot_tell(engine, server, state, said):
    with_info(server, LocalNodeState=state)
    with pytest.raises(SwarmSilentError, match=said):
        engine.look()


def test_a_worker_tells_why_no_manager_is_reached(engine, server, tmp_path):
    with_info(server, ControlAvailable=False)
    with pytest.raises(SwarmSilentError, match=r"no certificate in .*: the role follow-swarm-service brings it"):
        engine.look()
    (tmp_path / "certificates").mkdir()
    for name in ("ca", "cert", "key"):
        (tmp_path / "certificates" / f"{name}.pem").write_text("damaged")
    with pytest.raises(SwarmSilentError, match=r"no manager is reached: 10\.105\.65\.4: .*; 10\.105\.65\.5: "):
        engine.look()
    with_info(server, ControlAvailable=False, RemoteManagers=None)
    with pytest.raises(SwarmSilentError, match="none is known"):
        engine.look()


def test_a_worker_asks_the_manager_that_answered_first_next_time(engine, server, monkeypatch):
    asked = []

    class Client(module.docker.APIClient):
        def __init__(self, base_url, tls=None, **options):
            if base_url.startswith("https://"):
                asked.append(base_url)
                if "65.4" in base_url:
                    raise module.requests.ConnectionError("no route")
                base_url = engine._url
            super().__init__(base_url, **options)

    monkeypatch.setattr(module.docker, "APIClient", Client)
    monkeypatch.setattr(module, "TLSConfig", lambda **_: None)
    engine._certificates.mkdir()
    (engine._certificates / "cert.pem").touch()
    with_info(server, ControlAvailable=False)
    assert engine.look().role == engine.look().role == "worker"
    assert asked == ["https://10.105.65.4:2376", "https://10.105.65.5:2376", "https://10.105.65.5:2376"]


def test_labels_are_changed_beside_those_of_others_and_only_in_the_version_that_was_read(engine, server):
    engine.mark(NODE, [Step("set", "new"), Step("unset", "runs-web")])
    [(path, spec)] = server.posted
    assert path == f"/v1.45/nodes/{NODE}/update?version=323"
    former = api()["node"]["Spec"]
    labels = {name: value for name, value in former["Labels"].items() if name != "runs-web"}
    assert spec == {**former, "Labels": {**labels, "new": "true"}}
    server.answers["POST"] = (500, {"message": "update out of sequence"})
    with pytest.raises(SwarmSilentError, match="update out of sequence"):
        engine.mark(NODE, [Step("set", "new")])


def test_events_begin_with_a_sign_that_it_is_listened(engine, server):
    assert [event.get("Type") for event in engine.events()] == [None, "container", "service"]


def test_no_look_takes_long_when_a_server_hangs(engine, server, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    server.answers["/version"] = "hang"
    begun = time.monotonic()
    with pytest.raises(EngineSilentError):
        engine.look()
    assert time.monotonic() - begun < 5
