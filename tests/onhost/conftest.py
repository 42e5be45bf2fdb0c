"""A stand-in for an engine's API: real HTTP over real TLS."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ANSWERS = {
    "/version": {"ApiVersion": "1.45", "MinAPIVersion": "1.24"},
    "/v1.45/info": {"Name": "p-hive0", "Swarm": {"LocalNodeState": "active", "ControlAvailable": True}},
}


@pytest.fixture(autouse=True)
def _no_foreign_environment(monkeypatch):
    """As `options.run` leaves it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Engine(BaseHTTPRequestHandler):
    def do_GET(self):
        found = ANSWERS.get(self.path)
        data = json.dumps(found or {"message": "no such thing"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with a certificate for localhost that is its own authority."""
    folder = tmp_path_factory.mktemp("certificates")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=DNS:localhost"
    subprocess.run([*make.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())
    return folder


@pytest.fixture
def port(certificates):
    """Where an engine listens that asks for a client's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with ThreadingHTTPServer(("localhost", 0), Engine) as server:
        server.handle_error = lambda *_: None  # clients that are refused
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
