"""Which address others see."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hive_nornir.errors import OperationFailed
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.servers.get_public_ip import GetPublicIpVariables, get_public_ip
from tests.tasks.servers.servers import server


def run(tmp_path, said: str, check: bool = False, **variables: str) -> list[str]:
    """The diffs of the operations that are due."""
    v = GetPublicIpVariables(hive_shared_repository={"context_dir": tmp_path}, hive_private_ip="10.1.0.4", **variables)
    steps = get_public_ip.function(server(tmp_path, check=check), v)
    [asked] = next(steps)
    seen = Observed(said)
    assert asked.decide(seen) is None
    operations = steps.send({asked: SimpleNamespace(observed=seen)})
    return [change.diff for operation in operations if (change := operation.decide(seen))]


@pytest.mark.parametrize(
    ("provider", "said", "more", "address"),
    [
        ("prepared", "", {}, "10.1.0.4"),
        ("aws", "203.0.113.9\n", {}, "203.0.113.9"),
        ("gcp", "203.0.113.9", {"hive_published_ip": "203.0.113.77"}, "203.0.113.77"),
    ],
)
def test_the_address_is_noted_and_the_second_time_there_is_nothing_to_do(tmp_path, provider, said, more, address):
    [diff] = run(tmp_path, said, hive_provider=provider, **more)
    assert f"p-hive0.example.com: {address}" in diff
    assert run(tmp_path, said, hive_provider=provider, **more) == []


def test_a_plan_writes_nothing(tmp_path):
    assert run(tmp_path, "", check=True, hive_provider="prepared")
    assert not (tmp_path / "hosts.yml").exists()


def test_a_cloud_that_does_not_tell_is_an_error(tmp_path):
    with pytest.raises(OperationFailed, match="public address"):
        run(tmp_path, "<html>", hive_provider="azure")
