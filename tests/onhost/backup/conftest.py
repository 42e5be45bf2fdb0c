"""A container that is a folder of this machine: its commands really run, its files really come and go as tar streams."""

from __future__ import annotations

import os

import pytest

from hive_onhost.backup.containers import Container
from hive_onhost.backup.store import Store

# What docker's command line does with a container, done here.
DOCKER = r"""#!/bin/sh
verb=$1; shift
case $verb in
exec)
  while case $1 in -*) true ;; *) false ;; esac; do [ "$1" = --user ] && shift; shift; done
  shift; exec "$@" ;;
cp)
  [ "$1" = --follow-link ] && { shift; follow=-h; }
  case $1 in
  -) exec tar -C "${2#*:}" -x ;;
  */.) exec tar -C "${1#*:}" -c . ;;
  *) path=${1#*:}; exec tar -C "${path%/*}" $follow -c "${path##*/}" ;;
  esac ;;
*) echo "no $verb" >&2; exit 9 ;;
esac
"""


@pytest.fixture(scope="session")
def docker(tmp_path_factory):
    path = tmp_path_factory.mktemp("docker") / "docker"
    path.write_text(DOCKER)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def container(docker):
    return Container((docker,), "here")


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o700)
    before = os.umask(0o077)
    yield Store(folder)
    os.umask(before)
