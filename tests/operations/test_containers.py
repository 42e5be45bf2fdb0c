"""What only containers have: Alpine and its package manager."""

from __future__ import annotations

import pytest

from hive_nornir.errors import HiveError
from hive_nornir.operations import packages
from hive_nornir.operations.core import Observed
from hive_nornir.operations.distributions import classify
from hive_nornir.operations.facts import Facts

ALPINE = "@@files\n/etc/os-release:ID=alpine\n/etc/os-release:VERSION_ID=3.20.3\n@@words\narchitecture=x86_64\n"


def test_alpine_is_for_containers_only() -> None:
    facts = Facts.parse(ALPINE, container=True)
    assert (facts.family, facts.package_manager, facts.version, facts.supported) == ("alpine", "apk", "3.20.3", True)
    with pytest.raises(HiveError, match="alpine is not supported"):
        Facts.parse(ALPINE)
    assert classify("postmarketos", "24", ("alpine",), container=True).supported is False


def test_apk_installs_what_is_missing_and_keeps_no_index() -> None:
    operation = packages.present("apk", ["curl", "nginx=1.26.2-r0"])
    assert operation.probe == "apk info -e curl nginx=1.26.2-r0 2>/dev/null || :"
    assert operation.decide(Observed("curl\nnginx\n")) is None
    change = operation.decide(Observed("curl\n"))
    assert change is not None
    assert change.apply == "apk add --no-cache --no-progress nginx=1.26.2-r0"
