"""DCP-2: a running engine that has another proxy than logins is restarted."""

from __future__ import annotations

import os
import subprocess

import pytest

from hive_nornir.operations.engine import Engine
from hive_nornir.tasks.servers.docker.proxy import proxy_in_use
from tests.support.local import LocalShell, LocalTransport
from tests.tasks.servers.servers import server

OURS = {"http_proxy": "http://10.1.0.4:3128", "no_proxy": "localhost,web"}
THEIRS = {"HTTP_PROXY": "http://me:s3cret@proxy:80"}


@pytest.mark.parametrize(
    ("running", "wanted", "status"),
    [
        ({}, {}, "unchanged"),
        (OURS, OURS, "unchanged"),
        ({}, OURS, "changed"),
        ({**OURS, "no_proxy": "localhost"}, OURS, "changed"),
        (OURS, {}, "changed"),
        (THEIRS, {}, "unchanged"),
        (THEIRS, THEIRS, "unchanged"),
        ({**OURS, **THEIRS}, OURS, "unchanged"),
        (None, OURS, "unchanged"),
    ],
)
def test_the_engine_and_logins_are_compared(tmp_path, running, wanted, status):
    (tmp_path / "bin").mkdir()
    with subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], **(running or {})}) as process:
        stub = tmp_path / "bin/systemctl"
        stub.write_text(f"#!/bin/sh\necho MainPID={0 if running is None else process.pid}\n")
        stub.chmod(0o755)
        (tmp_path / "environment").write_text("LANG=C\n" + "".join(f'{name}="{value}"\n' for name, value in wanted.items()))
        data = server(tmp_path).os.model_copy(update={"environment_file": str(tmp_path / "environment")})
        transport = LocalTransport(tmp_path, LocalShell(path=f"{tmp_path}/bin:{os.environ['PATH']}"))
        [outcome] = Engine(transport, "here").run([proxy_in_use(data, "10.1.0.4")])
        process.kill()
    assert outcome.status == status, outcome
    assert "s3cret" not in f"{outcome.observed}{outcome.diff}{outcome.summary}"
