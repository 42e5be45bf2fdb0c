"""Certificates in images: when they are renewed, and that the image is built anew for it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from hive_nornir.inventory.ca import SiteCA
from hive_nornir.inventory.leaf import Leaf
from hive_nornir.operations.core import Observed
from hive_nornir.tasks.images.certificate import CertificateEntry, _certificate, reason_to_renew, renewal_period
from hive_nornir.tasks.servers.certificate_files import pem_in
from tests.support.local import LocalTransport

ENTRY = {"certificate_fqdn": "web.example", "ca_valid_in": 90, "sub_prefix": "/C=JP/O=Example"}


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> SiteCA:
    return SiteCA.create(tmp_path_factory.mktemp("ca"), "x.example")


def test_it_is_issued_once_and_serves_until_a_third_of_its_time_is_left(
    ca: SiteCA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hive_nornir.tasks.images.certificate.KEY_BITS", 2048)
    entry = CertificateEntry(**ENTRY, cert_dest=f"{tmp_path}/it's/cert.pem", key_dest=f"{tmp_path}/it's/key.pem")
    certificate = _certificate(entry, ca, check=False)[0]
    (tmp_path / "state").mkdir()
    local = LocalTransport(tmp_path / "state")
    look = lambda: local.run(certificate.probe, deadline=5).stdout.decode()  # noqa: E731
    leaf = Leaf("web.example", dns=("web.example",), days=90)
    assert reason_to_renew(look(), ca, leaf) == "there is none"
    planned = _certificate(entry, ca, check=True)[0].decide(Observed(look()))
    assert planned is not None
    assert planned.apply == "false"  # a plan signs nothing
    change = certificate.decide(Observed(look()))
    assert change is not None
    assert local.run(f"set -e\n{change.apply}", deadline=5).exit_code == 0
    assert (tmp_path / "it's" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert pem_in(look(), "CERTIFICATE")
    assert "PRIVATE" not in look()
    assert certificate.decide(Observed(look())) is None
    later = datetime.now(timezone.utc) + timedelta(days=61)
    assert reason_to_renew(look(), ca, leaf, later).startswith("the present one expires on")
    assert reason_to_renew(look(), ca, Leaf("other.example", dns=("other.example",))) == "it has to be for other.example"
    assert reason_to_renew(look(), None, leaf) == "the site's authority changed"


def test_an_image_is_built_anew_before_a_third_of_the_time_is_left() -> None:
    variables = {"certificates": [{"ca_valid_in": 90}, {}]}
    day = 86400.0
    start = 60 * day * 300
    assert renewal_period(variables, start) == renewal_period(variables, start + 59 * day)[:1] + renewal_period(variables, start)[1:]
    assert renewal_period(variables, start)[0] + 1 == renewal_period(variables, start + 60 * day)[0]
    assert renewal_period({}, start) == []
