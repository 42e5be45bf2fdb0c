"""Secrets are in files that only their owners read, and nowhere else."""

from __future__ import annotations

from hive_nornir import Site
from tests.hosts.sites import setup, shell

# Every program's arguments, as long as the file exists, each once.
WATCH = (
    "rm -f /run/watched; : >/run/watching; systemd-run --quiet --unit=watch-arguments /bin/sh -c '"
    'while [ -e /run/watching ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n" | sort -u >>/run/watched; done\''
)
# What everybody on the server may read; logs and the journal, whoever may read them.
READABLE = (
    "runuser -u nobody -- find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -type f -readable -size -2M -print0 2>/dev/null "
    "| xargs -0 grep -lFf /run/secrets-wanted 2>/dev/null || :"
)
LOGS = "{ journalctl --no-pager -o cat; find /var/log -type f -exec cat {} +; } 2>/dev/null | grep -cFf /run/secrets-wanted || :"


def secrets(site: Site) -> list[str]:
    """The stage's secrets as they are on the mother, the swarm's tokens, and a line of each private key."""
    found = [
        file.read_text().strip()
        for file in site.context.context_dir.iterdir()
        if file.is_file() and not file.stat().st_mode & 0o077 and len(file.read_text().split()) == 1
    ]
    keys = [
        file.read_text().splitlines()[2] for file in site.context.context_dir.rglob("*") if file.is_file() and _is_key(file.read_bytes())
    ]
    tokens = shell(site, "docker swarm join-token -q manager; docker swarm join-token -q worker").split()
    return [*found, *keys, *tokens]


def _is_key(data: bytes) -> bool:
    return b"PRIVATE KEY" in data.partition(b"\n")[0]


def test_secrets_are_in_nobody_elses_files_arguments_logs_or_records(example: Site):
    wanted = secrets(example)
    assert len(wanted) >= 7, "registry, Zabbix' accounts, the swarm's tokens, keys"
    listing = "\n".join(wanted)
    hosts = example.inventory.servers
    for host in hosts:
        shell(example, WATCH, host)
    try:
        # Everything that handles secrets does so again.
        for host in example.inventory.hives:
            shell(example, "rm -rf /home/admin/.docker/cert.pem", host)
        shell(example, "rm -f /home/admin/registry/htpasswd", example.inventory.repository)
        setup(example)
    finally:
        for host in hosts:
            shell(example, "rm -f /run/watching", host)
    for host in hosts:
        shell(example, f"umask 077; cat >/run/secrets-wanted <<'E'\n{listing}\nE", host)
        try:
            assert shell(example, "grep -cx hive-nornir /run/watched || :", host).strip() != "0", "it watched, our own shell among others"
            assert shell(example, "grep -cFf /run/secrets-wanted /run/watched || :", host).strip() == "0", host
            assert shell(example, READABLE, host) == "", host
            assert shell(example, LOGS, host).strip() == "0", host
        finally:
            shell(example, "rm -f /run/secrets-wanted /run/watched", host)
    for file in (example.context.context_dir / "runs").rglob("*"):
        text = file.read_text() if file.is_file() else ""
        assert not [secret for secret in wanted if secret in text], file
    for file in example.context.context_dir.rglob("*"):
        if file.is_file() and any(secret.encode() in file.read_bytes() for secret in wanted):
            assert not file.stat().st_mode & 0o077, file
