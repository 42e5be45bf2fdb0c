"""Docker's and Zabbix' makers for servers of the image el-9: signed repositories on their own disks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from hive_nornir import Site
from hive_nornir.tasks import os as os_module
from hive_nornir.tasks.os_model import OsData
from tests.hosts.sites import shell

REPOSITORIES = "/srv/rpms"


@dataclass(frozen=True)
class Key:
    """What signs a repository, and where its owner publishes it."""

    url: str
    fingerprint: str


def key_of(site: Site, repository: str) -> Key:
    """The key that really signs one of the repositories on the servers' disks, docker-ce or zabbix."""
    file = f"{REPOSITORIES}/{repository}/RPM-GPG-KEY"
    return Key(f"file://{file}", fingerprint(site, file))


def fingerprint(site: Site, file: str, host: str | None = None) -> str:
    """Of the only key in a file on a server."""
    found = re.findall(
        r"^pub:.*\nfpr:+([0-9A-F]{40}):", shell(site, f"gpg --batch --with-colons --show-keys {file} 2>/dev/null", host), re.M
    )
    assert len(found) == 1, found
    return str(found[0])


@contextmanager
def makers(docker: Key, zabbix: Key) -> Iterator[None]:
    """The data on distributions says that the makers' packages are on the servers' disks, and that these are their keys."""
    real = os_module._os_data

    def from_disk(repository: str, key: Key) -> dict[str, str]:
        return {"repository_url": f"file://{REPOSITORIES}/{repository}", "key_url": key.url, "key_fingerprint": key.fingerprint}

    def ours(*about: object) -> OsData:
        data = real(*about)  # type: ignore[arg-type]
        return data.model_copy(
            update={
                "docker": data.docker.model_copy(update=from_disk("docker-ce", docker)),
                "zabbix_agent": data.zabbix_agent.model_copy(update=from_disk("zabbix", zabbix)),
            }
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os_module, "_os_data", ours)
        yield
