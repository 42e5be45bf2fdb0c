"""The shape of what differs between distributions (spec os-matrix.md): a model for each concern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hive_nornir.errors import UsageError, nearest
from hive_nornir.operations.distributions import Column

__all__ = ["OsData"]

Names = tuple[str, ...]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Packages(_Data):
    """Packages by what they are for; empty where the distribution has none or needs none."""

    base: Names
    vim: Names
    telnet: Names
    bridge_utils: Names
    conntrack: Names
    rsyslog: Names
    rsyslog_tls: Names
    logrotate: Names
    selinux_python: Names
    selinux_tooling: Names
    nfs_client: Names
    ca: Names
    lvm: Names
    terminal: Names
    arping: Names
    ping: Names
    drbd_utilities: Names

    @property
    def every_server(self) -> Names:
        """What BASE-8 wants on every server."""
        return self.base + self.vim + self.telnet + self.bridge_utils + self.conntrack + self.rsyslog + self.selinux_python


class Locale(_Data):
    """Languages.

    :param file: where LANG is kept.
    :param generate_file: list of the locales to be generated, "" where packages bring them ready-made.
    """

    packages: Names
    file: str
    generate_file: str

    def packages_for(self, locale: str) -> Names:
        """The packages with the data of `ja_JP.UTF-8`; C and POSIX need none of a language."""
        language = locale.split(".")[0].split("_")[0]
        wanted = [name for name in self.packages if "{language}" not in name or language not in ("C", "POSIX")]
        return tuple(name.format(language=language) for name in wanted)


class Kernel(_Data):
    """The kernel's packages.

    :param hold: patterns of the packages that routine upgrades leave alone (BASE-6).
    :param hold_file: the package manager's configuration with the exclusion, "" where packages are marked.
    """

    packages: Names
    hold: Names
    hold_file: str

    def packages_for(self, release: str) -> Names:
        """The packages of the kernel `release`, with all its modules (BASE-7)."""
        return tuple(name.format(release=release) for name in self.packages)


class Repositories(_Data):
    """Where packages come from.

    :param mirror_files: files of the vendor's own repositories; not all exist on every release (BASE-1).
    :param mirror_path: what the path of a mirror's URL ends with.
    :param fastestmirror: configuration of the plug-in, "" without one.
    :param makecache_unit: unit that refreshes the index, "" without one; `proxy_file` does for apt what its environment does (BASE-15).
    """

    folder: str
    mirror_files: Names
    mirror_path: str
    fastestmirror: str
    makecache_unit: str
    proxy_file: str


class Sshd(_Data):
    """The SSH server.

    :param socket: unit that listens on its behalf, "" without one: it, not the service, has to be restarted for another port.
    :param dropin: our own file, "" where sshd_config includes none and has to be edited before its first Match block.
    :param run_dir: folder that must exist for `sshd -t`, "" if none.
    :param keyboard_interactive: how the option is called.
    :param selinux_port: another port needs a label.
    """

    unit: str
    socket: str
    config: str
    dropin: str
    run_dir: str
    keyboard_interactive: str
    selinux_port: bool


class Chrony(_Data):
    """The time service.

    :param sources_file: our own file of servers, "" where they stand in `config`.
    :param provided_sources: servers that the cloud offers by a link-local address.
    :param replaced_unit: the time service that it takes the place of.
    """

    package: str
    config: str
    sources_file: str
    unit: str
    provided_sources: Names
    replaced_unit: str


class Firewall(_Data):
    """The packet filter.

    :param modules: packages with modules of the kernel `{release}` that its rules need.
    :param removed_packages: front ends that cannot stay beside it; `masked_units` are theirs (IPT-1).
    :param units: load the rules at boot; `units_v6` those of IPv6 where they have units of their own.
    :param variant: of iptables (spec setup-hosts.md F-6).
    :param preseed: lines for debconf-set-selections, so that installing does not save the present rules (F-3).
    """

    packages: Names
    modules: Names
    removed_packages: Names
    masked_units: Names
    disabled_units: Names
    units: Names
    units_v6: Names
    file_v4: str
    file_v6: str
    variant: Literal["nft", "legacy"]
    preseed: Names

    def modules_for(self, release: str) -> Names:
        """The packages with modules of the kernel `release`."""
        return tuple(name.format(release=release) for name in self.modules)


class TrustStore(_Data):
    """The certificates that the host trusts.

    :param refresh: command that takes over a changed anchor.
    :param bundle: all of them in one file, for tools.
    """

    anchor: str
    refresh: str
    bundle: str

    def anchor_of(self, hive_name: str) -> str:
        """The file of the site's CA (TLS-5)."""
        return self.anchor.format(hive_name=hive_name)

    def former_anchor_of(self, hive_name: str, mark: str) -> str:
        """The file of a former CA of the site, beside it (L-17).

        :param mark: tells it from others; `*` for a pattern of all.
        """
        stem, _, suffix = self.anchor_of(hive_name).rpartition(".")
        return f"{stem}-former-{mark}.{suffix}"


class Tls(_Data):
    """The host's own certificates (spec setup-hosts.md 3.3).

    :param private_mode: of the folder of keys; `private_group` owns it. The keys themselves are 0600 and root's.
    """

    folder: str
    packages: Names
    private_mode: int
    private_group: str

    def certificate(self, name: str) -> str:
        """Path of the certificate of `p-hive0.example`."""
        return f"{self.folder}/certs/{name}_cert.pem"

    def key(self, name: str) -> str:
        """Path of its key."""
        return f"{self.folder}/private/{name}_key.pem"

    def request(self, name: str) -> str:
        """Path of its signing request."""
        return f"{self.folder}/misc/{name}.csr"

    @property
    def api_client_ca(self) -> str:
        """Path of the CA whose clients Docker's API lets in; not among the anchors, since nothing else is to trust it (P-10)."""
        return f"{self.folder}/certs/hive-api-client-ca.pem"


class Compose(_Data):
    """Docker Compose v2 (CMP-1).

    :param packages: beside those of the engine's makers; `fallback` beside the distribution's own engine. Empty where there is none: then
        the release's program is installed.
    :param v1: packages of version 1, which must go (CMP-2).
    """

    packages: Names
    fallback: Names
    v1: Names


class Docker(_Data):
    """The container engine (spec os-matrix.md 5).

    :param source: `docker-ce`, the maker's own repository, or `vendor`, the distribution's.
    :param packages: of that source; `fallback` is what the distribution itself has, empty without any.
    :param engine: those of `packages` and `fallback` that carry the engine's own version; the others have versions of their own.
    :param removed: packages that conflict with `packages`.
    :param repository_url: for apt the URI, for dnf the baseurl; "" for `vendor`.
    :param key_fingerprint: of the repository's signing key.
    :param key_file: where the key is kept on the host.
    :param override: our own drop-in of the unit.
    :param starts_at_install: installing starts the engine with its default configuration.
    """

    source: Literal["docker-ce", "vendor"]
    packages: Names
    fallback: Names
    engine: Names
    seccomp: Names
    removed: Names
    repository_url: str
    key_url: str
    key_fingerprint: str
    key_file: str
    unit: str
    override: str
    starts_at_install: bool
    plugin_folder: str
    compose: Compose


class Python(_Data):
    """One revision of Python: its command and its packages."""

    interpreter: str
    packages: Names


class Sysstat(_Data):
    """The statistics service; `switch_file` has an ENABLED line, "" without one (BASE-9)."""

    unit: str
    switch_file: str


class Logs(_Data):
    """System logs.

    :param owner: of the main log file, as which the daemon runs, and `group`; members of `reader_group` may read it, "" if only root.
    :param rotate_as: the `su` line that logrotate needs for it, "" if none.
    :param umask: what the daemon must have so that its files can be read by their group, "" where it has that already.
    :param apparmor: the site's part of the daemon's AppArmor profile, "" where there is no profile.
    """

    main: str
    auth: str
    owner: str
    group: str
    reader_group: str
    syslog_logrotate: str
    service_logrotate: str
    rotate_as: str
    rsyslog_folder: str
    umask: str
    apparmor: str


class Selinux(_Data):
    """SELinux: its configuration file, "" in the family that has AppArmor instead."""

    config: str


class Network(_Data):
    """What sets up interfaces, its packages where it may be missing, and the unit that waits for it, "" without one."""

    stack: Literal["NetworkManager", "network-scripts", "systemd-networkd", "ifupdown", "netplan"]
    packages: Names
    script_folder: str
    wait_online_unit: str


class Drbd(_Data):
    """Where DRBD 9 comes from (spec os-matrix.md 4).

    :param source: what `auto` means, out of `sources`.
    :param archive_url: hive-builder's archive of packages, {kernel} in it; `archive_url_old` that for kernels before 3.10.0-1127.
    :param tarball_url: the module's sources.
    :param setup: source -> shell lines before its packages, {major} in them; `packages` may have {kernel} in their names.
    """

    source: Literal["archive", "elrepo", "linbit", "dkms"]
    sources: tuple[Literal["archive", "elrepo", "linbit", "dkms"], ...]
    archive_url: str
    archive_url_old: str
    tarball_url: str
    setup: Mapping[str, Names]
    packages: Mapping[str, Names]


class ZabbixAgent(_Data):
    """The monitoring agent (spec setup-hosts.md 4.19).

    :param packages: of its makers' repository; `fallback` is what the distribution itself has, empty without any, and of which line.
    :param build: how the makers' packages are told from others of the same version line, as a pattern of the package's version.
    :param repository_url: for apt the URI, for dnf the baseurl.
    :param key_fingerprint: of the repository's signing key.
    :param key_file: where the key is kept on the host.
    :param dropin_folder: the makers' package's, like `log_folder`; `fallback_…` are those of the distribution's package.
    :param selinux_booleans: without which the probes cannot work; policies differ, so one that is not known is left out.
    """

    packages: Names
    fallback: Names
    fallback_line: str
    build: str
    repository_url: str
    key_url: str
    key_fingerprint: str
    key_file: str
    unit: str
    config: str
    dropin_folder: str
    fallback_dropin_folder: str
    log_folder: str
    fallback_log_folder: str
    home: str
    run_folder: str
    selinux_booleans: Names

    def repository_of(self, version: str, major: int) -> str:
        """Where the packages of a version line are, `7.0`."""
        return self.repository_url.format(version=version, major=major)

    def build_of(self, version: str) -> str:
        """The pattern of the versions of the makers' packages of a line."""
        return self.build.format(version=version)


class OsData(_Data):
    """One column of the table, for one distribution.

    :param manager: apt, dnf or yum.
    :param end_of_life: month since which nobody mends it, `2024-06`, "" while it is maintained.
    :param python: by hive_python_revision; `python_for` reads it.
    :param unattended: units that upgrade packages behind our back (BASE-16).
    :param reboot_probe: shell whose exit code is not 0 when the host wants to restart; may take seconds.
    """

    column: Column
    family: Literal["debian", "el"]
    manager: Literal["apt", "dnf", "yum"]
    end_of_life: str
    packages: Packages
    locale: Locale
    kernel: Kernel
    repositories: Repositories
    unattended: Names
    sshd: Sshd
    chrony: Chrony
    firewall: Firewall
    ca: TrustStore
    tls: Tls
    docker: Docker
    python: Mapping[str, Python]
    sysstat: Sysstat
    logs: Logs
    selinux: Selinux
    reboot_probe: str
    network: Network
    drbd: Drbd
    sysctl_file: str
    environment_file: str
    zabbix_agent: ZabbixAgent

    def python_for(self, revision: str) -> Python:
        """The Python of a `hive_python_revision`.

        :raises UsageError: there is none of that revision.
        """
        if revision not in self.python:
            raise UsageError(f"hive_python_revision {revision!r} is not known", nearest(revision, self.python))
        return self.python[revision]
